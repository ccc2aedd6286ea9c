/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses of the web, taken apart and put together.
 *
 * Source: RFC 3986, as curl reads it: the host that is seen here is the one that will be asked. */
#ifndef ASKFS_CORE_URL_H
#define ASKFS_CORE_URL_H

struct url;

/* One thread at a time. 0, -EINVAL (it is none) or -ENOMEM; a fragment is left out. */
int url_new(struct url **out, const char *text);
struct url *url_copy(const struct url *url); /* NULL: no memory */
void url_free(struct url *url);

/* What @text, absolute or not, leads to from here. 0 or -EINVAL. */
int url_follow(struct url *url, const char *text);

/* Another path, and no query. 0 or -ENOMEM. */
int url_set_path(struct url *url, const char *path);

/* Append "name=value" to the query, encoded. 0 or -ENOMEM. */
int url_add_query(struct url *url, const char *name, const char *value);

enum url_part {
	URL_WHOLE,
	URL_SCHEME,
	URL_USER,
	URL_PASSWORD,
	URL_HOST,
	URL_PORT,
	URL_PATH,
	URL_QUERY,
};

/* A part, for the caller to free; the port is the scheme's where none is written. NULL: it has
 * none, or no memory. */
char *url_part(const struct url *url, enum url_part part);

#endif
