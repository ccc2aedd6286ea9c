/* SPDX-License-Identifier: Apache-2.0 */
#include "core/buf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/auto.h"

static int fail(struct buf *buf, int code)
{
	if (!buf->failed)
		buf->failed = code;
	return code;
}

/* Make room for @more bytes and the NUL. */
static int reserve(struct buf *buf, size_t more)
{
	if (buf->failed)
		return buf->failed;
	if (more > buf->max || buf->len > buf->max - more)
		return fail(buf, -EFBIG);

	size_t need = buf->len + more + 1;
	if (need <= buf->cap)
		return 0;
	size_t cap = buf->cap ? buf->cap : 64;
	while (cap < need)
		cap += cap / 2;
	char *data = realloc(buf->data, cap);
	if (!data)
		return fail(buf, -ENOMEM);
	buf->data = data;
	buf->cap = cap;
	return 0;
}

void buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){.max = max};
}

void buf_release(struct buf *buf)
{
	if (!buf)
		return;
	free(buf->data);
	buf_init(buf, buf->max);
}

int buf_add(struct buf *buf, const void *data, size_t len)
{
	int rc = reserve(buf, len);
	if (rc)
		return rc;
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
	return 0;
}

int buf_adds(struct buf *buf, const char *string)
{
	return buf_add(buf, string, strlen(string));
}

int buf_addc(struct buf *buf, char c)
{
	return buf_add(buf, &c, 1);
}

int buf_add_file(struct buf *buf, const char *path)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	char block[65536];
	ssize_t count;
	int rc = 0;

	if (fd < 0)
		return -errno;
	while (!rc && (count = read(fd, block, sizeof(block))) != 0)
		rc = count < 0 ? -errno : buf_add(buf, block, (size_t)count);
	return rc;
}

int buf_addf(struct buf *buf, const char *format, ...)
{
	va_list args, again;

	va_start(args, format);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	int rc = len < 0 ? fail(buf, -EINVAL) : reserve(buf, (size_t)len);
	if (!rc) {
		vsnprintf(buf->data + buf->len, (size_t)len + 1, format, again);
		buf->len += (size_t)len;
	}
	va_end(again);
	return rc;
}

void buf_clear(struct buf *buf)
{
	buf->len = 0;
	buf->failed = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

char *buf_take(struct buf *buf, size_t *len)
{
	if (!buf->data && reserve(buf, 0) == 0)
		buf->data[0] = '\0';
	char *data = buf->data;
	if (len)
		*len = buf->len;
	buf->data = NULL;
	buf_release(buf);
	return data;
}
