/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <unistd.h>

#include "core/local/embed/encoder.h"
#include "tests/fuzz/fuzz_model.h"

#define WEIGHTS	   ((size_t)96 << 10) /* of the small model that the seeds tell of */
#define TOKENS_MAX 64

static char folder_path[64];

void fuzz_require(bool is_true)
{
	if (!is_true)
		abort();
}

static const char *const names[] = {
	"config.json", "vocab.txt", "tokenizer.json", "model.safetensors"};

static void remove_files(void)
{
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", folder_path, names[i]);
		unlink(path);
	}
}

static void remove_folder(void)
{
	remove_files();
	rmdir(folder_path);
}

const char *fuzz_folder(void)
{
	if (!folder_path[0]) {
		snprintf(folder_path, sizeof(folder_path), "/tmp/askfs-fuzz-XXXXXX");
		fuzz_require(mkdtemp(folder_path) != NULL);
		atexit(remove_folder);
	}
	remove_files();
	return folder_path;
}

void fuzz_write(int fd, const void *data, size_t size)
{
	fuzz_require(write(fd, data, size) == (ssize_t)size);
}

void fuzz_write_weights(int fd)
{
	static float weights[WEIGHTS];

	for (size_t i = 0; i < WEIGHTS && !weights[1]; i++)
		weights[i] = (float)((i * 2654435761u) % 2001) / 5000 - .2f;
	fuzz_write(fd, weights, sizeof(weights));
}

void fuzz_put_file(
	const char *folder, const char *name, const void *data, size_t size, bool with_weights)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	fuzz_require(fd >= 0);
	fuzz_write(fd, data, size);
	if (with_weights)
		fuzz_write_weights(fd);
}

void fuzz_encode(const struct pieces *pieces, const char *text, size_t len)
{
	uint32_t ids[TOKENS_MAX];
	ssize_t count = pieces_encode(pieces, text, len, ids, TOKENS_MAX);

	fuzz_require(count >= 2 && count <= TOKENS_MAX);
	for (ssize_t i = 0; i < count; i++)
		fuzz_require(ids[i] < pieces_count(pieces));
}

void fuzz_model(const char *path)
{
	struct model *model;
	struct encoder *encoder;
	uint32_t ids[TOKENS_MAX];

	if (model_open(&model, path, NULL))
		return;
	const struct model_shape *shape = model_shape(model);
	const uint32_t *text = ids;
	AUTO_FREE float *vector = malloc(shape->hidden * sizeof(*vector));
	ssize_t count = pieces_encode(model_pieces(model), "hello ab", 8, ids,
		shape->tokens_max < TOKENS_MAX ? shape->tokens_max : TOKENS_MAX);
	size_t len = (size_t)count;
	fuzz_require(vector && count >= 2 && !encoder_new(&encoder, NULL));
	if (!model_wake(model)) {
		encoder_run(encoder, model, &text, &len, 1, vector);
		model_release(model);
	}
	encoder_free(encoder);
	model_free(model);
}
