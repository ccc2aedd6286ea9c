/* SPDX-License-Identifier: Apache-2.0 */
/* Archives, and single files that are compressed, through libarchive: what lies in them goes to
 * the daemon as members, which are parsed in children of their own. Nothing is written here, so
 * a path that leads elsewhere leads nowhere.
 *
 * Only regular files count. A link is not followed: what a hard link stands for is in the archive
 * under its first name. The daemon ends us when it has enough; what is absurd ends by itself
 * before it has cost the CPU time of a document.
 *
 * A format is only looked for where the type promises it: a .docx.gz is a compressed file, not an
 * archive of a document's parts. */
#include "core/parse/reader.h"

#include <ctype.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <string.h>
#include <strings.h>

#include <archive.h>
#include <archive_entry.h>

#include "core/auto.h"
#include "core/parse/archive_source.h"
#include "core/parse/charset.h"
#include "core/parse/member.h"
#include "core/parse/readers/rar5.h"
#include "core/text/utf8.h"

/* Beyond both, no honest archive: how many times its size it unpacks to, and bytes. */
#define RATIO_MAX      250
#define RATIO_FREE     ((uint64_t)256 << 20)
#define DAMAGED_MAX    64 /* headers that may be damaged before we give up */
#define OLD_ZIP_NAMES  "ibm-437" /* what a zip's names are in where it does not say UTF-8 */
#define CJK_BYTES_MIN  8 /* beyond ASCII in a name, before statistics are asked */
#define UNLOCK_AND_TRY "unpack it with its password and drop its files"

static locale_t utf8_locale; /* in which libarchive turns UTF-16 names into ours */

struct reading {
	const struct source *source;
	struct out *out;
	struct archive *archive;
	struct rar5 rar; /* in step with @archive */
	uint64_t unpacked; /* bytes so far */
	bool has_entry; /* of whatever kind */
	size_t whole, locked; /* members that could be read, and that are encrypted */
	size_t damaged;
	struct err damage; /* of the first of them */
};

void archive_prepare(void)
{
	utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
}

static bool is_compressed_file(const char *type)
{
	static const char *const types[] = {"application/gzip", "application/x-gzip",
		"application/x-bzip2", "application/x-xz", "application/zstd", "application/x-lz4",
		"application/x-lzip", "application/x-lzma", "application/x-compress"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (!strcmp(type, types[i]))
			return true;
	return false;
}

/* Not what libarchive has beside: filters that run programs, formats that are lists of files.
 * @is_single: whatever is inside, it is one file. */
static void support(struct archive *archive, const char *type, bool is_single)
{
	archive_read_support_filter_gzip(archive);
	archive_read_support_filter_bzip2(archive);
	archive_read_support_filter_xz(archive);
	archive_read_support_filter_lzma(archive);
	archive_read_support_filter_lzip(archive);
	archive_read_support_filter_zstd(archive);
	archive_read_support_filter_lz4(archive);
	archive_read_support_filter_compress(archive);
	if (is_single || is_compressed_file(type))
		archive_read_support_format_raw(archive);
	if (is_single)
		return;
	archive_read_support_format_tar(archive);
	archive_read_support_format_cpio(archive);
	if (is_compressed_file(type))
		return;
	archive_read_support_filter_rpm(archive);
	archive_read_support_format_zip(archive);
	archive_read_support_format_7zip(archive);
	archive_read_support_format_rar(archive);
	archive_read_support_format_rar5(archive);
	archive_read_support_format_ar(archive);
	archive_read_support_format_iso9660(archive);
	archive_read_support_format_cab(archive);
	archive_read_support_format_xar(archive);
	archive_read_support_format_lha(archive);
}

/* Names. */

static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What Macs and Windows leave behind in folders, and the tables of an ar archive. */
static bool is_noise(const char *path)
{
	static const char *const names[] = {"", ".DS_Store", "Thumbs.db", "__.SYMDEF"};
	const char *base = base_of(path);

	if (!strncmp(path, "__MACOSX/", 9) || strstr(path, "/__MACOSX/") || !strncmp(base, "._", 2))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcasecmp(base, names[i]))
			return true;
	return false;
}

/* "notes.txt" of "notes.txt.gz", "a.tar" of "a.tgz", "a.svg" of "a.svgz". */
static int unpacked_name(const char *name, struct buf *path)
{
	static const struct {
		const char *packed, *inside;
	} pairs[] = {{"svgz", ".svg"}, {"emz", ".emf"}, {"wmz", ".wmf"}};
	const char *base = base_of(name), *dot = strrchr(base, '.');

	if (!dot || dot == base)
		return buf_adds(path, *base ? base : "file");
	buf_add(path, base, (size_t)(dot - base));
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
		if (!strcasecmp(dot + 1, pairs[i].packed))
			buf_adds(path, pairs[i].inside);
	return path->failed;
}

