/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder gives the vectors of the model, on every kernel that this CPU has. */
#include "core/local/embed/encoder.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/auto.h"
#include "core/local/embedder_model.h"
#include "tests/unit/embed_world.h"
#include "tests/unit/scratch.h"

#define FIXTURES "tests/fixtures/embed/"

static struct model *open_packed(const char *folder, const struct buf *bytes)
{
	AUTO_FREE char *path = NULL;
	struct model *model;
	struct err err = ERR_NONE;

	close(scratch_file(folder, "model.bin", bytes->data, bytes->len));
	assert_true(asprintf(&path, "%s/model.bin", folder) > 0);
	if (model_open(&model, path, &err))
		fail_msg("%s", err.text);
	return model;
}

static double cosine(const float *a, const double *b, size_t n)
{
	double sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

/* Texts of many lengths in one call, each against the slow computation. */
static void check_model(struct model *model, const struct kernel *kernel)
{
	enum { TEXTS = 13 };
	uint32_t numbers[TEXTS][EW_POSITIONS];
	const uint32_t *ids[TEXTS];
	size_t lengths[TEXTS];
	float out[TEXTS * EW_HIDDEN];
	struct encoder *encoder;

	for (uint32_t i = 0; i < TEXTS; i++) {
		lengths[i] = 1 + (i * 7) % (EW_POSITIONS - 1);
		ids[i] = numbers[i];
		for (uint32_t k = 0; k < lengths[i]; k++)
			numbers[i][k] = (i * 31 + k * 17) % EW_WORDS;
	}
	assert_int_equal(encoder_new(&encoder, kernel), 0);
	assert_int_equal(model_wake(model), 0);
	assert_int_equal(encoder_run(encoder, model, ids, lengths, TEXTS, out), 0);
	for (size_t i = 0; i < TEXTS; i++) {
		double expected[EW_HIDDEN];

		ew_reference(ids[i], lengths[i], expected);
		double near = cosine(out + i * EW_HIDDEN, expected, EW_HIDDEN);
		if (near < .999)
			fail_msg("%s: text %zu of %zu: %f", kernel->name, i, lengths[i], near);
	}
	model_release(model);
	encoder_free(encoder);
}

static void a_packed_model_gives_its_vectors_on_every_kernel(void **state)
{
	char *folder = scratch_new();
	AUTO_BUF struct buf bytes;
	const struct kernel *kernel;

	(void)state;
	buf_init(&bytes, BUF_MAX_DEFAULT);
	ew_pack(&bytes);
	struct model *model = open_packed(folder, &bytes);
	for (size_t way = 0; (kernel = kernel_way(way)); way++)
		check_model(model, kernel);
	model_rest(model);
	check_model(model, kernel_best());
	model_free(model);
	scratch_free(folder);
}

static void a_folder_gives_the_same(void **state)
{
	char *folder = scratch_new();
	struct model *model;
	struct err err = ERR_NONE;

	(void)state;
	ew_write_folder(folder);
	if (model_open(&model, folder, &err))
		fail_msg("%s", err.text);
	check_model(model, kernel_best());
	model_free(model);
	scratch_free(folder);
}

/* --- kernels ---------------------------------------------------------------------- */

static float random_float(void)
{
	return (float)(random() % 20001) / 10000 - 1;
}

/* A matrix that any kernel packs the same way. */
static void make_matrix(struct matrix *matrix, float *weights, size_t rows, size_t columns,
	size_t groups, const struct kernel *kernel)
{
	size_t part = columns / groups;
	AUTO_FREE int8_t *bytes = malloc(part);

	*matrix = (struct matrix){rows, columns, groups, aligned_alloc(64, rows * columns),
		calloc(rows * groups, sizeof(float)), calloc(rows * groups, sizeof(float)),
		calloc(rows, sizeof(float))};
	for (size_t r = 0; r < rows; r++) {
		matrix->bias[r] = random_float();
		for (size_t g = 0; g < groups; g++) {
			size_t place = g * rows + r;
			kernel->pack(weights + r * columns + g * part, part, bytes,
				&matrix->scale[place], &matrix->sum[place]);
			for (size_t c = 0; c < part; c += 4)
				memcpy(matrix->packed + r / 64 * 64 * columns +
						(g * part + c) * 64 + r % 64 * 4,
					bytes + c, 4);
		}
	}
}

static void check_product(
	const struct kernel *kernel, size_t rows, size_t columns, size_t groups, size_t tokens)
{
	AUTO_FREE float *weights = malloc(rows * columns * sizeof(float));
	AUTO_FREE float *x = malloc(tokens * columns * sizeof(float));
	AUTO_FREE float *out = malloc(tokens * rows * sizeof(float));
	struct activations q = {aligned_alloc(64, (tokens * columns + 63) & ~(size_t)63),
		malloc(tokens * groups * sizeof(float)), malloc(tokens * groups * sizeof(float))};
	struct matrix matrix;

	for (size_t i = 0; i < rows * columns; i++)
		weights[i] = random_float();
	for (size_t i = 0; i < tokens * columns; i++)
		x[i] = random_float() * 3;
	make_matrix(&matrix, weights, rows, columns, groups, kernel);
	kernel->quantise(x, tokens, columns, groups, &q);
	kernel->product(&matrix, &q, tokens, out, rows);
	for (size_t t = 0; t < tokens; t++)
		for (size_t r = 0; r < rows; r++) {
			double sum = (double)matrix.bias[r], size = 0;
			for (size_t c = 0; c < columns; c++) {
				double part = (double)x[t * columns + c] *
					(double)weights[r * columns + c];
				sum += part;
				size += part * part;
			}
			if (fabs((double)out[t * rows + r] - sum) > .05 * sqrt(size) + .05)
				fail_msg("%s %zux%zu/%zu: token %zu row %zu: %f, not %f",
					kernel->name, rows, columns, groups, t, r,
					(double)out[t * rows + r], sum);
		}
	free(q.q);
	free(q.minimum);
	free(q.step);
	free(matrix.packed);
	free(matrix.scale);
	free(matrix.sum);
	free(matrix.bias);
}

/* The attention of one head's query @i, in double; @out has @size numbers. */
static void attend(const struct attention *a, size_t head, size_t i, double *out)
{
	size_t width = a->heads * a->size, at = head * a->size;
	const float *query = a->qkv + i * a->stride + at;
	double weights[256], sum = 0;

	for (size_t j = 0; j < a->tokens; j++) {
		double dot = 0;
		for (size_t d = 0; d < a->size; d++)
			dot += (double)query[d] * (double)a->qkv[j * a->stride + width + at + d];
		sum += weights[j] = exp(dot / sqrt((double)a->size));
	}
	for (size_t d = 0; d < a->size; d++) {
		out[d] = 0;
		for (size_t j = 0; j < a->tokens; j++)
			out[d] += weights[j] / sum *
				(double)a->qkv[j * a->stride + 2 * width + at + d];
	}
}

static void check_attention(const struct kernel *kernel, size_t size, size_t tokens)
{
	enum { HEADS = 3 };
	size_t width = HEADS * size, stride = 3 * width + 5;
	AUTO_FREE float *qkv = malloc(tokens * stride * sizeof(float));
	AUTO_FREE float *out = malloc((tokens + 1) * width * sizeof(float));
	AUTO_FREE float *scratch =
		aligned_alloc(64, kernel_attention_scratch(tokens, size) * sizeof(float));
	struct attention attention = {qkv, stride, tokens, HEADS, size, out, scratch};
	double wanted[64];

	for (size_t i = 0; i < tokens * stride; i++)
		qkv[i] = random_float() * 2;
	for (size_t i = 0; i < width; i++)
		out[tokens * width + i] = 77; /* behind the last token: nobody's to write */
	kernel->attention(&attention);
	for (size_t h = 0; h < HEADS; h++)
		for (size_t i = 0; i < tokens; i++) {
			attend(&attention, h, i, wanted);
			for (size_t d = 0; d < size; d++) {
				double got = (double)out[i * width + h * size + d];
				if (!(fabs(got - wanted[d]) < .02))
					fail_msg("%s: size %zu, %zu tokens: %f, not %f",
						kernel->name, size, tokens, got, wanted[d]);
			}
		}
	for (size_t i = 0; i < width; i++)
		assert_true(out[tokens * width + i] == 77);
}

static void attention_is_what_doubles_give(void **state)
{
	static const size_t sizes[] = {16, 32, 48, 64}, counts[] = {1, 3, 8, 16, 17, 33, 200};
	const struct kernel *kernel;

	(void)state;
	for (size_t way = 0; (kernel = kernel_way(way)); way++)
		for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
			for (size_t k = 0; k < ARRAY_LEN(counts); k++)
				check_attention(kernel, sizes[i], counts[k]);
}

static void products_are_what_floats_give(void **state)
{
	const struct kernel *kernel;

	(void)state;
	for (size_t way = 0; (kernel = kernel_way(way)); way++)
		for (size_t tokens = 1; tokens <= 14; tokens++) {
			check_product(kernel, 64, 64, 1, tokens);
			check_product(kernel, 192, 128, 1, tokens);
			check_product(kernel, 64, 384, 3, tokens);
		}
}

static void gelu_is_gelu(void **state)
{
	const struct kernel *kernel;
	float x[1001];

	(void)state;
	for (size_t way = 0; (kernel = kernel_way(way)); way++) {
		for (int i = 0; i <= 1000; i++)
			x[i] = (float)(i - 500) / 40;
		kernel->gelu(x, ARRAY_LEN(x));
		for (int i = 0; i <= 1000; i++) {
			double v = (double)(float)(i - 500) / 40, most = 2e-6 * (1 + fabs(v));
			double exact = v * .5 * (1 + erf(v / sqrt(2)));
			assert_true(fabs((double)x[i] - exact) < most);
		}
	}
}

/* --- bad files -------------------------------------------------------------------- */

static void refuse(const char *folder, const struct buf *bytes, const char *why)
{
	AUTO_FREE char *path = NULL;
	struct model *model;
	struct err err = ERR_NONE;

	close(scratch_file(folder, "model.bin", bytes->data, bytes->len));
	assert_true(asprintf(&path, "%s/model.bin", folder) > 0);
	int rc = model_open(&model, path, &err);
	if (rc == 0) {
		model_free(model);
		fail_msg("it was taken: %s", why);
	}
	assert_true(rc == -EBADMSG || rc == -EOPNOTSUPP);
	assert_true(strlen(err.text) > 10);
}

static void cut_and_garbled_files_are_refused(void **state)
{
	char *folder = scratch_new();
	AUTO_BUF struct buf whole, bad;

	(void)state;
	buf_init(&whole, BUF_MAX_DEFAULT);
	buf_init(&bad, BUF_MAX_DEFAULT);
	ew_pack(&whole);
	for (size_t len = 1; len < whole.len; len += len < 2500 ? 13 : 9973) {
		buf_clear(&bad);
		buf_add(&bad, whole.data, len);
		refuse(folder, &bad, "cut");
	}
	static const struct {
		size_t at;
		uint32_t value;
		const char *what;
	} changes[] = {
		{0, 0x12345678, "magic"},
		{4, 2, "version"},
		{8, 63, "a size of a head that kernels do not know"},
		{8, 0x7fffffff, "a size that overflows"},
		{12, 1000, "layers"},
		{16, 3, "heads that do not divide"},
		{40, 64, "blocks"},
		{44, 0x7fffffff, "pieces"},
		{48, 4000, "a mark beyond the pieces"},
		{64, 0xffffffff, "the length of the text"},
		{76, 0xffffffff, "an offset"},
		{120, 0x7fc00000, "a score that is no number"},
	};
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		buf_clear(&bad);
		buf_add(&bad, whole.data, whole.len);
		memcpy(bad.data + changes[i].at, &changes[i].value, 4);
		refuse(folder, &bad, changes[i].what);
	}
	scratch_free(folder);
}

