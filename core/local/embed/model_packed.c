/* SPDX-License-Identifier: Apache-2.0 */
/* One file with everything: "E5S1", the shape, the tokeniser, a table of tensors, the tensors.
 * Little endian. Nothing in it is believed: each size, count and offset is checked. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/embed/model_inside.h"

#define VERSION	    1
#define TENSORS_MAX 4096

/* A reader that remembers that it went beyond the end. */
struct cursor {
	const uint8_t *data;
	size_t size, at;
	bool is_cut;
};

static const uint8_t *take(struct cursor *cursor, size_t size)
{
	if (cursor->is_cut || size > cursor->size - cursor->at) {
		cursor->is_cut = true;
		return NULL;
	}
	cursor->at += size;
	return cursor->data + cursor->at - size;
}

static uint64_t take_number(struct cursor *cursor, size_t bytes)
{
	const uint8_t *data = take(cursor, bytes);
	uint64_t number = 0;

	for (size_t i = bytes; data && i-- > 0;)
		number = number << 8 | data[i];
	return number;
}

static int cut(const char *path, struct err *err)
{
	return err_set(err, -EBADMSG, "%s: the file is cut; fetch the model again", path);
}

/* A size that can be: encoders have thousands, not millions, of anything but words. */
static size_t take_size(struct cursor *cursor, size_t most, bool *is_bad)
{
	uint64_t size = take_number(cursor, 4);

	if (size == 0 || size > most)
		*is_bad = true;
	return (size_t)size;
}

static int read_shape(struct model *model, struct cursor *cursor, const char *path, struct err *err)
{
	struct model_shape *shape = &model->shape;
	bool is_bad = false;

	if (memcmp(cursor->data, "E5S1", cursor->size < 4 ? cursor->size : 4) != 0)
		return err_set(err, -EBADMSG,
			"%s: it is no model: its first bytes are not E5S1. A packed file or a "
			"folder "
			"with config.json is expected",
			path);
	take(cursor, 4);
	uint64_t version = take_number(cursor, 4);
	if (!cursor->is_cut && version != VERSION)
		return err_set(err, -EOPNOTSUPP,
			"%s: a packed model of version %llu; this askfs reads version %d", path,
			(unsigned long long)version, VERSION);
	shape->hidden = take_size(cursor, 8192, &is_bad);
	shape->layers = take_size(cursor, MODEL_LAYERS_MAX, &is_bad);
	shape->heads = take_size(cursor, 256, &is_bad);
	shape->ffn = take_size(cursor, 65536, &is_bad);
	shape->vocabulary = take_size(cursor, 1 << 22, &is_bad);
	shape->positions = take_size(cursor, 65536, &is_bad);
	take_size(cursor, 16, &is_bad); /* types */
	const uint8_t *epsilon = take(cursor, 4);
	size_t block = take_size(cursor, 4096, &is_bad);
	if (cursor->is_cut)
		return cut(path, err);
	memcpy(&shape->epsilon, epsilon, 4);
	if (is_bad || block != TENSOR_BLOCK || !(shape->epsilon > 0 && shape->epsilon < 1))
		return err_set(err, -EBADMSG, "%s: the model's sizes cannot be", path);
	shape->tokens_max = shape->positions;
	return 0;
}

/* One entry of the table of tensors. */
struct entry {
	char name[64];
	struct tensor tensor;
};

static int read_entry(struct cursor *cursor, struct entry *entry, const char *path, struct err *err)
{
	size_t len = (size_t)take_number(cursor, 2);
	const uint8_t *name = take(cursor, len);
	uint64_t type = take_number(cursor, 1), count = take_number(cursor, 4);
	uint64_t offset = take_number(cursor, 8), bytes = take_number(cursor, 8);

	if (cursor->is_cut)
		return cut(path, err);
	*entry = (struct entry){
		.tensor = {.type = type == 1 ? TENSOR_Q4 : TENSOR_F32, .count = (size_t)count}};
	if (len >= sizeof(entry->name) || type > 1 || count == 0 ||
		bytes != tensor_bytes(entry->tensor.type, (size_t)count))
		return err_set(err, -EBADMSG, "%s: the table of weights is garbled", path);
	if (offset > cursor->size || bytes > cursor->size - offset)
		return cut(path, err);
	entry->tensor.data = cursor->data + offset;
	memcpy(entry->name, name, len);
	return 0;
}

