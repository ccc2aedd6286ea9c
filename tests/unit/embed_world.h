/* SPDX-License-Identifier: Apache-2.0 */
/* A tiny model with random weights, written as a packed file and as a folder, and what it makes of
 * a text, computed slowly and with full precision. */
#ifndef ASKFS_TESTS_UNIT_EMBED_WORLD_H
#define ASKFS_TESTS_UNIT_EMBED_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"

enum {
	EW_HIDDEN = 64,
	EW_HEADS = 2,
	EW_LAYERS = 2,
	EW_FFN = 128,
	EW_WORDS = 32,
	EW_POSITIONS = 24
};

/* Fill @out with the packed file. */
void ew_pack(struct buf *out);

/* How many bytes at the end of either file are weights. */
size_t ew_weight_bytes(void);

/* Write config.json, vocab.txt and model.safetensors into @folder. */
void ew_write_folder(const char *folder);

/* The vector of @count numbers, of unit length. */
void ew_reference(const uint32_t *ids, size_t count, double out[EW_HIDDEN]);

#endif
