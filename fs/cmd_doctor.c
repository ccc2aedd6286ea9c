/* SPDX-License-Identifier: Apache-2.0 */
/* `askfs doctor`: what is missing or wrong on this machine, in words and with what to do about
 * it. Everything is looked at, also after something was found; nothing is changed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/config_table.h"
#include "core/local/embedder_model.h"
#include "core/parser.h"
#include "fs/adapters.h"
#include "fs/cmd.h"
#include "fs/state.h"

struct doctor {
	struct config config;
	const char *config_path, *state_path, *mount;
	unsigned failures;
};

enum finding { OK, NOTE, FAIL };

static void say(struct doctor *doctor, enum finding finding, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static void say(struct doctor *doctor, enum finding finding, const char *format, ...)
{
	static const char *const words[] = {[OK] = "ok", [NOTE] = "note", [FAIL] = "FAIL"};
	va_list args;

	printf("%-5s", words[finding]);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	doctor->failures += finding == FAIL;
}

/* --- the kernel and its helpers --------------------------------------------------- */

static void look_at_device(struct doctor *doctor)
{
	AUTO_CLOSE int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		say(doctor, OK, "/dev/fuse can be opened");
	else if (errno == ENOENT || errno == ENODEV || errno == ENXIO)
		say(doctor, FAIL,
			"/dev/fuse is not there: load the kernel module (modprobe fuse); a "
			"container "
			"needs --device /dev/fuse");
	else
		say(doctor, FAIL, "/dev/fuse: %s", strerror(errno));
}

/* The full path of @program in PATH, or NULL. The caller frees it. */
static char *find_program(const char *program)
{
	const char *path = getenv("PATH");

	for (path = path ? path : "/usr/bin:/bin"; *path; path += strspn(path, ":")) {
		size_t len = strcspn(path, ":");
		char *full;
		if (asprintf(&full, "%.*s/%s", (int)len, path, program) < 0)
			return NULL;
		if (access(full, X_OK) == 0)
			return full;
		free(full);
		path += len;
	}
	return NULL;
}

static void look_at_fusermount(struct doctor *doctor)
{
	AUTO_FREE char *program = find_program("fusermount3");
	enum finding finding = geteuid() == 0 ? NOTE : FAIL;
	struct stat stat;

	if (!program)
		say(doctor, finding, "fusermount3 is missing (package fuse3): only root can mount");
	else if (lstat(program, &stat) || !(stat.st_mode & S_ISUID))
		say(doctor, finding, "%s is not setuid root: only root can mount", program);
	else
		say(doctor, OK, "%s lets users mount", program);
}

static bool has_line(const char *path, const char *wanted)
{
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	AUTO_FREE char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) >= 0) {
		const char *begin = line + strspn(line, " \t");
		size_t len = strcspn(begin, " \t\n#");
		if (len == strlen(wanted) && strncmp(begin, wanted, len) == 0)
			return true;
	}
	return false;
}

static void look_at_allow_other(struct doctor *doctor)
{
	if (geteuid() == 0)
		return;
	if (has_line("/etc/fuse.conf", "user_allow_other"))
		say(doctor, OK, "-o allow_other may be used (/etc/fuse.conf)");
	else
		say(doctor, doctor->config.allow_other ? FAIL : NOTE,
			"-o allow_other needs a line user_allow_other in /etc/fuse.conf");
}

/* --- the configuration ------------------------------------------------------------ */

static void look_at_config(struct doctor *doctor)
{
	struct err err = ERR_NONE;
	unsigned set = 0;

	int rc = config_read_files(&doctor->config, doctor->config_path, &err);
	rc = rc ? rc : config_read_environment(&doctor->config, &err);
	rc = rc ? rc : config_check(&doctor->config, &err);
	if (rc) {
		say(doctor, FAIL, "%s", err.text);
		return;
	}
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		const struct setting *setting = &config_settings[i];
		if (!doctor->config.origins[i])
			continue;
		AUTO_BUF struct buf value;
		buf_init(&value, BUF_MAX_DEFAULT);
		value_render(&setting->rule, setting_field(&doctor->config, setting), &value);
		say(doctor, OK, "[%s] %s = %s, from %s", setting->section, setting->key,
			value.data ? value.data : "", doctor->config.origins[i]);
		set++;
	}
	if (set == 0)
		say(doctor, OK, "the configuration: all defaults");
}

/* An adapter of a port, in words. */
struct adapter {
	const char *port, *name, *words;
	bool is_default;
};

