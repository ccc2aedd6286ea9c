/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a file, a variable or an option looks the setting up in the one table and hands the
 * text to the parser of its type. The later source wins, so the order of the calls is the order
 * of precedence. inih splits the lines, but does not tell its handler which line it is at, and
 * breaks long lines in two: the reader here counts them and refuses those that do not fit. */
#include "core/config.h"

#include <errno.h>
#include <ini.h>
#include <string.h>
#include <sys/stat.h>

#include "core/auto.h"
#include "core/config_table.h"

int config_init(struct config *config)
{
	memset(config, 0, sizeof(*config));
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		const struct setting *setting = &config_settings[i];
		int rc = value_parse(
			&setting->rule, setting->standard, setting_field(config, setting));
		if (rc) {
			config_release(config);
			return rc;
		}
	}
	return 0;
}

void config_release(struct config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		free(config->origins[i]);
		if (value_is_text(&config_settings[i].rule))
			free(*(char **)setting_field(config, &config_settings[i]));
	}
	config_tools_release(&config->own_tools);
	memset(config, 0, sizeof(*config));
}

/* Set one setting from @text. @origin says where it stands; a message begins with it. */
static int set(struct config *config, const struct setting *setting, const char *text,
	const char *origin, struct err *err)
{
	int rc = value_parse(&setting->rule, text, setting_field(config, setting));
	if (rc == -EINVAL) {
		AUTO_BUF struct buf expected;
		buf_init(&expected, BUF_MAX_DEFAULT);
		value_expected(&setting->rule, &expected);
		return err_set(err, rc, "%s: %s = %s: expected %s", origin,
			setting->key ? setting->key : setting->option,
			setting->rule.type == VALUE_SECRET ? "(not shown)" : text,
			expected.failed ? "another value" : expected.data);
	}
	char *copy = rc ? NULL : strdup(origin);
	if (!copy)
		return err_set(err, -ENOMEM, "%s: out of memory", origin);
	free(config->origins[setting - config_settings]);
	config->origins[setting - config_settings] = copy;
	return 0;
}

/* A file that is being read. */
struct source {
	struct config *config;
	const char *path;
	FILE *file;
	unsigned line;
	int result; /* of the first thing that went wrong; the rest is not looked at */
	struct err *err;
};

/* For ini_parse_stream: one line without the blanks it begins with, which inih would take
 * for the continuation of the value before. */
static char *read_line(char *line, int size, void *context)
{
	struct source *source = context;

	if (source->result || !fgets(line, size, source->file))
		return NULL;
	source->line++;
	size_t len = strlen(line);
	if ((len == 0 || line[len - 1] != '\n') && !feof(source->file)) {
		source->result = err_set(source->err, -EINVAL,
			"%s:%u: expected a line of at most %d bytes, without NUL bytes",
			source->path, source->line, size - 2);
		return NULL;
	}
	size_t blanks = strspn(line, " \t");
	memmove(line, line + blanks, len - blanks + 1);
	return line;
}

static const struct setting *find_in_file(const char *section, const char *key, bool *has_section)
{
	*has_section = false;
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		if (!config_settings[i].section || strcmp(config_settings[i].section, section))
			continue;
		*has_section = true;
		if (strcmp(config_settings[i].key, key) == 0)
			return &config_settings[i];
	}
	return NULL;
}

/* The sections, or the keys of one, for a message. */
static void list_names(const char *section, struct buf *out)
{
	const char *last = "";

	for (size_t i = 0; i < CONFIG_SETTINGS && config_settings[i].section; i++) {
		if (section && strcmp(config_settings[i].section, section))
			continue;
		const char *name = section ? config_settings[i].key : config_settings[i].section;
		if (strcmp(name, last))
			buf_addf(out, " %s", name);
		last = name;
	}
}

static int refuse_unknown(
	struct source *source, const char *section, const char *key, bool has_section)
{
	AUTO_BUF struct buf names;

	buf_init(&names, BUF_MAX_DEFAULT);
	list_names(has_section ? section : NULL, &names);
	if (names.failed)
		return err_set(source->err, names.failed, "%s: out of memory", source->path);
	if (!has_section)
		return err_set(source->err, -EINVAL,
			"%s:%u: unknown section [%s]: expected one of:%s", source->path,
			source->line, section, names.data);
	return err_set(source->err, -EINVAL, "%s:%u: unknown key %s in [%s]: expected one of:%s",
		source->path, source->line, key, section, names.data);
}

/* A secret in a file that others can read is none. */
static int check_secret(struct source *source, const char *key)
{
	struct stat status;

	if (fstat(fileno(source->file), &status) == 0 && !(status.st_mode & 077))
		return 0;
	return err_set(source->err, -EACCES,
		"%s:%u: others can read this file, and %s is a secret: chmod 600 it, or put the "
		"secret into a file of its own",
		source->path, source->line, key);
}