static void weights_that_are_no_numbers_are_refused(void **state)
{
	static const uint32_t nan_bits = 0x7fc00000;
	char *folder = scratch_new();
	AUTO_BUF struct buf bytes;

	(void)state;
	buf_init(&bytes, BUF_MAX_DEFAULT);
	ew_pack(&bytes);
	memcpy(bytes.data + bytes.len - 4, &nan_bits, 4);
	refuse(folder, &bytes, "NaN");
	scratch_free(folder);
}

static void another_kind_of_model_is_named(void **state)
{
	static const char config[] = "{\"model_type\": \"gpt2\", \"hidden_size\": 64}";
	char *folder = scratch_new();
	struct model *model;
	struct err err = ERR_NONE;

	(void)state;
	assert_int_equal(model_open(&model, folder, &err), -ENOENT);
	close(scratch_file(folder, "config.json", config, strlen(config)));
	assert_int_equal(model_open(&model, folder, &err), -EOPNOTSUPP);
	assert_non_null(strstr(err.text, "gpt2"));
	assert_non_null(strstr(err.text, "bert"));
	assert_int_equal(model_open(&model, "/nowhere", &err), -ENOENT);
	scratch_free(folder);
}

/* --- the real one ----------------------------------------------------------------- */

static double from_half(uint16_t half)
{
	double fraction = (half & 0x3ff) / 1024.0;
	int exponent = half >> 10 & 31;
	double value = exponent ? ldexp(1 + fraction, exponent - 15) : ldexp(fraction, -14);

	return half & 0x8000 ? -value : value;
}

