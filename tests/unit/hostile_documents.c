/* SPDX-License-Identifier: Apache-2.0 */
/* Made at run time: most are small, but for what they become. A ZIP file that holds itself is
 * left out: members are never opened in the process that reads their container, so that
 * depth is the daemon's to count. */
#include "tests/unit/hostile_documents.h"

#include <string.h>

#include "core/auto.h"
#include "tests/unit/make_zip.h"

static const char zeros[1 << 20];

static void repeat(struct buf *out, const char *text, size_t times)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < times; i++)
		buf_add(out, text, len);
}

/* Bombs. */

static void flat_zip(struct buf *out)
{
	struct zip zip;

	zip_begin(&zip, out);
	zip_add(&zip, "zeros.txt", zeros, sizeof(zeros), 512);
	zip_end(&zip);
}

static void nested_zip(struct buf *out)
{
	AUTO_BUF struct buf inner;
	char name[16];

	buf_init(&inner, BUF_MAX_DEFAULT);
	buf_add(&inner, zeros, sizeof(zeros));
	for (int level = 0; level < 8; level++) {
		AUTO_BUF struct buf outer;
		struct zip zip;
		buf_init(&outer, BUF_MAX_DEFAULT);
		zip_begin(&zip, &outer);
		for (int i = 0; i < 8; i++) {
			snprintf(name, sizeof(name), "%d.zip", i);
			zip_add(&zip, name, inner.data, inner.len, 1);
		}
		zip_end(&zip);
		buf_clear(&inner);
		buf_add(&inner, outer.data, outer.len);
	}
	buf_add(out, inner.data, inner.len);
}

/* Sixty thousand names of one MiB that is there once. */
static void overlapping_zip(struct buf *out)
{
	struct zip zip;
	char name[16];

	zip_begin(&zip, out);
	uint32_t offset = zip_add(&zip, "0.txt", zeros, sizeof(zeros), 1);
	for (int i = 1; i < 60000; i++) {
		snprintf(name, sizeof(name), "%d.txt", i);
		zip_point(&zip, name, offset);
	}
	zip_end(&zip);
}

static const char content_types[] =
	"<?xml version=\"1.0\"?><Types "
	"xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"><Default "
	"Extension=\"rels\" "
	"ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>"
	"<Override PartName=\"/word/document.xml\" ContentType=\"application/"
	"vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml\"/></Types>";
static const char relations[] =
	"<?xml version=\"1.0\"?><Relationships "
	"xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship "
	"Id=\"r1\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	"officeDocument\" Target=\"word/document.xml\"/></Relationships>";
#define WORD                                                                                    \
	"<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">" \
	"<w:body>"

/* A Word document whose text is @head, then @body repeated. */
static void add_word(struct buf *out, const char *head, const char *body, size_t times)
{
	AUTO_BUF struct buf text;
	struct zip zip;

	buf_init(&text, BUF_MAX_DEFAULT);
	buf_adds(&text, head);
	repeat(&text, body, times);
	zip_begin(&zip, out);
	zip_add(&zip, "[Content_Types].xml", content_types, strlen(content_types), 1);
	zip_add(&zip, "_rels/.rels", relations, strlen(relations), 1);
	zip_add(&zip, "word/document.xml", text.data, text.len, 1);
	zip_end(&zip);
}

static void word_bomb(struct buf *out)
{
	add_word(out, "<?xml version=\"1.0\"?>" WORD, "<w:p><w:r><w:t> x </w:t></w:r></w:p>",
		1000000);
}

static void deep_word(struct buf *out)
{
	add_word(out, "<?xml version=\"1.0\"?>" WORD, "<w:p>", 1000000);
}

#define LAUGHS                                                                              \
	"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"laughs laughs laughs \">"         \
	"<!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\"><!ENTITY c "                         \
	"\"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;\">" \
	"<!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;\"><!ENTITY f "                         \
	"\"&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;\"><!ENTITY g \"&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;\">" \
	"<!ENTITY h \"&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;\">]>"

static void word_laughs(struct buf *out)
{
	add_word(out, LAUGHS WORD, "<w:p><w:r><w:t>&h;</w:t></w:r></w:p>", 10);
}

static void page_laughs(struct buf *out)
{
	buf_adds(out, LAUGHS "<html xmlns=\"http://www.w3.org/1999/xhtml\"><body>");
	repeat(out, "<p>&h;</p>", 10);
}

static void picture_laughs(struct buf *out)
{
	buf_adds(out, LAUGHS "<svg xmlns=\"http://www.w3.org/2000/svg\"><text>&h;</text></svg>");
}

