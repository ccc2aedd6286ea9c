/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of OpenDocument (OASIS, ISO/IEC 26300) that stand beside the text. */
#ifndef ASKFS_CORE_PARSE_READERS_ODF_H
#define ASKFS_CORE_PARSE_READERS_ODF_H

#include "core/parse/readers/office.h"

/* What the document says of itself, title and number of pages (where none were marked) included:
 * from meta.xml of @package, or (NULL) from @source, which is one XML file. */
void odf_metadata(struct package *package, const struct source *source, struct out *out);

/* Styles of paragraphs that mean something, by name. */
struct odf_styles {
	struct office_tapes titles; /* based on "Title" */
	struct office_tapes breaks; /* begin a page */
};
void odf_styles_release(struct odf_styles *styles);

/* An element of the automatic styles begins. @current: the name of the style that is open, or NULL;
 * the caller frees it. */
void odf_style_start(struct odf_styles *styles, char **current, const char *name,
	const struct xml_attributes *attributes);

#endif
