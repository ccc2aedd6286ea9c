/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all settings, for the modules that read and print the configuration. */
#ifndef ASKFS_CORE_CONFIG_TABLE_H
#define ASKFS_CORE_CONFIG_TABLE_H

#include "core/config.h"
#include "core/config_value.h"

struct setting {
	const char *section, *key; /* NULL: not in a file */
	const char *variable; /* NULL: none */
	const char *option; /* NULL: none, as for secrets */
	size_t offset; /* of the field in struct config */
	const char *standard;
	struct value_rule rule;
	const char *help;
};

extern const struct setting config_settings[CONFIG_SETTINGS];

static inline void *setting_field(struct config *config, const struct setting *setting)
{
	return (char *)config + setting->offset;
}

#endif
