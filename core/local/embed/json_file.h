/* SPDX-License-Identifier: Apache-2.0 */
/* The small files of a model's folder. */
#ifndef ASKFS_CORE_LOCAL_EMBED_JSON_FILE_H
#define ASKFS_CORE_LOCAL_EMBED_JSON_FILE_H

#include <cjson/cJSON.h>

#include "core/buf.h"
#include "core/err.h"

/* The bytes of FOLDER/NAME with a NUL behind them; initialises @out, which the caller releases
 * in any case. 0 or -errno with *err set. */
int file_read(const char *folder, const char *name, struct buf *out, struct err *err);

/* The same, parsed; the caller deletes *out. -EBADMSG if it is no JSON object. */
int json_file_read(const char *folder, const char *name, cJSON **out, struct err *err);

#endif