static const struct adapter adapters[] = {
	{"catalog", "sqlite", "records and conversations are kept in SQLite", true},
	{"catalog", "memory", "records are kept in memory, and forgotten at the end", false},
	{"blobs", "folder", "originals and texts are kept in the state folder", true},
	{"blobs", "memory", "originals are kept in memory, and forgotten at the end", false},
	{"vectors", "sqlite", "chunks are kept in SQLite, with an index of their words", true},
	{"vectors", "memory", "chunks are kept in memory, and forgotten at the end", false},
	{"embedder", "openai", "documents and questions are sent to the server of [openai]", false},
	{"embedder", "none", "documents are found by their words alone", false},
	{"embedder", "test", "the vectors mean nothing: this is for tests", false},
	{"generator", "extractive", "answers are sentences of the documents", true},
	{"generator", "openai", "questions and passages are sent to the server of [openai]", false},
	{"generator", "test", "answers mean nothing: this is for tests", false},
};

static void look_at_ports(struct doctor *doctor)
{
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		const struct setting *setting = &config_settings[i];
		if (!setting->section || strcmp(setting->section, "ports"))
			continue;
		const char *chosen = *(char **)setting_field(&doctor->config, setting);
		bool is_auto = strcmp(chosen, "auto") == 0;
		for (size_t a = 0; a < ARRAY_LEN(adapters); a++) {
			const struct adapter *adapter = &adapters[a];
			if (strcmp(adapter->port, setting->key) == 0 &&
				(is_auto ? adapter->is_default
					 : strcmp(adapter->name, chosen) == 0))
				say(doctor, OK, "%s %s: %s", adapter->port, adapter->name,
					adapter->words);
		}
	}
}

/* auto and model: what is there. */
static void look_at_model(struct doctor *doctor)
{
	const struct config *config = &doctor->config;
	AUTO_FREE char *path = embedder_model_find(config->embedder_model);
	struct embedder *embedder;
	struct err err = ERR_NONE;

	if (strcmp(config->embedder, "auto") != 0 && strcmp(config->embedder, "model") != 0)
		return;
	if (!path) {
		bool is_wanted =
			config->embedder_model[0] || strcmp(config->embedder, "model") == 0;
		say(doctor, is_wanted ? FAIL : NOTE,
			"embedder: no model is there, documents are found by their words alone; "
			"`make model` in the source tree fetches it, `make install` installs it");
		return;
	}
	if (embedder_model_new(&embedder, path, 1, &err)) {
		say(doctor, FAIL, "embedder: %s", err.text);
		return;
	}
	say(doctor, OK, "embedder %s: documents are found by their meaning, too (%s)",
		embedder_info(embedder)->model, path);
	embedder_free(embedder);
}

/* --- model servers ---------------------------------------------------------------- */

static bool is_remote(const char *adapter)
{
	return strcmp(adapter, "openai") == 0;
}

static bool has_name(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = names; (at = strstr(at, name)); at += len)
		if ((at == names || at[-1] == ' ') &&
			(!at[len] || at[len] == ',' || at[len] == ' '))
			return true;
	return false;
}

/* Ollama lists "llama3.2" as "llama3.2:latest". */
static void look_for_name(
	struct doctor *doctor, const char *key, const char *name, const char *names)
{
	AUTO_FREE char *latest = NULL;

	if (asprintf(&latest, "%s:latest", name) < 0)
		latest = NULL;
	if (has_name(names, name) || (latest && has_name(names, latest)))
		say(doctor, OK, "[openai] %s: the server has %s", key, name);
	else
		say(doctor, NOTE, "[openai] %s = %s: the server lists %s", key, name,
			names[0] ? names : "no model");
}

/* The server that the configuration names: does it answer, and does it have the models? */
static void look_at_server(struct doctor *doctor)
{
	const struct config *config = &doctor->config;
	bool embeds = is_remote(config->embedder), generates = is_remote(config->generator);
	struct openai *server;
	struct err err = ERR_NONE;
	AUTO_BUF struct buf names;

	buf_init(&names, BUF_MAX_DEFAULT);
	if (!(embeds || generates) || !config->openai_base_url[0])
		return;
	if (adapters_open_server(&server, config, &err)) {
		say(doctor, FAIL, "%s", err.text);
		return;
	}
	if (openai_models(server, &names, &err)) {
		say(doctor, FAIL, "%s", err.text);
	} else {
		say(doctor, OK, "the server at %s answers", openai_base_url(server));
		const char *list = names.data ? names.data : "";
		if (generates)
			look_for_name(doctor, "model", config->openai_model, list);
		if (embeds)
			look_for_name(
				doctor, "embedding_model", config->openai_embedding_model, list);
	}
	openai_free(server);
}

/* Where people run one: Ollama, then llama.cpp's and vLLM's habits. */
static const char *const local_servers[] = {
	"http://127.0.0.1:11434/v1", "http://127.0.0.1:8080/v1", "http://127.0.0.1:8000/v1"};

#define LOCAL_NS (NS_PER_SEC / 2)

