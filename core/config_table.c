/* SPDX-License-Identifier: Apache-2.0 */
/* Every setting once: what it is called in a file, in the environment and after -o, what it
 * may be, and a line of help. Settings of one section stand together. */
#include "core/config_table.h"

#include <string.h>

#include "core/auto.h"
#include "core/clock.h"

#define FIELD(name) offsetof(struct config, name)
#define CHOICE(words)                     \
	{                                 \
		VALUE_CHOICE, 0, 0, words \
	}
#define SIZE(min, max)                     \
	{                                  \
		VALUE_SIZE, min, max, NULL \
	}
#define TIME(min, max)                     \
	{                                  \
		VALUE_TIME, min, max, NULL \
	}
#define SECONDS(min, max)                     \
	{                                     \
		VALUE_SECONDS, min, max, NULL \
	}
#define COUNT(min, max)                     \
	{                                   \
		VALUE_COUNT, min, max, NULL \
	}
#define KIB    INT64_C(1024)
#define MIB    (KIB * 1024)
#define GIB    (MIB * 1024)
#define TIB    (GIB * 1024)
#define MINUTE (60 * NS_PER_SEC)
#define HOUR   (60 * MINUTE)

const struct setting config_settings[] = {
	{"ports", "catalog", NULL, "catalog", FIELD(catalog), "auto", CHOICE("auto sqlite memory"),
		"where document records and conversations are kept"},
	{"ports", "blobs", NULL, "blobs", FIELD(blobs), "auto", CHOICE("auto folder memory"),
		"where original files and extracted text are kept"},
	{"ports", "vectors", NULL, "vectors", FIELD(vectors), "auto", CHOICE("auto sqlite memory"),
		"where chunks are kept and searched"},
	{"ports", "embedder", NULL, "embedder", FIELD(embedder), "auto",
		CHOICE("auto model openai none test"),
		"what turns text into vectors; none: words alone"},
	{"ports", "generator", NULL, "generator", FIELD(generator), "auto",
		CHOICE("auto extractive openai test"),
		"what writes answers; extractive: it quotes"},

	{"embedder", "model", NULL, "embedder_model", FIELD(embedder_model), "",
		{VALUE_PLACE, 0, 4095, NULL},
		"a model's name, file or folder; empty: multilingual-e5-small"},
	{"embedder", "threads", NULL, "embedder_threads", FIELD(embedder_threads), "2",
		COUNT(1, 64), "threads that turn documents into vectors, when nothing else runs"},

	{"openai", "base_url", "OPENAI_BASE_URL", "openai_base_url", FIELD(openai_base_url), "",
		{VALUE_URL, 0, 2000, NULL},
		"a server that speaks OpenAI's interface: http://127.0.0.1:11434/v1"},
	{"openai", "api_key", "OPENAI_API_KEY", NULL, FIELD(openai_api_key), "",
		{VALUE_SECRET, 0, 4000, NULL}, "the key it wants, if any"},
	{"openai", "api_key_file", NULL, "openai_api_key_file", FIELD(openai_api_key_file), "",
		{VALUE_PATH, 0, 4095, NULL}, "a file that holds it, which others cannot read"},
	{"openai", "model", NULL, "openai_model", FIELD(openai_model), "",
		{VALUE_TEXT, 0, 400, NULL}, "the model that answers, by its name on the server"},
	{"openai", "embedding_model", NULL, "openai_embedding_model", FIELD(openai_embedding_model),
		"", {VALUE_TEXT, 0, 400, NULL}, "the model that embeds"},
	{"openai", "dimensions", NULL, "openai_dimensions", FIELD(openai_dimensions), "0",
		COUNT(0, 65536), "of its vectors, where it can make shorter ones; 0: its own"},
	{"openai", "query_prefix", NULL, "openai_query_prefix", FIELD(openai_query_prefix), "",
		{VALUE_TEXT, 0, 400, NULL}, "what it wants before a question to be embedded"},
	{"openai", "passage_prefix", NULL, "openai_passage_prefix", FIELD(openai_passage_prefix),
		"", {VALUE_TEXT, 0, 400, NULL}, "what it wants before a passage to be embedded"},
	{"openai", "timeout", NULL, "openai_timeout", FIELD(openai_timeout_ns), "2m",
		TIME(NS_PER_SEC, HOUR), "a reply that is silent for so long is given up"},
	{"openai", "retries", NULL, "openai_retries", FIELD(openai_retries), "4", COUNT(0, 100),
		"tries after a failure that may pass"},

	{"answer", "system_prompt", NULL, "system_prompt", FIELD(answer_system_prompt), "",
		{VALUE_PATH, 0, 4095, NULL},
		"a file with a language model's rules; empty: the built-in ones"},
	{"answer", "context", NULL, "answer_context", FIELD(answer_context), "6000",
		COUNT(500, 1000000), "tokens of a prompt, about: passages and conversation"},
	{"answer", "length", NULL, "answer_length", FIELD(answer_length), "1000", COUNT(16, 100000),
		"tokens of an answer at most"},
	{"answer", "history", NULL, "answer_history", FIELD(answer_history), "1500",
		COUNT(0, 1000000), "tokens that the earlier turns may take of a prompt, about"},
	{"answer", "rewrite", NULL, "answer_rewrite", FIELD(answer_rewrite), "yes",
		{VALUE_FLAG, 0, 1, NULL},
		"a language model makes follow-up questions stand alone before the search"},

	{"agent", "mode", NULL, "agent", FIELD(agent_mode), "auto", CHOICE("off auto always"),
		"when a language model may call tools: never; to find more; instead of a search"},
	{"agent", "steps", NULL, "agent_steps", FIELD(agent_steps), "5", COUNT(1, 50),
		"replies with calls before it has to answer"},
	{"agent", "protocol", NULL, "agent_protocol", FIELD(agent_protocol), "auto",
		CHOICE("auto native text"),
		"how it calls: by its own means, in words, or in words where it has no means"},

	{"net", "allow", NULL, "net", FIELD(net_allow), "no", {VALUE_FLAG, 0, 1, NULL},
		"links that are dropped are fetched, and tools may use the network"},
	{"net", "allow_hosts", NULL, "net_hosts", FIELD(net_allow_hosts), "",
		{VALUE_TEXT, 0, 4000, NULL},
		"hosts that may be asked: example.org, *.example.org; empty: all"},
	{"net", "allow_addresses", NULL, "net_addresses", FIELD(net_allow_addresses), "",
		{VALUE_TEXT, 0, 4000, NULL},
		"addresses besides the public ones: 192.168.7.0/24; empty: none"},
	{"net", "search_url", NULL, "search_url", FIELD(net_search_url), "",
		{VALUE_URL, 0, 2000, NULL},
		"a SearXNG for the tool web_search: http://127.0.0.1:8888/search; empty: no such "
		"tool"},
	{"net", "timeout", NULL, "net_timeout", FIELD(net_timeout_ns), "30s",
		TIME(NS_PER_SEC, HOUR), "a page takes so long at most"},
	{"net", "max_page", NULL, "max_page", FIELD(net_page_bytes), "16M", SIZE(KIB, GIB),
		"largest page"},
	{"net", "workers", NULL, "net_workers", FIELD(net_workers), "4", COUNT(1, 64),
		"threads that fetch the pages of links"},

	{"tools", "workers", NULL, "tool_workers", FIELD(tool_workers), "2", COUNT(1, 64),
		"threads for tools/*/run"},
	{"tools", "max_arguments", NULL, "max_arguments", FIELD(tool_argument_bytes), "64K",
		SIZE(256, MIB), "longest arguments there; a write beyond it fails with EFBIG"},

	{"inbox", "max_file", NULL, "max_file", FIELD(max_file_bytes), "4G", SIZE(1, 16 * TIB),
		"largest file; a write beyond it fails with EFBIG"},
	{"inbox", "sync", NULL, "inbox_sync", FIELD(sync), "group", CHOICE("group close"),
		"group: to disk within a second; close: at every close"},
	{"inbox", "settle", NULL, "settle", FIELD(settle_ns), "200ms", TIME(0, HOUR),
		"a file is done when it has been quiet for so long"},
	{"inbox", "settle_max", NULL, "settle_max", FIELD(settle_max_ns), "5s", TIME(0, HOUR),
		"the longest of it, for a file that is written again and again"},
	{"inbox", "drain", NULL, "drain", FIELD(drain_ns), "5s", TIME(-1, 8760 * HOUR),
		"a file leaves the inbox so long after it was indexed"},
	{"inbox", "folder_drain", NULL, "folder_drain", FIELD(folder_drain_ns), "60s",
		TIME(-1, 8760 * HOUR), "an empty folder, so long after its owner's last write"},
	{"inbox", "keep_versions", NULL, "keep_versions", FIELD(keep_versions), "10",
		COUNT(0, 1000), "earlier originals kept of a document"},

	{"parse", "program", NULL, "parse_program", FIELD(parse_program), "",
		{VALUE_PATH, 0, 4095, NULL},
		"the parser; empty: askfs-parse beside askfs or in libexec/askfs"},
	{"parse", "memory", NULL, "parse_memory", FIELD(parse_memory), "512M",
		SIZE(32 * MIB, 64 * GIB), "memory that one document may take"},
	{"parse", "cpu", NULL, "parse_cpu", FIELD(parse_cpu_s), "60s", SECONDS(1, 86400),
		"CPU time that one document may take"},
	{"parse", "wall", NULL, "parse_wall", FIELD(parse_wall_s), "120s", SECONDS(1, 86400),
		"time that one document may take"},
	{"parse", "text", NULL, "parse_text", FIELD(parse_text_bytes), "4G", SIZE(MIB, 64 * GIB),
		"text that one document may hold"},

	{"archive", "members", NULL, "archive_members", FIELD(archive_members), "10000",
		COUNT(1, 1000000), "documents that one archive or mail may hold"},
	{"archive", "bytes", NULL, "archive_bytes", FIELD(archive_bytes), "2G", SIZE(MIB, TIB),
		"bytes that one archive or mail may unpack to"},
	{"archive", "ratio", NULL, "archive_ratio", FIELD(archive_ratio), "250", COUNT(2, 1000000),
		"how many times its size an archive may unpack to"},
	{"archive", "depth", NULL, "archive_depth", FIELD(archive_depth), "4", COUNT(1, 100),
		"how deep archives in archives are opened"},

	{"chunk", "size", NULL, "chunk_size", FIELD(chunk_size), "1000", COUNT(100, 100000),
		"characters of a chunk"},
	{"chunk", "overlap", NULL, "chunk_overlap", FIELD(chunk_overlap), "200", COUNT(0, 50000),
		"characters that a chunk shares with the next"},

	{"ingest", "workers", NULL, "ingest_workers", FIELD(ingest_workers), "2", COUNT(1, 64),
		"threads that ingest"},
	{"ingest", "retries", NULL, "ingest_retries", FIELD(ingest_retries), "5", COUNT(0, 100),
		"tries after a failure that may pass"},
	{"ingest", "embedding_cache", NULL, "embedding_cache", FIELD(embedding_cache_bytes), "256M",
		SIZE(0, TIB), "vectors kept so that no text is embedded twice; 0: none"},

	{"retrieve", "top_k", "VECTOR_TOP_K", "top_k", FIELD(top_k), "5", COUNT(1, 100),
		"passages that an answer is made from"},
	{"retrieve", "similarity_threshold", "SIMILARITY_THRESHOLD", "similarity_threshold",
		FIELD(similarity_threshold), "auto", {VALUE_RATIO, 0, 1, NULL},
		"least cosine of a passage; auto: the embedder's own"},

	{"ask", "workers", NULL, "ask_workers", FIELD(ask_workers), "2", COUNT(1, 64),
		"threads that answer"},
	{"ask", "wait", NULL, "ask_wait", FIELD(ask_wait_ns), "5m", TIME(NS_PER_SEC, 24 * HOUR),
		"how long opening an answer waits for it"},
	{"ask", "max_question", NULL, "ask_max_question", FIELD(ask_max_question_bytes), "64K",
		SIZE(256, 16 * MIB), "longest question; a write beyond it fails with EFBIG"},
	{"ask", "history", NULL, "ask_history", FIELD(ask_history_turns), "10", COUNT(0, 1000),
		"earlier turns that a question is understood with"},
	{"ask", "sessions", NULL, "ask_sessions", FIELD(ask_session_limit), "10000",
		COUNT(1, 10000000), "sessions a user may have; EDQUOT beyond"},

	{"search", "results", NULL, "search_results", FIELD(search_results), "20", COUNT(1, 1000),
		"entries of a search folder"},
	{"search", "limit", NULL, "search_limit", FIELD(search_limit), "1000", COUNT(1, 1000000),
		"searches a user may have; EDQUOT beyond"},

	{"daemon", "io_threads", NULL, "io_threads", FIELD(io_threads), "4", COUNT(1, 64),
		"threads for reading and writing files"},
	{"daemon", "log_level", NULL, "log_level", FIELD(log_level), "info",
		CHOICE("error warn info debug"), "what is logged"},
	{"realm", "name", NULL, "realm", FIELD(realm), "", {VALUE_NAME, 0, 64, NULL},
		"name of the user database; empty: made with the state folder"},

	{NULL, NULL, NULL, "allow_other", FIELD(allow_other), "no", {VALUE_FLAG, 0, 1, NULL},
		"let other users in, each as far as the modes allow"},
};
_Static_assert(ARRAY_LEN(config_settings) == CONFIG_SETTINGS, "CONFIG_SETTINGS counts the table");

int config_render(const struct config *config, struct buf *out)
{
	const char *section = "";

	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		const struct setting *setting = &config_settings[i];
		const char *origin = config->origins[i] ? config->origins[i] : "default";

		if (setting->section && strcmp(setting->section, section)) {
			buf_addf(out, "%s[%s]\n", section[0] ? "\n" : "", setting->section);
			section = setting->section;
		}
		if (!setting->section)
			buf_addf(out, "\n# -o %s=", setting->option);
		else
			buf_addf(out, "%s = ", setting->key);
		value_render(&setting->rule, (const char *)config + setting->offset, out);
		buf_addf(out, " ; %s\n", origin);
	}
	return config_tools_render(config->own_tools, out);
}

int config_help(struct buf *out)
{
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		const struct setting *setting = &config_settings[i];
		AUTO_BUF struct buf form;

		if (!setting->option)
			continue;
		buf_init(&form, BUF_MAX_DEFAULT);
		buf_addf(&form, "-o %s", setting->option);
		if (setting->rule.type != VALUE_FLAG)
			buf_addf(&form, "=%s", setting->standard);
		if (form.failed)
			return form.failed;
		buf_addf(out, "  %-28s %s\n", form.data, setting->help);
	}
	return out->failed;
}