static void check_recorded(struct embedder *embedder, FILE *texts, FILE *vectors)
{
	size_t dimension = embedder_info(embedder)->dimension, size = 0, count = 0;
	AUTO_FREE char *line = NULL;
	struct err err = ERR_NONE;

	while (getline(&line, &size, texts) > 0) {
		uint16_t halves[384];
		double expected[384];
		float out[384];
		const char *text = strchr(line, '\t') + 1;
		enum embed_kind kind = line[0] == 'q' ? EMBED_QUERY : EMBED_PASSAGE;

		line[strcspn(line, "\n")] = '\0';
		assert_int_equal(dimension, 384);
		assert_int_equal(fread(halves, sizeof(halves), 1, vectors), 1);
		for (size_t i = 0; i < 384; i++)
			expected[i] = from_half(halves[i]);
		assert_int_equal(embedder_embed(embedder, kind, &text, 1, out, &err), 0);
		double near = cosine(out, expected, 384);
		if (near < .999)
			fail_msg("%f: %s", near, line);
		count++;
	}
	assert_true(count > 10);
}

static void the_default_model_agrees_with_its_package(void **state)
{
	AUTO_FREE char *path = embedder_model_find("");
	AUTO_FCLOSE FILE *texts = fopen(FIXTURES "texts.txt", "re");
	AUTO_FCLOSE FILE *vectors = fopen(FIXTURES "vectors.bin", "re");
	struct embedder *embedder;
	struct err err = ERR_NONE;

	(void)state;
	if (!path) {
		print_message("skipped: the embedding model is not there\n");
		skip();
	}
	assert_non_null(texts);
	assert_non_null(vectors);
	if (embedder_model_new(&embedder, path, 2, &err))
		fail_msg("%s", err.text);
	check_recorded(embedder, texts, vectors);
	embedder_free(embedder);
}

