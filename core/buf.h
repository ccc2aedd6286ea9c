/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that grow, up to a ceiling that is fixed at birth. */
#ifndef ASKFS_CORE_BUF_H
#define ASKFS_CORE_BUF_H

#include <stdbool.h>
#include <stddef.h>

/* Embedded by value. @data is always NUL-terminated behind @len once something was added,
 * NULL before. After the first failure @failed holds its -errno and later additions are
 * refused with it, so that a run of additions may be checked once, at its end. */
struct buf {
	char *data;
	size_t len;
	size_t cap; /* allocated, the NUL included */
	size_t max; /* ceiling of len */
	int failed;
};

/* For locals whose content is ours and small: a ceiling of 64 MiB. */
#define BUF_MAX_DEFAULT ((size_t)64 << 20)

void buf_init(struct buf *buf, size_t max);
void buf_release(struct buf *buf);

/* Append. 0, -EFBIG beyond the ceiling, -ENOMEM; on failure the content stays as it was. */
int buf_add(struct buf *buf, const void *data, size_t len);
int buf_adds(struct buf *buf, const char *string);
int buf_addc(struct buf *buf, char c);
int buf_addf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append a whole file. 0, -EFBIG beyond the ceiling, -ENOMEM, or why it can't be read; what was
 * read until then stays. Blocks. */
int buf_add_file(struct buf *buf, const char *path);

/* Forget the content and any failure, keep the memory. */
void buf_clear(struct buf *buf);

/* Hand the content over (the caller frees it); the buf is empty again. Never NULL but when
 * memory is short: an empty buf gives "". @len may be NULL. */
char *buf_take(struct buf *buf, size_t *len);

static inline void auto_buf(struct buf *buf)
{
	buf_release(buf);
}
#define AUTO_BUF __attribute__((cleanup(auto_buf)))

#endif
