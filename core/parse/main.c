/* SPDX-License-Identifier: Apache-2.0 */
/* askfs-parse: turns files into text where they can do no harm. askfs-parse-ocr is the same
 * program and ocr/ (core/parse/ocr.h): what must be read from its pixels is left to it, so that
 * not every document pays for what that loads.
 *
 * In reading order, by groups:
 *
 * - asked and answered: protocol.h (what the daemon asks and gets), server.c (forks a child a
 *   request), child.c (parses), source.c (the document's bytes), out.c (cleans and sends) and
 *   text_run.h (runs of plain ASCII, for both sides);
 * - what a child cannot do: limits.h, confine.c, files.c, namespace.c;
 * - what is it: type.c, with text_kind.c (mails), type_office.c (packages and zip files) and
 *   type_markup.c (XML); format.c says who reads it;
 * - what readers write through: flow.c (words, headings, tables, pages), meta.c (author, dates),
 *   member.c (documents inside);
 * - what they read with: bytes.h; charset.c, charset_page.c, charset_convert.c and codepage.c
 *   (text that is not UTF-8); xml.c; zip.c and package.c (parts by name), cfb.c (OLE files),
 *   archive_source.c (for libarchive);
 * - readers/: a file for each family of formats and for what such files share; reader.h lists
 *   all that format.c may choose from, the other headers are for one family's files;
 * - ocr/: images, in askfs-parse-ocr only; ocr_absent.c stands for it in askfs-parse.
 *
 * The order below matters: libraries are loaded while files can still be opened, a namespace
 * is entered while there are rights for it, and nothing is parsed before all rights are gone. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libxml/parser.h>
#include <unicode/uclean.h>

#include "core/parse/child.h"
#include "core/parse/format.h"
#include "core/parse/limits.h"
#include "core/parse/ocr.h"
#include "core/parse/reader.h"
#include "core/parse/server.h"

/* Nothing of the daemon's but the control socket; what libraries print goes nowhere (but
 * for the sanitizers, which say what is wrong with us). */
static void settle_fds(void)
{
	close_range(CHILD_FIRST, ~0U, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, CHILD_STDERR);
	dup2(null, CHILD_REPLY);
	close(null);
#else
	dup2(CHILD_STDERR, CHILD_REPLY);
#endif
}

#if defined(__SANITIZE_ADDRESS__)
/* A confined process can't look at its own threads, as the leak check at exit has to. */
const char *__asan_default_options(void);
__attribute__((weak)) const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}
#endif

/* Where the machine runs out of memory, a document is lost before the daemon is. */
static void stand_in_front(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	dprintf(fd, "500");
	close(fd);
}

static int load_libraries(const char *languages, struct err *err)
{
	UErrorCode status = U_ZERO_ERROR;

	u_init(&status);
	if (U_FAILURE(status))
		return err_set(err, -EIO, "ICU cannot be started: %s", u_errorName(status));
	xmlInitParser();
	pdf_prepare();
	archive_prepare();
#ifdef HAVE_GMIME
	mail_prepare();
#endif
	if (child_prepare())
		return err_set(err, -ENOMEM, "memory is short");
	int rc = type_prepare(err);
	return rc ? rc : ocr_prepare(languages, err);
}

/* Namespaces come before the libraries, one of which might start a thread. */
static int prepare(const char *languages, struct protocol_hello *hello, struct err *err)
{
	hello->has_network = !confine_network();
	int rc = load_libraries(languages, err);

	rc = rc ? rc : limits_measure(err);
	if (rc)
		return rc;
	enum confine_level level = files_begin();
	hello->confine = level;
	rc = confine_privileges(err);
	return rc ? rc : confine_server(level, err);
}

int main(int argc, char **argv)
{
	struct protocol_hello hello = {.magic = PROTOCOL_MAGIC, .confine = CONFINE_REFUSE};
	struct err err = ERR_NONE;
	int type;

	if (getsockopt(PROTOCOL_CONTROL, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof(type)}) ||
		type != SOCK_SEQPACKET) {
		fprintf(stderr, "%s: askfs starts this program; to try it: askfs extract FILE\n",
			argv[0]);
		return 2;
	}
	ocr_settle(argv);
	settle_fds();
	stand_in_front();
	hello.result = prepare(argc > 1 ? argv[1] : "auto", &hello, &err);
	snprintf(hello.error, sizeof(hello.error), "%.*s", (int)sizeof(hello.error) - 1, err.text);
	if (!hello.result)
		ocr_describe(hello.ocr, hello.ocr_lacks, sizeof(hello.ocr));
	format_list(hello.reads, sizeof(hello.reads), hello.lacks, sizeof(hello.lacks));
	if (send(PROTOCOL_CONTROL, &hello, sizeof(hello), MSG_NOSIGNAL) < 0 || hello.result)
		return 1;
	return server_run(PROTOCOL_CONTROL) ? 1 : 0;
}