/* One that runs here and is not used: how to use it. */
static void look_for_servers(struct doctor *doctor)
{
	const struct config *config = &doctor->config;

	if (is_remote(config->embedder) || is_remote(config->generator))
		return;
	for (size_t i = 0; i < ARRAY_LEN(local_servers); i++) {
		struct openai_settings settings = {
			.base_url = local_servers[i], .api_key = "", .idle_ns = LOCAL_NS};
		struct openai *server;
		AUTO_BUF struct buf names;

		buf_init(&names, BUF_MAX_DEFAULT);
		if (openai_new(&server, &settings, NULL))
			return;
		bool is_there = !openai_models(server, &names, NULL);
		openai_free(server);
		if (!is_there)
			continue;
		const char *list = names.data ? names.data : "";
		say(doctor, NOTE,
			"a model server answers at %s (%s): with these lines it writes the "
			"answers\n"
			"     [ports]\n     generator = openai\n     [openai]\n     base_url = %s\n"
			"     model = %.*s",
			local_servers[i], list[0] ? list : "it has no model yet", local_servers[i],
			(int)strcspn(list, ","), list[0] ? list : "NAME");
	}
}

/* --- the parser ------------------------------------------------------------------- */

struct extract {
	char text[64];
	size_t len;
};

static int keep_text(void *context, const char *utf8, size_t len)
{
	struct extract *extract = context;

	if (len > sizeof(extract->text) - 1 - extract->len)
		return -EFBIG;
	memcpy(extract->text + extract->len, utf8, len);
	extract->len += len;
	extract->text[extract->len] = '\0';
	return 0;
}

static int skip_mark(void *context, const struct mark *mark)
{
	(void)context;
	(void)mark;
	return 0;
}

/* The number behind @field in a process's status, or -1. */
static long status_number(const char *pid, const char *field)
{
	char path[64];
	AUTO_FREE char *line = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%.20s/status", pid);
	AUTO_FCLOSE FILE *file = fopen(path, "re");
	while (file && getline(&line, &size, file) >= 0)
		if (strncmp(line, field, strlen(field)) == 0)
			return strtol(line + strlen(field), NULL, 10);
	return -1;
}

/* The server is a child of this process, and the kernel says what it may do. */
static void look_at_confinement(struct doctor *doctor)
{
	DIR *proc = opendir("/proc");
	const struct dirent *entry;

	while (proc && (entry = readdir(proc))) {
		const char *pid = entry->d_name;
		if (strspn(pid, "0123456789") != strlen(pid) ||
			status_number(pid, "PPid:") != getpid())
			continue;
		bool is_confined = status_number(pid, "Seccomp:") == 2 &&
			status_number(pid, "NoNewPrivs:") == 1 && status_number(pid, "Uid:") != 0;
		say(doctor, is_confined ? OK : FAIL, "askfs-parse is %sconfined by the kernel",
			is_confined ? "" : "not ");
		closedir(proc);
		return;
	}
	if (proc)
		closedir(proc);
	say(doctor, NOTE, "whether askfs-parse is confined can't be seen in /proc");
}

static void try_parser(struct doctor *doctor, struct parser *parser)
{
	static const char text[] = "A test text of askfs doctor.\n";
	struct extract extract = {.len = 0};
	AUTO_CLOSE int fd = memfd_create("doctor", MFD_CLOEXEC);

	if (fd < 0 || write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1) {
		say(doctor, FAIL, "a test text for the parser can't be made: %s", strerror(errno));
		return;
	}
	struct parse_item item = {
		.fd = fd,
		.size = sizeof(text) - 1,
		.name = "doctor.txt",
		.sink = {.text = keep_text, .mark = skip_mark, .context = &extract},
	};
	parser_run(parser, &item, 1);
	if (item.result)
		say(doctor, FAIL, "askfs-parse can't read a text: %s", item.err.text);
	else if (!strstr(extract.text, "A test text of askfs doctor."))
		say(doctor, FAIL, "askfs-parse reads a text as \"%s\"", extract.text);
	else
		say(doctor, OK, "askfs-parse reads a text");
	parsed_release(&item.parsed);
}

static void tell_about(struct doctor *doctor, struct parser *parser)
{
	struct parser_about about;

	parser_about(parser, &about);
	say(doctor, OK, "documents: %s%s%s", about.reads,
		about.lacks[0] ? "; not in this build: " : "", about.lacks);
	if (about.has_network)
		say(doctor, NOTE,
			"this kernel gives askfs-parse no network namespace: seccomp alone keeps "
			"it off the network");
}

/* What reads images is another program, with data of its own. */
static void tell_about_images(struct doctor *doctor, struct parser *parser)
{
	struct parser_about about;
	struct err err = ERR_NONE;

	if (parser_about_ocr(parser, &about, &err)) {
		say(doctor, FAIL, "text in images is not read: %s", err.text);
		return;
	}
	if (about.ocr[0])
		say(doctor, OK, "text in images: %s", about.ocr);
	if (about.ocr_lacks[0])
		say(doctor, NOTE, "%s%s",
			about.ocr[0] ? "" : "text in images is not read: ", about.ocr_lacks);
}

