/* SPDX-License-Identifier: Apache-2.0 */
/* Names that programs were seen to use for unfinished or private files, and names that only
 * look like them. */
#include "core/names.h"

#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "core/auto.h"

static void test_private_names(void **state)
{
	static const char *const names[] = {
		".report.pdf.Xa3k9Q", /* rsync */
		".~tmp~", ".rsync-partial", ".in.report.pdf", /* rsync, lftp */
		"report.pdf.part", "k3J9x.pdf.part", /* Firefox, KIO */
		"report.pdf.crdownload", "Unconfirmed 123456.crdownload",
		".org.chromium.Chromium.a1B2c3", /* Chromium */
		"report.pdf.aria2", "report.pdf.aria2__temp", /* aria2 */
		".goutputstream-A1B2C3", /* GLib */
		".report.txt.swp", ".report.txt.swx", ".report.txt.swpx", ".report.txt.swo", "4913",
		"5036", "5159", "report.txt~", /* vim */
		".#report.txt", "#report.txt#", /* Emacs */
		".~lock.report.odt#", "lu1234567abc.tmp", /* LibreOffice */
		"sedA1b2C3", "sed0k9xYz", /* sed -i */
		"XXa1B2c3", "report.txt.bak", /* perl -i */
		"tmpa1b2c3d4", "tmp_k3x9q1z", "tmpABCDEFGH", /* Python */
		".report.tmp", "report.tmp", ".tmpfile", "report.partial", "report.pdf.filepart",
		"report.pdf.download", "report.pdf.!ut", "report.pdf.opdownload",
		".pureftpd-upload.5f3a", ".in.report.pdf.", /* scripts, other clients */
		"notes.db-journal", "notes.db-wal", "notes.db-shm", /* SQLite */
		".nfs0000000000a1b2c3", ".fuse_hidden0000000100000002", ".Trash-1000", /* Unix */
		".DS_Store", "._report.pdf", ".AppleDouble", ".TemporaryItems", ".Spotlight-V100",
		".fseventsd", ".apdisk", "Icon\r", /* macOS */
		"Thumbs.db", "thumbs.db", "ehthumbs.db", "desktop.ini", "Desktop.ini",
		"~$report.docx", "~WRD0001.tmp", "report.pdf:Zone.Identifier", /* Windows */
		".git", "index.lock", "tmp_obj_a1b2c3", "tmp_pack_a1b2c3", /* git */
		"REPORT.PART", "report.TMP", /* case does not matter to who made them */
		"report.pdf.askfs-error.txt", /* ours */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!name_is_private(names[i]))
			fail_msg("\"%s\" would be ingested", names[i]);
}

static void test_names_of_documents(void **state)
{
	static const char *const names[] = {
		"report.pdf",
		"report",
		"part",
		"a.part.pdf",
		"partial",
		"tmp",
		"temporary.txt",
		"sed",
		"sedan.txt",
		"sediment",
		"sedate",
		"section",
		"XXL",
		"XXL-sizes",
		"tmpfiles",
		"template",
		"tmpwatch.txt",
		"downloads",
		"lock",
		"clock",
		"bak",
		"4912",
		"4914",
		"2024",
		"1984",
		"10000",
		"a~b",
		"#hashtag",
		"#",
		"issue#",
		"##",
		"-dash",
		"~user",
		"$money",
		"journal",
		"my-journal",
		"travel-journal",
		"the-wal",
		"x.y-z",
		"desktop.ini.txt",
		"Thumbs.db.md",
		"askfs-error.txt",
		"Icon",
		"icon.txt",
		"r\xc3\xa9sum\xc3\xa9.txt",
		"\xf0\x9f\x98\x80.txt",
		"\xff\xfe",
		"two\nlines.txt",
		" ",
		"a b.txt",
		"report.tmp.txt",
		"aria2",
		"aria2.txt",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (name_is_private(names[i]))
			fail_msg("\"%s\" would not be ingested", names[i]);
}

static void test_companions(void **state)
{
	char out[256];

	(void)state;
	assert_string_equal(name_companion("film.pdf", 0, out), "film.pdf.aria2");
	assert_null(name_companion("film.pdf", 1, out));
	assert_string_equal(name_companion("notes-journal", 1, out), "notes");
	assert_string_equal(name_companion("notes-wal", 1, out), "notes");
	assert_string_equal(name_companion("notes-shm", 1, out), "notes");
	assert_null(name_companion("notes-wal", 2, out));
	assert_null(name_companion("-wal", 1, out));
}

static void test_error_notes(void **state)
{
	char name[256], out[256];

	(void)state;
	name_error_note("report.pdf", out);
	assert_string_equal(out, "report.pdf.askfs-error.txt");
	assert_true(name_is_error_note(out));
	assert_false(name_is_error_note("report.pdf"));
	assert_false(name_is_error_note(".askfs-error.txt"));

	memset(name, 'x', 255);
	name[255] = '\0';
	name_error_note(name, out);
	assert_int_equal(strlen(out), 255);
	assert_true(name_is_error_note(out));
}

/* A name of two-byte characters is cut between two of them, wherever the limit falls. */
static void test_long_error_notes_are_whole_characters(void **state)
{
	char name[256], out[256];

	(void)state;
	for (int shift = 0; shift < 2; shift++) {
		size_t len = 0;
		if (shift)
			name[len++] = 'x';
		while (len + 2 <= 255) {
			name[len++] = '\xc3';
			name[len++] = '\xa9';
		}
		name[len] = '\0';
		name_error_note(name, out);
		size_t kept = strlen(out) - strlen(".askfs-error.txt");
		assert_true(kept > 230 && strlen(out) <= 255);
		assert_int_equal((unsigned char)out[kept - 1], 0xa9);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_private_names),
		cmocka_unit_test(test_names_of_documents),
		cmocka_unit_test(test_companions),
		cmocka_unit_test(test_error_notes),
		cmocka_unit_test(test_long_error_notes_are_whole_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
