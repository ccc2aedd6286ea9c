/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schema, as much of it as the arguments of tools need.
 *
 * Source: JSON Schema 2020-12, validation: type, enum, const, properties, required,
 * additionalProperties (true or false), items, minimum, maximum, minLength, maxLength (code
 * points), minItems, maxItems. What only describes (title, description, default, examples,
 * format, $schema, $id, $comment) is passed over. */
#ifndef ASKFS_CORE_SCHEMA_H
#define ASKFS_CORE_SCHEMA_H

#include <cjson/cJSON.h>

#include "core/err.h"

/* Is it a schema that schema_check understands wholly? 0, or -EINVAL with *err naming the part
 * that it does not. Any thread. */
int schema_know(const cJSON *schema, struct err *err);

/* Does @value fit? 0, or -EINVAL with *err naming the member and what it must be. Any thread. */
int schema_check(const cJSON *schema, const cJSON *value, struct err *err);

#endif
