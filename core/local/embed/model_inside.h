/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of a model's files fill in. */
#ifndef ASKFS_CORE_LOCAL_EMBED_MODEL_INSIDE_H
#define ASKFS_CORE_LOCAL_EMBED_MODEL_INSIDE_H

#include <pthread.h>

#include "core/local/embed/model.h"

#define MODEL_LAYERS_MAX 48

enum layer_tensor {
	Q_WEIGHT,
	Q_BIAS,
	K_WEIGHT,
	K_BIAS,
	V_WEIGHT,
	V_BIAS,
	OUT_WEIGHT,
	OUT_BIAS,
	OUT_NORM_WEIGHT,
	OUT_NORM_BIAS,
	UP_WEIGHT,
	UP_BIAS,
	DOWN_WEIGHT,
	DOWN_BIAS,
	DOWN_NORM_WEIGHT,
	DOWN_NORM_BIAS,
	LAYER_TENSORS
};

/* A file, or a part of one, mapped for reading. */
struct mapped {
	uint8_t *data;
	size_t size;
};

struct model {
	struct model_shape shape;
	struct pieces *pieces;
	struct mapped file; /* of the weights */
	char digest[17];
	struct tensor words, positions, types, norm[2];
	struct tensor layers[MODEL_LAYERS_MAX][LAYER_TENSORS];

	float *embed_norm[2]; /* as floats */
	float *type; /* of all tokens */
	pthread_mutex_t lock;
	struct model_layer *awake; /* lock; NULL: at rest */
	size_t holders; /* lock */
};

/* Map a whole file. 0 or -errno with *err set. */
int mapped_open(struct mapped *out, const char *path, struct err *err);
void mapped_close(struct mapped *mapped);

/* How many weights a layer's tensor has. */
size_t model_tensor_size(const struct model_shape *shape, enum layer_tensor tensor);

/* Can the kernels work with that shape? 0 or -EOPNOTSUPP with *err set. */
int model_check_shape(const struct model_shape *shape, const char *path, struct err *err);

/* Is every tensor there? 0 or -EBADMSG with *err set. */
int model_check_complete(const struct model *model, const char *path, struct err *err);

/* Read into a zeroed model. 0 or -errno with *err set; what was read is freed with the model. */
int model_read_packed(struct model *model, const char *path, struct err *err);
int model_read_folder(struct model *model, const char *path, struct err *err);

#endif
