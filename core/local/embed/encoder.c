/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of different lengths lie one behind the other, without padding: the matrices see one
 * long row of tokens, so that weights are read once for all of them; only attention looks at
 * one text at a time. */
#include "core/local/embed/encoder.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

struct encoder {
	const struct kernel *kernel;
	size_t tokens, hidden, ffn; /* what the memory below is for */
	float *x; /* tokens × hidden: the state */
	float *wide; /* tokens × max(3 hidden, ffn) */
	float *narrow; /* tokens × hidden */
	float *scratch; /* of attention */
	struct activations q; /* tokens × max(hidden, ffn) */
};

int encoder_new(struct encoder **out, const struct kernel *kernel)
{
	struct encoder *encoder = calloc(1, sizeof(*encoder));

	if (!encoder)
		return -ENOMEM;
	encoder->kernel = kernel ? kernel : kernel_best();
	*out = encoder;
	return 0;
}

static void let_go(struct encoder *encoder)
{
	free(encoder->x);
	free(encoder->wide);
	free(encoder->narrow);
	free(encoder->scratch);
	free(encoder->q.q);
	free(encoder->q.minimum);
	free(encoder->q.step);
	*encoder = (struct encoder){.kernel = encoder->kernel};
}

void encoder_free(struct encoder *encoder)
{
	if (!encoder)
		return;
	let_go(encoder);
	free(encoder);
}

static void *allocate(size_t size)
{
	return aligned_alloc(64, (size + 63) & ~(size_t)63);
}

static size_t larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

static int reserve(struct encoder *encoder, const struct model_shape *shape, size_t tokens)
{
	size_t hidden = shape->hidden, ffn = shape->ffn;
	size_t groups = larger(hidden, ffn) / 16; /* more than there ever are */

	if (tokens <= encoder->tokens && hidden == encoder->hidden && ffn == encoder->ffn)
		return 0;
	let_go(encoder);
	encoder->x = allocate(tokens * hidden * sizeof(float));
	encoder->wide = allocate(tokens * larger(3 * hidden, ffn) * sizeof(float));
	encoder->narrow = allocate(tokens * hidden * sizeof(float));
	encoder->scratch =
		allocate(kernel_attention_scratch(tokens, hidden / shape->heads) * sizeof(float));
	encoder->q.q = allocate(tokens * larger(hidden, ffn));
	encoder->q.minimum = allocate(tokens * groups * sizeof(float));
	encoder->q.step = allocate(tokens * groups * sizeof(float));
	if (!encoder->x || !encoder->wide || !encoder->narrow || !encoder->scratch ||
		!encoder->q.q || !encoder->q.minimum || !encoder->q.step) {
		let_go(encoder);
		return -ENOMEM;
	}
	encoder->tokens = tokens;
	encoder->hidden = hidden;
	encoder->ffn = ffn;
	return 0;
}

/* What is run, through all layers. */
struct pass {
	struct encoder *encoder;
	const struct model *model;
	const struct model_shape *shape;
	const size_t *lengths;
	size_t count, tokens;
};

static void attend(const struct pass *pass)
{
	struct encoder *encoder = pass->encoder;
	size_t hidden = pass->shape->hidden, at = 0;

	for (size_t i = 0; i < pass->count; at += pass->lengths[i++])
		encoder->kernel->attention(&(struct attention){
			.qkv = encoder->wide + at * 3 * hidden,
			.stride = 3 * hidden,
			.tokens = pass->lengths[i],
			.heads = pass->shape->heads,
			.size = hidden / pass->shape->heads,
			.out = encoder->narrow + at * hidden,
			.scratch = encoder->scratch,
		});
}

/* @x times a matrix. */
static void multiply(const struct pass *pass, const struct matrix *matrix, const float *x,
	float *out, size_t stride)
{
	struct encoder *encoder = pass->encoder;

	encoder->kernel->quantise(x, pass->tokens, matrix->columns, matrix->groups, &encoder->q);
	encoder->kernel->product(matrix, &encoder->q, pass->tokens, out, stride);
}

static void run_layer(const struct pass *pass, const struct model_layer *layer)
{
	struct encoder *encoder = pass->encoder;
	const struct kernel *kernel = encoder->kernel;
	size_t hidden = pass->shape->hidden, ffn = pass->shape->ffn, tokens = pass->tokens;
	float epsilon = pass->shape->epsilon;

	multiply(pass, &layer->qkv, encoder->x, encoder->wide, 3 * hidden);
	attend(pass);
	multiply(pass, &layer->out, encoder->narrow, encoder->narrow, hidden);
	kernel->norm(encoder->x, encoder->narrow, tokens, hidden, layer->attention_norm[0],
		layer->attention_norm[1], epsilon);
	multiply(pass, &layer->up, encoder->x, encoder->wide, ffn);
	kernel->gelu(encoder->wide, tokens * ffn);
	multiply(pass, &layer->down, encoder->wide, encoder->narrow, hidden);
	kernel->norm(encoder->x, encoder->narrow, tokens, hidden, layer->output_norm[0],
		layer->output_norm[1], epsilon);
}

static void embed(const struct pass *pass, const uint32_t *const *ids)
{
	const float *const *norm = model_embed_norm(pass->model);
	size_t hidden = pass->shape->hidden;
	float *x = pass->encoder->x;

	for (size_t i = 0; i < pass->count; i++)
		for (size_t k = 0; k < pass->lengths[i]; k++, x += hidden)
			model_embed(pass->model, ids[i][k], k, x);
	pass->encoder->kernel->norm(pass->encoder->x, NULL, pass->tokens, hidden, norm[0], norm[1],
		pass->shape->epsilon);
}

/* One text's tokens become its vector. -EBADMSG if that is no vector. */
static int pool(const struct pass *pass, const float *x, size_t tokens, float *out)
{
	size_t hidden = pass->shape->hidden;
	double length = 0;

	if (pass->shape->pooling == MODEL_CLS)
		tokens = 1;
	memset(out, 0, hidden * sizeof(*out));
	for (size_t t = 0; t < tokens; t++, x += hidden)
		for (size_t i = 0; i < hidden; i++)
			out[i] += x[i];
	for (size_t i = 0; i < hidden; i++)
		length += (double)out[i] * (double)out[i];
	if (!isfinite(length) || length <= 0)
		return -EBADMSG;
	float factor = (float)(1 / sqrt(length));
	for (size_t i = 0; i < hidden; i++)
		out[i] *= factor;
	return 0;
}

int encoder_run(struct encoder *encoder, const struct model *model, const uint32_t *const *ids,
	const size_t *lengths, size_t count, float *out)
{
	struct pass pass = {.encoder = encoder,
		.model = model,
		.shape = model_shape(model),
		.lengths = lengths,
		.count = count};

	for (size_t i = 0; i < count; i++)
		pass.tokens += lengths[i];
	int rc = reserve(encoder, pass.shape, pass.tokens);
	if (rc)
		return rc;
	embed(&pass, ids);
	for (size_t i = 0; i < pass.shape->layers; i++)
		run_layer(&pass, model_layer(model, i));
	const float *x = encoder->x;
	for (size_t i = 0; i < count && !rc; i++, out += pass.shape->hidden) {
		rc = pool(&pass, x, lengths[i], out);
		x += lengths[i] * pass.shape->hidden;
	}
	return rc;
}
