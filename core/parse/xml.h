/* SPDX-License-Identifier: Apache-2.0 */
/* XML as a stream of events, from a part of a package or from a document itself. */
#ifndef ASKFS_CORE_PARSE_XML_H
#define ASKFS_CORE_PARSE_XML_H

#include <stdbool.h>
#include <stddef.h>

#include "core/err.h"
#include "core/parse/package.h"
#include "core/parse/reader.h"

/* The attributes of an element, valid while start() runs. */
struct xml_attributes {
	const unsigned char **at; /* libxml2's, SAX2: name, prefix, URI, value, end */
	size_t count;
};

/* Names are without their prefix: "p" of "w:p"; @space is the namespace's URI or "". Text comes
 * in pieces, whole characters each, valid UTF-8. Entities of the document's own are not
 * expanded, nothing outside is loaded, the depth is bounded (256). Any entry may be NULL.
 * failed() is asked between pieces: what it returns other than 0 ends the walk and is its
 * result. */
struct xml_handler {
	void (*start)(void *context, const char *name, const char *space,
		const struct xml_attributes *attributes);
	void (*end)(void *context, const char *name, const char *space);
	void (*text)(void *context, const char *utf8, size_t len);
	int (*failed)(void *context);
};

/* The value of an attribute, by its name without a prefix; false: there is none. *len bytes at
 * *value, not NUL-terminated, an ampersand as "&#38;". */
bool xml_attribute(
	const struct xml_attributes *attributes, const char *name, const char **value, size_t *len);

/* The same of the namespace whose URI ends in @space, where one name stands for several. */
bool xml_attribute_in(const struct xml_attributes *attributes, const char *space, const char *name,
	const char **value, size_t *len);
char *xml_attribute_copy_in(
	const struct xml_attributes *attributes, const char *space, const char *name);

/* A copy that the caller frees; NULL: there is none, or memory is short. */
char *xml_attribute_copy(const struct xml_attributes *attributes, const char *name);

/* Is it there, and exactly @value? */
bool xml_attribute_is(const struct xml_attributes *attributes, const char *name, const char *value);

/* Its number; @otherwise where there is none. */
long xml_attribute_number(
	const struct xml_attributes *attributes, const char *name, long otherwise);

/* Push @part through @handler. As package_each; and -EBADMSG with *err set where the XML is
 * broken: what came before was given. */
int xml_part(struct package *package, const char *part, const struct xml_handler *handler,
	void *context, struct err *err);

/* The same with a whole document, whose encoding is found as that of a web page is. */
int xml_source(const struct source *source, const struct xml_handler *handler, void *context,
	struct err *err);

/* The same with bytes. */
int xml_bytes(const char *data, size_t len, const struct xml_handler *handler, void *context,
	struct err *err);

/* What a reader returns for XML that came to @rc: broken XML that gave text is read (0, and *err
 * is cleared), since what came before the break was given. */
int xml_settle(int rc, const struct out *out, struct err *err);

#endif
