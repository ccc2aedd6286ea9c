/* SPDX-License-Identifier: Apache-2.0 */
/* The loop thread: epoll over descriptors, timers, and jobs that come back from workers. */
#ifndef ASKFS_CORE_LOOP_H
#define ASKFS_CORE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct loop;

/* Something to run on the loop thread, embedded in whatever it is about. */
struct task {
	struct task *next; /* loop->lock */
	void (*run)(struct task *task);
};

/* A moment to wake up at, embedded likewise. Zero-initialise it. */
struct timer {
	int64_t at_ns; /* CLOCK_MONOTONIC; loop thread */
	uint32_t slot; /* place in the heap + 1, 0: not armed; loop thread */
	void (*fire)(struct timer *timer);
};

/* A descriptor to watch, embedded likewise. */
struct watch {
	int fd;
	void (*ready)(struct watch *watch, uint32_t events);
};

/* 0 or -errno. */
int loop_new(struct loop **out);
void loop_free(struct loop *loop);

/* Run @task on the loop thread, soon, in the order of posting. Any thread. Never fails. */
void loop_post(struct loop *loop, struct task *task);

/* Loop thread only, all of them. Arming an armed timer moves it. */
void loop_timer(struct loop *loop, struct timer *timer, int64_t at_ns);
void loop_timer_cancel(struct loop *loop, struct timer *timer);
/* Disarm all: nothing begins by itself any more; for shutdown. */
void loop_timers_clear(struct loop *loop);
int loop_watch(struct loop *loop, struct watch *watch, uint32_t events);
void loop_unwatch(struct loop *loop, struct watch *watch);

/* Serve until loop_stop. The calling thread becomes the loop thread. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Run what is posted and due now, without waiting: for tests and for shutdown. */
void loop_drain(struct loop *loop);

/* True on the loop thread; for assertions. */
bool loop_is_mine(const struct loop *loop);

#endif
