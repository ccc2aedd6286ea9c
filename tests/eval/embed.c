/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed MODEL tokens|query|passage: reads texts with a NUL behind each from standard input;
 * writes for each a line with the numbers of its pieces, or its vector as 32-bit floats. For
 * comparisons with other programs that use the same model.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/local/embed/model.h"
#include "core/local/embedder_model.h"

#define IDS_MAX 4096

static void print_tokens(struct model *model, const char *text, size_t len)
{
	uint32_t ids[IDS_MAX];
	ssize_t count = pieces_encode(model_pieces(model), text, len, ids, IDS_MAX);

	for (ssize_t i = 0; i < count; i++)
		printf(i ? " %u" : "%u", ids[i]);
	putchar('\n');
}

static int print_vector(struct embedder *embedder, enum embed_kind kind, const char *text)
{
	size_t dimension = embedder_info(embedder)->dimension;
	AUTO_FREE float *vector = malloc(dimension * sizeof(*vector));
	struct err err = ERR_NONE;

	if (!vector || embedder_embed(embedder, kind, &text, 1, vector, &err)) {
		fprintf(stderr, "embed: %s\n", err.text);
		return 1;
	}
	return fwrite(vector, sizeof(*vector), dimension, stdout) != dimension;
}

int main(int argc, char **argv)
{
	AUTO_FREE char *text = NULL;
	struct embedder *embedder = NULL;
	struct model *model = NULL;
	struct err err = ERR_NONE;
	size_t size = 0;
	ssize_t len;
	int failed = 0;

	bool wants_tokens = argc == 3 && strcmp(argv[2], "tokens") == 0;
	if (argc != 3)
		return 2;
	int rc = wants_tokens ? model_open(&model, argv[1], &err)
			      : embedder_model_new(&embedder, argv[1], 1, &err);
	if (rc) {
		fprintf(stderr, "embed: %s\n", err.text);
		return 1;
	}
	while (!failed && (len = getdelim(&text, &size, '\0', stdin)) > 0) {
		len -= text[len - 1] == '\0';
		if (wants_tokens)
			print_tokens(model, text, (size_t)len);
		else
			failed = print_vector(
				embedder, argv[2][0] == 'q' ? EMBED_QUERY : EMBED_PASSAGE, text);
	}
	embedder_free(embedder);
	model_free(model);
	return failed;
}
