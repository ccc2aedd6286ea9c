/* SPDX-License-Identifier: Apache-2.0 */
/* model_seeds FOLDER: the heads of the unit tests' small model, as a packed file ("packed") and as
 * a folder ("folder": config.json, a NUL, the head of model.safetensors). */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/local/embed/json_file.h"
#include "tests/unit/embed_world.h"
#include "tests/unit/scratch.h"

static void require(bool is_true)
{
	if (!is_true) {
		perror("model_seeds");
		exit(1);
	}
}

static void put(const char *folder, const char *name, const struct buf *bytes)
{
	AUTO_FREE char *path = NULL;

	require(asprintf(&path, "%s/%s", folder, name) > 0);
	AUTO_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	require(fd >= 0 && write(fd, bytes->data, bytes->len) == (ssize_t)bytes->len);
}

int main(int argc, char **argv)
{
	AUTO_BUF struct buf packed, config, weights;
	char *scratch = scratch_new();

	require(argc == 2);
	mkdir(argv[1], 0700);
	buf_init(&packed, BUF_MAX_DEFAULT);
	ew_pack(&packed);
	packed.len -= ew_weight_bytes();
	put(argv[1], "packed", &packed);

	ew_write_folder(scratch);
	require(file_read(scratch, "config.json", &config, NULL) == 0);
	require(file_read(scratch, "model.safetensors", &weights, NULL) == 0);
	size_t head = weights.len - ew_weight_bytes() - sizeof(uint64_t);
	require(!buf_addc(&config, '\0') &&
		!buf_add(&config, weights.data + sizeof(uint64_t), head));
	put(argv[1], "folder", &config);
	scratch_free(scratch);
	return 0;
}
