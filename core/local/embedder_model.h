/* SPDX-License-Identifier: Apache-2.0 */
/* The embedder that is a model on this machine's CPU (core/local/embed/). */
#ifndef ASKFS_CORE_LOCAL_EMBEDDER_MODEL_H
#define ASKFS_CORE_LOCAL_EMBEDDER_MODEL_H

#include "core/embedder.h"

/* Open the model at @path: a packed file, or a folder in Hugging Face's layout. A call for many
 * passages is shared by so many threads. 0; -errno with *err set, as model_open. */
int embedder_model_new(struct embedder **out, const char *path, size_t threads, struct err *err);

/* Where the model called @name is: @name itself if it has a slash; else a file NAME or NAME.bin,
 * or a folder NAME, below the first of these that has it: models/ beside the running program or
 * above it,
 * $(PREFIX)/share/askfs/models, ~/.local/share/askfs/models. "" stands for
 * multilingual-e5-small. NULL: nowhere; the caller frees it. */
char *embedder_model_find(const char *name);

#endif