static int take_pair(void *context, const char *section, const char *key, const char *value)
{
	struct source *source = context;
	bool has_section;
	char origin[4200];

	if (source->result)
		return 1;
	if (config_tool_is_section(section)) {
		snprintf(origin, sizeof(origin), "%s:%u", source->path, source->line);
		source->result = config_tool_set(
			&source->config->own_tools, section, key, value, origin, source->err);
		return source->result == 0;
	}
	const struct setting *setting = find_in_file(section, key, &has_section);
	snprintf(origin, sizeof(origin), "%s:%u", source->path, source->line);
	if (setting && setting->rule.type == VALUE_SECRET && value[0])
		source->result = check_secret(source, key);
	if (source->result)
		return 0;
	source->result = setting ? set(source->config, setting, value, origin, source->err)
				 : refuse_unknown(source, section, key, has_section);
	return source->result == 0;
}

int config_read_file(struct config *config, const char *path, struct err *err)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	if (!file)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));

	struct source source = {.config = config, .path = path, .file = file, .err = err};
	int bad_line = ini_parse_stream(read_line, &source, take_pair, &source);
	if (ferror(file))
		return err_set(err, -EIO, "%s: it can't be read", path);
	if (!source.result && bad_line)
		return err_set(
			err, -EINVAL, "%s:%d: expected [section] or key = value", path, bad_line);
	return source.result;
}

static int read_if_there(struct config *config, const char *path, struct err *err)
{
	int rc = config_read_file(config, path, err);

	if (rc == -ENOENT || rc == -ENOTDIR) {
		*err = (struct err)ERR_NONE;
		return 0;
	}
	return rc;
}

int config_read_files(struct config *config, const char *explicit_path, struct err *err)
{
	const char *folder = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	AUTO_FREE char *path = NULL;
	struct err unused = ERR_NONE;

	err = err ? err : &unused;
	if (explicit_path)
		return config_read_file(config, explicit_path, err);
	int rc = read_if_there(config, "/etc/askfs/askfs.conf", err);
	bool has_folder = folder && folder[0] == '/';
	if (rc || (!has_folder && !(home && home[0])))
		return rc;
	int len = asprintf(&path, "%s%s/askfs/askfs.conf", has_folder ? folder : home,
		has_folder ? "" : "/.config");
	if (len < 0)
		return err_set(err, -ENOMEM, "out of memory");
	return read_if_there(config, path, err);
}

int config_read_environment(struct config *config, struct err *err)
{
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		const char *name = config_settings[i].variable;
		const char *value = name ? getenv(name) : NULL;
		char origin[64];

		if (!value || !value[0])
			continue;
		snprintf(origin, sizeof(origin), "the variable %s", name);
		int rc = set(config, &config_settings[i], value, origin, err);
		if (rc)
			return rc;
	}
	return 0;
}

int config_set_option(struct config *config, const char *name, const char *value, struct err *err)
{
	char origin[64];

	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		if (!config_settings[i].option || strcmp(config_settings[i].option, name))
			continue;
		snprintf(origin, sizeof(origin), "-o %s", name);
		if (!value && config_settings[i].rule.type == VALUE_FLAG)
			value = "yes";
		if (!value)
			return err_set(err, -EINVAL, "%s: expected %s=VALUE", origin, name);
		return set(config, &config_settings[i], value, origin, err);
	}
	return err_set(err, -ENOENT, "-o %s: there is no such setting", name);
}

/* What a server is needed for must be said. */
static int check_openai(const struct config *config, struct err *err)
{
	bool embeds = strcmp(config->embedder, "openai") == 0;
	bool generates = strcmp(config->generator, "openai") == 0;

	if ((embeds || generates) && !config->openai_base_url[0])
		return err_set(err, -EINVAL,
			"[ports] names openai: expected [openai] base_url, as in "
			"http://127.0.0.1:11434/v1");
	if (generates && !config->openai_model[0])
		return err_set(err, -EINVAL,
			"[ports] generator = openai: expected [openai] model, a model's name "
			"on the server");
	if (embeds && !config->openai_embedding_model[0])
		return err_set(err, -EINVAL,
			"[ports] embedder = openai: expected [openai] embedding_model, a model's "
			"name on the server");
	if (config->openai_api_key[0] && config->openai_api_key_file[0])
		return err_set(
			err, -EINVAL, "[openai] api_key and api_key_file: expected one of them");
	return 0;
}

int config_check(const struct config *config, struct err *err)
{
	if (config->chunk_overlap > config->chunk_size / 2)
		return err_set(err, -EINVAL,
			"chunk overlap = %ju: expected at most half of the chunk size, which is "
			"%ju",
			(uintmax_t)config->chunk_overlap, (uintmax_t)config->chunk_size);
	if (config->parse_cpu_s > config->parse_wall_s)
		return err_set(err, -EINVAL,
			"parse wall = %jus: expected at least the CPU time, which is %jus",
			(uintmax_t)config->parse_wall_s, (uintmax_t)config->parse_cpu_s);
	int rc = config_tools_check(config->own_tools, err);
	return rc ? rc : check_openai(config, err);
}
