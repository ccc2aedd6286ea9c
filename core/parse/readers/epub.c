/* SPDX-License-Identifier: Apache-2.0 */
/* EPUB 2 and 3: each chapter of the spine a page, read as HTML (which forgives what XHTML would
 * not). The table of contents is left out: it says again what the headings say. A chapter that is
 * missing or damaged is passed over, a book without a package document is read file by file. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "core/auto.h"
#include "core/parse/package.h"
#include "core/parse/readers/html.h"
#include "core/parse/readers/opf.h"
#include "core/parse/xml.h"

#define CHAPTER_MAX ((size_t)64 << 20)

struct epub {
	struct package *package;
	struct flow flow;
	struct meta meta;
	uint32_t pages;
	int damaged; /* why a chapter could not be read, or 0 */
};

/* What META-INF/encryption.xml says: fonts are scrambled in many books, for their makers' licences;
 * anything else that is encrypted is the book. */
struct encryption {
	bool is_scrambled; /* the entry that is open: only a font, by its method */
	bool is_locked;
};

static bool is_beside_text(const char *path)
{
	static const char *const extensions[] = {"ttf", "otf", "woff", "woff2", "ttc", "jpg",
		"jpeg", "png", "gif", "svg", "webp", "mp3", "mp4", "m4a", "ogg", "css"};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(extensions); i++)
		if (!strcasecmp(dot + 1, extensions[i]))
			return true;
	return false;
}

static void note_encryption(
	void *context, const char *name, const char *space, const struct xml_attributes *attributes)
{
	struct encryption *encryption = context;

	(void)space;
	if (!strcmp(name, "EncryptedData")) {
		encryption->is_scrambled = false;
	} else if (!strcmp(name, "EncryptionMethod")) {
		encryption->is_scrambled = xml_attribute_is(attributes, "Algorithm",
						   "http://www.idpf.org/2008/embedding") ||
			xml_attribute_is(attributes, "Algorithm", "http://ns.adobe.com/pdf/enc#RC");
	} else if (!strcmp(name, "CipherReference")) {
		AUTO_FREE char *uri = xml_attribute_copy(attributes, "URI");
		if (uri && !encryption->is_scrambled && !is_beside_text(uri))
			encryption->is_locked = true;
	}
}

static bool is_encrypted(struct package *package)
{
	static const struct xml_handler handler = {.start = note_encryption};
	struct encryption encryption = {0};
	struct err err = ERR_NONE;

	xml_part(package, "META-INF/encryption.xml", &handler, &encryption, &err);
	return encryption.is_locked;
}

/* 0 to go on. */
static int add_chapter(struct epub *epub, const char *path, struct err *err)
{
	struct err why = ERR_NONE;
	AUTO_BUF struct buf chapter;

	buf_init(&chapter, CHAPTER_MAX);
	int rc = package_read(epub->package, path, &chapter, &why);
	if (rc == -EKEYREJECTED || rc == -ENOMEM) {
		*err = why;
		return rc;
	}
	if (rc && rc != -ENOENT) {
		epub->damaged = rc;
		*err = why;
	}
	if (!chapter.len)
		return 0;
	flow_page(&epub->flow, ++epub->pages);
	rc = html_flow(&epub->flow, chapter.data, chapter.len, NULL, &why);
	if (rc == -EBADMSG)
		rc = 0; /* what came before the break was added */
	if (rc)
		*err = why;
	return rc;
}

static bool is_page(const char *path)
{
	static const char *const extensions[] = {"xhtml", "html", "htm", "xml"};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(extensions); i++)
		if (!strcasecmp(dot + 1, extensions[i]) && strncmp(path, "META-INF/", 9))
			return true;
	return false;
}

static int add_chapters(struct epub *epub, const struct opf *opf, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < opf->chapter_count; i++)
		rc = add_chapter(epub, opf->chapters[i], err);
	for (size_t i = 0; !rc && !opf->chapter_count && i < package_count(epub->package); i++)
		if (is_page(package_name(epub->package, i)))
			rc = add_chapter(epub, package_name(epub->package, i), err);
	return rc;
}

static int read_book(struct epub *epub, struct out *out, struct err *err)
{
	struct opf opf;

	if (is_encrypted(epub->package))
		return err_set(err, -EKEYREJECTED,
			"the book is encrypted by its shop (DRM): it opens with its owner's key or "
			"password alone; drop a copy without that protection");
	flow_init(&epub->flow, out);
	meta_init(&epub->meta);
	int rc = opf_read(&opf, epub->package, &epub->meta, out, err);
	if (rc == -ENOENT || rc == -EBADMSG) {
		*err = (struct err)ERR_NONE;
		rc = 0;
	}
	rc = rc ? rc : add_chapters(epub, &opf, err);
	opf_release(&opf);
	int failed = flow_finish(&epub->flow);
	meta_send(&epub->meta, out);
	meta_release(&epub->meta);
	rc = rc ? rc : failed;
	if (!rc && !out->chars)
		rc = epub->damaged;
	if (!rc)
		*err = (struct err)ERR_NONE;
	return rc;
}

int epub_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO_PACKAGE struct package *package = NULL;
	int rc = package_open(&package, source, err);

	if (rc)
		return rc;
	struct epub epub = {.package = package};
	return read_book(&epub, out, err);
}
