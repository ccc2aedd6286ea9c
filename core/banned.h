/* SPDX-License-Identifier: Apache-2.0 */
/* What no file here may call; the Makefile includes this before everything else. */
#ifndef ASKFS_CORE_BANNED_H
#define ASKFS_CORE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf gets atoi atol atoll system \
	popen tmpnam

#endif
