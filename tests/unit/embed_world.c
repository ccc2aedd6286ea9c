/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/embed_world.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/auto.h"
#include "tests/unit/scratch.h"

enum { TENSORS = 5 + EW_LAYERS * 16 };

struct weights {
	char packed_name[64], name[96];
	size_t count;
	float *values;
};

static struct weights all[TENSORS];

static float random_weight(float size)
{
	static uint64_t state = 88172645463325252;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return ((float)(state % 20001) / 10000 - 1) * size;
}

static void make(struct weights *w, const char *packed, const char *name, size_t count, float size,
	float middle)
{
	snprintf(w->packed_name, sizeof(w->packed_name), "%s", packed);
	snprintf(w->name, sizeof(w->name), "%s", name);
	w->count = count;
	w->values = malloc(count * sizeof(float));
	for (size_t i = 0; i < count; i++)
		w->values[i] = middle + random_weight(size);
}

static void make_layer(struct weights *w, int layer)
{
	static const struct {
		const char *packed, *name;
		size_t count;
		float size, middle;
	} parts[16] = {
		{"q.w", "attention.self.query.weight", EW_HIDDEN * EW_HIDDEN, .2f, 0},
		{"q.b", "attention.self.query.bias", EW_HIDDEN, .1f, 0},
		{"k.w", "attention.self.key.weight", EW_HIDDEN * EW_HIDDEN, .2f, 0},
		{"k.b", "attention.self.key.bias", EW_HIDDEN, .1f, 0},
		{"v.w", "attention.self.value.weight", EW_HIDDEN * EW_HIDDEN, .2f, 0},
		{"v.b", "attention.self.value.bias", EW_HIDDEN, .1f, 0},
		{"ao.w", "attention.output.dense.weight", EW_HIDDEN * EW_HIDDEN, .2f, 0},
		{"ao.b", "attention.output.dense.bias", EW_HIDDEN, .1f, 0},
		{"aln.w", "attention.output.LayerNorm.weight", EW_HIDDEN, .3f, 1},
		{"aln.b", "attention.output.LayerNorm.bias", EW_HIDDEN, .1f, 0},
		{"fi.w", "intermediate.dense.weight", EW_FFN * EW_HIDDEN, .2f, 0},
		{"fi.b", "intermediate.dense.bias", EW_FFN, .1f, 0},
		{"fo.w", "output.dense.weight", EW_HIDDEN * EW_FFN, .2f, 0},
		{"fo.b", "output.dense.bias", EW_HIDDEN, .1f, 0},
		{"oln.w", "output.LayerNorm.weight", EW_HIDDEN, .3f, 1},
		{"oln.b", "output.LayerNorm.bias", EW_HIDDEN, .1f, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		char packed[64], name[96];

		snprintf(packed, sizeof(packed), "l%d.%s", layer, parts[i].packed);
		snprintf(name, sizeof(name), "bert.encoder.layer.%d.%s", layer, parts[i].name);
		make(&w[i], packed, name, parts[i].count, parts[i].size, parts[i].middle);
	}
}

static const struct weights *weights(void)
{
	if (all[0].values)
		return all;
	make(&all[0], "emb.word", "bert.embeddings.word_embeddings.weight",
		(size_t)EW_WORDS * EW_HIDDEN, 1, 0);
	make(&all[1], "emb.pos", "bert.embeddings.position_embeddings.weight",
		(size_t)EW_POSITIONS * EW_HIDDEN, .3f, 0);
	make(&all[2], "emb.type", "bert.embeddings.token_type_embeddings.weight",
		(size_t)2 * EW_HIDDEN, .3f, 0);
	make(&all[3], "emb.ln.w", "bert.embeddings.LayerNorm.weight", EW_HIDDEN, .3f, 1);
	make(&all[4], "emb.ln.b", "bert.embeddings.LayerNorm.bias", EW_HIDDEN, .1f, 0);
	for (int layer = 0; layer < EW_LAYERS; layer++)
		make_layer(&all[5 + 16 * layer], layer);
	return all;
}

/* --- files ------------------------------------------------------------------------ */

static void put_32(struct buf *out, uint32_t value)
{
	buf_add(out, &value, sizeof(value));
}

static void put_64(struct buf *out, uint64_t value)
{
	buf_add(out, &value, sizeof(value));
}

static void put_float(struct buf *out, float value)
{
	buf_add(out, &value, sizeof(value));
}

/* Pieces "<s>" "<pad>" "</s>" "<unk>", a blank, letters, and some that are longer. */
static void put_pieces(struct buf *out)
{
	static const char *const pieces[] = {"<s>", "<pad>", "</s>", "<unk>", "\xe2\x96\x81", "a",
		"b", "c", "ab",
		"\xe2\x96\x81"
		"ab",
		"abc", "\xc3\xa9"};
	static const float scores[] = {0, 0, 0, 0, -3, -4, -4, -4, -5, -6, -8, -7};
	AUTO_BUF struct buf text;
	uint32_t offset = 0;

	buf_init(&text, BUF_MAX_DEFAULT);
	put_32(out, ARRAY_LEN(pieces));
	put_32(out, 0);
	put_32(out, 2);
	put_32(out, 1);
	put_32(out, 3);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
		buf_adds(&text, pieces[i]);
	put_64(out, text.len);
	put_32(out, 0);
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
		put_32(out, offset += (uint32_t)strlen(pieces[i]));
	for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
		put_float(out, scores[i]);
	buf_add(out, text.data, text.len);
	/* Normalisation: a tab is a blank, A is a, U+200B is nothing. */
	put_32(out, 3);
	put_32(out, 3 * 5 + 2 * 4);
	put_32(out, '\t');
	buf_addc(out, 1);
	put_32(out, ' ');
	put_32(out, 'A');
	buf_addc(out, 1);
	put_32(out, 'a');
	put_32(out, 0x200b);
	buf_addc(out, 0);
}

size_t ew_weight_bytes(void)
{
	const struct weights *w = weights();
	size_t bytes = 0;

	for (size_t i = 0; i < TENSORS; i++)
		bytes += w[i].count * sizeof(float);
	return bytes;
}

void ew_pack(struct buf *out)
{
	const struct weights *w = weights();
	size_t table = 0;

	buf_adds(out, "E5S1");
	for (size_t i = 0; i < TENSORS; i++)
		table += 2 + strlen(w[i].packed_name) + 1 + 4 + 8 + 8;
	put_32(out, 1);
	const uint32_t shape[] = {
		EW_HIDDEN, EW_LAYERS, EW_HEADS, EW_FFN, EW_WORDS, EW_POSITIONS, 2};
	buf_add(out, shape, sizeof(shape));
	put_float(out, 1e-12f);
	put_32(out, 32);
	put_pieces(out);
	put_32(out, TENSORS);
	uint64_t offset = out->len + table;
	for (size_t i = 0; i < TENSORS; i++) {
		uint16_t len = (uint16_t)strlen(w[i].packed_name);
		buf_add(out, &len, sizeof(len));
		buf_add(out, w[i].packed_name, len);
		buf_addc(out, 0);
		put_32(out, (uint32_t)w[i].count);
		put_64(out, offset);
		put_64(out, w[i].count * 4);
		offset += w[i].count * 4;
	}
	for (size_t i = 0; i < TENSORS; i++)
		buf_add(out, w[i].values, w[i].count * 4);
	assert_int_equal(out->failed, 0);
	assert_int_equal(out->len, offset);
}

static void write_file(const char *folder, const char *name, const void *data, size_t len)
{
	close(scratch_file(folder, name, data, len));
}

void ew_write_folder(const char *folder)
{
	static const char vocabulary[] = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##"
					 "able\nhello\nworld\n,\ncafe\n\xe4\xb8\xad\n"
					 "a\n##b\n";
	const struct weights *w = weights();
	AUTO_BUF struct buf head, file, config;
	size_t offset = 0;

	buf_init(&config, BUF_MAX_DEFAULT);
	buf_addf(&config,
		"{\"model_type\": \"bert\", \"hidden_size\": %d, \"num_hidden_layers\": %d, "
		"\"num_attention_heads\": %d, \"intermediate_size\": %d, \"vocab_size\": %d, "
		"\"max_position_embeddings\": %d, \"layer_norm_eps\": 1e-12, \"hidden_act\": "
		"\"gelu\"}",
		EW_HIDDEN, EW_LAYERS, EW_HEADS, EW_FFN, EW_WORDS, EW_POSITIONS);
	buf_init(&head, BUF_MAX_DEFAULT);
	for (size_t i = 0; i < TENSORS; i++) {
		size_t end = offset + w[i].count * 4;
		buf_addf(&head,
			"%s\"%s\": {\"dtype\": \"F32\", \"shape\": [%zu], \"data_offsets\": [%zu, "
			"%zu]}",
			i ? ", " : "{", w[i].name, w[i].count, offset, end);
		offset = end;
	}
	buf_addc(&head, '}');
	buf_init(&file, BUF_MAX_DEFAULT);
	put_64(&file, head.len);
	buf_add(&file, head.data, head.len);
	for (size_t i = 0; i < TENSORS; i++)
		buf_add(&file, w[i].values, w[i].count * 4);
	write_file(folder, "config.json", config.data, config.len);
	write_file(folder, "vocab.txt", vocabulary, strlen(vocabulary));
	write_file(folder, "model.safetensors", file.data, file.len);
}

/* --- the reference ---------------------------------------------------------------- */

static const float *find(const char *name)
{
	const struct weights *w = weights();

	for (size_t i = 0; i < TENSORS; i++)
		if (strcmp(w[i].packed_name, name) == 0)
			return w[i].values;
	fail_msg("no weights %s", name);
	return NULL;
}

static const float *of_layer(int layer, const char *part)
{
	char name[64];

	snprintf(name, sizeof(name), "l%d.%s", layer, part);
	return find(name);
}

typedef double state[EW_POSITIONS][EW_FFN];

static void norm(state x, size_t count, const float *weight, const float *bias)
{
	for (size_t t = 0; t < count; t++) {
		double mean = 0, square = 0;

		for (size_t i = 0; i < EW_HIDDEN; i++)
			mean += x[t][i] / EW_HIDDEN;
		for (size_t i = 0; i < EW_HIDDEN; i++)
			square += (x[t][i] - mean) * (x[t][i] - mean) / EW_HIDDEN;
		for (size_t i = 0; i < EW_HIDDEN; i++)
			x[t][i] = (x[t][i] - mean) / sqrt(square + 1e-12) * (double)weight[i] +
				(double)bias[i];
	}
}

static void multiply(
	state x, size_t count, size_t columns, size_t rows, int layer, const char *part, state out)
{
	char weight[16], bias[16];

	snprintf(weight, sizeof(weight), "%s.w", part);
	snprintf(bias, sizeof(bias), "%s.b", part);
	const float *w = of_layer(layer, weight), *b = of_layer(layer, bias);
	for (size_t t = 0; t < count; t++)
		for (size_t r = 0; r < rows; r++) {
			double sum = (double)b[r];
			for (size_t c = 0; c < columns; c++)
				sum += x[t][c] * (double)w[r * columns + c];
			out[t][r] = sum;
		}
}

static void attend(state x, size_t count, int layer, state out)
{
	static state q, k, v;
	size_t size = EW_HIDDEN / EW_HEADS;

	multiply(x, count, EW_HIDDEN, EW_HIDDEN, layer, "q", q);
	multiply(x, count, EW_HIDDEN, EW_HIDDEN, layer, "k", k);
	multiply(x, count, EW_HIDDEN, EW_HIDDEN, layer, "v", v);
	for (size_t i = 0; i < count; i++)
		for (size_t head = 0; head < EW_HIDDEN; head += size) {
			double share[EW_POSITIONS], sum = 0;

			for (size_t j = 0; j < count; j++) {
				double dot = 0;
				for (size_t d = head; d < head + size; d++)
					dot += q[i][d] * k[j][d];
				sum += share[j] = exp(dot / sqrt((double)size));
			}
			for (size_t d = head; d < head + size; d++) {
				out[i][d] = 0;
				for (size_t j = 0; j < count; j++)
					out[i][d] += share[j] / sum * v[j][d];
			}
		}
}

static void add(state x, state y, size_t count)
{
	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < EW_HIDDEN; i++)
			x[t][i] += y[t][i];
}

