/* SPDX-License-Identifier: Apache-2.0 */
/* A text encoder of the BERT family: its shape, its weights, and how it wants its texts. Read
 * from one packed file (magic "E5S1"), or from a folder in Hugging Face's layout. The files are
 * mapped, so that all who use a model share its memory; the matrices are expanded to 8 bits
 * when they are needed first, and let go of when nobody needs them for a while. */
#ifndef ASKFS_CORE_LOCAL_EMBED_MODEL_H
#define ASKFS_CORE_LOCAL_EMBED_MODEL_H

#include <stdbool.h>

#include "core/err.h"
#include "core/local/embed/kernel.h"
#include "core/local/embed/pieces.h"
#include "core/local/embed/tensor.h"

enum model_pooling { MODEL_MEAN, MODEL_CLS };

struct model_shape {
	size_t hidden, layers, heads, ffn, vocabulary;
	size_t positions; /* rows of the table of positions */
	size_t first_position; /* 0, or 2 for models that come from RoBERTa */
	size_t tokens_max; /* of a text, with its marks */
	float epsilon;
	enum model_pooling pooling;
	char name[128];
	char query_prefix[32], passage_prefix[32];
};

/* What one layer is computed with, once the model is awake. */
struct model_layer {
	struct matrix qkv, out, up, down; /* attention in and out; feed-forward up and down */
	float *attention_norm[2], *output_norm[2]; /* weight, bias */
};

struct model;

/* Open a packed file or a folder. 0; or -errno with *err set: -ENOENT, -EBADMSG (cut, garbled,
 * sizes or weights that cannot be), -EOPNOTSUPP (another kind of model; says what is
 * supported). The caller frees it. */
int model_open(struct model **out, const char *path, struct err *err);
void model_free(struct model *model);

const struct model_shape *model_shape(const struct model *model);
const struct pieces *model_pieces(const struct model *model);

/* A digest of the file, in hex: two files are two models. */
const char *model_digest(const struct model *model);

/* Expand the matrices if they are not there, and hold them until model_rest(). 0 or -ENOMEM.
 * Any thread. */
int model_wake(struct model *model);
void model_release(struct model *model); /* for each model_wake */

/* Let go of the expanded matrices if nobody holds them. Any thread. */
void model_rest(struct model *model);

/* For the encoder, between model_wake and model_release. */
const struct model_layer *model_layer(const struct model *model, size_t i);
/* A row of the table of words plus that of its position and type, as floats, before the norm. */
void model_embed(const struct model *model, uint32_t id, size_t position, float *out);
const float *const *model_embed_norm(const struct model *model); /* weight, bias */

#endif
