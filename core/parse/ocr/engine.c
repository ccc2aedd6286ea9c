/* SPDX-License-Identifier: Apache-2.0 */
/* Tesseract. Its models are loaded once, in the server (a tenth of a second, 20 MB a language); a
 * child finds them in its memory and opens nothing, but for the data that tells how a page is
 * turned, which few need.
 *
 * Of a picture without text Tesseract makes words all the same. It says how sure it is of each,
 * and what it is not sure of, or what has no letters, is left out: a word that is missed costs
 * less than a heap of noise that is found by every search. */
#include "core/parse/ocr/engine.h"

#include <ctype.h>
#include <errno.h>
#include <glob.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <leptonica/allheaders.h>
#include <tesseract/capi.h>

#include "core/auto.h"
#include "core/parse/limits.h"
#include "core/parse/ocr.h"

#define LANGUAGES_MAX  4 /* each one more costs time for every word */
#define CONFIDENCE_MIN 60.0F /* percent */
#define LETTERS_MIN    2 /* a line */

AUTO_DEFINE(TessDeleteText, char *);
AUTO_DEFINE(TessMonitorDelete, ETEXT_DESC *);
AUTO_DEFINE(TessResultIteratorDelete, TessResultIterator *);
AUTO_DEFINE(TessBaseAPIDelete, TessBaseAPI *);

static TessBaseAPI *api; /* NULL: there is no language */
static char folder[128]; /* of the languages' data; "": there is none */
static char complaint[256]; /* why there is no language */
static int slowest_ms; /* what the slowest image of this document took */

/* OpenMP would start threads, which a child may not, and reads its limit before main. */
void ocr_settle(char **argv)
{
	if (getenv("OMP_THREAD_LIMIT"))
		return;
	setenv("OMP_THREAD_LIMIT", "1", 1);
	execv("/proc/self/exe", argv);
}

static bool has_data(const char *path)
{
	char pattern[sizeof(folder) + 16];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/*.traineddata", path);
	if (glob(pattern, 0, NULL, &found))
		return false;
	globfree(&found);
	return true;
}

/* What the environment says counts below /usr/share, where only root writes: children may read all
 * of the folder. */
static void find_folder(void)
{
	const char *named = getenv("TESSDATA_PREFIX");
	const char *const folders[] = {named ? named : "", "/usr/share/tesseract-ocr/5/tessdata",
		"/usr/share/tesseract-ocr/4.00/tessdata", "/usr/share/tesseract/tessdata",
		"/usr/share/tessdata"};

	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		const char *path = folders[i];
		if (strncmp(path, "/usr/share/", 11) || strstr(path, "..") ||
			strlen(path) >= sizeof(folder) || !has_data(path))
			continue;
		snprintf(folder, sizeof(folder), "%s", path);
		return;
	}
}

/* A language, or what Tesseract keeps among them: "osd", "equ", the vertical ones. */
static bool is_language(const char *name, size_t len)
{
	return !(len == 3 && (!memcmp(name, "osd", 3) || !memcmp(name, "equ", 3))) &&
		!memmem(name, len, "_vert", 5);
}

static void add_language(char *list, size_t size, const char *name, size_t len)
{
	size_t at = strlen(list);

	if (at + len + 2 <= size)
		snprintf(list + at, size - at, "%s%.*s", at ? "+" : "", (int)len, name);
}

/* "eng+deu+fra": English first, then by name. */
static void list_languages(char *list, size_t size)
{
	char pattern[sizeof(folder) + 16];
	unsigned count = 0;
	glob_t found;

	list[0] = '\0';
	snprintf(pattern, sizeof(pattern), "%s/*.traineddata", folder);
	if (glob(pattern, 0, NULL, &found))
		return;
	for (int is_english = 1; is_english >= 0; is_english--) {
		for (size_t i = 0; i < found.gl_pathc && count < LANGUAGES_MAX; i++) {
			const char *name = found.gl_pathv[i] + strlen(folder) + 1;
			size_t len = strlen(name) - strlen(".traineddata");
			if (!is_language(name, len) ||
				(len == 3 && !memcmp(name, "eng", 3)) != is_english)
				continue;
			add_language(list, size, name, len);
			count++;
		}
	}
	globfree(&found);
}

