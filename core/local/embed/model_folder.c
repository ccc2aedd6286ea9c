/* SPDX-License-Identifier: Apache-2.0 */
/* A folder in Hugging Face's layout: config.json says the shape, model.safetensors has the
 * weights: the length of a JSON head, the head ("name": {dtype, shape, data_offsets}), the
 * data. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/embed/json_file.h"
#include "core/local/embed/model_inside.h"

#define HEAD_MAX ((uint64_t)16 << 20)

AUTO_DEFINE(cJSON_Delete, cJSON *);

/* --- config.json ------------------------------------------------------------------ */

static size_t size_in(const cJSON *config, const char *name, size_t most)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(config, name);
	double value = cJSON_IsNumber(item) ? item->valuedouble : 0;

	return value >= 1 && value <= (double)most ? (size_t)value : 0;
}

static int check_kind(const cJSON *config, const char *folder, bool *is_roberta, struct err *err)
{
	static const char *const berts[] = {"bert"}, *const robertas[] = {"roberta", "xlm-roberta"};
	const char *type =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "model_type"));
	const char *act =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(config, "hidden_act"));
	const char *place = cJSON_GetStringValue(
		cJSON_GetObjectItemCaseSensitive(config, "position_embedding_type"));
	bool is_known = false;

	*is_roberta = false;
	for (size_t i = 0; type && i < ARRAY_LEN(berts); i++)
		is_known |= strcmp(type, berts[i]) == 0;
	for (size_t i = 0; type && i < ARRAY_LEN(robertas); i++)
		*is_roberta |= strcmp(type, robertas[i]) == 0;
	if (!is_known && !*is_roberta)
		return err_set(err, -EOPNOTSUPP,
			"%s: the model is of type %s; bert, roberta and xlm-roberta are supported",
			folder, type ? type : "none");
	if ((act && strcmp(act, "gelu") != 0) || (place && strcmp(place, "absolute") != 0))
		return err_set(err, -EOPNOTSUPP,
			"%s: activation %s, positions %s; gelu and absolute are supported", folder,
			act ? act : "gelu", place ? place : "absolute");
	return 0;
}

static int read_shape(struct model_shape *shape, const char *folder, struct err *err)
{
	AUTO(cJSON_Delete) cJSON *config = NULL;
	bool is_roberta;
	int rc = json_file_read(folder, "config.json", &config, err);

	rc = rc ? rc : check_kind(config, folder, &is_roberta, err);
	if (rc)
		return rc;
	const cJSON *epsilon = cJSON_GetObjectItemCaseSensitive(config, "layer_norm_eps");
	shape->hidden = size_in(config, "hidden_size", 8192);
	shape->layers = size_in(config, "num_hidden_layers", MODEL_LAYERS_MAX);
	shape->heads = size_in(config, "num_attention_heads", 256);
	shape->ffn = size_in(config, "intermediate_size", 65536);
	shape->vocabulary = size_in(config, "vocab_size", 1 << 22);
	shape->positions = size_in(config, "max_position_embeddings", 65536);
	shape->epsilon = cJSON_IsNumber(epsilon) ? (float)epsilon->valuedouble : 1e-12f;
	shape->first_position = is_roberta ? 2 : 0;
	if (!shape->hidden || !shape->layers || !shape->heads || !shape->ffn ||
		!shape->vocabulary || shape->positions <= shape->first_position + 2 ||
		!(shape->epsilon > 0 && shape->epsilon < 1))
		return err_set(
			err, -EBADMSG, "%s/config.json: the model's sizes cannot be", folder);
	shape->tokens_max = shape->positions - shape->first_position;
	return model_check_shape(shape, folder, err);
}

/* sentence-transformers' files say how texts are to be made ready; what is missing stays. */
static void read_manner(struct model_shape *shape, const char *folder)
{
	AUTO(cJSON_Delete) cJSON *pooling = NULL, *limits = NULL, *manner = NULL;
	struct err err = ERR_NONE;

	if (json_file_read(folder, "1_Pooling/config.json", &pooling, &err) == 0 &&
		cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(pooling, "pooling_mode_cls_token")))
		shape->pooling = MODEL_CLS;
	if (json_file_read(folder, "sentence_bert_config.json", &limits, &err) == 0) {
		size_t most = size_in(limits, "max_seq_length", shape->tokens_max);
		shape->tokens_max = most >= 8 ? most : shape->tokens_max;
	}
	if (strstr(shape->name, "e5")) {
		snprintf(shape->query_prefix, sizeof(shape->query_prefix), "query: ");
		snprintf(shape->passage_prefix, sizeof(shape->passage_prefix), "passage: ");
	}
	if (json_file_read(folder, "config_sentence_transformers.json", &manner, &err))
		return;
	const cJSON *prompts = cJSON_GetObjectItemCaseSensitive(manner, "prompts");
	const char *query =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(prompts, "query"));
	const char *passage =
		cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(prompts, "passage"));
	if (query)
		snprintf(shape->query_prefix, sizeof(shape->query_prefix), "%s", query);
	if (passage)
		snprintf(shape->passage_prefix, sizeof(shape->passage_prefix), "%s", passage);
}

/* --- model.safetensors ------------------------------------------------------------ */