static void run_layer(state x, size_t count, int layer)
{
	static state y, z;

	attend(x, count, layer, y);
	multiply(y, count, EW_HIDDEN, EW_HIDDEN, layer, "ao", z);
	add(x, z, count);
	norm(x, count, of_layer(layer, "aln.w"), of_layer(layer, "aln.b"));
	multiply(x, count, EW_HIDDEN, EW_FFN, layer, "fi", y);
	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < EW_FFN; i++)
			y[t][i] *= .5 * (1 + erf(y[t][i] / sqrt(2)));
	multiply(y, count, EW_FFN, EW_HIDDEN, layer, "fo", z);
	add(x, z, count);
	norm(x, count, of_layer(layer, "oln.w"), of_layer(layer, "oln.b"));
}

void ew_reference(const uint32_t *ids, size_t count, double out[EW_HIDDEN])
{
	static state x;
	const float *words = find("emb.word"), *positions = find("emb.pos");
	const float *types = find("emb.type");
	double length = 0;

	for (size_t t = 0; t < count; t++)
		for (size_t i = 0; i < EW_HIDDEN; i++)
			x[t][i] = (double)words[ids[t] * EW_HIDDEN + i] +
				(double)positions[t * EW_HIDDEN + i] + (double)types[i];
	norm(x, count, find("emb.ln.w"), find("emb.ln.b"));
	for (int layer = 0; layer < EW_LAYERS; layer++)
		run_layer(x, count, layer);
	for (size_t i = 0; i < EW_HIDDEN; i++) {
		out[i] = 0;
		for (size_t t = 0; t < count; t++)
			out[i] += x[t][i];
		length += out[i] * out[i];
	}
	for (size_t i = 0; i < EW_HIDDEN; i++)
		out[i] /= sqrt(length);
}
