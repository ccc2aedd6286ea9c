/* SPDX-License-Identifier: Apache-2.0 */
/* PowerPoint 97 to 2003. In reading order: here the slides and their order, powerpoint_text.c
 * (the texts of one). A presentation is saved by appending: the last edit points at its own
 * directory of objects and at the edit before, whose objects hold where the last one has none.
 * Where that is broken, all slides are taken as they lie. Left out: texts of masters, pictures. */
#include "core/parse/readers/powerpoint.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/readers/office.h"
#include "core/parse/readers/ole.h"

#define SLIDES_MAX	 16384
#define EDITS_MAX	 4096
#define TOKEN_ENCRYPTED	 UINT32_C(0xf3d1c4df)
#define EDIT_OF_CRYPTED	 32 /* bytes: it names a session's keys */
#define CURRENT_USER_MAX ((size_t)64 << 10)

enum { LIST_SLIDES = 0, LIST_NOTES = 2 };

bool ppt_next(struct bytes records, size_t *at, struct ppt_record *record)
{
	if (records.len < 8 || *at > records.len - 8)
		return false;
	unsigned head = bytes_u16(records, *at);
	record->instance = head >> 4;
	record->is_container = (head & 0xf) == 0xf;
	record->type = bytes_u16(records, *at + 2);
	record->data = bytes_part(records, *at + 8, bytes_u32(records, *at + 4));
	*at += 8 + record->data.len;
	return true;
}

/* The record that lies at an object's place. */
static bool object_at(
	const struct ppt *ppt, uint32_t number, unsigned type, struct ppt_record *record)
{
	size_t at = number < PPT_PERSIST && ppt->offsets[number] ? (size_t)ppt->offsets[number] - 1
								 : SIZE_MAX;

	return at != SIZE_MAX && ppt_next(ppt->stream, &at, record) && record->type == type;
}

/* Runs of numbers that follow each other, with an offset for each. */
static void add_directory(struct ppt *ppt, size_t at)
{
	struct ppt_record record;

	if (!ppt_next(ppt->stream, &at, &record) || record.type != PPT_PERSIST_DIRECTORY)
		return;
	for (size_t i = 0; i + 8 <= record.data.len;) {
		uint32_t head = bytes_u32(record.data, i), first = head & 0xfffff;
		i += 4;
		for (uint32_t n = 0; n < head >> 20 && i + 4 <= record.data.len; n++, i += 4)
			if (first + n < PPT_PERSIST && !ppt->offsets[first + n])
				ppt->offsets[first + n] = bytes_u32(record.data, i) + 1;
	}
}

/* From the last edit to the first. The number of the document. */
static uint32_t load_edits(struct ppt *ppt, uint32_t edit)
{
	uint32_t document = 0;

	for (int edits = 0; edits < EDITS_MAX; edits++) {
		struct ppt_record record;
		size_t at = edit;
		if (!ppt_next(ppt->stream, &at, &record) || record.type != PPT_USER_EDIT)
			break;
		ppt->is_encrypted = ppt->is_encrypted || record.data.len >= EDIT_OF_CRYPTED;
		document = document ? document : bytes_u32(record.data, 16);
		add_directory(ppt, bytes_u32(record.data, 12));
		uint32_t before = bytes_u32(record.data, 8);
		if (!before || before >= edit)
			break;
		edit = before;
	}
	return document;
}

static struct ppt_slide *add_slide(struct ppt_slide **slides, size_t *count)
{
	if (!*slides && !(*slides = calloc(SLIDES_MAX, sizeof(**slides))))
		return NULL;
	return *count < SLIDES_MAX ? &(*slides)[(*count)++] : NULL;
}

/* A slide's record, then those of its texts, then the next slide's. */
static void load_list(struct bytes list, struct ppt_slide **slides, size_t *count)
{
	struct ppt_slide *slide = NULL;
	struct ppt_record record;

	for (size_t at = 0, begin = 0; ppt_next(list, &at, &record); begin = at) {
		if (record.type == PPT_SLIDE_PERSIST) {
			if (!(slide = add_slide(slides, count)))
				return;
			slide->persist = bytes_u32(record.data, 0);
			slide->id = bytes_u32(record.data, 12);
			slide->outline = bytes_part(list, at, 0);
		} else if (slide) {
			slide->outline.len += at - begin;
		}
	}
}

static void load_document(struct ppt *ppt, struct bytes document)
{
	struct ppt_record record;

	for (size_t at = 0; ppt_next(document, &at, &record);) {
		if (record.type != PPT_SLIDE_LIST)
			continue;
		if (record.instance == LIST_SLIDES)
			load_list(record.data, &ppt->slides, &ppt->slide_count);
		else if (record.instance == LIST_NOTES)
			load_list(record.data, &ppt->notes, &ppt->note_count);
	}
}

