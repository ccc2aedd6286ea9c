/* SPDX-License-Identifier: Apache-2.0 */
/* One failure, in words for a person. The errno travels as the return value. */
#ifndef ASKFS_CORE_ERR_H
#define ASKFS_CORE_ERR_H

/* A sentence about what failed and what to do; empty while nothing has failed. Plain
 * data: copy it, put it on the stack, never free it. One thread at a time. */
struct err {
	char text[512];
};

#define ERR_NONE          \
	{                 \
		{         \
			0 \
		}         \
	}

/* Set the sentence and return @code (a negative errno), so that a caller can write
 * `return err_set(err, -EACCES, "bedrock %s: %s", model, message)`. A NULL @err is
 * allowed and only the code is kept. A text too long for it is cut at a UTF-8 boundary. */
int err_set(struct err *err, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Put "@prefix: " before the sentence that is there already, and return @code. */
int err_prefix(struct err *err, int code, const char *prefix);

#endif
