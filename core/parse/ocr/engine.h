/* SPDX-License-Identifier: Apache-2.0 */
/* Tesseract over one image: for the readers of askfs-parse-ocr alone. */
#ifndef ASKFS_CORE_PARSE_OCR_ENGINE_H
#define ASKFS_CORE_PARSE_OCR_ENGINE_H

#include "core/buf.h"

struct Pix;

/* As ocr_read, with an image of 8 bits a pixel. It stays the caller's. */
int engine_read(struct Pix *image, struct buf *text);

#endif
