/* SPDX-License-Identifier: Apache-2.0 */
/* What was put onto the pages of a PDF: comments, forms that were filled in, attached files. None
 * of it is in the pages' own text. */
#include "core/parse/readers/pdf.h"

#include <errno.h>
#include <string.h>

#include "core/parse/member.h"

#define NOTES_MAX	1000 /* a page */
#define ATTACHMENTS_MAX 10000

static bool has_words(const char *text)
{
	return text && text[strspn(text, " \t\r\n\f")] != '\0';
}

/* A paragraph "label (by): text"; what is NULL or empty is left out, all of it without text. */
static void add_note(struct buf *to, const char *label, const char *by, const char *text)
{
	if (!has_words(text))
		return;
	buf_adds(to, "\n\n");
	buf_adds(to, label);
	if (has_words(by))
		buf_addf(to, " (%s)", by);
	if (*label)
		buf_adds(to, ": ");
	for (const char *p = text; *p; p++)
		buf_addc(to, *p == '\r' ? '\n' : *p);
}

static bool is_comment(PopplerAnnotType type)
{
	switch (type) {
	case POPPLER_ANNOT_LINK:
	case POPPLER_ANNOT_WIDGET:
	case POPPLER_ANNOT_POPUP:
	case POPPLER_ANNOT_SCREEN:
	case POPPLER_ANNOT_MOVIE:
	case POPPLER_ANNOT_SOUND:
	case POPPLER_ANNOT_PRINTER_MARK:
	case POPPLER_ANNOT_TRAP_NET:
	case POPPLER_ANNOT_WATERMARK:
	case POPPLER_ANNOT_3D:
	case POPPLER_ANNOT_UNKNOWN: return false;
	default: return true;
	}
}

/* The text that a free text shows on the page has no label. */
static void add_annotation(PopplerAnnot *annotation, struct buf *text)
{
	PopplerAnnotType type = poppler_annot_get_annot_type(annotation);

	if (!is_comment(type))
		return;
	g_autofree gchar *contents = poppler_annot_get_contents(annotation);
	g_autofree gchar *by = POPPLER_IS_ANNOT_MARKUP(annotation)
		? poppler_annot_markup_get_label(POPPLER_ANNOT_MARKUP(annotation))
		: NULL;
	bool is_free = type == POPPLER_ANNOT_FREE_TEXT;
	add_note(text, is_free ? "" : "Comment", is_free ? NULL : by, contents);
}

/* What was chosen, one behind the other; the caller frees it. */
static gchar *chosen(PopplerFormField *field)
{
	GString *items = g_string_new(NULL);
	gint count = poppler_form_field_choice_get_n_items(field);

	for (gint i = 0; i < count && i < NOTES_MAX; i++) {
		if (!poppler_form_field_choice_is_item_selected(field, i))
			continue;
		g_autofree gchar *item = poppler_form_field_choice_get_item(field, i);
		g_string_append_printf(items, "%s%s", items->len ? ", " : "", item ? item : "");
	}
	if (!items->len && poppler_form_field_choice_is_editable(field)) {
		g_autofree gchar *typed = poppler_form_field_choice_get_text(field);
		g_string_append(items, typed ? typed : "");
	}
	return g_string_free(items, FALSE);
}

static gchar *value_of(PopplerFormField *field)
{
	switch (poppler_form_field_get_field_type(field)) {
	case POPPLER_FORM_FIELD_TEXT:
		return poppler_form_field_text_is_password(field)
			? NULL
			: poppler_form_field_text_get_text(field);
	case POPPLER_FORM_FIELD_CHOICE: return chosen(field);
	case POPPLER_FORM_FIELD_BUTTON:
		return poppler_form_field_button_get_button_type(field) !=
					POPPLER_FORM_BUTTON_PUSH &&
				poppler_form_field_button_get_state(field)
			? g_strdup("yes")
			: NULL;
	default: return NULL;
	}
}

static void add_field(PopplerFormField *field, struct buf *text)
{
	g_autofree gchar *value = value_of(field);

	if (!has_words(value))
		return;
	g_autofree gchar *label = poppler_form_field_get_alternate_ui_name(field);
	g_autofree gchar *name = poppler_form_field_get_partial_name(field);
	add_note(text, has_words(label) ? label : name ? name : "", NULL, value);
}

void pdf_notes_add(PopplerPage *page, struct buf *text)
{
	GList *annotations = poppler_page_get_annot_mapping(page);
	unsigned count = 0;

	for (GList *at = annotations; at && count++ < NOTES_MAX; at = at->next)
		add_annotation(((PopplerAnnotMapping *)at->data)->annot, text);
	poppler_page_free_annot_mapping(annotations);
	GList *fields = g_list_reverse(poppler_page_get_form_field_mapping(page));
	count = 0;
	for (GList *at = fields; at && count++ < NOTES_MAX; at = at->next)
		add_field(((PopplerFormFieldMapping *)at->data)->field, text);
	poppler_page_free_form_field_mapping(fields);
}

static gboolean take_data(const gchar *data, gsize len, gpointer context, GError **error)
{
	(void)error;
	return member_data(context, data, len) == 0;
}

static void send_attachment(PopplerAttachment *attachment, struct out *out)
{
	const gchar *given = poppler_attachment_get_name(attachment);
	GDateTime *time = poppler_attachment_get_mtime(attachment);
	const char *name = given && *given ? given : "attachment";
	struct err err = ERR_NONE;

	member_begin(out, name, strlen(name), time ? g_date_time_to_unix(time) : 0);
	bool is_whole = poppler_attachment_save_to_callback(attachment, take_data, out, NULL);
	if (!is_whole)
		err_set(&err, -EBADMSG, "the attachment is damaged");
	member_end(out, is_whole ? 0 : -EBADMSG, &err);
}

unsigned pdf_attachments_send(PopplerDocument *document, struct out *out)
{
	GList *attachments = poppler_document_has_attachments(document)
		? poppler_document_get_attachments(document)
		: NULL;
	unsigned count = 0;

	for (GList *at = attachments; at && count < ATTACHMENTS_MAX && !out->failed; at = at->next)
		if (at->data) {
			send_attachment(at->data, out);
			count++;
		}
	g_list_free_full(attachments, g_object_unref);
	return count;
}