int ppt_load(struct ppt *ppt, uint32_t edit)
{
	struct ppt_record document;

	if (!(ppt->offsets = calloc(PPT_PERSIST, sizeof(*ppt->offsets))))
		return -ENOMEM;
	if (object_at(ppt, load_edits(ppt, edit), PPT_DOCUMENT, &document))
		load_document(ppt, document.data);
	return 0;
}

void ppt_release(struct ppt *ppt)
{
	free(ppt->offsets);
	free(ppt->slides);
	free(ppt->notes);
}

/* The notes that a slide names. */
static void write_notes(const struct ppt *ppt, struct bytes slide, struct flow *flow)
{
	struct ppt_record record;
	uint32_t id = 0;

	for (size_t at = 0; !id && ppt_next(slide, &at, &record);)
		if (record.type == PPT_SLIDE_ATOM)
			id = bytes_u32(record.data, 16);
	for (size_t i = 0; id && i < ppt->note_count; i++) {
		if (ppt->notes[i].id != id)
			continue;
		if (object_at(ppt, ppt->notes[i].persist, PPT_NOTES, &record))
			ppt_write_notes(record.data, flow);
		return;
	}
}

static void write_slide(const struct ppt *ppt, const struct ppt_slide *slide, struct flow *flow)
{
	struct ppt_record record = {.data = {ppt->stream.data, 0}};
	bool is_found = object_at(ppt, slide->persist, PPT_SLIDE, &record);

	if (!is_found)
		record.data.len = 0;
	ppt_write_slide(record.data, slide->outline, flow);
	write_notes(ppt, record.data, flow);
}

/* The notes' master belongs to no slide. */
static bool is_of_slide(struct bytes notes)
{
	struct ppt_record record;

	for (size_t at = 0; ppt_next(notes, &at, &record);)
		if (record.type == PPT_NOTES_ATOM)
			return bytes_u32(record.data, 0) != 0;
	return false;
}

/* Where the directory leads nowhere. */
static void write_all(const struct ppt *ppt, struct flow *flow)
{
	struct bytes none = {ppt->stream.data, 0};
	struct ppt_record record;
	uint32_t number = 0;

	for (size_t at = 0; ppt_next(ppt->stream, &at, &record) && !flow_failed(flow);) {
		if (record.type != PPT_SLIDE && record.type != PPT_NOTES)
			continue;
		if (record.type == PPT_NOTES) {
			if (is_of_slide(record.data))
				ppt_write_notes(record.data, flow);
			continue;
		}
		flow_page(flow, ++number);
		ppt_write_slide(record.data, none, flow);
	}
}

static int write_slides(const struct ppt *ppt, struct out *out)
{
	struct flow flow;

	flow_init(&flow, out);
	for (size_t i = 0; i < ppt->slide_count && !flow_failed(&flow); i++) {
		flow_page(&flow, (uint32_t)i + 1);
		write_slide(ppt, &ppt->slides[i], &flow);
	}
	if (!ppt->slide_count)
		write_all(ppt, &flow);
	return flow_finish(&flow);
}

static int read_stream(const struct cfb *cfb, struct buf *stream, struct out *out, struct err *err)
{
	AUTO_BUF struct buf user;
	struct ppt ppt = {0};
	int rc = ole_stream(cfb, cfb_find(cfb, CFB_ROOT, "PowerPoint Document"), stream, err);

	buf_init(&user, CURRENT_USER_MAX);
	if (rc)
		return rc;
	cfb_read(cfb, cfb_find(cfb, CFB_ROOT, "Current User"), &user);
	ppt.stream = bytes_of(stream);
	ppt.is_encrypted = bytes_u32(bytes_of(&user), 12) == TOKEN_ENCRYPTED;
	rc = ppt_load(&ppt, bytes_u32(bytes_of(&user), 16));
	if (!rc)
		rc = ppt.is_encrypted ? ole_encrypted(err) : write_slides(&ppt, out);
	ppt_release(&ppt);
	return rc;
}

int powerpoint_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO_CFB struct cfb *cfb = NULL;
	AUTO_META struct meta meta;
	AUTO_BUF struct buf stream;
	int rc = cfb_open(&cfb, source, err);

	meta_init(&meta);
	buf_init(&stream, OLE_STREAM_MAX);
	rc = rc ? rc : read_stream(cfb, &stream, out, err);
	if (cfb && rc != -EKEYREJECTED)
		ole_summary(cfb, &meta, out);
	meta_send(&meta, out);
	return office_result(out, rc, 0, err);
}
