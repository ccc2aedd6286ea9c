/* SPDX-License-Identifier: Apache-2.0 */
/* A call is tried once: ingesting has a patience of its own, and a question is answered by its
 * words rather than late. */
#include "core/remote/embedder_openai.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/log.h"

AUTO_DEFINE(cJSON_Delete, cJSON *);

#define BATCH	  25
#define REPLY_MAX ((size_t)256 << 20)
/* The cosine of two vectors that are the same but for the last digits. */
#define SAME	      0.99999
#define DIMENSION_MAX 65536

/* Of a model that nobody has calibrated: both sides count alike, and nothing is too far. */
#define WEIGHT	  .5
#define THRESHOLD 0.
#define UNRELATED .5

struct remote {
	struct embedder embedder;
	struct openai *server;
	char *model, *name; /* on the server; of the index */
	char *query_prefix, *passage_prefix;
	bool is_shortened;
	struct embedder_info info;
};

static struct remote *remote_of(struct embedder *embedder)
{
	return (struct remote *)embedder;
}

static const struct embedder_info *remote_info(struct embedder *embedder)
{
	return &remote_of(embedder)->info;
}

static cJSON *request_of(
	const struct remote *remote, const char *prefix, const char *const *texts, size_t count)
{
	cJSON *body = cJSON_CreateObject();
	cJSON *input = cJSON_AddArrayToObject(body, "input");

	cJSON_AddStringToObject(body, "model", remote->model);
	for (size_t i = 0; i < count; i++) {
		AUTO_FREE char *text = NULL;
		if (asprintf(&text, "%s%s", prefix, texts[i]) < 0)
			text = NULL;
		cJSON_AddItemToArray(input, cJSON_CreateString(text ? text : ""));
	}
	cJSON_AddStringToObject(body, "encoding_format", "float");
	if (remote->is_shortened)
		cJSON_AddNumberToObject(body, "dimensions", (double)remote->info.dimension);
	return body;
}

static int odd(const struct remote *remote, struct err *err, const char *what)
{
	return err_set(err, -EPROTO, "the embeddings of %s from %s: %s", remote->model,
		openai_base_url(remote->server), what);
}

/* To unit length, for not every server does that. */
static int take_vector(
	const struct remote *remote, const cJSON *vector, float *out, struct err *err)
{
	size_t dimension = remote->info.dimension, at = 0;
	const cJSON *number;
	double sum = 0;

	if ((size_t)cJSON_GetArraySize(vector) != dimension)
		return odd(remote, err, "a vector has another dimension than the index");
	cJSON_ArrayForEach(number, vector)
	{
		if (!cJSON_IsNumber(number) || !isfinite(number->valuedouble))
			return odd(remote, err, "a vector holds something that is no number");
		out[at++] = (float)number->valuedouble;
		sum += number->valuedouble * number->valuedouble;
	}
	if (!(sum > 0))
		return odd(remote, err, "a vector has no length");
	for (size_t i = 0; i < dimension; i++)
		out[i] = (float)((double)out[i] / sqrt(sum));
	return 0;
}

