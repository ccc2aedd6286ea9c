/* SPDX-License-Identifier: Apache-2.0 */
#include "core/local/embed/json_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"

/* A tokeniser of 250,000 pieces takes 17 MB. */
#define FILE_MAX ((size_t)256 << 20)

int file_read(const char *folder, const char *name, struct buf *out, struct err *err)
{
	AUTO_FREE char *path = NULL;
	char block[65536];
	ssize_t count;

	buf_init(out, FILE_MAX);
	if (asprintf(&path, "%s/%s", folder, name) < 0) {
		path = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	while ((count = read(fd, block, sizeof(block))) > 0)
		if (buf_add(out, block, (size_t)count))
			return err_set(err, out->failed, "%s: %s", path, strerror(-out->failed));
	if (count < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
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
