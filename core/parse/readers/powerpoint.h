/* SPDX-License-Identifier: Apache-2.0 */
/* PowerPoint's binary presentations ([MS-PPT]): a tree of records. For powerpoint*.c. */
#ifndef ASKFS_CORE_PARSE_READERS_POWERPOINT_H
#define ASKFS_CORE_PARSE_READERS_POWERPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/parse/bytes.h"
#include "core/parse/flow.h"

enum ppt_type {
	PPT_DOCUMENT = 0x03e8,
	PPT_SLIDE = 0x03ee,
	PPT_SLIDE_ATOM = 0x03ef,
	PPT_NOTES = 0x03f0,
	PPT_NOTES_ATOM = 0x03f1,
	PPT_SLIDE_PERSIST = 0x03f3,
	PPT_HEADERS_FOOTERS = 0x0fd9,
	PPT_OUTLINE_REFERENCE = 0x0f9e,
	PPT_TEXT_HEADER = 0x0f9f,
	PPT_TEXT_CHARS = 0x0fa0,
	PPT_TEXT_BYTES = 0x0fa8,
	PPT_STRING = 0x0fba,
	PPT_SLIDE_LIST = 0x0ff0,
	PPT_USER_EDIT = 0x0ff5,
	PPT_BINARY_TAG_DATA = 0x138b,
	PPT_PERSIST_DIRECTORY = 0x1772,
	PPT_COMMENT = 0x2ee0,
	PPT_SHAPE_OPTIONS = 0xf00b,
	PPT_TEXT_BOX = 0xf00d
};

struct ppt_record {
	unsigned type, instance;
	bool is_container;
	struct bytes data;
};

/* A slide, or the notes to one. */
struct ppt_slide {
	uint32_t persist; /* where it lies: a number in the directory of what was saved */
	uint32_t id;
	struct bytes outline; /* records of its texts that lie apart from it */
};

struct ppt {
	struct bytes stream;
	uint32_t *offsets; /* in @stream and 1, by number; 0: none; PPT_PERSIST of them */
	struct ppt_slide *slides, *notes;
	size_t slide_count, note_count;
	bool is_encrypted;
};
#define PPT_PERSIST ((size_t)1 << 20)

/* The record at *at of @records, and step over it. False: there is none. */
bool ppt_next(struct bytes records, size_t *at, struct ppt_record *record);

/* Find the slides of @ppt->stream, whose last edit lies at @edit. 0 or -ENOMEM; what is broken
 * leaves lists empty. ppt_release frees. */
int ppt_load(struct ppt *ppt, uint32_t edit);
void ppt_release(struct ppt *ppt);

/* Write the texts of a slide's record: titles, then the rest. */
void ppt_write_slide(struct bytes slide, struct bytes outline, struct flow *flow);

/* Write what the author noted, from the record of a slide's notes. */
void ppt_write_notes(struct bytes notes, struct flow *flow);

#endif
