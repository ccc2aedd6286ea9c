/* SPDX-License-Identifier: Apache-2.0 */
/* What a child may use, and what it may not do. */
#ifndef ASKFS_CORE_PARSE_LIMITS_H
#define ASKFS_CORE_PARSE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/err.h"
#include "core/parse/files.h"

/* The descriptors of a child. */
enum { CHILD_REPLY = 1, CHILD_STDERR = 2, CHILD_FIRST = 3 };

/* Leave the machine's network for an empty one. False: this kernel, or these rights, allow
 * none; then seccomp alone keeps the network away. Once, in the server, first of all. */
bool confine_network(void);

/* Give up root's rights, and every right to gain others. Once, in the server. */
int confine_privileges(struct err *err);

/* Confine this process and all its children, for good: files as @level says (a namespace was
 * entered before), system calls to those of a server that forks. Once, in the server, after
 * all libraries are loaded. 0 or -errno with *err set. */
int confine_server(enum confine_level level, struct err *err);

/* The rest, in a child: no fork, no signals but to itself, no descriptors from outside, no
 * change of limits. 0 or -errno. */
int confine_child(void);

/* See how much address space the idle server has. Once, in the server, after all libraries are
 * loaded and while /proc can be seen. 0 or -errno with *err set. */
int limits_measure(struct err *err);

/* The limits of one document, in a child: @memory is address space beyond the idle server's. */
int limits_set(uint64_t memory, unsigned cpu_s);

#endif