static bool is_list(const char *languages)
{
	for (const char *p = languages; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("+_-", *p))
			return false;
	return strlen(languages) < 200;
}

int ocr_prepare(const char *languages, struct err *err)
{
	char list[256];

	find_folder();
	snprintf(list, sizeof(list), "%s", is_list(languages) ? languages : "");
	if (!strcmp(list, "auto"))
		list_languages(list, sizeof(list));
	if (!folder[0] || !list[0]) {
		snprintf(complaint, sizeof(complaint),
			"Tesseract has no language: install tesseract-ocr-eng");
		return 0;
	}
	api = TessBaseAPICreate();
	if (!api)
		return err_set(err, -ENOMEM, "memory is short");
	if (TessBaseAPIInit2(api, folder, list, OEM_LSTM_ONLY)) {
		snprintf(complaint, sizeof(complaint),
			"Tesseract has no data for %.100s: install tesseract-ocr-%.100s", list,
			list);
		TessBaseAPIDelete(TAKE_PTR(api));
	}
	return 0;
}

static bool has_osd(void)
{
	char path[sizeof(folder) + 32];

	snprintf(path, sizeof(path), "%s/osd.traineddata", folder);
	return access(path, R_OK) == 0;
}

void ocr_describe(char *has, char *lacks, size_t size)
{
	const char *list = api ? TessBaseAPIGetInitLanguagesAsString(api) : "";
	size_t len = 0;

	*has = '\0';
	for (; *list && len + 8 < size; list++)
		len += (size_t)snprintf(has + len, size - len, *list == '+' ? ", " : "%c", *list);
	if (api && has_osd())
		snprintf(has + len, size - len, ", osd");
	snprintf(lacks, size, "%s",
		!api		    ? complaint
			: has_osd() ? ""
				    : "pages that lie on their side are not turned: install "
				      "tesseract-ocr-osd");
}

const char *ocr_folder(void)
{
	return folder[0] ? folder : NULL;
}

void ocr_begin(uint32_t flags)
{
	(void)flags;
}

int ocr_state(const char *what, struct err *err)
{
	return api ? 0 : err_set(err, -ENODATA, "%s, and %s", what, complaint);
}

/* What one look at an image gave. */
struct reading {
	struct buf text;
	struct buf line,
		sure_line; /* the one that is open: all its words, and those that are sure */
	size_t letters, sure_letters; /* letters and digits of it */
	size_t signs; /* all else but spaces, of words that are sure */
	bool begins_paragraph;
	size_t words, sure; /* how many with letters, and how many were kept */
};

static void reading_init(struct reading *reading)
{
	*reading = (struct reading){0};
	buf_init(&reading->text, BUF_MAX_DEFAULT);
	buf_init(&reading->line, BUF_MAX_DEFAULT);
	buf_init(&reading->sure_line, BUF_MAX_DEFAULT);
}

static void reading_release(struct reading *reading)
{
	buf_release(&reading->text);
	buf_release(&reading->line);
	buf_release(&reading->sure_line);
}
#define AUTO_READING __attribute__((cleanup(reading_release)))

/* Bytes beyond ASCII are letters, whatever they are: one a character. */
static size_t count_letters(const char *word, size_t *signs)
{
	size_t letters = 0;

	for (const char *p = word; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (isalnum(c) || c >= 0xc0)
			letters++;
		else if (c < 0x80 && !isspace(c))
			++*signs;
	}
	return letters;
}

/* Among words that are sure, one that is not is more likely a word than noise. */
static void end_line(struct reading *reading)
{
	bool is_whole = reading->sure_letters * 10 >= reading->letters * 7;
	const struct buf *line = is_whole ? &reading->line : &reading->sure_line;

	if (reading->sure_letters >= LETTERS_MIN && reading->sure_letters >= reading->signs) {
		if (reading->text.len)
			buf_adds(&reading->text, reading->begins_paragraph ? "\n\n" : "\n");
		buf_add(&reading->text, line->data, line->len);
		reading->begins_paragraph = false;
	}
	buf_clear(&reading->line);
	buf_clear(&reading->sure_line);
	reading->letters = reading->sure_letters = reading->signs = 0;
}

