/* SPDX-License-Identifier: Apache-2.0 */
/* Each call works on its own thread and in scratch memory of its own, so that a question never
 * waits for a passage: how many run at a time, and with what priority, is their callers'. What
 * was not used for a while is let go of: the expanded weights, and the scratch. */
#include "core/local/embedder_model.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/local/embed/encoder.h"

/* Tokens a pass: the weights are read once for all of them, the scratch stays in the cache. */
#define PASS_TOKENS  384
#define BATCH	     32
#define SHARE_LEAST  4 /* texts that are worth a thread */
#define THREADS_MAX  64
#define REST_NS	     (60 * NS_PER_SEC)
#define DEFAULT_NAME "e5-small-q4.bin"

/* Of multilingual-e5-small, with sentences; see tests/eval. */
#define E5_WEIGHT    .55
#define E5_THRESHOLD .75
#define E5_UNRELATED .78

struct scratch {
	struct scratch *next;
	struct encoder *encoder;
	uint32_t *ids; /* PASS_TOKENS + the longest text */
};

struct local {
	struct embedder embedder;
	struct model *model;
	struct embedder_info info;
	size_t threads;
	char name[192];
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct scratch *idle; /* lock */
	size_t busy; /* lock: calls that run */
	int64_t used_ns; /* lock: when the last one ended */
	bool is_stopping; /* lock */
	pthread_t keeper;
	bool has_keeper;
};

static struct local *local_of(struct embedder *embedder)
{
	return (struct local *)embedder;
}

static const struct embedder_info *local_info(struct embedder *embedder)
{
	return &local_of(embedder)->info;
}

/* --- scratch ---------------------------------------------------------------------- */

static void scratch_free(struct scratch *scratch)
{
	if (!scratch)
		return;
	encoder_free(scratch->encoder);
	free(scratch->ids);
	free(scratch);
}

static struct scratch *scratch_new(const struct model_shape *shape)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));

	if (!scratch)
		return NULL;
	scratch->ids = malloc((PASS_TOKENS + shape->tokens_max) * sizeof(*scratch->ids));
	if (scratch->ids && encoder_new(&scratch->encoder, NULL) == 0)
		return scratch;
	scratch_free(scratch);
	return NULL;
}

static struct scratch *borrow(struct local *local)
{
	pthread_mutex_lock(&local->lock);
	struct scratch *scratch = local->idle;
	if (scratch)
		local->idle = scratch->next;
	local->busy++;
	pthread_mutex_unlock(&local->lock);
	return scratch ? scratch : scratch_new(model_shape(local->model));
}

static void give_back(struct local *local, struct scratch *scratch)
{
	pthread_mutex_lock(&local->lock);
	if (scratch) {
		scratch->next = local->idle;
		local->idle = scratch;
	}
	local->busy--;
	local->used_ns = clock_mono_ns();
	pthread_cond_signal(&local->changed);
	pthread_mutex_unlock(&local->lock);
}

static void scratches_free(struct scratch *scratch)
{
	while (scratch) {
		struct scratch *next = scratch->next;
		scratch_free(scratch);
		scratch = next;
	}
}

/* --- letting go ------------------------------------------------------------------- */

/* Until something is used; then until it was not used for a while. */
static void keeper_wait(struct local *local)
{
	while (!local->is_stopping && !(local->idle && local->busy == 0))
		pthread_cond_wait(&local->changed, &local->lock);
	while (!local->is_stopping && clock_mono_ns() - local->used_ns < REST_NS) {
		struct timespec until = clock_timespec(local->used_ns + REST_NS);
		pthread_cond_timedwait(&local->changed, &local->lock, &until);
	}
}

static void *keeper_run(void *context)
{
	struct local *local = context;

	pthread_mutex_lock(&local->lock);
	while (!local->is_stopping) {
		keeper_wait(local);
		struct scratch *idle = local->busy == 0 ? TAKE_PTR(local->idle) : NULL;
		pthread_mutex_unlock(&local->lock);
		scratches_free(idle);
		model_rest(local->model);
		pthread_mutex_lock(&local->lock);
	}
	pthread_mutex_unlock(&local->lock);
	return NULL;
}

/* --- embedding -------------------------------------------------------------------- */

static char *with_prefix(const struct local *local, enum embed_kind kind, const char *text)
{
	const struct model_shape *shape = model_shape(local->model);
	char *joined;

	return asprintf(&joined, "%s%s",
		       kind == EMBED_QUERY ? shape->query_prefix : shape->passage_prefix, text) < 0
		? NULL
		: joined;
}