static void look_at_parser(struct doctor *doctor)
{
	const struct config *config = &doctor->config;
	struct parser_limits limits = {
		.memory = config->parse_memory,
		.cpu_s = (unsigned)config->parse_cpu_s,
		.wall_s = (unsigned)config->parse_wall_s,
		.text_bytes = config->parse_text_bytes,
		.ocr_cpu_s = (unsigned)config->ocr_cpu_s,
		.ocr_languages = config->ocr_languages,
	};
	const char *program = config->parse_program[0] ? config->parse_program : NULL;
	struct parser *parser;
	struct err err = ERR_NONE;

	if (parser_new(&parser, program, &limits, &err)) {
		say(doctor, FAIL, "askfs-parse can't be started: %s", err.text);
		return;
	}
	try_parser(doctor, parser);
	look_at_confinement(doctor);
	tell_about(doctor, parser);
	tell_about_images(doctor, parser);
	parser_free(parser);
}

static void look_at_poppler_data(struct doctor *doctor)
{
	static const char path[] = "/usr/share/poppler/cMap";

	if (access(path, R_OK | X_OK) == 0)
		say(doctor, OK, "%s: PDFs in Chinese, Japanese and Korean can be read", path);
	else
		say(doctor, FAIL,
			"%s is missing (package poppler-data): some PDFs in Chinese, Japanese and "
			"Korean can't be read",
			path);
}

/* --- the state folder ------------------------------------------------------------- */

/* True if a daemon holds the folder's lock. It is tried for an instant, not kept. */
static bool is_locked(const char *folder)
{
	AUTO_FREE char *path = NULL;

	if (asprintf(&path, "%s/lock", folder) < 0)
		return false;
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) && errno == EWOULDBLOCK;
}

static void look_at_state(struct doctor *doctor)
{
	AUTO_FREE char *mount = doctor->mount ? realpath(doctor->mount, NULL) : NULL;
	AUTO_FREE char *usual = mount ? state_default_path(mount) : NULL;
	const char *path = doctor->state_path ? doctor->state_path : usual;
	struct stat attr;

	if (doctor->mount && !mount)
		say(doctor, FAIL, "%s: %s", doctor->mount, strerror(errno));
	if (!path)
		return;
	if (stat(path, &attr))
		say(doctor, errno == ENOENT ? NOTE : FAIL, "state folder %s: %s", path,
			errno == ENOENT ? "it will be made at the first mount" : strerror(errno));
	else if (!S_ISDIR(attr.st_mode))
		say(doctor, FAIL, "state folder %s: it is not a folder", path);
	else if (attr.st_uid != geteuid())
		say(doctor, FAIL, "state folder %s: it belongs to another user", path);
	else if (attr.st_mode & 077)
		say(doctor, FAIL, "state folder %s: others can read it; chmod 700 it", path);
	else
		say(doctor, OK, "state folder %s: %s", path,
			is_locked(path) ? "a daemon uses it" : "no daemon uses it");
}

/* --- the command ------------------------------------------------------------------ */

static int doctor_run(int argc, char **argv)
{
	struct doctor doctor = {0};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
			doctor.config_path = argv[++i];
		else if (strcmp(argv[i], "--state") == 0 && i + 1 < argc)
			doctor.state_path = argv[++i];
		else if (argv[i][0] == '-' || doctor.mount)
			return cmd_usage(&cmd_doctor, "%s is not expected", argv[i]);
		else
			doctor.mount = argv[i];
	}
	if (config_init(&doctor.config))
		return cmd_fail(&cmd_doctor, CMD_FAILED, "out of memory");
	look_at_device(&doctor);
	look_at_fusermount(&doctor);
	look_at_config(&doctor);
	look_at_allow_other(&doctor);
	look_at_ports(&doctor);
	look_at_model(&doctor);
	look_at_server(&doctor);
	look_for_servers(&doctor);
	look_at_parser(&doctor);
	look_at_poppler_data(&doctor);
	look_at_state(&doctor);
	config_release(&doctor.config);
	return doctor.failures ? CMD_FAILED : CMD_OK;
}

const struct command cmd_doctor = {
	.name = "doctor",
	.synopsis = "[--config FILE] [--state DIR] [MOUNT]",
	.summary = "Look for what is missing or wrong on this machine.",
	.help = "  --config FILE   look at this configuration instead of the usual files\n"
		"  --state DIR     look at this state folder, too\n"
		"  MOUNT           look at the state folder that a mount there has, if nobody\n"
		"                  says otherwise\n\n"
		"The exit status is 1 if a line begins with FAIL.\n",
	.run = doctor_run,
};
