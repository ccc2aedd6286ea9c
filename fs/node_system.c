/* SPDX-License-Identifier: Apache-2.0 */
/* system/: what the daemon says about itself, from memory. A file is rendered when it is looked
 * up, and the next open takes that rendering, so that the size which stat told is the size which
 * read finds; the look-up after it renders anew. Each rendering is a node of its own, and whoever
 * has it open keeps it. A rendering that nobody has opened is not handed out for longer than a
 * second. A file's time is the moment at which its content was first seen to be another one. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/health.h"
#include "core/metrics.h"
#include "fs/fs.h"
#include "fs/req.h"

struct system_file {
	const char *name;
	mode_t mode;
	int (*render)(struct fs *fs, struct buf *out);
};

static int render_health(struct fs *fs, struct buf *out);
static int render_metrics(struct fs *fs, struct buf *out);
static int render_config(struct fs *fs, struct buf *out);
static int render_usage(struct fs *fs, struct buf *out);

static const struct system_file files[] = {
	{"health", 0444, render_health},
	{"metrics", 0400, render_metrics},
	{"config", 0444, render_config},
	{"usage", 0400, render_usage},
};

#define RENDERING_LASTS (1 * NS_PER_SEC)

/* One rendering of one file. */
struct rendering {
	struct node node;
	const struct system_file *file;
	char *data;
	size_t len;
	int64_t rendered_ns; /* monotonic */
	int64_t mtime_ns;
	bool is_taken; /* it was opened */
};

struct system_node {
	struct node node;
	uint64_t serial; /* of the last rendering of any file */
	struct {
		struct rendering *rendering; /* held by a reference of ours; may be NULL */
		uint64_t hash; /* of its content */
	} now[ARRAY_LEN(files)];
};

/* --- a rendering ------------------------------------------------------------------ */

static void rendering_stat(struct node *node, struct stat *out)
{
	const struct rendering *rendering = (struct rendering *)node;

	out->st_mode = S_IFREG | rendering->file->mode;
	out->st_uid = node->fs->uid;
	out->st_gid = node->fs->gid;
	out->st_size = (off_t)rendering->len;
	node_set_times(out, rendering->mtime_ns);
}

static void rendering_forget(struct node *node)
{
	free(((struct rendering *)node)->data);
}

static void rendering_read(struct handle *handle, struct req *req, size_t size, off_t offset)
{
	const struct rendering *rendering = (struct rendering *)handle->node;

	req_slice(req, rendering->data, rendering->len, size, offset);
}

static void rendering_open(struct node *node, struct req *req, int flags)
{
	static const struct handle_ops ops = {.read = rendering_read};

	if ((flags & O_ACCMODE) != O_RDONLY) {
		req_error(req, -EACCES);
		return;
	}
	((struct rendering *)node)->is_taken = true;
	req_open_content(req, &ops);
}

static const struct node_ops rendering_ops = {
	.name = "rendering",
	.attr_timeout = 3600,
	.stat = rendering_stat,
	.forget = rendering_forget,
	.open = rendering_open,
};

/* --- the folder ------------------------------------------------------------------- */

static void system_stat(struct node *node, struct stat *out)
{
	out->st_mode = S_IFDIR | 0555;
	out->st_nlink = 2;
	out->st_uid = node->fs->uid;
	out->st_gid = node->fs->gid;
	node_set_times(out, node->fs->made_ns);
}

static uint64_t file_ino(size_t index)
{
	return node_hash("system", files[index].name, strlen(files[index].name));
}

/* Render a file anew; NULL when memory is short. */
static struct rendering *render(struct system_node *dir, size_t index)
{
	struct fs *fs = dir->node.fs;
	struct rendering *before = dir->now[index].rendering;
	AUTO_BUF struct buf out;

	buf_init(&out, BUF_MAX_DEFAULT);
	dir->serial++;
	if (files[index].render(fs, &out))
		return NULL;
	uint64_t hash = node_hash("content", out.data, out.len);
	uint64_t key = node_hash("rendering", &dir->serial, sizeof(dir->serial));
	struct rendering *rendering =
		node_new(fs, &rendering_ops, sizeof(*rendering), key, file_ino(index));
	if (!rendering)
		return NULL;
	rendering->file = &files[index];
	rendering->rendered_ns = clock_mono_ns();
	rendering->mtime_ns =
		before && dir->now[index].hash == hash ? before->mtime_ns : clock_wall_ns();
	rendering->data = buf_take(&out, &rendering->len);
	rendering->node.lookups++; /* ours */
	if (before)
		node_forget(&before->node, 1);
	dir->now[index].rendering = rendering;
	dir->now[index].hash = hash;
	return rendering;
}

