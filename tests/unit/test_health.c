/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "core/health.h"

static void a_failure_lasts_until_the_next_success(void **state)
{
	struct err err = ERR_NONE;

	(void)state;
	assert_false(health_get(HEALTH_BLOBS).is_failing);
	err_set(&err, 0, "blobs: no space left on the device");
	assert_int_equal(health_note(HEALTH_BLOBS, -ENOSPC, &err), -ENOSPC);
	struct health first = health_get(HEALTH_BLOBS);
	assert_true(first.is_failing);
	assert_true(first.since_ns > 0);
	assert_string_equal(first.err.text, "blobs: no space left on the device");
	assert_false(health_get(HEALTH_CATALOG).is_failing);

	health_note(HEALTH_BLOBS, -EIO, NULL);
	assert_int_equal(health_get(HEALTH_BLOBS).since_ns, first.since_ns);
	assert_string_equal(health_get(HEALTH_BLOBS).err.text, "Input/output error");

	assert_int_equal(health_note(HEALTH_BLOBS, 7, NULL), 7);
	assert_false(health_get(HEALTH_BLOBS).is_failing);
	assert_string_equal(health_get(HEALTH_BLOBS).err.text, "");
}

/* Neither breaks a part nor mends it. */
static void an_answer_that_is_no_fault_changes_nothing(void **state)
{
	static const int answers[] = {-ENOENT, -EINVAL, -ECANCELED, -EEXIST, -EBADMSG};

	(void)state;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		health_note(HEALTH_VECTORS, answers[i], NULL);
		assert_false(health_get(HEALTH_VECTORS).is_failing);
	}
	health_note(HEALTH_VECTORS, -EIO, NULL);
	health_note(HEALTH_VECTORS, -ENOENT, NULL);
	assert_true(health_get(HEALTH_VECTORS).is_failing);
	health_note(HEALTH_VECTORS, 0, NULL);
	assert_false(health_get(HEALTH_VECTORS).is_failing);
}

static void each_part_has_a_name(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HEALTH_COUNT; i++)
		assert_non_null(health_name(i));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_lasts_until_the_next_success),
		cmocka_unit_test(an_answer_that_is_no_fault_changes_nothing),
		cmocka_unit_test(each_part_has_a_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
