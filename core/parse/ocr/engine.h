/* SPDX-License-Identifier: Apache-2.0 */
/* Tesseract over one image: for the readers of askfs-parse-ocr alone. */
#ifndef ASKFS_CORE_PARSE_OCR_ENGINE_H
#define ASKFS_CORE_PARSE_OCR_ENGINE_H

#include <stdbool.h>

#include "core/buf.h"

struct Pix;

/* Tesseract looks at its clock only between words. So an image should not be begun that would take
 * more than what is left, if it takes as long as the slowest before it: what was read until then
 * is kept. */
bool engine_has_time(void);

/* As ocr_read, with an image of 8 bits a pixel. It stays the caller's. */
int engine_read(struct Pix *image, struct buf *text);

#endif
