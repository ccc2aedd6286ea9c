/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: defaults, then INI files, then the environment, then -o options. */
#ifndef ASKFS_CORE_CONFIG_H
#define ASKFS_CORE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/buf.h"
#include "core/config_tool.h"
#include "core/err.h"

/* Entries of the table in config_table.c. */
#define CONFIG_SETTINGS 68

/* Every setting, typed. Strings are owned by the struct, never NULL ("" where nothing is
 * set). Read-only once the daemon runs. The table in config_table.c gives each its key, variable,
 * -o form, default, bounds and help: it is the only list, and askfs.conf(5) repeats it. */
struct config {
	/* [ports]: auto or an adapter's name */
	char *catalog, *blobs, *vectors, *embedder, *generator;

	/* [embedder] */
	char *embedder_model; /* a name, a file or a folder; "": the default model */
	uint64_t embedder_threads;

	/* [openai] a server that speaks OpenAI's interface */
	char *openai_base_url, *openai_api_key, *openai_api_key_file;
	char *openai_model; /* that answers */
	char *openai_embedding_model;
	uint64_t openai_dimensions; /* 0: what the server makes */
	char *openai_query_prefix, *openai_passage_prefix;
	int64_t openai_timeout_ns; /* of silence */
	uint64_t openai_retries;

	/* [answer] */
	char *answer_system_prompt; /* a file; "": the built-in rules */
	uint64_t answer_context, answer_length, answer_history; /* tokens, about */
	bool answer_rewrite; /* follow-up questions, by the model */

	/* [agent] */
	char *agent_mode; /* off, auto, always */
	char *agent_protocol; /* auto, native, text */
	uint64_t agent_steps;

	struct config_tool *own_tools; /* [tool "name"] */

	/* [net] */
	bool net_allow;
	char *net_allow_hosts,
		*net_allow_addresses; /* words; "": all, and none besides public ones */
	char *net_search_url;
	int64_t net_timeout_ns;
	uint64_t net_page_bytes;
	uint64_t net_workers;

	/* [tools] */
	uint64_t tool_workers;
	uint64_t tool_argument_bytes;

	/* [inbox] */
	uint64_t max_file_bytes;
	char *sync; /* "group" or "close" */
	int64_t settle_ns; /* first quiet time */
	int64_t settle_max_ns; /* its ceiling when one file is written again and again */
	int64_t drain_ns; /* after INDEXED; -1: never */
	int64_t folder_drain_ns; /* an emptied folder, after its owner's last write; -1: never */
	uint64_t keep_versions;

	/* [parse] */
	char *parse_program; /* "": askfs-parse beside askfs or in libexec */
	uint64_t parse_memory;
	uint64_t parse_cpu_s, parse_wall_s;
	uint64_t parse_text_bytes;

	/* [archive] the limits of what is inside one file */
	uint64_t archive_members, archive_depth, archive_ratio;
	uint64_t archive_bytes;

	/* [chunk] in code points */
	uint64_t chunk_size, chunk_overlap;

	/* [ingest] */
	uint64_t ingest_workers;
	uint64_t ingest_retries; /* of failures that may pass */
	uint64_t embedding_cache_bytes; /* 0: no cache */

	/* [retrieve] */
	uint64_t top_k;
	double similarity_threshold; /* of the dense cosine; negative: auto */

	/* [ask] */
	uint64_t ask_workers;
	int64_t ask_wait_ns;
	uint64_t ask_max_question_bytes;
	uint64_t ask_history_turns;
	uint64_t ask_session_limit; /* per user; EDQUOT beyond */

	/* [search] */
	uint64_t search_results; /* entries of a search folder */
	uint64_t search_limit; /* searches per user; EDQUOT beyond */

	/* [daemon] */
	uint64_t io_threads;
	char *log_level; /* error, warn, info, debug */
	char *realm; /* [realm] name; "": made with the state folder */

	/* -o only: options of the mount itself */
	bool allow_other;

	/* Where each setting of the table came from, in words: "/etc/askfs/askfs.conf:3",
	 * "the variable VECTOR_TOP_K", "-o top_k"; NULL: its default. */
	char *origins[CONFIG_SETTINGS];
};

/* All defaults. 0 or -ENOMEM. */
int config_init(struct config *config);
void config_release(struct config *config);

/* Read an INI file over what is there. An unknown section or key, or a wrong value, is
 * -EINVAL with file, line and what was expected; settings before that line are kept. A secret in a
 * file that others can read is -EACCES. -ENOENT if there is no such file. */
int config_read_file(struct config *config, const char *path, struct err *err);

/* The usual files in order, those that exist: /etc/askfs/askfs.conf, then askfs/askfs.conf in
 * $XDG_CONFIG_HOME or ~/.config. With @explicit_path only that one, and it must exist. */
int config_read_files(struct config *config, const char *explicit_path, struct err *err);

/* The variables that name settings; an empty one counts as not set. */
int config_read_environment(struct config *config, struct err *err);

/* One "-o name=value" or "-o name" (@value NULL). -ENOENT if no setting has that name (the
 * caller knows the mount options that are left), -EINVAL for a wrong value. */
int config_set_option(struct config *config, const char *name, const char *value, struct err *err);

/* Rules that need more than one setting (overlap < size …). */
int config_check(const struct config *config, struct err *err);

/* The effective configuration as an INI text, one comment a line that says where a value
 * came from. 0 or -errno. */
int config_render(const struct config *config, struct buf *out);

/* The table as text for `askfs mount --help`: -o form, default, help. 0 or -errno. */
int config_help(struct buf *out);

#endif
