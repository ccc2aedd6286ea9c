/* SPDX-License-Identifier: Apache-2.0 */
/* What both kinds of files have in common: the expansion of matrices. A row's weights become
 * 8-bit integers on a scale of its own, in the order in which the kernels read them. */
#include "core/local/embed/model.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/hash.h"
#include "core/local/embed/model_inside.h"

/* So much of each end of the file goes into its digest, and its size. */
#define DIGEST_BYTES ((size_t)1 << 20)
/* Columns of a group; a multiple of 16, for the kernels. */
#define GROUP 128

/* --- files ------------------------------------------------------------------------ */

int mapped_open(struct mapped *out, const char *path, struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat status;

	*out = (struct mapped){0};
	if (fd < 0 || fstat(fd, &status))
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode) || status.st_size == 0)
		return err_set(err, -EBADMSG, "%s: it is no file, or empty", path);
	void *data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	*out = (struct mapped){data, (size_t)status.st_size};
	return 0;
}

void mapped_close(struct mapped *mapped)
{
	if (mapped->data)
		munmap(mapped->data, mapped->size);
	*mapped = (struct mapped){0};
}

static int take_digest(struct model *model)
{
	AUTO_HASH struct hash hash;
	uint8_t sha256[HASH_SIZE];
	char text[HASH_TEXT];
	uint64_t size = model->file.size;
	size_t part = size < DIGEST_BYTES ? (size_t)size : DIGEST_BYTES;

	if (hash_init(&hash))
		return -ENOMEM;
	hash_add(&hash, &size, sizeof(size));
	hash_add(&hash, model->file.data, part);
	hash_add(&hash, model->file.data + size - part, part);
	hash_end(&hash, sha256);
	snprintf(model->digest, sizeof(model->digest), "%.16s", hash_format(sha256, text));
	return 0;
}

/* --- expanding -------------------------------------------------------------------- */

static size_t padded_rows(size_t rows)
{
	return (rows + KERNEL_ROWS - 1) / KERNEL_ROWS * KERNEL_ROWS;
}

static void matrix_release(struct matrix *matrix)
{
	free(matrix->packed);
	free(matrix->scale);
	free(matrix->sum);
	free(matrix->bias);
}

/* Weights of 4 bits lose nothing by one scale a row; those that were floats do. */
static size_t groups_of(const struct tensor *weights, size_t columns)
{
	return weights->type == TENSOR_Q4 || columns % GROUP ? 1 : columns / GROUP;
}

static int matrix_init(
	struct matrix *matrix, size_t rows, size_t columns, const struct tensor *weights)
{
	*matrix = (struct matrix){.rows = padded_rows(rows),
		.columns = columns,
		.groups = groups_of(weights, columns)};
	matrix->packed = aligned_alloc(64, matrix->rows * columns);
	matrix->scale = calloc(matrix->groups * matrix->rows, sizeof(float));
	matrix->sum = calloc(matrix->groups * matrix->rows, sizeof(float));
	matrix->bias = calloc(matrix->rows, sizeof(float));
	if (!matrix->packed || !matrix->scale || !matrix->sum || !matrix->bias)
		return -ENOMEM;
	if (matrix->rows != rows)
		memset(matrix->packed, 0, matrix->rows * columns);
	return 0;
}

/* One group of columns of a row; @bytes has room for it. */
static void pack_group(
	struct matrix *matrix, size_t row, size_t group, const float *weights, int8_t *bytes)
{
	size_t part = matrix->columns / matrix->groups, place = group * matrix->rows + row;
	int8_t *to = matrix->packed + row / KERNEL_ROWS * KERNEL_ROWS * matrix->columns +
		group * part * KERNEL_ROWS + row % KERNEL_ROWS * 4;

	kernel_best()->pack(weights, part, bytes, &matrix->scale[place], &matrix->sum[place]);
	for (size_t c = 0; c < part; c += 4, to += KERNEL_ROWS * 4)
		memcpy(to, bytes + c, 4);
}

/* Fill rows from @first on. */
static int matrix_fill(struct matrix *matrix, size_t first, size_t rows,
	const struct tensor *weights, const struct tensor *bias)
{
	AUTO_FREE float *row = malloc(matrix->columns * sizeof(float));
	AUTO_FREE int8_t *bytes = malloc(matrix->columns);

	if (!row || !bytes)
		return -ENOMEM;
	for (size_t i = 0; i < rows; i++) {
		tensor_read(weights, i * matrix->columns, matrix->columns, row);
		for (size_t g = 0; g < matrix->groups; g++)
			pack_group(matrix, first + i, g,
				row + g * (matrix->columns / matrix->groups), bytes);
	}
	tensor_read(bias, 0, rows, matrix->bias + first);
	return 0;
}

