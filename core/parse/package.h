/* SPDX-License-Identifier: Apache-2.0 */
/* A document that is a zip of parts: OOXML, OpenDocument, EPUB. */
#ifndef ASKFS_CORE_PARSE_PACKAGE_H
#define ASKFS_CORE_PARSE_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/parse/reader.h"

/* What all parts of one package may unpack to, and how many there may be. */
#define PACKAGE_BYTES_MAX ((uint64_t)1 << 30)
#define PACKAGE_PARTS_MAX 65536

struct package;

/* List the parts of @source, which outlives it. 0; -EBADMSG: no zip, or a broken one;
 * -EFBIG: too many parts; -ENOMEM; with *err set. */
int package_open(struct package **out, const struct source *source, struct err *err);
void package_close(struct package *package);

/* The parts, in the order in which they lie in the file: names as they are stored. */
size_t package_count(const struct package *package);
const char *package_name(const struct package *package, size_t index);

/* Is there a part of that name? Upper and lower case are one, as in OOXML. */
bool package_has(const struct package *package, const char *name);

/* Unpack a part piece by piece. 0, what @each returned; -ENOENT: no such part (*err is not
 * set, for that is often no failure); -EKEYREJECTED: it is encrypted; -EBADMSG: it is damaged
 * (what could be unpacked was given); -EFBIG: the package unpacks to more than it may; with
 * *err set. @each may unpack another part meanwhile. */
int package_each(
	struct package *package, const char *name, source_fn *each, void *context, struct err *err);

/* The same into a buf of the caller's, which has its own ceiling. */
int package_read(struct package *package, const char *name, struct buf *out, struct err *err);

/* "word/document.xml" + "../media/a.png" is "media/a.png"; a @target that begins with a slash
 * counts from the package's root; a fragment and percent signs are resolved. The caller frees
 * it; NULL: memory is short, or it leads out of the package. */
char *package_resolve(const char *part, const char *target);

static inline void auto_package(struct package **package)
{
	package_close(*package);
}
#define AUTO_PACKAGE __attribute__((cleanup(auto_package)))

#endif