/* How a tensor is called behind what comes before it ("bert.", nothing …). */
static struct tensor *place_of(struct model *model, const char *name, size_t *count)
{
	static const char *const suffixes[LAYER_TENSORS] = {
		"attention.self.query.weight",
		"attention.self.query.bias",
		"attention.self.key.weight",
		"attention.self.key.bias",
		"attention.self.value.weight",
		"attention.self.value.bias",
		"attention.output.dense.weight",
		"attention.output.dense.bias",
		"attention.output.LayerNorm.weight",
		"attention.output.LayerNorm.bias",
		"intermediate.dense.weight",
		"intermediate.dense.bias",
		"output.dense.weight",
		"output.dense.bias",
		"output.LayerNorm.weight",
		"output.LayerNorm.bias",
	};
	const struct model_shape *shape = &model->shape;
	const struct {
		const char *name;
		struct tensor *tensor;
		size_t rows;
	} global[] = {
		{"embeddings.word_embeddings.weight", &model->words, shape->vocabulary},
		{"embeddings.position_embeddings.weight", &model->positions, shape->positions},
		{"embeddings.token_type_embeddings.weight", &model->types, 0},
		{"embeddings.LayerNorm.weight", &model->norm[0], 1},
		{"embeddings.LayerNorm.bias", &model->norm[1], 1},
	};
	static const char layers[] = "encoder.layer.";
	char *rest;

	for (size_t i = 0; i < ARRAY_LEN(global); i++)
		if (strcmp(name, global[i].name) == 0) {
			*count = global[i].rows * shape->hidden;
			return global[i].tensor;
		}
	if (strncmp(name, layers, strlen(layers)) != 0)
		return NULL;
	unsigned long layer = strtoul(name + strlen(layers), &rest, 10);
	for (size_t i = 0; i < LAYER_TENSORS && layer < shape->layers && *rest == '.'; i++)
		if (strcmp(rest + 1, suffixes[i]) == 0) {
			*count = model_tensor_size(shape, (enum layer_tensor)i);
			return &model->layers[layer][i];
		}
	return NULL;
}

static const char *without_prefix(const char *name)
{
	static const char *const prefixes[] = {"bert.", "roberta.", "model.", "0.auto_model."};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return name + strlen(prefixes[i]);
	return name;
}

/* The place of a tensor in the data. */
static bool read_tensor(const cJSON *item, const uint8_t *data, size_t size, struct tensor *out)
{
	const char *dtype = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "dtype"));
	const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
	const cJSON *first = cJSON_GetArrayItem(offsets, 0), *last = cJSON_GetArrayItem(offsets, 1);
	double start = cJSON_IsNumber(first) ? first->valuedouble : -1;
	double end = cJSON_IsNumber(last) ? last->valuedouble : -1;

	if (!dtype || start < 0 || end < start || end > (double)size)
		return false;
	if (strcmp(dtype, "F32") == 0)
		out->type = TENSOR_F32;
	else if (strcmp(dtype, "F16") == 0)
		out->type = TENSOR_F16;
	else if (strcmp(dtype, "BF16") == 0)
		out->type = TENSOR_BF16;
	else
		return false;
	out->data = data + (size_t)start;
	out->count = ((size_t)end - (size_t)start) / (out->type == TENSOR_F32 ? 4 : 2);
	return tensor_bytes(out->type, out->count) == (size_t)end - (size_t)start;
}

static int read_tensors(struct model *model, const cJSON *head, const uint8_t *data, size_t size,
	const char *path, struct err *err)
{
	const cJSON *item;

	cJSON_ArrayForEach(item, head)
	{
		size_t count = 0;
		struct tensor tensor,
			*place = item->string
			? place_of(model, without_prefix(item->string), &count)
			: NULL;

		if (!place)
			continue;
		if (!read_tensor(item, data, size, &tensor) ||
			(count ? tensor.count != count : tensor.count < model->shape.hidden))
			return err_set(err, -EBADMSG,
				"%s: %s is garbled, or not of the size that config.json says", path,
				item->string);
		*place = tensor;
	}
	return model_check_complete(model, path, err);
}

static int read_weights(struct model *model, const char *path, struct err *err)
{
	AUTO(cJSON_Delete) cJSON *head = NULL;
	uint64_t head_len;
	int rc = mapped_open(&model->file, path, err);

	if (rc)
		return rc;
	if (model->file.size < sizeof(head_len))
		return err_set(err, -EBADMSG, "%s: the file is cut", path);
	memcpy(&head_len, model->file.data, sizeof(head_len));
	if (head_len > HEAD_MAX || head_len > model->file.size - sizeof(head_len))
		return err_set(err, -EBADMSG, "%s: the file is cut, or no safetensors file", path);
	head = cJSON_ParseWithLength(
		(const char *)model->file.data + sizeof(head_len), (size_t)head_len);
	if (!cJSON_IsObject(head))
		return err_set(err, -EBADMSG, "%s: its head is no JSON object", path);
	size_t start = sizeof(head_len) + (size_t)head_len;
	return read_tensors(
		model, head, model->file.data + start, model->file.size - start, path, err);
}

int model_read_folder(struct model *model, const char *path, struct err *err)
{
	AUTO_FREE char *weights = NULL, *clean = strdup(path);

	if (!clean || asprintf(&weights, "%s/model.safetensors", path) < 0) {
		weights = NULL;
		return err_set(err, -ENOMEM, "out of memory");
	}
	for (size_t len = strlen(clean); len > 1 && clean[len - 1] == '/';)
		clean[--len] = '\0';
	const char *slash = strrchr(clean, '/');
	snprintf(model->shape.name, sizeof(model->shape.name), "%s", slash ? slash + 1 : clean);
	int rc = read_shape(&model->shape, path, err);
	if (rc)
		return rc;
	read_manner(&model->shape, path);
	rc = pieces_from_folder(&model->pieces, path, err);
	return rc ? rc : read_weights(model, weights, err);
}