static size_t count_beyond_ascii(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += (unsigned char)*text >= 0x80;
	return count;
}

/* The encoding of a zip's name that is not UTF-8: the old one of the PC, unless the name is
 * long enough to be known for East Asian. */
static const char *zip_charset(const char *name)
{
	static const char *const east_asian[] = {
		"windows-31j", "SHIFT_JIS", "gb18030", "BIG5", "windows-949", "EUC-KR", "EUC-JP"};
	size_t bom;

	if (count_beyond_ascii(name) < CJK_BYTES_MIN)
		return OLD_ZIP_NAMES;
	const char *found = charset_detect(name, strlen(name), true, &bom);
	for (size_t i = 0; i < ARRAY_LEN(east_asian); i++)
		if (!strcasecmp(found, east_asian[i]))
			return found;
	return OLD_ZIP_NAMES;
}

static int add_name(struct reading *reading, const char *name, struct buf *path)
{
	int format = archive_format(reading->archive) & ARCHIVE_FORMAT_BASE_MASK;
	size_t len = strlen(name);

	if (format != ARCHIVE_FORMAT_ZIP || utf8_is_valid(name, len))
		return buf_adds(path, name);
	return charset_convert(zip_charset(name), name, len, path);
}

/* Where the member lies: bytes as the archive has them, UTF-8 where it says what they are. */
static int member_path(struct reading *reading, struct archive_entry *entry, struct buf *path)
{
	bool is_raw = archive_format(reading->archive) == ARCHIVE_FORMAT_RAW;
	const char *name = archive_entry_pathname(entry);

	if (!name)
		name = archive_entry_pathname_utf8(entry);
	while (name && name[0] == '.' && name[1] == '/')
		name += 2;
	if (is_raw && (!name || !strcmp(name, "data"))) /* gzip stored none */
		return unpacked_name(reading->source->name, path);
	return add_name(reading, name && *name ? name : "unnamed", path);
}

/* Members. */

static const char *why(struct archive *archive)
{
	const char *words = archive_error_string(archive);

	return words && *words ? words : "it ends too early";
}

static bool is_about_encryption(struct archive *archive)
{
	const char *words = archive_error_string(archive);

	return words && (strcasestr(words, "encrypt") || strcasestr(words, "passphrase"));
}

static bool is_absurd(const struct reading *reading)
{
	return reading->unpacked > RATIO_FREE &&
		reading->unpacked / RATIO_MAX > reading->source->size;
}

static int count(struct reading *reading, size_t len)
{
	reading->unpacked += len;
	return is_absurd(reading) ? -EFBIG : 0;
}

/* A hole of a sparse file. */
static int send_zeros(struct reading *reading, uint64_t len)
{
	static const char zeros[32768];
	int rc = 0;

	while (len && !rc) {
		size_t part = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);
		rc = count(reading, part);
		rc = rc ? rc : member_data(reading->out, zeros, part);
		len -= part;
	}
	return rc;
}

/* The bytes of the entry that is open: 0; -EBADMSG, -EKEYREJECTED: this member is lost; -EFBIG:
 * enough. */
static int send_data(struct reading *reading)
{
	const void *data;
	uint64_t at = 0;
	la_int64_t offset;
	size_t len;
	int step, rc = 0;

	while (!rc &&
		((step = archive_read_data_block(reading->archive, &data, &len, &offset)) ==
				ARCHIVE_OK ||
			step == ARCHIVE_WARN)) {
		if (offset > 0 && (uint64_t)offset > at) {
			rc = send_zeros(reading, (uint64_t)offset - at);
			at = (uint64_t)offset;
		}
		rc = rc ? rc : count(reading, len);
		rc = rc ? rc : member_data(reading->out, data, len);
		at += len;
	}
	if (rc || step == ARCHIVE_EOF)
		return rc;
	return is_about_encryption(reading->archive) ? -EKEYREJECTED : -EBADMSG;
}

static int absurd(struct err *err)
{
	return err_set(err, -EFBIG,
		"it unpacks to more than %d times its size: unpack it and drop what is needed",
		RATIO_MAX);
}

/* Say how the member ended. 0: the next one may follow. */
static int end_member(struct reading *reading, int rc, struct err *err)
{
	struct err words = ERR_NONE;

	switch (rc) {
	case 0: reading->whole++; break;
	case -EKEYREJECTED:
		reading->locked++;
		err_set(&words, rc, "the member is encrypted: " UNLOCK_AND_TRY);
		break;
	case -EBADMSG:
		err_set(&words, rc, "the member is damaged: %s", why(reading->archive));
		if (!reading->damaged++)
			reading->damage = words;
		break;
	case -EFBIG: absurd(&words); break;
	default: return rc;
	}
	int sent = member_end(reading->out, rc, &words);
	if (rc == -EFBIG) {
		*err = words;
		return rc;
	}
	return sent;
}

