/* SPDX-License-Identifier: Apache-2.0 */
#include "core/url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "core/auto.h"

/* What curl calls a CURLU is never defined: this is one. */
static CURLU *handle_of(const struct url *url)
{
	return (CURLU *)(void *)url;
}

static struct url *url_of(CURLU *handle)
{
	return (struct url *)(void *)handle;
}

static int code_of(CURLUcode code)
{
	return code == CURLUE_OK ? 0 : code == CURLUE_OUT_OF_MEMORY ? -ENOMEM : -EINVAL;
}

int url_follow(struct url *url, const char *text)
{
	int rc = code_of(curl_url_set(handle_of(url), CURLUPART_URL, text, 0));

	return rc ? rc : code_of(curl_url_set(handle_of(url), CURLUPART_FRAGMENT, NULL, 0));
}

int url_new(struct url **out, const char *text)
{
	struct url *url = url_of(curl_url());
	int rc = url ? url_follow(url, text) : -ENOMEM;

	if (rc)
		url_free(url);
	else
		*out = url;
	return rc;
}

struct url *url_copy(const struct url *url)
{
	return url_of(curl_url_dup(handle_of(url)));
}

void url_free(struct url *url)
{
	if (url)
		curl_url_cleanup(handle_of(url));
}

int url_set_path(struct url *url, const char *path)
{
	int rc = code_of(curl_url_set(handle_of(url), CURLUPART_PATH, path, 0));

	return rc ? rc : code_of(curl_url_set(handle_of(url), CURLUPART_QUERY, NULL, 0));
}

int url_add_query(struct url *url, const char *name, const char *value)
{
	AUTO_FREE char *pair = NULL;

	if (asprintf(&pair, "%s=%s", name, value) < 0) {
		pair = NULL;
		return -ENOMEM;
	}
	return code_of(curl_url_set(
		handle_of(url), CURLUPART_QUERY, pair, CURLU_APPENDQUERY | CURLU_URLENCODE));
}

char *url_part(const struct url *url, enum url_part part)
{
	static const CURLUPart parts[] = {
		[URL_WHOLE] = CURLUPART_URL,
		[URL_SCHEME] = CURLUPART_SCHEME,
		[URL_USER] = CURLUPART_USER,
		[URL_PASSWORD] = CURLUPART_PASSWORD,
		[URL_HOST] = CURLUPART_HOST,
		[URL_PORT] = CURLUPART_PORT,
		[URL_PATH] = CURLUPART_PATH,
		[URL_QUERY] = CURLUPART_QUERY,
	};
	char *text = NULL;

	if (curl_url_get(
		    handle_of(url), parts[part], &text, part == URL_PORT ? CURLU_DEFAULT_PORT : 0))
		return NULL;
	char *copy = strdup(text);
	curl_free(text);
	return copy;
}
