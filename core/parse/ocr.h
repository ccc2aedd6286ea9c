/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what is a picture of text. askfs-parse-ocr has it (core/parse/ocr/); in askfs-parse
 * the same functions say that it is to be asked (core/parse/ocr_absent.c). */
#ifndef ASKFS_CORE_PARSE_OCR_H
#define ASKFS_CORE_PARSE_OCR_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/err.h"

struct _PopplerPage;

/* First in main: where the environment has to be another one, the program starts itself again. */
void ocr_settle(char **argv);

/* Load what every child uses; @languages: "eng+deu", "auto": those that are installed. Without a
 * language it is no failure, each document says so. Once, in the server, before it is confined.
 * 0 or -errno with *err set. */
int ocr_prepare(const char *languages, struct err *err);

/* After ocr_prepare: the languages in @has, "eng, deu", with "osd" where pages that lie on their
 * side are turned; and in @lacks what is missing, in words. Either may be "". @size of both. */
void ocr_describe(char *has, char *lacks, size_t size);

/* The folder that a child may read beside all others; NULL: none. After ocr_prepare. */
const char *ocr_folder(void);

/* A request begins, with its flags. In a child. */
void ocr_begin(uint32_t flags);

/* Can this process read pixels? 0: it can; PROTOCOL_OCR: askfs-parse-ocr should be asked, if
 * nothing was written yet; -ENODATA with *err set: nobody can. It begins with "@what, ". */
int ocr_state(const char *what, struct err *err);

/* Draw a page of a PDF, and append the words that could be read with confidence, lines and
 * paragraphs apart; nothing where there are none, or where the time is up (limits_left_ms).
 * 0 or -errno. Where ocr_state is 0. */
int ocr_page(struct _PopplerPage *page, struct buf *text);

#endif
