/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon says to its operator: to stderr while it is in front, to syslog after. */
#ifndef ASKFS_CORE_LOG_H
#define ASKFS_CORE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where lines go and which are dropped. Before other threads exist. */
void log_open(bool to_syslog, enum log_level level);

/* One line, without its newline. Any thread. Control characters that a document or a file
 * name brought along are escaped. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
