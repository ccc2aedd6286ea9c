/* SPDX-License-Identifier: Apache-2.0 */
/* Blobs in a folder of this machine; equal bytes are stored once. */
#ifndef ASKFS_CORE_LOCAL_BLOBS_FOLDER_H
#define ASKFS_CORE_LOCAL_BLOBS_FOLDER_H

#include "core/blobs.h"

/* Open the store in @folder, which is made if it is missing. 0 or -errno with *err set. */
int blobs_folder_new(struct blobs **out, const char *folder, struct err *err);

#endif
