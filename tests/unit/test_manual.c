/* SPDX-License-Identifier: Apache-2.0 */
/* man/askfs.conf.5 repeats the table of settings: each is described there, in its section and
 * in the order of the table, with what it accepts, its default, its option and its variable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/config_table.h"

#define MANUAL "man/askfs.conf.5"

static char *read_manual(void)
{
	AUTO_BUF struct buf text;
	AUTO_FCLOSE FILE *file = fopen(MANUAL, "re");
	char piece[4096];
	size_t len;

	buf_init(&text, BUF_MAX_DEFAULT);
	if (!file)
		fail_msg("%s is not there: run this from the top of the tree", MANUAL);
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(&text, piece, len);
	assert_int_equal(text.failed, 0);
	return buf_take(&text, NULL);
}

/* The lines that end the item of @setting. */
static void render_item(const struct setting *setting, struct buf *out)
{
	buf_adds(out, ".Pp\nAccepted: ");
	value_expected(&setting->rule, out);
	buf_adds(out, ".\n");
	if (setting->standard[0])
		buf_addf(out, "Default:\n.Cm %s .\n", setting->standard);
	else
		buf_adds(out, "Default: empty.\n");
	if (setting->option)
		buf_addf(out, "Option:\n.Fl o Cm %s .\n", setting->option);
	if (setting->variable)
		buf_addf(out, "Variable:\n.Ev %s .\n", setting->variable);
	assert_int_equal(out->failed, 0);
}

/* Find @wanted from @at on, within the present section; returns what follows it. */
static const char *expect(const char *at, const char *wanted, const char *what)
{
	const char *found = strstr(at, wanted);
	const char *next_section = strstr(at, "\n.S");

	if (!found || (next_section && found > next_section + 1))
		fail_msg("%s: %s: expected here:\n%s", MANUAL, what, wanted);
	return found + strlen(wanted);
}

static void the_manual_has_each_setting(void **state)
{
	AUTO_FREE char *manual = read_manual();
	const char *at = manual, *section = "";

	(void)state;
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		const struct setting *setting = &config_settings[i];
		char line[128];

		if (setting->section && strcmp(setting->section, section)) {
			section = setting->section;
			snprintf(line, sizeof(line), "\n.Ss \\&[%s]\n", section);
			at = strstr(at, line);
			if (!at)
				fail_msg("%s has no section [%s]", MANUAL, section);
			at += strlen(line) - 1;
		}
		if (!setting->section)
			continue;
		snprintf(line, sizeof(line), "\n.It Ic %s\n", setting->key);
		at = expect(at, line, setting->key);
		AUTO_BUF struct buf item;
		buf_init(&item, BUF_MAX_DEFAULT);
		render_item(setting, &item);
		at = expect(at, item.data, setting->key) - 1;
	}
}

/* Nothing is described that is not there. */
static void the_manual_has_nothing_else(void **state)
{
	AUTO_FREE char *manual = read_manual();
	size_t items = 0, settings = 0;

	(void)state;
	for (const char *at = manual; (at = strstr(at, "\n.It Ic ")); at++)
		items++;
	for (size_t i = 0; i < CONFIG_SETTINGS; i++)
		settings += config_settings[i].section != NULL;
	assert_int_equal(items, settings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_manual_has_each_setting),
		cmocka_unit_test(the_manual_has_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