/* Where a tensor of that name belongs, and how many weights it has; NULL: it is not needed. */
static struct tensor *place_of(struct model *model, const char *name, size_t *count)
{
	static const char *const suffixes[LAYER_TENSORS] = {"q.w", "q.b", "k.w", "k.b", "v.w",
		"v.b", "ao.w", "ao.b", "aln.w", "aln.b", "fi.w", "fi.b", "fo.w", "fo.b", "oln.w",
		"oln.b"};
	const struct model_shape *shape = &model->shape;
	size_t hidden = shape->hidden;
	const struct {
		const char *name;
		struct tensor *tensor;
		size_t count;
	} global[] = {
		{"emb.word", &model->words, shape->vocabulary * hidden},
		{"emb.pos", &model->positions, shape->positions * hidden},
		{"emb.type", &model->types, 0},
		{"emb.ln.w", &model->norm[0], hidden},
		{"emb.ln.b", &model->norm[1], hidden},
	};
	char *rest;

	for (size_t i = 0; i < ARRAY_LEN(global); i++)
		if (strcmp(name, global[i].name) == 0) {
			*count = global[i].count;
			return global[i].tensor;
		}
	if (name[0] != 'l')
		return NULL;
	unsigned long layer = strtoul(name + 1, &rest, 10);
	for (size_t i = 0; i < LAYER_TENSORS && layer < shape->layers && *rest == '.'; i++)
		if (strcmp(rest + 1, suffixes[i]) == 0) {
			*count = model_tensor_size(shape, (enum layer_tensor)i);
			return &model->layers[layer][i];
		}
	return NULL;
}

static int read_tensors(
	struct model *model, struct cursor *cursor, const char *path, struct err *err)
{
	uint64_t tensors = take_number(cursor, 4);

	if (cursor->is_cut)
		return cut(path, err);
	if (tensors > TENSORS_MAX)
		return err_set(err, -EBADMSG, "%s: the table of weights is garbled", path);
	for (uint64_t i = 0; i < tensors; i++) {
		struct entry entry;
		size_t count = 0;
		int rc = read_entry(cursor, &entry, path, err);
		struct tensor *place = rc ? NULL : place_of(model, entry.name, &count);

		if (rc)
			return rc;
		if (!place)
			continue;
		if (count ? entry.tensor.count != count : entry.tensor.count < model->shape.hidden)
			return err_set(err, -EBADMSG, "%s: %s has %zu weights, not %zu", path,
				entry.name, entry.tensor.count, count);
		*place = entry.tensor;
	}
	return model_check_complete(model, path, err);
}

int model_read_packed(struct model *model, const char *path, struct err *err)
{
	int rc = mapped_open(&model->file, path, err);
	size_t used;

	if (rc)
		return rc;
	struct cursor cursor = {.data = model->file.data, .size = model->file.size};
	rc = read_shape(model, &cursor, path, err);
	rc = rc ? rc : model_check_shape(&model->shape, path, err);
	if (rc)
		return rc;
	rc = pieces_from_packed(
		&model->pieces, cursor.data + cursor.at, cursor.size - cursor.at, &used, err);
	if (rc)
		return err_prefix(err, rc, path);
	cursor.at += used;
	rc = read_tensors(model, &cursor, path, err);
	if (rc)
		return rc;
	snprintf(model->shape.name, sizeof(model->shape.name), "multilingual-e5-small");
	snprintf(model->shape.query_prefix, sizeof(model->shape.query_prefix), "query: ");
	snprintf(model->shape.passage_prefix, sizeof(model->shape.passage_prefix), "passage: ");
	return 0;
}