static float *read_vector(const struct tensor *tensor)
{
	float *vector = malloc(tensor->count * sizeof(float));

	if (vector)
		tensor_read(tensor, 0, tensor->count, vector);
	return vector;
}

static void layer_release(struct model_layer *layer)
{
	matrix_release(&layer->qkv);
	matrix_release(&layer->out);
	matrix_release(&layer->up);
	matrix_release(&layer->down);
	for (size_t i = 0; i < 2; i++) {
		free(layer->attention_norm[i]);
		free(layer->output_norm[i]);
	}
}

static int layer_expand(
	struct model_layer *layer, const struct model_shape *shape, const struct tensor *from)
{
	size_t hidden = shape->hidden;
	int rc = matrix_init(&layer->qkv, 3 * hidden, hidden, &from[Q_WEIGHT]);

	rc = rc ? rc : matrix_init(&layer->out, hidden, hidden, &from[OUT_WEIGHT]);
	rc = rc ? rc : matrix_init(&layer->up, shape->ffn, hidden, &from[UP_WEIGHT]);
	rc = rc ? rc : matrix_init(&layer->down, hidden, shape->ffn, &from[DOWN_WEIGHT]);
	for (size_t i = 0; i < 3 && !rc; i++)
		rc = matrix_fill(&layer->qkv, i * hidden, hidden, &from[Q_WEIGHT + 2 * i],
			&from[Q_BIAS + 2 * i]);
	rc = rc ? rc : matrix_fill(&layer->out, 0, hidden, &from[OUT_WEIGHT], &from[OUT_BIAS]);
	rc = rc ? rc : matrix_fill(&layer->up, 0, shape->ffn, &from[UP_WEIGHT], &from[UP_BIAS]);
	rc = rc ? rc : matrix_fill(&layer->down, 0, hidden, &from[DOWN_WEIGHT], &from[DOWN_BIAS]);
	for (size_t i = 0; i < 2 && !rc; i++) {
		layer->attention_norm[i] = read_vector(&from[OUT_NORM_WEIGHT + i]);
		layer->output_norm[i] = read_vector(&from[DOWN_NORM_WEIGHT + i]);
		if (!layer->attention_norm[i] || !layer->output_norm[i])
			rc = -ENOMEM;
	}
	return rc;
}

static void layers_free(struct model_layer *layers, size_t count)
{
	for (size_t i = 0; layers && i < count; i++)
		layer_release(&layers[i]);
	free(layers);
}

static int expand(struct model *model)
{
	size_t count = model->shape.layers;
	struct model_layer *layers = calloc(count, sizeof(*layers));
	int rc = layers ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && !rc; i++)
		rc = layer_expand(&layers[i], &model->shape, model->layers[i]);
	if (rc) {
		layers_free(layers, count);
		return rc;
	}
	model->awake = layers;
	return 0;
}

int model_wake(struct model *model)
{
	pthread_mutex_lock(&model->lock);
	int rc = model->awake ? 0 : expand(model);
	model->holders += !rc;
	pthread_mutex_unlock(&model->lock);
	return rc;
}

void model_release(struct model *model)
{
	pthread_mutex_lock(&model->lock);
	model->holders--;
	pthread_mutex_unlock(&model->lock);
}

void model_rest(struct model *model)
{
	struct model_layer *layers = NULL;

	pthread_mutex_lock(&model->lock);
	if (model->holders == 0)
		layers = TAKE_PTR(model->awake);
	pthread_mutex_unlock(&model->lock);
	layers_free(layers, model->shape.layers);
}

/* --- what a model must be --------------------------------------------------------- */

size_t model_tensor_size(const struct model_shape *shape, enum layer_tensor tensor)
{
	switch (tensor) {
	case UP_WEIGHT:
	case DOWN_WEIGHT: return shape->hidden * shape->ffn;
	case UP_BIAS: return shape->ffn;
	case Q_WEIGHT:
	case K_WEIGHT:
	case V_WEIGHT:
	case OUT_WEIGHT: return shape->hidden * shape->hidden;
	default: return shape->hidden;
	}
}

int model_check_shape(const struct model_shape *shape, const char *path, struct err *err)
{
	size_t head = shape->heads ? shape->hidden / shape->heads : 0;

	if (shape->hidden % KERNEL_ROWS || shape->ffn % KERNEL_ROWS ||
		head * shape->heads != shape->hidden || head % 16)
		return err_set(err, -EOPNOTSUPP,
			"%s: %zu dimensions, %zu heads, %zu in the feed-forward layers: multiples "
			"of %d, and of 16 a head, are supported",
			path, shape->hidden, shape->heads, shape->ffn, KERNEL_ROWS);
	return 0;
}