static void add_word(struct buf *line, const char *word)
{
	if (line->len)
		buf_addc(line, ' ');
	buf_adds(line, word);
}

static void take_word(struct reading *reading, const TessResultIterator *at)
{
	AUTO(TessDeleteText) char *word = TessResultIteratorGetUTF8Text(at, RIL_WORD);
	size_t signs = 0, letters = word ? count_letters(word, &signs) : 0;
	bool is_sure = TessResultIteratorConfidence(at, RIL_WORD) >= CONFIDENCE_MIN;

	reading->words += letters > 0;
	reading->sure += letters > 0 && is_sure;
	if (!word)
		return;
	if (is_sure || letters)
		add_word(&reading->line, word);
	reading->letters += letters;
	if (!is_sure)
		return;
	add_word(&reading->sure_line, word);
	reading->sure_letters += letters;
	reading->signs += signs;
}

static void take_words(struct reading *reading)
{
	AUTO(TessResultIteratorDelete) TessResultIterator *at = TessBaseAPIGetIterator(api);
	const TessPageIterator *place = at ? TessResultIteratorGetPageIteratorConst(at) : NULL;

	if (!at)
		return;
	do {
		if (TessPageIteratorIsAtBeginningOf(place, RIL_TEXTLINE))
			end_line(reading);
		if (TessPageIteratorIsAtBeginningOf(place, RIL_PARA))
			reading->begins_paragraph = true;
		take_word(reading, at);
	} while (TessResultIteratorNext(at, RIL_WORD));
	end_line(reading);
}

bool engine_has_time(void)
{
	return limits_left_ms() > 2 * slowest_ms;
}

static int look(struct Pix *image, struct reading *reading)
{
	AUTO(TessMonitorDelete) ETEXT_DESC *monitor = TessMonitorCreate();
	int left_ms = limits_left_ms();

	if (!engine_has_time() || !monitor)
		return 0;
	TessMonitorSetDeadlineMSecs(monitor, left_ms);
	TessBaseAPISetPageSegMode(api, PSM_AUTO);
	TessBaseAPISetImage2(api, image);
	if (!TessBaseAPIRecognize(api, monitor))
		take_words(reading);
	TessBaseAPIClear(api);
	int taken_ms = left_ms - limits_left_ms();
	slowest_ms = taken_ms > slowest_ms ? taken_ms : slowest_ms;
	return reading->text.failed ? reading->text.failed : reading->line.failed;
}

/* Few words that are sure, among many that are not: no text, or one that lies on its side. */
static bool is_doubtful(const struct reading *reading)
{
	return reading->sure * 2 < reading->words || reading->sure < 2;
}

/* How many quarters of a circle, clockwise, set the image upright; 0: none, or nobody knows. */
static int quarters_to_turn(struct Pix *image)
{
	AUTO(TessBaseAPIDelete) TessBaseAPI *turn = TessBaseAPICreate();
	int degrees = 0;
	float sureness = 0, script_sureness;
	const char *script;

	if (!turn || TessBaseAPIInit3(turn, folder, "osd"))
		return 0;
	TessBaseAPISetPageSegMode(turn, PSM_OSD_ONLY);
	TessBaseAPISetImage2(turn, image);
	if (!TessBaseAPIDetectOrientationScript(
		    turn, &degrees, &sureness, &script, &script_sureness) ||
		sureness < 1)
		return 0;
	return (360 - degrees) / 90 % 4;
}

int engine_read(struct Pix *image, struct buf *text)
{
	AUTO_READING struct reading first, second;

	reading_init(&first);
	reading_init(&second);
	int rc = look(image, &first);
	const struct reading *best = &first;
	int quarters =
		!rc && is_doubtful(&first) && engine_has_time() ? quarters_to_turn(image) : 0;
	struct Pix *turned = quarters ? pixRotateOrth(image, quarters) : NULL;
	if (turned) {
		rc = look(turned, &second);
		best = second.sure > first.sure ? &second : &first;
		pixDestroy(&turned);
	}
	if (rc || (best->sure < 3 && best->sure * 2 < best->words))
		return rc;
	return buf_add(text, best->text.data, best->text.len);
}