/* Tokenise texts into one pass, as many as fit. How many, or -ENOMEM. */
static ssize_t fill(struct local *local, struct scratch *scratch, enum embed_kind kind,
	const char *const *texts, size_t count, const uint32_t **ids, size_t *lengths)
{
	const struct model_shape *shape = model_shape(local->model);
	size_t used = 0, i = 0;

	for (; i < count && i < BATCH && used < PASS_TOKENS; i++) {
		AUTO_FREE char *text = with_prefix(local, kind, texts[i]);
		uint32_t *at = scratch->ids + used;
		ssize_t tokens = text ? pieces_encode(model_pieces(local->model), text,
						strlen(text), at, shape->tokens_max)
				      : -ENOMEM;
		if (tokens < 0)
			return -ENOMEM;
		ids[i] = at;
		lengths[i] = (size_t)tokens;
		used += (size_t)tokens;
	}
	return (ssize_t)i;
}

static int run(struct local *local, struct scratch *scratch, enum embed_kind kind,
	const char *const *texts, size_t count, float *out)
{
	size_t dimension = local->info.dimension;

	while (count) {
		const uint32_t *ids[BATCH];
		size_t lengths[BATCH];
		ssize_t filled = fill(local, scratch, kind, texts, count, ids, lengths);
		if (filled < 0)
			return (int)filled;
		int rc = encoder_run(
			scratch->encoder, local->model, ids, lengths, (size_t)filled, out);
		if (rc)
			return rc;
		texts += filled;
		count -= (size_t)filled;
		out += (size_t)filled * dimension;
	}
	return 0;
}

/* A share of a call's texts. */
struct share {
	struct local *local;
	enum embed_kind kind;
	const char *const *texts;
	size_t count;
	float *out;
	int rc;
	pthread_t thread;
	bool has_thread;
};

static void *share_run(void *context)
{
	struct share *share = context;
	struct scratch *scratch = borrow(share->local);

	share->rc = scratch
		? run(share->local, scratch, share->kind, share->texts, share->count, share->out)
		: -ENOMEM;
	give_back(share->local, scratch);
	return NULL;
}

/* Passages are shared out; a question is one text. The threads have their maker's priority. */
static int run_shares(struct local *local, enum embed_kind kind, const char *const *texts,
	size_t count, float *out)
{
	struct share shares[THREADS_MAX];
	size_t many = count / SHARE_LEAST < local->threads ? count / SHARE_LEAST : local->threads;
	size_t part, at = 0;
	int rc = 0;

	many = many < 1 ? 1 : many > THREADS_MAX ? THREADS_MAX : many;
	for (size_t i = 0; i < many; i++, at += part) {
		part = (count - at) / (many - i);
		shares[i] = (struct share){local, kind, texts + at, part,
			out + at * local->info.dimension, 0, 0, false};
		shares[i].has_thread = i + 1 < many &&
			pthread_create(&shares[i].thread, NULL, share_run, &shares[i]) == 0;
	}
	for (size_t i = many; i-- > 0;)
		if (!shares[i].has_thread)
			share_run(&shares[i]);
	for (size_t i = 0; i < many; i++) {
		if (shares[i].has_thread)
			pthread_join(shares[i].thread, NULL);
		rc = rc ? rc : shares[i].rc;
	}
	return rc;
}

static int local_embed(struct embedder *embedder, enum embed_kind kind, const char *const *texts,
	size_t count, float *out, struct err *err)
{
	struct local *local = local_of(embedder);
	int rc = model_wake(local->model);

	if (!rc) {
		rc = run_shares(local, kind, texts, count, out);
		model_release(local->model);
	}
	if (rc == -EBADMSG)
		return err_set(err, rc, "%s gives no numbers: its file is damaged", local->name);
	return rc ? err_set(err, rc, "the embedding model: %s", strerror(-rc)) : 0;
}

static void local_free(struct embedder *embedder)
{
	struct local *local = local_of(embedder);

	pthread_mutex_lock(&local->lock);
	local->is_stopping = true;
	pthread_cond_signal(&local->changed);
	pthread_mutex_unlock(&local->lock);
	if (local->has_keeper)
		pthread_join(local->keeper, NULL);
	scratches_free(local->idle);
	model_free(local->model);
	pthread_cond_destroy(&local->changed);
	pthread_mutex_destroy(&local->lock);
	free(local);
}

/* --- making ----------------------------------------------------------------------- */

