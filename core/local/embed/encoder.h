/* SPDX-License-Identifier: Apache-2.0 */
/* The forward pass: numbers of pieces to one vector a text. */
#ifndef ASKFS_CORE_LOCAL_EMBED_ENCODER_H
#define ASKFS_CORE_LOCAL_EMBED_ENCODER_H

#include "core/local/embed/model.h"

/* The scratch memory of one thread. */
struct encoder;

/* @kernel NULL: the best. 0 or -ENOMEM. */
int encoder_new(struct encoder **out, const struct kernel *kernel);
void encoder_free(struct encoder *encoder);

/* Texts of numbers in one go: @lengths[i] numbers (1 to the model's tokens_max) at @ids[i], each
 * below the vocabulary. @out: count × hidden floats of unit length. The model must be awake. One
 * thread at a time. Memory grows with the numbers of all texts: keep them to some hundreds in
 * a call. 0, -ENOMEM, -EBADMSG (the weights give no numbers).
 *
 * Devlin et al., BERT: Pre-training of Deep Bidirectional Transformers (2019): post-norm
 * layers, gelu; then the mean of all tokens (or the first one), scaled to unit length. */
int encoder_run(struct encoder *encoder, const struct model *model, const uint32_t *const *ids,
	const size_t *lengths, size_t count, float *out);

#endif
