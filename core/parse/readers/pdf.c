/* SPDX-License-Identifier: Apache-2.0 */
/* PDF, by poppler-glib: the text page by page, in reading order, a form feed between pages.
 *
 * Poppler opens files while it reads: CMaps of poppler-data for Chinese, Japanese and Korean
 * fonts that are not embedded. When it can't, it says so on its log and goes on with no text
 * at all; so its log is listened to, and a document that missed a file has failed. */
#include "core/parse/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <poppler.h>

#include "core/auto.h"
#include "core/parse/meta.h"

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PopplerDocument, g_object_unref)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PopplerPage, g_object_unref)

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

void pdf_prepare(void)
{
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

struct tally {
	bool has_text, has_images, has_pages;
};

static void add_page(PopplerPage *page, int index, struct out *out, struct tally *tally)
{
	g_autofree gchar *text = poppler_page_get_text(page);

	tally->has_pages = true;
	if (index > 0)
		out_text(out, "\n\f", 2);
	out_mark(out, MARK_PAGE, (uint32_t)index + 1, out->chars, out->chars);
	if (text && has_words(text)) {
		tally->has_text = true;
		out_text(out, text, strlen(text));
	} else if (!tally->has_images) {
		GList *images = poppler_page_get_image_mapping(page);
		tally->has_images = images != NULL;
		poppler_page_free_image_mapping(images);
	}
}

/* Where the tables can be read, one that is missing is a mistake of the PDF: it counts only if
 * nothing came out. */
static int verdict(const struct tally *tally, struct err *err)
{
	if (missing[0] && !(tally->has_text && has_tables()))
		return err_set(err, -ENODATA,
			"the PDF needs a file of poppler-data that cannot be opened: %s", missing);
	if (!tally->has_pages)
		return err_set(err, -EBADMSG, "the PDF is broken: none of its pages can be read");
	if (!tally->has_text)
		return err_set(err, -ENODATA, "no text can be extracted: the PDF holds only %s",
			tally->has_images ? "images" : "blank pages");
	return 0;
}

int pdf_read(const struct source *source, struct out *out, struct err *err)
{
	g_autoptr(GError) error = NULL;
	struct tally tally = {0};
	int fd = dup(source->fd); /* poppler closes it */

	missing[0] = '\0';
	lseek(fd, 0, SEEK_SET); /* where poppler takes the beginning to be */
	g_autoptr(PopplerDocument) document = poppler_document_new_from_fd(fd, NULL, &error);
	if (!document)
		return open_failed(error, err);
	add_metadata(document, out);
	int count = poppler_document_get_n_pages(document);
	out->page_count = count > 0 ? (uint32_t)count : 0;
	for (int i = 0; i < count && !out->failed; i++) {
		g_autoptr(PopplerPage) page = poppler_document_get_page(document, i);
		if (page)
			add_page(page, i, out, &tally);
	}
	return out->failed ? out->failed : verdict(&tally, err);
}