/* What a model says of texts that are not about the same, for one that nobody measured. */
static int measure(struct local *local, struct err *err)
{
	static const char *const questions[] = {"When does the museum open?",
		"Who painted the ceiling?", "How is bread baked?", "Where do storks spend winter?"};
	static const char *const passages[] = {"The contract ends on the last day of March.",
		"A leap year has one day more than other years.",
		"Please hand in the form at the counter on the second floor.",
		"The pump has to be cleaned every four weeks."};
	size_t dimension = local->info.dimension, count = ARRAY_LEN(questions);
	AUTO_FREE float *vectors = calloc(2 * count * dimension, sizeof(*vectors));
	double sum = 0;

	if (!vectors)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = local_embed(&local->embedder, EMBED_QUERY, questions, count, vectors, err);
	if (!rc)
		rc = local_embed(&local->embedder, EMBED_PASSAGE, passages, count,
			vectors + count * dimension, err);
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++)
			for (size_t d = 0; d < dimension; d++)
				sum += (double)vectors[i * dimension + d] *
					(double)vectors[(count + k) * dimension + d];
	local->info.unrelated = sum / (double)(count * count);
	local->info.threshold = local->info.unrelated + .05 * (1 - local->info.unrelated);
	return rc;
}

static int start_keeper(struct local *local, struct err *err)
{
	pthread_condattr_t monotonic;

	pthread_mutex_init(&local->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&local->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	int rc = pthread_create(&local->keeper, NULL, keeper_run, local);
	local->has_keeper = rc == 0;
	return rc ? err_set(err, -rc, "no thread for the embedder: %s", strerror(rc)) : 0;
}

int embedder_model_new(struct embedder **out, const char *path, size_t threads, struct err *err)
{
	static const struct embedder_ops ops = {
		.name = "model",
		.info = local_info,
		.embed = local_embed,
		.free = local_free,
	};
	struct local *local = calloc(1, sizeof(*local));

	if (!local)
		return err_set(err, -ENOMEM, "out of memory");
	int rc = model_open(&local->model, path, err);
	if (rc) {
		free(local);
		return rc;
	}
	const struct model_shape *shape = model_shape(local->model);
	snprintf(
		local->name, sizeof(local->name), "%s-%s", shape->name, model_digest(local->model));
	local->embedder.ops = &ops;
	local->threads = threads;
	local->info = (struct embedder_info){
		.model = local->name,
		.dimension = shape->hidden,
		.unit = EMBED_UNIT_SENTENCE,
		.batch = 2 * BATCH,
		.dense_weight = E5_WEIGHT,
		.threshold = E5_THRESHOLD,
		.unrelated = E5_UNRELATED,
	};
	rc = start_keeper(local, err);
	if (!rc && strcmp(shape->name, "multilingual-e5-small") != 0)
		rc = measure(local, err);
	if (rc) {
		local_free(&local->embedder);
		return rc;
	}
	*out = &local->embedder;
	return 0;
}

/* --- finding ---------------------------------------------------------------------- */

/* FOLDER/NAME, or FOLDER/NAME.bin; NULL: neither is there. */
static char *find_in(const char *folder, const char *name)
{
	static const char *const suffixes[] = {"", ".bin"};
	struct stat status;
	char *path;

	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
		if (asprintf(&path, "%s/%s%s", folder, name, suffixes[i]) < 0)
			return NULL;
		if (stat(path, &status) == 0)
			return path;
		free(path);
	}
	return NULL;
}

/* models/ in the folder of the program, or in the one above. */
static char *find_beside_program(const char *name)
{
	char program[PATH_MAX + sizeof("/models")];
	ssize_t len = readlink("/proc/self/exe", program, PATH_MAX - 1);
	char *path = NULL;

	if (len <= 0)
		return NULL;
	program[len] = '\0';
	for (int up = 0; up < 2 && !path; up++) {
		char *slash = strrchr(program, '/');
		if (!slash)
			break;
		memcpy(slash, "/models", sizeof("/models"));
		path = find_in(program, name);
		*slash = '\0';
	}
	return path;
}

static char *find_at_home(const char *name)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	AUTO_FREE char *folder = NULL;
	int rc = data && data[0] == '/'
		? asprintf(&folder, "%s/askfs/models", data)
		: asprintf(&folder, "%s/.local/share/askfs/models", home ? home : "");

	if (rc < 0) {
		folder = NULL;
		return NULL;
	}
	return find_in(folder, name);
}

char *embedder_model_find(const char *name)
{
	struct stat status;

	if (strchr(name, '/'))
		return stat(name, &status) == 0 ? strdup(name) : NULL;
	if (!name[0] || strcmp(name, "multilingual-e5-small") == 0)
		name = DEFAULT_NAME;
	char *path = find_beside_program(name);
	if (!path)
		path = find_in(ASKFS_SHARE "/models", name);
	return path ? path : find_at_home(name);
}
