/* SPDX-License-Identifier: Apache-2.0 */
/* Which program's document a compound file is: its streams tell, by names that belong to the
 * formats. An extension, and libmagic, which looks at a few bytes, are often wrong. */
#include "core/parse/readers/ole.h"

#include <errno.h>
#include <string.h>

#include "core/auto.h"
#include "core/parse/format.h"

#define TYPE_OTHER "application/x-ole-storage"

/* In this order: a Word document may hold a workbook's streams in its storages, not in its root. */
static const struct {
	const char *stream, *type;
} kinds[] = {
	{"EncryptedPackage", TYPE_OTHER}, {"WordDocument", "application/msword"},
	{"Workbook", "application/vnd.ms-excel"}, {"Book", "application/vnd.ms-excel"},
	{"PowerPoint Document", "application/vnd.ms-powerpoint"},
	{"__properties_version1.0", "application/vnd.ms-outlook"},
	{"VisioDocument", "application/vnd.visio"}, {"Quill", "application/vnd.ms-publisher"},
	{"MatOST", "application/vnd.ms-works"},
	{"PerfectOffice_MAIN", "application/vnd.wordperfect"},
	{"Catalog", "image/vnd.ms-thumbs"}, /* Thumbs.db */
};

/* The class of an installer's database: {000C1084-…}, a patch's …1086. */
static bool is_installer(const unsigned char *class)
{
	static const unsigned char tail[] = {
		0x10, 0x0c, 0, 0, 0, 0, 0, 0xc0, 0, 0, 0, 0, 0, 0, 0x46};
	return (class[0] >= 0x82 && class[0] <= 0x86) && !memcmp(class + 1, tail, sizeof(tail));
}

const char *ole_type(const struct source *source)
{
	AUTO_CFB struct cfb *cfb = NULL;

	if (!cfb_is_one(source->head, source->head_len) || cfb_open(&cfb, source, NULL))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (cfb_find(cfb, CFB_ROOT, kinds[i].stream) != CFB_NONE)
			return kinds[i].type;
	return is_installer(cfb_class(cfb, CFB_ROOT)) ? "application/x-msi" : TYPE_OTHER;
}

int ole_encrypted(struct err *err)
{
	return err_set(err, -EKEYREJECTED,
		"the document is encrypted: save it without a password and drop it again");
}

int ole_stream(const struct cfb *cfb, uint32_t entry, struct buf *out, struct err *err)
{
	buf_init(out, OLE_STREAM_MAX);
	if (entry == CFB_NONE)
		return err_set(err, -EBADMSG, "the document is damaged: a part of it is missing");
	int rc = cfb_read(cfb, entry, out);
	if (rc == -EFBIG)
		return err_set(err, rc, "the document is too large");
	return rc ? err_set(err, rc, "the document cannot be read: %s", strerror(-rc)) : 0;
}

int ole_read(const struct source *source, struct out *out, struct err *err)
{
	AUTO_CFB struct cfb *cfb = NULL;
	int rc = cfb_open(&cfb, source, err);

	(void)out;
	if (rc)
		return rc;
	if (cfb_find(cfb, CFB_ROOT, "EncryptedPackage") != CFB_NONE)
		return ole_encrypted(err);
	return err_set(err, -ENODATA,
		"no text can be extracted from a compound file (OLE2) of an unknown program");
}