static bool is_file(struct archive_entry *entry)
{
	__LA_MODE_T type = archive_entry_filetype(entry);

	if (archive_entry_symlink(entry) || (type && type != AE_IFREG))
		return false;
	/* the last of cpio's hard links has the data */
	return !archive_entry_hardlink(entry) || archive_entry_size(entry) > 0;
}

static int take_entry(struct reading *reading, struct archive_entry *entry, struct err *err)
{
	AUTO_BUF struct buf path;

	buf_init(&path, PROTOCOL_PATH_MAX * 4);
	bool is_locked =
		rar5_next_is_encrypted(&reading->rar) || archive_entry_is_data_encrypted(entry);
	int rc = is_file(entry) ? member_path(reading, entry, &path) : 0;
	if (rc == -EFBIG) /* a path that nobody wrote */
		return 0;
	if (rc || !path.len || is_noise(path.data))
		return rc;
	rc = member_begin(reading->out, path.data, path.len,
		archive_entry_mtime_is_set(entry) ? archive_entry_mtime(entry) : 0);
	if (rc)
		return rc;
	rc = is_locked ? -EKEYREJECTED : send_data(reading);
	return end_member(reading, rc, err);
}

static int empty(struct err *err)
{
	return err_set(err, -ENODATA, "the archive is empty: there is no file in it");
}

static int damaged(struct reading *reading, struct err *err)
{
	return err_set(err, -EBADMSG,
		"the archive is damaged (%s): make it again, or unpack it and drop its files",
		why(reading->archive));
}

static int broken(struct reading *reading, struct err *err)
{
	if (is_about_encryption(reading->archive) ||
		archive_read_has_encrypted_entries(reading->archive) > 0)
		return err_set(err, -EKEYREJECTED, "the archive is encrypted: " UNLOCK_AND_TRY);
	return damaged(reading, err);
}

static int read_entries(struct reading *reading, struct err *err)
{
	struct archive_entry *entry;
	unsigned damaged = 0;
	int rc = 0, step = ARCHIVE_OK;

	while (!rc && (step = archive_read_next_header(reading->archive, &entry)) != ARCHIVE_EOF) {
		reading->has_entry = true;
		if (step >= ARCHIVE_WARN)
			rc = take_entry(reading, entry, err);
		else if (step == ARCHIVE_FATAL || ++damaged > DAMAGED_MAX)
			break;
	}
	/* a member that is lost says more; what came before is as good as it was */
	if (rc || step >= ARCHIVE_EOF || reading->whole || reading->damaged || reading->locked)
		return rc;
	return broken(reading, err);
}

/* When all is read: was there anything? */
static int judge(const struct reading *reading, struct err *err)
{
	if (reading->whole)
		return 0;
	if (reading->damaged) {
		*err = reading->damage;
		return -EBADMSG;
	}
	if (reading->locked)
		return err_set(err, -EKEYREJECTED, "the archive is encrypted: " UNLOCK_AND_TRY);
	return empty(err);
}

/* libarchive knows no format that fits. */
static int not_opened(struct reading *reading, struct err *err)
{
	struct archive *archive = reading->archive;

	/* a compressed file may be anything but empty */
	if (archive_errno(archive) == EILSEQ && is_compressed_file(reading->source->type) &&
		archive_filter_count(archive) > 1)
		return empty(err);
	return damaged(reading, err);
}

static int read_archive(struct reading *reading, bool is_single, struct err *err)
{
	struct archive_source input;

	reading->archive = archive_read_new();
	if (!reading->archive)
		return err_set(err, -ENOMEM, "memory is short");
	support(reading->archive, reading->source->type, is_single);
	rar5_begin(&reading->rar, reading->source);
	int rc = archive_source_open(&input, reading->archive, reading->source) == ARCHIVE_OK
		? read_entries(reading, err)
		: not_opened(reading, err);
	rc = rc ? rc : judge(reading, err);
	archive_read_free(reading->archive);
	return rc;
}

int archive_read(const struct source *source, struct out *out, struct err *err)
{
	struct reading reading = {.source = source, .out = out};
	locale_t before = utf8_locale ? uselocale(utf8_locale) : (locale_t)0;

	int rc = read_archive(&reading, false, err);
	/* a file that begins with zeros, the image of a disk, looks like the end of a tar */
	if (rc == -ENODATA && !reading.has_entry && is_compressed_file(source->type))
		rc = read_archive(&reading, true, err);
	if (before)
		uselocale(before);
	return rc;
}
