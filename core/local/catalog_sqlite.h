/* SPDX-License-Identifier: Apache-2.0 */
/* The catalog in one SQLite database. */
#ifndef ASKFS_CORE_LOCAL_CATALOG_SQLITE_H
#define ASKFS_CORE_LOCAL_CATALOG_SQLITE_H

#include "core/catalog.h"

/* Open catalog.db in @folder; made, or brought to the present schema, where that is needed.
 * 0 or -errno with *err set; -EPROTO if a newer askfs wrote it. */
int catalog_sqlite_new(struct catalog **out, const char *folder, struct err *err);

#endif
