/* SPDX-License-Identifier: Apache-2.0 */
/* Whoever waits for something, as a small struct in a list. Loop thread only. */
#ifndef ASKFS_CORE_WAITER_H
#define ASKFS_CORE_WAITER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/loop.h"

/* Embedded in the request that waits. Zero-initialise it and set @done, which is called once
 * with 0 or -errno, off the list; it may free the waiter. */
struct waiter {
	struct waiter *next, *prev; /* NULL: waits for nothing */
	struct loop *loop; /* whose timer is armed; NULL: none */
	struct timer timer;
	void (*done)(struct waiter *waiter, int rc);
};

/* Embedded in what is waited for. A ring through a sentinel, so that any waiter can leave
 * without knowing its list. */
struct waiters {
	struct waiter ring;
};

void waiters_init(struct waiters *waiters);
bool waiters_empty(const struct waiters *waiters);

/* Queue @waiter. With @loop it is woken with -ETIMEDOUT after @timeout_ns. */
void waiters_add(
	struct waiters *waiters, struct waiter *waiter, struct loop *loop, int64_t timeout_ns);

/* Leave the list; done is not called. Harmless when it waits for nothing. */
void waiter_cancel(struct waiter *waiter);

/* Wake all that wait now. Those that are added by a done() stay. */
void waiters_wake(struct waiters *waiters, int rc);

/* Append all of @from to @to; their timeouts go on. */
void waiters_move(struct waiters *to, struct waiters *from);

#endif