static struct node *find(struct system_node *dir, size_t index)
{
	struct rendering *now = dir->now[index].rendering;

	if (!now || now->is_taken || clock_mono_ns() - now->rendered_ns > RENDERING_LASTS)
		now = render(dir, index);
	return now ? &now->node : NULL;
}

static void system_lookup(struct node *dir, struct req *req, const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		if (strcmp(files[i].name, name) == 0) {
			req_entry(req, find((struct system_node *)dir, i));
			return;
		}
	}
	req_error(req, -ENOENT);
}

static void system_list(struct node *dir, struct req *req)
{
	bool is_owner = req_uid(req) == dir->fs->uid || req_uid(req) == 0;

	req_list_begin(req, dir->fs->root->ino);
	for (size_t i = 0; i < ARRAY_LEN(files); i++)
		if (is_owner || files[i].mode & S_IROTH)
			dirlist_add(&req->list, files[i].name, file_ino(i), S_IFREG);
	req_list(req);
}

static const struct node_ops system_ops = {
	.name = "system",
	.entry_timeout = 3600,
	.attr_timeout = 3600,
	.stat = system_stat,
	.lookup = system_lookup,
	.list = system_list,
};

struct node *node_system_new(struct fs *fs)
{
	uint64_t ino = node_hash("system", "", 0);

	return node_new(fs, &system_ops, sizeof(struct system_node), ino, ino);
}

/* --- health ----------------------------------------------------------------------- */

static void add_time(cJSON *object, const char *name, int64_t ns)
{
	char text[32];

	cJSON_AddStringToObject(object, name, clock_format(ns, text));
}

/* One part's row. @adapter NULL: it is turned off. True if it is failing. */
static bool add_component(cJSON *rows, enum health_part part, const char *adapter)
{
	struct health health = health_get(part);
	cJSON *row = cJSON_CreateObject();

	cJSON_AddStringToObject(row, "name", health_name(part));
	cJSON_AddStringToObject(row, "adapter", adapter ? adapter : "none");
	cJSON_AddStringToObject(row, "status",
		!adapter		    ? "off"
			: health.is_failing ? "failing"
					    : "ok");
	if (health.is_failing) {
		add_time(row, "since", health.since_ns);
		cJSON_AddStringToObject(row, "error", health.err.text);
	}
	if (part == HEALTH_EMBEDDER && !adapter)
		cJSON_AddStringToObject(row, "note",
			"documents are found by their words alone; askfs doctor says how to get a "
			"model");
	cJSON_AddItemToArray(rows, row);
	return adapter && health.is_failing;
}

/* Every part's row; true if one is failing. */
static bool add_components(cJSON *rows, const struct ports *ports)
{
	bool is_failing = add_component(rows, HEALTH_CATALOG, ports->catalog->ops->name);

	is_failing |= add_component(rows, HEALTH_BLOBS, ports->blobs->ops->name);
	is_failing |= add_component(rows, HEALTH_VECTORS, ports->vectors->ops->name);
	is_failing |= add_component(
		rows, HEALTH_EMBEDDER, ports->embedder ? ports->embedder->ops->name : NULL);
	is_failing |= add_component(rows, HEALTH_GENERATOR, ports->generator->ops->name);
	is_failing |= add_component(rows, HEALTH_PARSER, "askfs-parse");
	is_failing |= add_component(rows, HEALTH_SPOOL, "folder");
	return is_failing;
}

static void add_gauge(cJSON *object, const char *name, enum metric_gauge gauge)
{
	cJSON_AddNumberToObject(object, name, (double)metric_gauge_get(gauge));
}

static void add_metric(cJSON *object, const char *name, enum metric metric)
{
	cJSON_AddNumberToObject(object, name, (double)metric_get(metric));
}

static void add_counts(cJSON *root)
{
	cJSON *documents = cJSON_AddObjectToObject(root, "documents");

	for (int status = 0; status < DOC_STATUS_COUNT; status++)
		add_gauge(documents, doc_status_name((enum doc_status)status),
			GAUGE_DOCUMENTS_PENDING + (enum metric_gauge)status);
	cJSON *inbox = cJSON_AddObjectToObject(root, "inbox");
	add_gauge(inbox, "settling", GAUGE_INBOX_SETTLING);
	cJSON *embedding = cJSON_AddObjectToObject(root, "embedding");
	add_gauge(embedding, "chunks_left", GAUGE_CHUNKS_TO_EMBED);
	add_metric(embedding, "chunks", METRIC_EMBEDDED_CHUNKS);
	add_metric(embedding, "vectors", METRIC_EMBEDDED_VECTORS);
	cJSON *queues = cJSON_AddObjectToObject(root, "queues");
	add_gauge(queues, "ingest", GAUGE_INGEST_QUEUE);
	add_gauge(queues, "ask", GAUGE_ASK_QUEUE);
}

