/* SPDX-License-Identifier: Apache-2.0 */
/* Locals that are released when their scope ends (__attribute__((cleanup))). */
#ifndef ASKFS_CORE_AUTO_H
#define ASKFS_CORE_AUTO_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Declare a release function for a pointer type: AUTO_DEFINE(buf_free, struct buf *)
 * makes AUTO(buf_free) usable on a local `struct buf *x`. */
#define AUTO_DEFINE(function, type)                    \
	static inline void auto_##function(type *slot) \
	{                                              \
		function(*slot);                       \
	}                                              \
	struct auto_##function##_semicolon

#define AUTO(function) __attribute__((cleanup(auto_##function)))

static inline void auto_free(void *slot)
{
	free(*(void **)slot);
}

static inline void auto_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void auto_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* The three that every file needs. */
#define AUTO_FREE   __attribute__((cleanup(auto_free)))
#define AUTO_CLOSE  __attribute__((cleanup(auto_close)))
#define AUTO_FCLOSE __attribute__((cleanup(auto_fclose)))

/* Hand the value of a local over to somebody else, and leave NULL (or -1) behind. */
#define TAKE_PTR(local)                         \
	__extension__({                         \
		__typeof__(local) t_ = (local); \
		(local) = NULL;                 \
		t_;                             \
	})
#define TAKE_FD(local)            \
	__extension__({           \
		int t_ = (local); \
		(local) = -1;     \
		t_;               \
	})

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
