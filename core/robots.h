/* SPDX-License-Identifier: Apache-2.0 */
/* What a site's robots.txt says to askfs.
 *
 * Source: RFC 9309, Robots Exclusion Protocol. */
#ifndef ASKFS_CORE_ROBOTS_H
#define ASKFS_CORE_ROBOTS_H

#include <stdbool.h>
#include <stddef.h>

/* May @path ("/a/b?c", percent-encoded) be fetched by @agent, a product's name? The longest rule
 * that matches decides, and an allowing one among equals. Any thread. */
bool robots_allow(const char *text, size_t len, const char *agent, const char *path);

#endif