/* One entity of 100 KB, ten thousand times: no depth at all. */
static void quadratic_xml(struct buf *out)
{
	buf_adds(out, "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"");
	repeat(out, "word word ", 10000);
	buf_adds(out, "\">]><html xmlns=\"http://www.w3.org/1999/xhtml\"><body><p>");
	repeat(out, "&a;", 10000);
	buf_adds(out, "</p></body></html>");
}

/* What points at files of the machine. */

#define OUTSIDE                                                                                \
	"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY f SYSTEM \"file://" HOSTILE_TARGET "\">" \
	"<!ENTITY % p SYSTEM \"file://" HOSTILE_TARGET "\"> %p;]>"

static void outside_word(struct buf *out)
{
	add_word(out, OUTSIDE WORD, "<w:p><w:r><w:t>&f;</w:t></w:r></w:p>", 1);
}

static void outside_page(struct buf *out)
{
	buf_adds(out,
		OUTSIDE "<html xmlns=\"http://www.w3.org/1999/xhtml\"><body><p>before &f; "
			"after</p><iframe src=\"file://" HOSTILE_TARGET
			"\"></iframe></body></html>");
}

static void outside_xml(struct buf *out)
{
	buf_adds(out,
		OUTSIDE "<x xmlns:i=\"http://www.w3.org/2001/XInclude\">&f;<i:include "
			"href=\"file://" HOSTILE_TARGET "\" parse=\"text\"/></x>");
}

static const char *const ways_out[] = {"../../../../../../tmp/askfs-hostile-was-here",
	"/tmp/askfs-hostile-was-here", "a/../../../../../../tmp/askfs-hostile-was-here",
	"..\\..\\tmp\\askfs-hostile-was-here", "C:\\askfs-hostile-was-here"};

static void climbing_zip(struct buf *out)
{
	struct zip zip;

	zip_begin(&zip, out);
	for (size_t i = 0; i < ARRAY_LEN(ways_out); i++)
		zip_add(&zip, ways_out[i], "was here\n", 9, 1);
	zip_end(&zip);
}

static void climbing_tar(struct buf *out)
{
	for (size_t i = 0; i < ARRAY_LEN(ways_out); i++)
		tar_add(out, ways_out[i], '0', "", "was here\n");
	tar_add(out, "link.txt", '2', HOSTILE_TARGET, "");
	tar_add(out, "hard.txt", '1', HOSTILE_TARGET, "");
	tar_add(out, "folder", '2', "/tmp", "");
	tar_add(out, "folder/askfs-hostile-was-here", '0', "", "was here\n");
	tar_end(out);
}

/* PDF. */

static void pdf_page_tree(struct buf *out, size_t pages, size_t depth)
{
	buf_adds(out, "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n");
	for (size_t i = 0; i < depth; i++)
		buf_addf(out, "%zu 0 obj<</Type/Pages/Count 1/Kids[%zu 0 R]%s>>endobj\n", i + 2,
			i + 3, i ? "/Parent 2 0 R" : "");
	buf_addf(out, "%zu 0 obj<</Type/Pages/Count %zu/MediaBox[0 0 9 9]/Kids[", depth + 2, pages);
	for (size_t i = 0; i < pages; i++)
		buf_addf(out, "%zu 0 R ", i + depth + 3);
	buf_adds(out, "]>>endobj\n");
	for (size_t i = 0; i < pages; i++)
		buf_addf(out, "%zu 0 obj<</Type/Page/Parent %zu 0 R>>endobj\n", i + depth + 3,
			depth + 2);
	buf_adds(out, "trailer<</Root 1 0 R>>\n");
}

static void many_pages(struct buf *out)
{
	pdf_page_tree(out, 100000, 0);
}

static void deep_pages(struct buf *out)
{
	pdf_page_tree(out, 1, 50000);
}

/* A form that draws itself, and a page whose content is itself. */
static void looping_pdf(struct buf *out)
{
	buf_adds(out,
		"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
		"2 0 obj<</Type/Pages/Count 2/Kids[3 0 R 2 0 R]>>endobj\n"
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]/Contents[4 0 R 4 0 R]"
		"/Resources<</XObject<</F 5 0 R>>>>>>endobj\n"
		"4 0 obj<</Length 11>>stream\n/F Do /F Do\nendstream endobj\n"
		"5 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Length 11"
		"/Resources<</XObject<</F 5 0 R>>>>>>stream\n/F Do /F Do\nendstream endobj\n"
		"trailer<</Root 1 0 R/Prev 0>>\n");
}

/* Pictures. */

static void huge_png(struct buf *out)
{
	/* 60,000 x 60,000 in 16 bits a channel; then a few bytes of a deflate stream */
	static const char head[13] = "\0\0\xea\x60\0\0\xea\x60\x10\6\0\0";

	buf_add(out, "\x89PNG\r\n\x1a\n", 8);
	png_chunk(out, "IHDR", head, sizeof(head));
	png_chunk(out, "IDAT", "\x78\x9c\x63\0\0\0\1\0\1", 9);
	png_chunk(out, "IEND", "", 0);
}

/* As large, and its one block of pixels is cut off. */
static void huge_gif(struct buf *out)
{
	buf_add(out, "GIF89a\x60\xea\x60\xea\xf7\0\0", 13);
	buf_add(out, zeros, 768);
	buf_add(out, ",\0\0\0\0\x60\xea\x60\xea\0\x08", 11);
	repeat(out, "\xff", 1);
}

/* Lines and depths. */

static void one_line(struct buf *out)
{
	repeat(out, "a word, \"a comma\"; 12 ", 10 << 20 >> 4);
}

