/* SPDX-License-Identifier: Apache-2.0 */
/* PDF, by poppler-glib: the text page by page, in reading order, a form feed between pages; to each
 * page its comments and filled forms; what is attached as members. A page that is an image
 * is read by Tesseract, where that is (core/parse/ocr.h).
 *
 * Poppler opens files while it reads: CMaps of poppler-data for Chinese, Japanese and Korean
 * fonts that are not embedded. When it can't, it says so on its log and goes on with no text
 * at all; so its log is listened to, and a document that missed a file has failed. */
#include "core/parse/readers/pdf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/parse/meta.h"
#include "core/parse/ocr.h"
#include "core/parse/reader.h"

/* Text that is held back until it is known whether a page has to be read from its pixels: then the
 * document begins anew, in another program, and nothing of it may have been written. */
#define HELD_MAX   ((size_t)16 << 20)
#define PAGE_MAX   ((size_t)64 << 20) /* of text */
#define MAPPED_MAX ((uint64_t)64 << 20)

/* A page with fewer letters than that, under an image that covers most of it, is a scan with a
 * stamp on it. */
#define STAMP_LETTERS 40

static char missing[256]; /* poppler's complaint about a file it needed; one document a process */

static void listen(const gchar *domain, GLogLevelFlags level, const gchar *message, gpointer data)
{
	(void)domain, (void)level, (void)data;
	if (missing[0] || !message)
		return;
	if (strstr(message, "Missing language pack") || strstr(message, "CMap file for") ||
		strstr(message, "Couldn't open cidToUnicode") ||
		strstr(message, "Couldn't find unicodeMap"))
		snprintf(missing, sizeof(missing), "%s", message);
}

/* The smallest document with text: opening it makes poppler look through poppler-data once,
 * for all children. It is never closed, for poppler would forget everything with its last
 * document. */
static const char warm_up[] =
	"%PDF-1.4\n"
	"1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
	"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
	"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R"
	"/Resources<</Font<</F<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
	"4 0 obj<</Length 28>>stream\nBT /F 9 Tf 9 9 Td (a) Tj ET\n\nendstream endobj\n"
	"trailer<</Root 1 0 R>>\n";

/* A title, a comment or a form's value is UTF-16 as a rule, which glibc converts by modules of
 * its own that a child can't load: they stay loaded as long as they are open. */
static GIConv utf16[2];

void pdf_prepare(void)
{
	utf16[0] = g_iconv_open("UTF-8", "UTF-16BE");
	utf16[1] = g_iconv_open("UTF-8", "UTF-16LE");
	g_log_set_default_handler(listen, NULL);
	g_autoptr(GBytes) bytes = g_bytes_new_static(warm_up, sizeof(warm_up) - 1);
	PopplerDocument *document = poppler_document_new_from_bytes(bytes, NULL, NULL);
	if (!document)
		return;
	g_autoptr(PopplerPage) page = poppler_document_get_page(document, 0);
	if (page)
		g_free(poppler_page_get_text(page));
}

static int open_failed(const GError *error, struct err *err)
{
	if (error && g_error_matches(error, POPPLER_ERROR, POPPLER_ERROR_ENCRYPTED))
		return err_set(err, -EKEYREJECTED,
			"the PDF is encrypted: save it without a password and drop it again");
	return err_set(err, -EBADMSG, "the PDF is broken: %s",
		error ? error->message : "it cannot be opened");
}

static void add_string(struct meta *meta, const char *name, gchar *value)
{
	meta_add(meta, name, value);
	g_free(value);
}

static void add_time(struct meta *meta, const char *name, GDateTime *time)
{
	if (!time)
		return;
	add_string(meta, name, g_date_time_format_iso8601(time));
	g_date_time_unref(time);
}

static void add_metadata(PopplerDocument *document, struct out *out)
{
	g_autofree gchar *title = poppler_document_get_title(document);
	AUTO_META struct meta meta;

	meta_init(&meta);
	if (title)
		out_field(out, FIELD_TITLE, title, strlen(title));
	add_string(&meta, "author", poppler_document_get_author(document));
	add_string(&meta, "subject", poppler_document_get_subject(document));
	add_string(&meta, "keywords", poppler_document_get_keywords(document));
	add_time(&meta, "created", poppler_document_get_creation_date_time(document));
	add_time(&meta, "modified", poppler_document_get_modification_date_time(document));
	meta_send(&meta, out);
}