/* Items name their place; where a server leaves that out, they stand in order. */
static int take_vectors(
	const struct remote *remote, const cJSON *json, size_t count, float *out, struct err *err)
{
	const cJSON *data = cJSON_GetObjectItem(json, "data"), *item;
	AUTO_FREE bool *has = calloc(count, sizeof(*has));
	size_t at = 0;

	if (!has)
		return err_set(err, -ENOMEM, "out of memory");
	if ((size_t)cJSON_GetArraySize(data) != count)
		return odd(remote, err, "there are not as many vectors as texts");
	cJSON_ArrayForEach(item, data)
	{
		const cJSON *index = cJSON_GetObjectItem(item, "index");
		size_t place = cJSON_IsNumber(index) && index->valuedouble >= 0
			? (size_t)index->valuedouble
			: at;
		if (place >= count || has[place])
			return odd(remote, err, "a vector is numbered wrongly");
		has[place] = true;
		at++;
		int rc = take_vector(remote, cJSON_GetObjectItem(item, "embedding"),
			out + place * remote->info.dimension, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* What the texts of one call are, and whether it waits for what may pass. */
struct asking {
	enum embed_kind kind;
	const char *const *texts;
	size_t count;
	bool is_patient;
};

static int ask(struct remote *remote, const struct asking *asking, cJSON **out, struct err *err)
{
	const char *prefix =
		asking->kind == EMBED_QUERY ? remote->query_prefix : remote->passage_prefix;
	AUTO(cJSON_Delete)
	cJSON *body = request_of(remote, prefix, asking->texts, asking->count);

	return openai_ask(remote->server,
		&(struct openai_request){
			.path = "/embeddings",
			.model = remote->model,
			.body = body,
			.reply_max = REPLY_MAX,
			.is_patient = asking->is_patient,
		},
		out, err);
}

/* What is the configuration's or the server's fault passes when that is mended: only a text that
 * is refused itself is refused for good. */
static int verdict(int rc)
{
	return rc == -E2BIG || rc == -EINVAL || rc == -ENOMEM || rc == -ECANCELED || rc == 0
		? rc
		: -EAGAIN;
}

static int remote_embed(struct embedder *embedder, enum embed_kind kind, const char *const *texts,
	size_t count, float *out, struct err *err)
{
	struct remote *remote = remote_of(embedder);
	AUTO(cJSON_Delete) cJSON *json = NULL;
	int rc = count ? ask(remote, &(struct asking){kind, texts, count, false}, &json, err) : 0;

	if (!rc && count)
		rc = take_vectors(remote, json, count, out, err);
	return verdict(rc);
}

static void remote_free(struct embedder *embedder)
{
	struct remote *remote = remote_of(embedder);

	openai_free(remote->server);
	free(remote->model);
	free(remote->name);
	free(remote->query_prefix);
	free(remote->passage_prefix);
	free(remote);
}

static const struct embedder_ops ops = {
	.name = "openai",
	.info = remote_info,
	.embed = remote_embed,
	.free = remote_free,
};

static int find_dimension(struct remote *remote, struct err *err)
{
	static const char *const probe[] = {"askfs"};
	AUTO(cJSON_Delete) cJSON *json = NULL;
	/* A server that was just started loads its model first, and says so. */
	int rc = ask(remote, &(struct asking){EMBED_PASSAGE, probe, 1, true}, &json, err);

	if (rc)
		return rc;
	const cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItem(json, "data"), 0);
	int count = cJSON_GetArraySize(cJSON_GetObjectItem(item, "embedding"));
	if (count < 1 || count > DIMENSION_MAX)
		return odd(remote, err, "the reply holds no vector");
	remote->info.dimension = (size_t)count;
	return 0;
}

/* Text of @chars characters that ends in @last. */
static char *long_text(size_t chars, const char *last)
{
	static const char *const words[] = {"harbour", "invoice", "mountain", "library", "garden"};
	AUTO_BUF struct buf text;

	buf_init(&text, BUF_MAX_DEFAULT);
	for (size_t i = 0; text.len + strlen(last) + 10 < chars && !text.failed; i++)
		buf_addf(&text, "%s ", words[i * 7 % ARRAY_LEN(words)]);
	return buf_adds(&text, last) ? NULL : buf_take(&text, NULL);
}

/* Two texts that differ in their last words alone have one vector where the end is not read (Ollama
 * cuts, and answers 200). A server that refuses them says so when the time comes. */
static void see_whether_it_cuts(struct remote *remote, size_t chars)
{
	AUTO_FREE char *one = long_text(chars, "a lighthouse keeper");
	AUTO_FREE char *other = long_text(chars, "refrigerators, mostly");
	const char *const texts[] = {one, other};
	size_t dimension = remote->info.dimension;
	AUTO_FREE float *vectors = calloc(2 * dimension, sizeof(*vectors));
	AUTO(cJSON_Delete) cJSON *json = NULL;
	double cosine = 0;

	if (!one || !other || !vectors ||
		ask(remote, &(struct asking){EMBED_PASSAGE, texts, 2, true}, &json, NULL) ||
		take_vectors(remote, json, 2, vectors, NULL))
		return;
	for (size_t i = 0; i < dimension; i++)
		cosine += (double)vectors[i] * (double)vectors[dimension + i];
	if (cosine > SAME)
		log_warn("%s reads only the beginning of chunks of %zu characters: set [chunk] "
			 "size lower, or let the server have a longer context, and drop the "
			 "documents again",
			remote->name, chars);
}

static int settle(
	struct remote *remote, const struct embedder_openai_settings *settings, struct err *err)
{
	remote->model = strdup(settings->model);
	remote->query_prefix = strdup(settings->query_prefix);
	remote->passage_prefix = strdup(settings->passage_prefix);
	if (asprintf(&remote->name, "%s at %s", settings->model, openai_base_url(remote->server)) <
		0)
		remote->name = NULL;
	if (!remote->model || !remote->query_prefix || !remote->passage_prefix || !remote->name)
		return err_set(err, -ENOMEM, "out of memory");
	remote->is_shortened = settings->is_shortened;
	remote->info = (struct embedder_info){
		.model = remote->name,
		.dimension = settings->dimension,
		.unit = EMBED_UNIT_CHUNK,
		.batch = BATCH,
		.dense_weight = WEIGHT,
		.threshold = THRESHOLD,
		.unrelated = UNRELATED,
	};
	int rc = settings->dimension ? 0 : find_dimension(remote, err);
	if (!rc && !settings->dimension && settings->chunk_chars)
		see_whether_it_cuts(remote, settings->chunk_chars);
	return rc;
}

int embedder_openai_new(struct embedder **out, struct openai *server,
	const struct embedder_openai_settings *settings, struct err *err)
{
	struct remote *remote = calloc(1, sizeof(*remote));

	if (!remote)
		return err_set(err, -ENOMEM, "out of memory");
	remote->embedder.ops = &ops;
	remote->server = server;
	int rc = settle(remote, settings, err);
	if (rc) {
		remote->server = NULL;
		remote_free(&remote->embedder);
		return rc;
	}
	*out = &remote->embedder;
	return 0;
}
