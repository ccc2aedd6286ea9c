/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces of the kernel, with root's rights or without. */
#ifndef ASKFS_CORE_PARSE_NAMESPACE_H
#define ASKFS_CORE_PARSE_NAMESPACE_H

/* Enter new namespaces (CLONE_NEWNS, CLONE_NEWNET …). Where the rights for it are missing, a
 * user namespace gives them, in which this process stays who it is; its rights there last
 * until confine_privileges. While the process has one thread and sees /proc. 0 or -errno:
 * then nothing has changed, or only the user namespace is there. */
int namespace_enter(int flags);

#endif
