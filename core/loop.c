/* SPDX-License-Identifier: Apache-2.0 */
/* One epoll, an eventfd that workers ring, and a heap of timers that bounds the wait.
 *
 * A turn of the loop: wait; serve the descriptors that are ready; run what was posted; fire
 * what is due. Posted tasks are taken as a whole list, so a task that posts another one is
 * served in the next turn and can't starve the descriptors. */
#include "core/loop.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "core/clock.h"

#define EVENTS_A_TURN 32

struct loop {
	pthread_mutex_t lock;
	struct task *head, **tail; /* lock */
	bool is_rung; /* lock: the eventfd was written and not yet read */

	int epoll_fd, bell_fd;
	bool is_stopping; /* loop thread */
	pthread_t thread; /* who runs it; before loop_run: who made it */
	struct timer **heap; /* loop thread */
	uint32_t heap_count, heap_cap;

	/* What this turn's epoll_wait gave, so that unwatch can take an event back. */
	struct epoll_event events[EVENTS_A_TURN];
	int event_count;
};

int loop_new(struct loop **out)
{
	struct loop *loop = calloc(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	pthread_mutex_init(&loop->lock, NULL);
	loop->tail = &loop->head;
	loop->thread = pthread_self();
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->bell_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
	if (loop->epoll_fd < 0 || loop->bell_fd < 0 ||
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, loop->bell_fd, &event)) {
		int rc = -errno;
		loop_free(loop);
		return rc;
	}
	*out = loop;
	return 0;
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	if (loop->bell_fd >= 0)
		close(loop->bell_fd);
	pthread_mutex_destroy(&loop->lock);
	free(loop->heap);
	free(loop);
}

void loop_post(struct loop *loop, struct task *task)
{
	task->next = NULL;
	pthread_mutex_lock(&loop->lock);
	*loop->tail = task;
	loop->tail = &task->next;
	bool must_ring = !loop->is_rung;
	loop->is_rung = true;
	pthread_mutex_unlock(&loop->lock);

	uint64_t one = 1;
	if (must_ring && write(loop->bell_fd, &one, sizeof(one)) < 0)
		assert(errno == EAGAIN);
}

static void run_posted(struct loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	struct task *task = loop->head;
	loop->head = NULL;
	loop->tail = &loop->head;
	if (loop->is_rung) {
		uint64_t rings;
		if (read(loop->bell_fd, &rings, sizeof(rings)) < 0)
			assert(errno == EAGAIN);
		loop->is_rung = false;
	}
	pthread_mutex_unlock(&loop->lock);

	while (task) {
		struct task *next = task->next;
		task->run(task);
		task = next;
	}
}

/* The heap: the earliest timer first; each timer knows its slot, so that it can leave. */

static void heap_set(struct loop *loop, uint32_t slot, struct timer *timer)
{
	loop->heap[slot] = timer;
	timer->slot = slot + 1;
}

static void heap_up(struct loop *loop, uint32_t slot)
{
	struct timer *timer = loop->heap[slot];

	while (slot > 0 && loop->heap[(slot - 1) / 2]->at_ns > timer->at_ns) {
		heap_set(loop, slot, loop->heap[(slot - 1) / 2]);
		slot = (slot - 1) / 2;
	}
	heap_set(loop, slot, timer);
}

static void heap_down(struct loop *loop, uint32_t slot)
{
	struct timer *timer = loop->heap[slot];

	for (;;) {
		uint32_t child = 2 * slot + 1;
		if (child >= loop->heap_count)
			break;
		if (child + 1 < loop->heap_count &&
			loop->heap[child + 1]->at_ns < loop->heap[child]->at_ns)
			child++;
		if (loop->heap[child]->at_ns >= timer->at_ns)
			break;
		heap_set(loop, slot, loop->heap[child]);
		slot = child;
	}
	heap_set(loop, slot, timer);
}

void loop_timer_cancel(struct loop *loop, struct timer *timer)
{
	if (!timer->slot)
		return;
	uint32_t slot = timer->slot - 1;
	struct timer *last = loop->heap[--loop->heap_count];
	timer->slot = 0;
	if (last == timer)
		return;
	heap_set(loop, slot, last);
	heap_up(loop, slot);
	heap_down(loop, last->slot - 1);
}

void loop_timer(struct loop *loop, struct timer *timer, int64_t at_ns)
{
	loop_timer_cancel(loop, timer);
	if (loop->heap_count == loop->heap_cap) {
		uint32_t cap = loop->heap_cap ? 2 * loop->heap_cap : 64;
		struct timer **heap = realloc(loop->heap, cap * sizeof(struct timer *));
		if (!heap)
			abort(); /* a timer that is lost would leave a request unanswered */
		loop->heap = heap;
		loop->heap_cap = cap;
	}
	timer->at_ns = at_ns;
	heap_set(loop, loop->heap_count++, timer);
	heap_up(loop, loop->heap_count - 1);
}

void loop_timers_clear(struct loop *loop)
{
	while (loop->heap_count)
		loop_timer_cancel(loop, loop->heap[0]);
}

/* Milliseconds until the next timer, rounded up; -1: none. */
static int wait_ms(const struct loop *loop)
{
	if (loop->heap_count == 0)
		return -1;
	int64_t left = loop->heap[0]->at_ns - clock_mono_ns();
	if (left <= 0)
		return 0;
	left = (left + NS_PER_MS - 1) / NS_PER_MS;
	return left > 3600000 ? 3600000 : (int)left;
}

static void fire_due(struct loop *loop)
{
	int64_t now = clock_mono_ns();

	while (loop->heap_count && loop->heap[0]->at_ns <= now) {
		struct timer *timer = loop->heap[0];
		loop_timer_cancel(loop, timer);
		timer->fire(timer);
	}
}

int loop_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) ? -errno : 0;
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	for (int i = 0; i < loop->event_count; i++)
		if (loop->events[i].data.ptr == watch)
			loop->events[i].data.ptr = NULL;
}

static void turn(struct loop *loop, int timeout_ms)
{
	loop->event_count = epoll_wait(loop->epoll_fd, loop->events, EVENTS_A_TURN, timeout_ms);
	for (int i = 0; i < loop->event_count; i++) {
		struct watch *watch = loop->events[i].data.ptr;
		if (watch)
			watch->ready(watch, loop->events[i].events);
	}
	loop->event_count = 0;
	run_posted(loop);
	fire_due(loop);
}

void loop_run(struct loop *loop)
{
	loop->thread = pthread_self();
	while (!loop->is_stopping)
		turn(loop, wait_ms(loop));
}

void loop_stop(struct loop *loop)
{
	loop->is_stopping = true;
}

void loop_drain(struct loop *loop)
{
	turn(loop, 0);
}

bool loop_is_mine(const struct loop *loop)
{
	return pthread_equal(loop->thread, pthread_self());
}