static bool has_tables(void)
{
	AUTO_CLOSE int fd = open("/usr/share/poppler/cMap", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0;
}

static bool has_words(const char *text)
{
	return text[strspn(text, " \t\r\n\f")] != '\0';
}

/* A document while it is read. */
struct pdf {
	PopplerDocument *document;
	struct out *out;
	struct pdf_outline *outline;
	GPtrArray *held; /* texts of pages, in their order; NULL: one that can't be read */
	size_t held_bytes;
	int written; /* pages */
	bool has_text, has_images, has_pages;
	struct err no_ocr; /* why images were not read */
};

static void pdf_release(struct pdf *pdf)
{
	pdf_outline_free(pdf->outline);
	if (pdf->held)
		g_ptr_array_free(pdf->held, TRUE);
	if (pdf->document)
		g_object_unref(pdf->document);
}

static void write_page(struct pdf *pdf, const char *text)
{
	struct out *out = pdf->out;
	int number = ++pdf->written;

	if (!text)
		return;
	if (number > 1)
		out_text(out, "\n\f", 2);
	out_mark(out, MARK_PAGE, (uint32_t)number, out->chars, out->chars);
	if (!has_words(text))
		return;
	pdf->has_text = true;
	pdf_outline_write(pdf->outline, number, text, out);
}

static void write_held(struct pdf *pdf)
{
	for (guint i = 0; i < pdf->held->len && !pdf->out->failed; i++)
		write_page(pdf, g_ptr_array_index(pdf->held, i));
	g_ptr_array_set_size(pdf->held, 0);
}

/* Takes @text. */
static void hold(struct pdf *pdf, char *text)
{
	pdf->has_pages = pdf->has_pages || text;
	pdf->held_bytes += text ? strlen(text) : 0;
	g_ptr_array_add(pdf->held, text);
	if (pdf->held_bytes > HELD_MAX)
		write_held(pdf);
}

/* A soft hyphen joins the two parts of a word across a line's end; elsewhere it is nothing. */
static void join_words(char *text)
{
	char *to = text, *at = strstr(text, "\xc2\xad");

	if (!at)
		return;
	for (to = at; *at; at++) {
		if (memcmp(at, "\xc2\xad", 2)) {
			*to++ = *at;
			continue;
		}
		at++;
		if (at[1] == '\n')
			at++;
	}
	*to = '\0';
}

static size_t count_letters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += !strchr(" \t\r\n\f", *text) && ((unsigned char)*text & 0xc0) != 0x80;
	return count;
}

/* What part of the page its largest image covers: 0 to 1. */
static double image_part(PopplerPage *page)
{
	GList *images = poppler_page_get_image_mapping(page);
	double width = 0, height = 0, largest = 0;

	poppler_page_get_size(page, &width, &height);
	for (GList *at = images; at && width > 0 && height > 0; at = at->next) {
		const PopplerRectangle *area = &((PopplerImageMapping *)at->data)->area;
		double part = (area->x2 - area->x1) * (area->y2 - area->y1) / (width * height);
		largest = part > largest ? part : largest;
	}
	poppler_page_free_image_mapping(images);
	return largest;
}

/* Is the page a picture of its text? A logo on a page that is empty otherwise is not. To look for
 * images costs as much as the text did: @is_slow, where that was much. */
static bool is_picture(struct pdf *pdf, PopplerPage *page, const char *text, bool is_slow)
{
	size_t letters = count_letters(text);

	if (letters >= STAMP_LETTERS || (letters && is_slow))
		return false;
	double part = image_part(page);
	pdf->has_images = pdf->has_images || part > 0;
	return letters ? part > 0.8 : part > 0.02;
}

/* Add what the picture says. PROTOCOL_OCR: somebody else has to. */
static int read_picture(struct pdf *pdf, PopplerPage *page, struct buf *text)
{
	AUTO_BUF struct buf seen;

	buf_init(&seen, PAGE_MAX);
	int rc = ocr_state("no text can be extracted: the PDF holds only images", &pdf->no_ocr);

	if (rc == PROTOCOL_OCR)
		return pdf->written ? 0 : rc;
	if (rc)
		return 0;
	ocr_page(page, &seen);
	if (text->len && seen.len)
		buf_adds(text, "\n\n");
	buf_add(text, seen.data, seen.len);
	return 0;
}

