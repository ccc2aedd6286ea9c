/* SPDX-License-Identifier: Apache-2.0 */
#include "core/loop.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/clock.h"

static struct loop *loop;

static int make_loop(void **state)
{
	(void)state;
	return loop_new(&loop);
}

static int free_loop(void **state)
{
	(void)state;
	loop_free(loop);
	return 0;
}

/* What ran, in order. */
static int order[8192];
static size_t ran;

struct numbered {
	struct task task;
	int number;
};

static void run_numbered(struct task *task)
{
	assert_true(loop_is_mine(loop));
	order[ran++] = ((struct numbered *)task)->number;
}

static void test_tasks_run_in_order(void **state)
{
	struct numbered tasks[100];

	(void)state;
	ran = 0;
	for (int i = 0; i < 100; i++) {
		tasks[i] = (struct numbered){.task.run = run_numbered, .number = i};
		loop_post(loop, &tasks[i].task);
	}
	loop_drain(loop);
	assert_int_equal(ran, 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(order[i], i);
}

/* Posted by four threads while the loop runs; each thread's own stay in order. */

enum { THREADS = 4, EACH = 2000 };
static struct numbered posted[THREADS][EACH];

static void *post_all(void *context)
{
	struct numbered *mine = context;

	for (int i = 0; i < EACH; i++)
		loop_post(loop, &mine[i].task);
	return NULL;
}

static void run_and_stop(struct task *task)
{
	run_numbered(task);
	if (ran == (size_t)THREADS * EACH)
		loop_stop(loop);
}

static void test_posts_of_many_threads(void **state)
{
	pthread_t threads[THREADS];
	int next[THREADS] = {0};

	(void)state;
	ran = 0;
	for (int t = 0; t < THREADS; t++) {
		for (int i = 0; i < EACH; i++)
			posted[t][i] =
				(struct numbered){.task.run = run_and_stop, .number = t * EACH + i};
		assert_int_equal(pthread_create(&threads[t], NULL, post_all, posted[t]), 0);
	}
	loop_run(loop);
	for (int t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	assert_int_equal(ran, THREADS * EACH);
	for (size_t i = 0; i < ran; i++) {
		int t = order[i] / EACH;
		assert_int_equal(order[i] % EACH, next[t]++);
	}
}

/* Timers. */

struct alarm {
	struct timer timer;
	int fired;
	int64_t at_ns; /* that it was armed with */
};
static int64_t last_ns;

static void ring(struct timer *timer)
{
	struct alarm *alarm = (struct alarm *)timer;

	assert_true(clock_mono_ns() >= alarm->at_ns);
	assert_true(alarm->at_ns >= last_ns);
	assert_int_equal(timer->slot, 0);
	last_ns = alarm->at_ns;
	alarm->fired++;
}

static void test_timers_fire_in_order_and_not_early(void **state)
{
	enum { COUNT = 200 };
	static struct alarm alarms[COUNT];
	int64_t now = clock_mono_ns();

	(void)state;
	last_ns = 0;
	srandom(1);
	for (int i = 0; i < COUNT; i++) {
		alarms[i].timer.fire = ring;
		loop_timer(loop, &alarms[i].timer, now + 1);
		alarms[i].at_ns = now + (random() % 20) * NS_PER_MS;
		loop_timer(loop, &alarms[i].timer, alarms[i].at_ns); /* it moves */
		if (i % 5 == 0)
			loop_timer_cancel(loop, &alarms[i].timer);
	}
	while (clock_mono_ns() < now + 25 * NS_PER_MS)
		loop_drain(loop);
	for (int i = 0; i < COUNT; i++)
		assert_int_equal(alarms[i].fired, i % 5 ? 1 : 0);
}

static void stop(struct timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void test_a_timer_wakes_the_loop(void **state)
{
	struct timer timer = {.fire = stop};
	int64_t begin_ns = clock_mono_ns();

	(void)state;
	loop_timer(loop, &timer, begin_ns + 10 * NS_PER_MS);
	loop_run(loop);
	int64_t took_ns = clock_mono_ns() - begin_ns;
	assert_true(took_ns >= 10 * NS_PER_MS && took_ns < 5 * NS_PER_SEC);
}

static void test_cleared_timers_do_not_fire(void **state)
{
	struct alarm a = {.timer.fire = ring}, b = {.timer.fire = ring};

	(void)state;
	loop_timer(loop, &a.timer, 1);
	loop_timer(loop, &b.timer, 2);
	loop_timers_clear(loop);
	loop_drain(loop);
	assert_int_equal(a.fired + b.fired, 0);
	assert_int_equal(a.timer.slot, 0);
}

/* Descriptors. */

struct reader {
	struct watch watch; /* first */
	struct reader *other;
	int calls;
};

static void ready(struct watch *watch, uint32_t events)
{
	struct reader *reader = (struct reader *)watch;
	char byte;

	assert_true(events & EPOLLIN);
	assert_int_equal(read(watch->fd, &byte, 1), 1);
	reader->calls++;
	if (reader->other)
		loop_unwatch(loop, &reader->other->watch);
}

static void test_a_descriptor_is_served_until_it_is_unwatched(void **state)
{
	int fds[2];
	struct reader reader = {.watch.ready = ready};

	(void)state;
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	reader.watch.fd = fds[0];
	assert_int_equal(loop_watch(loop, &reader.watch, EPOLLIN), 0);
	loop_drain(loop);
	assert_int_equal(reader.calls, 0);
	assert_int_equal(write(fds[1], "ab", 2), 2);
	loop_drain(loop);
	loop_drain(loop);
	assert_int_equal(reader.calls, 2);
	loop_unwatch(loop, &reader.watch);
	assert_int_equal(write(fds[1], "c", 1), 1);
	loop_drain(loop);
	assert_int_equal(reader.calls, 2);
	close(fds[0]);
	close(fds[1]);
}

/* Both are ready in one turn, and the first to be served takes the other one out. */
static void test_unwatching_takes_an_event_back(void **state)
{
	int one[2], two[2];
	struct reader a = {.watch.ready = ready}, b = {.watch.ready = ready};

	(void)state;
	assert_int_equal(pipe2(one, O_CLOEXEC), 0);
	assert_int_equal(pipe2(two, O_CLOEXEC), 0);
	a.watch.fd = one[0];
	b.watch.fd = two[0];
	a.other = &b;
	b.other = &a;
	assert_int_equal(loop_watch(loop, &a.watch, EPOLLIN), 0);
	assert_int_equal(loop_watch(loop, &b.watch, EPOLLIN), 0);
	assert_int_equal(write(one[1], "x", 1) + write(two[1], "x", 1), 2);
	loop_drain(loop);
	assert_int_equal(a.calls + b.calls, 1);
	loop_unwatch(loop, a.calls ? &a.watch : &b.watch);
	for (int i = 0; i < 2; i++) {
		close(one[i]);
		close(two[i]);
	}
}

int main(void)
{
#define WITH_LOOP(test) cmocka_unit_test_setup_teardown(test, make_loop, free_loop)
	const struct CMUnitTest tests[] = {
		WITH_LOOP(test_tasks_run_in_order),
		WITH_LOOP(test_posts_of_many_threads),
		WITH_LOOP(test_timers_fire_in_order_and_not_early),
		WITH_LOOP(test_a_timer_wakes_the_loop),
		WITH_LOOP(test_cleared_timers_do_not_fire),
		WITH_LOOP(test_a_descriptor_is_served_until_it_is_unwatched),
		WITH_LOOP(test_unwatching_takes_an_event_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
