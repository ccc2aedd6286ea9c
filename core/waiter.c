/* SPDX-License-Identifier: Apache-2.0 */
#include "core/waiter.h"

#include <errno.h>
#include <stddef.h>

#include "core/clock.h"

void waiters_init(struct waiters *waiters)
{
	waiters->ring = (struct waiter){.next = &waiters->ring, .prev = &waiters->ring};
}

bool waiters_empty(const struct waiters *waiters)
{
	return waiters->ring.next == &waiters->ring;
}

static void finish(struct waiter *waiter, int rc)
{
	waiter_cancel(waiter);
	waiter->done(waiter, rc);
}

static void time_out(struct timer *timer)
{
	char *start = (char *)timer - offsetof(struct waiter, timer);
	finish((struct waiter *)(void *)start, -ETIMEDOUT);
}

void waiters_add(
	struct waiters *waiters, struct waiter *waiter, struct loop *loop, int64_t timeout_ns)
{
	struct waiter *last = waiters->ring.prev;

	waiter->prev = last;
	waiter->next = &waiters->ring;
	last->next = waiter;
	waiters->ring.prev = waiter;
	waiter->loop = loop;
	if (loop) {
		waiter->timer.fire = time_out;
		loop_timer(loop, &waiter->timer, clock_mono_ns() + timeout_ns);
	}
}

void waiter_cancel(struct waiter *waiter)
{
	if (!waiter->next)
		return;
	waiter->prev->next = waiter->next;
	waiter->next->prev = waiter->prev;
	waiter->next = waiter->prev = NULL;
	if (waiter->loop)
		loop_timer_cancel(waiter->loop, &waiter->timer);
	waiter->loop = NULL;
}

void waiters_wake(struct waiters *waiters, int rc)
{
	struct waiters now;

	waiters_init(&now);
	waiters_move(&now, waiters);
	while (!waiters_empty(&now))
		finish(now.ring.next, rc);
}

void waiters_move(struct waiters *to, struct waiters *from)
{
	if (waiters_empty(from))
		return;
	struct waiter *first = from->ring.next, *last = from->ring.prev;

	first->prev = to->ring.prev;
	to->ring.prev->next = first;
	last->next = &to->ring;
	to->ring.prev = last;
	waiters_init(from);
}