static void one_word(struct buf *out)
{
	repeat(out, "abcdefghijklmnop", 10 << 20 >> 4);
}

static void brackets(struct buf *out)
{
	repeat(out, "[", 1000000);
}

static void braces(struct buf *out)
{
	repeat(out, "{\"a\":", 1000000);
}

static void deep_yaml(struct buf *out)
{
	repeat(out, "- ", 1000000);
}

static void yaml_laughs(struct buf *out)
{
	buf_adds(out, "a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
	for (char c = 'b'; c < 'k'; c++)
		buf_addf(out, "%c: &%c [*%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c, *%c]\n", c, c,
			c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1, c - 1);
}

static void deep_rtf(struct buf *out)
{
	buf_adds(out, "{\\rtf1 ");
	repeat(out, "{\\b ", 1000000);
	buf_adds(out, "deep words");
}

static void deep_page(struct buf *out)
{
	buf_adds(out, "<!DOCTYPE html><html><body>");
	repeat(out, "<table><tr><td>", 300000);
	buf_adds(out, "deep words");
}

static void attributes(struct buf *out)
{
	buf_adds(out, "<!DOCTYPE html><html><body><p");
	for (int i = 0; i < 200000; i++)
		buf_addf(out, " a%d=\"%d\"", i, i);
	buf_adds(out, ">words</p>");
}

static void quotes(struct buf *out)
{
	repeat(out, "> ", 1000000);
	repeat(out, "* _a_ **b** [c](d) `", 100000);
}

static void many_headings(struct buf *out)
{
	repeat(out, "# a\n", 1500000);
}

static void wide_csv(struct buf *out)
{
	repeat(out, "a,", 1000000);
	buf_addc(out, '\n');
	repeat(out, "\"", 1000001);
}

static void deep_mail(struct buf *out)
{
	buf_adds(out, "From: a@example.org\nTo: b@example.org\nSubject: parts\n");
	for (int i = 0; i < 20000; i++)
		buf_addf(out,
			"MIME-Version: 1.0\nContent-Type: multipart/mixed; "
			"boundary=\"b%d\"\n\n--b%d\n",
			i, i);
	buf_adds(out, "Content-Type: text/plain\n\ndeep words\n");
}

static void wrapped_mail(struct buf *out)
{
	buf_adds(out, "From: a@example.org\nSubject: wrapped\n");
	repeat(out, "MIME-Version: 1.0\nContent-Type: message/rfc822\n\n", 20000);
}

static void long_headers(struct buf *out)
{
	buf_adds(out, "From: a@example.org\nMIME-Version: 1.0\nSubject: ");
	repeat(out, "=?utf-8?q?=C3=A9?= =?utf-8?b?w6k=?=\n ", 100000);
	buf_adds(out, "\n\nwords\n");
}

static void long_calendar(struct buf *out)
{
	buf_adds(out, "BEGIN:VCALENDAR\nVERSION:2.0\n");
	repeat(out, "BEGIN:VEVENT\n", 300000);
	buf_adds(out, "SUMMARY:deep words\n");
	repeat(out, "X-A:a\n ", 300000);
}

const struct hostile_document hostile_documents[] = {
	{"flat.zip", flat_zip},
	{"nested.zip", nested_zip},
	{"overlapping.zip", overlapping_zip},
	{"bomb.docx", word_bomb},
	{"deep.docx", deep_word},
	{"laughs.docx", word_laughs},
	{"laughs.xhtml", page_laughs},
	{"laughs.svg", picture_laughs},
	{"laughs.xml", page_laughs},
	{"laughs.fb2", page_laughs},
	{"laughs.yaml", yaml_laughs},
	{"quadratic.xhtml", quadratic_xml},
	{"quadratic.xml", quadratic_xml},
	{"outside.docx", outside_word},
	{"outside.xhtml", outside_page},
	{"outside.html", outside_page},
	{"outside.xml", outside_xml},
	{"outside.svg", outside_xml},
	{"climbing.zip", climbing_zip},
	{"climbing.tar", climbing_tar},
	{"many.pdf", many_pages},
	{"deep.pdf", deep_pages},
	{"loop.pdf", looping_pdf},
	{"huge.png", huge_png},
	{"huge.gif", huge_gif},
	{"line.txt", one_line},
	{"line.csv", one_line},
	{"line.md", one_line},
	{"line.html", one_line},
	{"line.json", one_line},
	{"line.xml", one_line},
	{"word.txt", one_word},
	{"word.html", one_word},
	{"brackets.json", brackets},
	{"brackets.jsonl", brackets},
	{"braces.json", braces},
	{"deep.yaml", deep_yaml},
	{"deep.rtf", deep_rtf},
	{"deep.html", deep_page},
	{"attributes.html", attributes},
	{"quotes.md", quotes},
	{"headings.md", many_headings},
	{"wide.csv", wide_csv},
	{"deep.eml", deep_mail},
	{"wrapped.eml", wrapped_mail},
	{"headers.eml", long_headers},
	{"long.ics", long_calendar},
};
const size_t hostile_document_count = ARRAY_LEN(hostile_documents);
