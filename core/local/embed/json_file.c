/* SPDX-License-Identifier: Apache-2.0 */
#include "core/local/embed/json_file.h"

#include <errno.h>
#include <string.h>

#include "core/auto.h"

/* A tokeniser of 250,000 pieces takes 17 MB. */
#define FILE_MAX ((size_t)256 << 20)

int file_read(const char *folder, const char *name, struct buf *out, struct err *err)
{
	AUTO_FREE char *path = NULL;

	buf_init(out, FILE_MAX);
	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	int rc = buf_add_file(out, path);
	if (rc)
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	return out->data ? 0 : err_set(err, -EBADMSG, "%s: it is empty", path);
}

int json_file_read(const char *folder, const char *name, cJSON **out, struct err *err)
{
	AUTO_BUF struct buf text;
	int rc = file_read(folder, name, &text, err);

	if (rc)
		return rc;
	*out = cJSON_ParseWithLength(text.data, text.len);
	if (cJSON_IsObject(*out))
		return 0;
	cJSON_Delete(*out);
	*out = NULL;
	return err_set(err, -EBADMSG, "%s/%s: it is no JSON object, or cut", folder, name);
}