static int read_page(struct pdf *pdf, int index)
{
	g_autoptr(PopplerPage) page = poppler_document_get_page(pdf->document, index);
	AUTO_BUF struct buf text;

	buf_init(&text, PAGE_MAX);
	if (!page) {
		hold(pdf, NULL);
		return 0;
	}
	clock_t begun = clock();
	AUTO_FREE char *written = pdf_text_take(page);
	bool is_slow = clock() - begun > CLOCKS_PER_SEC / 2;
	if (written) {
		join_words(written);
		buf_adds(&text, written);
	}
	bool is_seen = is_picture(pdf, page, written ? written : "", is_slow);
	int rc = is_seen ? read_picture(pdf, page, &text) : 0;
	if (rc)
		return rc;
	pdf_notes_add(page, &text);
	hold(pdf, text.len ? buf_take(&text, NULL) : strdup(""));
	return 0;
}

/* Where the tables can be read, one that is missing is a mistake of the PDF: it counts only if
 * nothing came out. */
static int verdict(const struct pdf *pdf, bool has_members, struct err *err)
{
	if (missing[0] && !(pdf->has_text && has_tables()))
		return err_set(err, -ENODATA,
			"the PDF needs a file of poppler-data that cannot be opened: %s", missing);
	if (!pdf->has_pages)
		return err_set(err, -EBADMSG, "the PDF is broken: none of its pages can be read");
	if (pdf->has_text || has_members)
		return 0;
	if (pdf->no_ocr.text[0])
		return err_set(err, -ENODATA, "%s", pdf->no_ocr.text);
	return err_set(err, -ENODATA, "no text can be extracted: the PDF holds only %s",
		pdf->has_images ? "images, and none of them has text that can be read"
				: "blank pages");
}

static int read_document(struct pdf *pdf, struct err *err)
{
	int count = poppler_document_get_n_pages(pdf->document), rc = 0;
	struct out *out = pdf->out;

	add_metadata(pdf->document, out);
	out->page_count = count > 0 ? (uint32_t)count : 0;
	pdf->outline = pdf_outline_new(pdf->document);
	for (int i = 0; i < count && !out->failed && !rc; i++)
		rc = read_page(pdf, i);
	if (rc)
		return rc;
	write_held(pdf);
	bool has_members = pdf_attachments_send(pdf->document, out) > 0;
	return out->failed ? out->failed : verdict(pdf, has_members, err);
}

/* Descriptor 0 is free in a child, and poppler takes it for a pipe, which it reads from wherever
 * the last reader of this file left off. It closes what it is given. */
static int copy_fd(int fd)
{
	int copy = dup(fd);

	if (copy != STDIN_FILENO)
		return copy;
	copy = dup(fd);
	close(STDIN_FILENO);
	return copy;
}

/* Through memory where it is small enough for that: poppler reads a file 256 bytes at a time. */
static PopplerDocument *open_document(const struct source *source, void *map, GError **error)
{
	if (map == MAP_FAILED)
		return poppler_document_new_from_fd(copy_fd(source->fd), NULL, error);
	g_autoptr(GBytes) bytes = g_bytes_new_static(map, source->size);
	return poppler_document_new_from_bytes(bytes, NULL, error);
}

int pdf_read(const struct source *source, struct out *out, struct err *err)
{
	g_autoptr(GError) error = NULL;
	struct pdf pdf = {.out = out, .held = g_ptr_array_new_with_free_func(free)};
	bool is_small = source->size && source->size <= MAPPED_MAX;
	void *map = is_small ? mmap(NULL, source->size, PROT_READ, MAP_PRIVATE, source->fd, 0)
			     : MAP_FAILED;

	missing[0] = '\0';
	pdf.document = open_document(source, map, &error);
	int rc = pdf.document ? read_document(&pdf, err) : open_failed(error, err);
	pdf_release(&pdf);
	if (map != MAP_FAILED)
		munmap(map, source->size);
	return rc;
}
