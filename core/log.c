/* SPDX-License-Identifier: Apache-2.0 */
#include "core/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

static bool use_syslog; /* set once, before threads */
static enum log_level limit = LOG_LEVEL_INFO; /* set once, before threads */

void log_open(bool to_syslog, enum log_level level)
{
	use_syslog = to_syslog;
	limit = level;
	if (to_syslog)
		openlog("askfs", LOG_PID, LOG_DAEMON);
}

static void escape_controls(char *line)
{
	for (unsigned char *p = (unsigned char *)line; *p; p++)
		if (*p < 0x20 || *p == 0x7f)
			*p = '?';
}

void log_line(enum log_level level, const char *format, ...)
{
	static const int priority[] = {LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG};
	char line[1024];
	va_list args;

	if (level > limit)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	escape_controls(line);
	if (use_syslog)
		syslog(priority[level], "%s", line);
	else
		dprintf(STDERR_FILENO, "askfs: %s\n", line);
}