/* What a text is made of does not change what it is embedded with. */
static void odd_texts_and_many_at_once(void **state)
{
	char *folder = scratch_new();
	AUTO_BUF struct buf bytes, endless;
	AUTO_FREE char *path = NULL;
	struct embedder *embedder;
	struct err err = ERR_NONE;

	(void)state;
	buf_init(&bytes, BUF_MAX_DEFAULT);
	buf_init(&endless, BUF_MAX_DEFAULT);
	ew_pack(&bytes);
	for (int i = 0; i < 100000; i++)
		buf_addc(&endless, 'a');
	close(scratch_file(folder, "model.bin", bytes.data, bytes.len));
	assert_true(asprintf(&path, "%s/model.bin", folder) > 0);
	if (embedder_model_new(&embedder, path, 3, &err))
		fail_msg("%s", err.text);
	const char *texts[] = {"", "a", "\xff\xfe", "....", endless.data, "\xf3\xa0\x80\xa1",
		"ab c", "\xe2\x80\x8b", "b", "c", "ab", "abc",
		"a b c a b c a b c a b c a b c a b c", "a"};
	float out[ARRAY_LEN(texts) * EW_HIDDEN], one[EW_HIDDEN];
	assert_int_equal(
		embedder_embed(embedder, EMBED_PASSAGE, texts, ARRAY_LEN(texts), out, &err), 0);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(
			embedder_embed(embedder, EMBED_PASSAGE, &texts[i], 1, one, &err), 0);
		for (size_t k = 0; k < EW_HIDDEN; k++)
			assert_true(fabsf(one[k] - out[i * EW_HIDDEN + k]) < 1e-5f);
	}
	embedder_free(embedder);
	scratch_free(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_packed_model_gives_its_vectors_on_every_kernel),
		cmocka_unit_test(a_folder_gives_the_same),
		cmocka_unit_test(products_are_what_floats_give),
		cmocka_unit_test(attention_is_what_doubles_give),
		cmocka_unit_test(gelu_is_gelu),
		cmocka_unit_test(cut_and_garbled_files_are_refused),
		cmocka_unit_test(weights_that_are_no_numbers_are_refused),
		cmocka_unit_test(another_kind_of_model_is_named),
		cmocka_unit_test(the_default_model_agrees_with_its_package),
		cmocka_unit_test(odd_texts_and_many_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
