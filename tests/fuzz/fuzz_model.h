/* SPDX-License-Identifier: Apache-2.0 */
/* What the targets that read an embedding model's files share. */
#ifndef ASKFS_TESTS_FUZZ_MODEL_H
#define ASKFS_TESTS_FUZZ_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "core/auto.h"
#include "core/local/embed/model.h"
#include "core/text/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

void fuzz_require(bool is_true);

/* A folder of this process, emptied of the files that the readers look for; gone at the end. */
const char *fuzz_folder(void);
void fuzz_put_file(
	const char *folder, const char *name, const void *data, size_t size, bool with_weights);

void fuzz_write(int fd, const void *data, size_t size);
void fuzz_write_weights(int fd);

/* The pieces are fewer than was asked for, and numbers that are given out. */
void fuzz_encode(const struct pieces *pieces, const char *text, size_t len);

/* Open it; what opens must embed a text without harm. */
void fuzz_model(const char *path);

#endif
