/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of office documents share, whoever made the format. */
#ifndef ASKFS_CORE_PARSE_READERS_OFFICE_H
#define ASKFS_CORE_PARSE_READERS_OFFICE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/parse/flow.h"
#include "core/parse/package.h"
#include "core/parse/xml.h"

/* What is held back until its place has come, a tape each. */
#define OFFICE_TAPE_MAX ((size_t)32 << 20)

/* An element's name and what it means to a reader. */
struct office_role {
	const char *name;
	int role;
};

/* The role of @name in @roles, which are sorted by name; 0: none. */
int office_role(const struct office_role *roles, size_t count, const char *name);

/* Words without the hyphens at which they may be parted. */
void office_words(struct flow *flow, const char *utf8, size_t len);

/* An attribute's value, as words; nothing where there is none. True: it had some. */
bool office_attribute_words(
	struct flow *flow, const struct xml_attributes *attributes, const char *name);

/* Tapes by a key: notes by their number. They are asked for in the order in which they were added,
 * as a rule, and found at once then. */
struct office_tapes {
	struct office_tape {
		char *key;
		struct buf tape;
	} * at;
	size_t count, cap;
	size_t last; /* the one that was found before */
};

/* A new, empty one; NULL: memory is short. It stays where it is until the next is added. */
struct buf *office_tapes_add(struct office_tapes *tapes, const char *key, size_t key_len);
struct buf *office_tapes_find(struct office_tapes *tapes, const char *key);
void office_tapes_release(struct office_tapes *tapes);

/* Headers and footers of pages, recorded one after the other: the last one is emptied if one before
 * says the same, or it has no letter. And say them all, a paragraph each. */
void office_edges_settle(struct office_tapes *edges);
void office_edges_say(const struct office_tapes *edges, struct flow *flow);

/* Are the bytes of one of @count @needles (at most 64 bytes each) in @part? */
bool office_part_has(
	struct package *package, const char *part, const char *const *needles, size_t count);

/* Has a tape any letter? One of digits and signs is a page's number. And any word at all? */
bool office_has_letters(const struct buf *tape);
bool office_has_words(const struct buf *tape);

/* Hand a part out as a member called @path. 0, or out->failed. */
int office_member(struct package *package, const char *part, const char *path, struct out *out);

/* Is it a document by its name, one that is worth being read? */
bool office_is_document(const char *name);

/* @rc, but for a part that another one points at and that is not there: -EBADMSG with *err set. */
int office_part_result(int rc, const char *part, struct err *err);

/* What reading came to: @rc of the first failure, but 0 where the document is broken and gave
 * text (or members), and -ENODATA with *err set where there is no word in it. */
int office_result(const struct out *out, int rc, size_t members, struct err *err);

#endif
