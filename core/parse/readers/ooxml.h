/* SPDX-License-Identifier: Apache-2.0 */
/* Office Open XML (ECMA-376, ISO/IEC 29500): packages whose parts point at each other by
 * relationships. Both its namespaces (transitional, strict) are read: names count without them. */
#ifndef ASKFS_CORE_PARSE_READERS_OOXML_H
#define ASKFS_CORE_PARSE_READERS_OOXML_H

#include "core/parse/meta.h"
#include "core/parse/readers/office.h"

/* "word/document.xml" points at @target as its @id. */
struct ooxml_rel {
	char *id;
	char *type; /* the last segment of its URI: "styles" */
	char *target; /* a part's name */
};

/* The relationships of one part, in the order of the file. */
struct ooxml_rels {
	struct ooxml_rel *at;
	size_t count, cap;
};

/* Those of @part, "" for the package's own. None where there are none, and as many as can be read
 * where they are broken; what leads out of the package is left out. Release them in any case. */
void ooxml_rels_read(struct ooxml_rels *rels, struct package *package, const char *part);
void ooxml_rels_release(struct ooxml_rels *rels);

/* The target of @id, and the first one of @type; NULL: none. They live as long as @rels. */
const char *ooxml_rel_target(const struct ooxml_rels *rels, const char *id);
const char *ooxml_rel_of_type(const struct ooxml_rels *rels, const char *type);

/* The target of the relationship that an element names in its attribute r:@name; NULL: none. */
const char *ooxml_rel_of(
	const struct ooxml_rels *rels, const struct xml_attributes *attributes, const char *name);

/* A document that is open. */
struct ooxml {
	struct package *package;
	struct ooxml_rels root, rels; /* the package's, and those of the main part */
	char *main; /* the name of its main part */
	size_t members; /* that were sent */
};

/* Open @source. Its main part is the one the package points at, or (where it points at none) the
 * first whose name ends in @name; where that was cut off, @name, which is missing then. 0;
 * -EBADMSG: there is none; as package_open; with *err set. */
int ooxml_open(struct ooxml *ooxml, const struct source *source, const char *name, struct err *err);
void ooxml_close(struct ooxml *ooxml);

/* What the document says of itself, title and pages (of @count_name in app.xml, where none were
 * marked) included. */
void ooxml_properties(struct ooxml *ooxml, const char *count_name, struct out *out);

/* Hand out the documents that are embedded. 0, or out->failed. */
int ooxml_embedded(struct ooxml *ooxml, struct out *out);

/* Is the attribute @name of a switch (w:tblHeader, firstRow) on? Without it: @otherwise. */
bool ooxml_is_on(const struct xml_attributes *attributes, const char *name, bool otherwise);

/* Which of the branches of mc:AlternateContent counts: the first that has text. */
struct ooxml_choice {
	unsigned depth;
	uint64_t taken; /* a bit a level: a branch had text */
	uint64_t before[64]; /* how much text there was when the branch began */
};
void ooxml_choice_begin(struct ooxml_choice *choice);
void ooxml_choice_end(struct ooxml_choice *choice);
/* A branch begins (@text: how much there is so far): false: leave it out; and one ends. */
bool ooxml_branch_begin(struct ooxml_choice *choice, uint64_t text);
void ooxml_branch_end(struct ooxml_choice *choice, uint64_t text);

/* The text of a chart (titles, names of series, categories) or of a diagram: a line a
 * paragraph. */
void ooxml_drawing(struct package *package, const char *part, struct flow *flow);

/* Is @source an OLE2 file that holds an encrypted package? */
bool ooxml_is_encrypted(const struct source *source);

#endif