static int print_value(const cJSON *value, struct buf *out)
{
	AUTO_FREE char *text = cJSON_PrintUnformatted(value);

	return text ? buf_adds(out, text) : -ENOMEM;
}

/* An array's elements, a row each. */
static int print_rows(const cJSON *array, struct buf *out)
{
	const cJSON *row;

	buf_addc(out, '[');
	cJSON_ArrayForEach(row, array)
	{
		buf_adds(out, row == array->child ? "\n    " : ",\n    ");
		int rc = print_value(row, out);
		if (rc)
			return rc;
	}
	return buf_adds(out, "\n  ]");
}

/* Print the object @root with a line a member, and free it. */
static int print_json(cJSON *root, struct buf *out)
{
	const cJSON *member;
	int rc = root ? 0 : -ENOMEM;

	cJSON_ArrayForEach(member, root)
	{
		buf_addf(
			out, "%s  \"%s\": ", member == root->child ? "{\n" : ",\n", member->string);
		rc = rc				? rc
			: cJSON_IsArray(member) ? print_rows(member, out)
						: print_value(member, out);
	}
	cJSON_Delete(root);
	return rc ? rc : buf_adds(out, "\n}\n");
}

static int render_health(struct fs *fs, struct buf *out)
{
	cJSON *root = cJSON_CreateObject(), *rows = cJSON_CreateArray();
	bool is_failing = add_components(rows, fs->ports);

	cJSON_AddStringToObject(root, "status", is_failing ? "failing" : "ok");
	cJSON_AddStringToObject(root, "version", ASKFS_VERSION);
	cJSON_AddNumberToObject(root, "pid", getpid());
	add_time(root, "started_at", fs->started_ns);
	cJSON_AddStringToObject(root, "mount_point", fs->mount_point);
	cJSON_AddStringToObject(root, "state", fs->state_path);
	add_counts(root);
	cJSON_AddItemToObject(root, "components", rows);
	return print_json(root, out);
}

/* --- metrics, config, usage ------------------------------------------------------- */

static void add_calls(struct buf *out, const char *port, const char *adapter, uint64_t calls)
{
	buf_addf(out,
		"# HELP askfs_%s_calls_total Calls of the %s.\n"
		"# TYPE askfs_%s_calls_total counter\n"
		"askfs_%s_calls_total{adapter=\"%s\"} %" PRIu64 "\n",
		port, port, port, port, adapter, calls);
}

static int render_metrics(struct fs *fs, struct buf *out)
{
	const struct embedder *embedder = fs->ports->embedder;
	int rc = metrics_render(out);

	if (rc)
		return rc;
	add_calls(out, "embedder", embedder ? embedder->ops->name : "none", embedder_calls());
	buf_addf(out,
		"# HELP askfs_embedder_texts_total Texts that the embedder was given.\n"
		"# TYPE askfs_embedder_texts_total counter\n"
		"askfs_embedder_texts_total %" PRIu64 "\n",
		embedder_texts());
	add_calls(out, "generator", fs->ports->generator->ops->name, generator_calls());
	return out->failed;
}

static int render_config(struct fs *fs, struct buf *out)
{
	buf_adds(out, "# What is in force, and where each value came from.\n\n");
	return config_render(fs->config, out);
}

static int render_usage(struct fs *fs, struct buf *out)
{
	cJSON *root = cJSON_CreateObject();
	struct ports *ports = fs->ports;

	add_time(root, "since", fs->started_ns);
	cJSON *ingested = cJSON_AddObjectToObject(root, "ingested");
	add_metric(ingested, "documents", METRIC_INGEST_INDEXED);
	add_metric(ingested, "bytes", METRIC_INGEST_BYTES);
	cJSON *asked = cJSON_AddObjectToObject(root, "asked");
	add_metric(asked, "questions", METRIC_QUESTIONS);
	add_metric(asked, "searches", METRIC_SEARCHES);
	cJSON *embedder = cJSON_AddObjectToObject(root, "embedder");
	cJSON_AddStringToObject(embedder, "model",
		ports->embedder ? embedder_info(ports->embedder)->model : "none");
	cJSON_AddNumberToObject(embedder, "calls", (double)embedder_calls());
	cJSON_AddNumberToObject(embedder, "texts", (double)embedder_texts());
	cJSON *generator = cJSON_AddObjectToObject(root, "generator");
	cJSON_AddStringToObject(generator, "model", generator_model(ports->generator));
	cJSON_AddNumberToObject(generator, "calls", (double)generator_calls());
	return print_json(root, out);
}