int model_check_complete(const struct model *model, const char *path, struct err *err)
{
	bool is_complete = model->words.data && model->positions.data && model->types.data &&
		model->norm[0].data && model->norm[1].data;

	for (size_t i = 0; i < model->shape.layers; i++)
		for (size_t k = 0; k < LAYER_TENSORS; k++)
			is_complete &= model->layers[i][k].data != NULL;
	return is_complete ? 0 : err_set(err, -EBADMSG, "%s: weights are missing", path);
}

/* --- opening ---------------------------------------------------------------------- */

static bool is_finite(const float *values, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!isfinite(values[i]))
			return false;
	return true;
}

static int check_tensor(const struct tensor *tensor, struct err *err)
{
	float part[TENSOR_BLOCK * 32];

	for (size_t at = 0; at < tensor->count; at += ARRAY_LEN(part)) {
		size_t left = tensor->count - at,
		       count = left < ARRAY_LEN(part) ? left : ARRAY_LEN(part);
		tensor_read(tensor, at, count, part);
		if (!is_finite(part, count))
			return err_set(err, -EBADMSG, "a weight of the model is not a number");
	}
	return 0;
}

/* A weight that is no number spoils vectors. Words, and matrices of 4 bits, are too many to be
 * looked at here: the encoder refuses what comes of them. */
static int check_small(const struct model *model, struct err *err)
{
	const struct tensor *small[] = {&model->types, &model->norm[0], &model->norm[1]};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(small) && !rc; i++)
		rc = check_tensor(small[i], err);
	for (size_t i = 0; i < model->shape.layers && !rc; i++)
		for (size_t k = 0; k < LAYER_TENSORS && !rc; k++)
			if (model->layers[i][k].type != TENSOR_Q4)
				rc = check_tensor(&model->layers[i][k], err);
	return rc;
}

static int settle(struct model *model, struct err *err)
{
	const struct model_shape *shape = &model->shape;
	int rc = take_digest(model);

	if (rc)
		return err_set(err, rc, "out of memory");
	if (pieces_count(model->pieces) > shape->vocabulary)
		return err_set(err, -EBADMSG,
			"the tokeniser has more pieces (%zu) than the model has words (%zu)",
			pieces_count(model->pieces), shape->vocabulary);
	rc = check_small(model, err);
	if (rc)
		return rc;
	model->type = malloc(shape->hidden * sizeof(float));
	model->embed_norm[0] = read_vector(&model->norm[0]);
	model->embed_norm[1] = read_vector(&model->norm[1]);
	if (!model->type || !model->embed_norm[0] || !model->embed_norm[1])
		return err_set(err, -ENOMEM, "out of memory");
	tensor_read(&model->types, 0, shape->hidden, model->type);
	return 0;
}

int model_open(struct model **out, const char *path, struct err *err)
{
	struct model *model = calloc(1, sizeof(*model));
	struct stat status;

	if (!model)
		return err_set(err, -ENOMEM, "out of memory");
	pthread_mutex_init(&model->lock, NULL);
	int rc = stat(path, &status) ? err_set(err, -errno, "%s: %s", path, strerror(errno)) : 0;
	if (!rc)
		rc = S_ISDIR(status.st_mode) ? model_read_folder(model, path, err)
					     : model_read_packed(model, path, err);
	if (!rc)
		rc = settle(model, err);
	if (rc) {
		model_free(model);
		return rc;
	}
	*out = model;
	return 0;
}

void model_free(struct model *model)
{
	if (!model)
		return;
	layers_free(model->awake, model->shape.layers);
	free(model->embed_norm[0]);
	free(model->embed_norm[1]);
	free(model->type);
	pieces_free(model->pieces);
	mapped_close(&model->file);
	pthread_mutex_destroy(&model->lock);
	free(model);
}

/* --- looking ---------------------------------------------------------------------- */

const struct model_shape *model_shape(const struct model *model)
{
	return &model->shape;
}

const struct pieces *model_pieces(const struct model *model)
{
	return model->pieces;
}

const char *model_digest(const struct model *model)
{
	return model->digest;
}

const struct model_layer *model_layer(const struct model *model, size_t i)
{
	return &model->awake[i];
}

const float *const *model_embed_norm(const struct model *model)
{
	return (const float *const *)model->embed_norm;
}

void model_embed(const struct model *model, uint32_t id, size_t position, float *out)
{
	size_t hidden = model->shape.hidden;
	size_t first = (position + model->shape.first_position) * hidden;
	float place[TENSOR_BLOCK];

	tensor_read(&model->words, id * hidden, hidden, out);
	for (size_t i = 0; i < hidden; i += TENSOR_BLOCK) {
		tensor_read(&model->positions, first + i, TENSOR_BLOCK, place);
		for (size_t k = 0; k < TENSOR_BLOCK; k++)
			out[i + k] += place[k] + model->type[i + k];
	}
}
