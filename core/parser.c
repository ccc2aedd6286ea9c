/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's side of askfs-parse: who starts the server, splits work into requests, and
 * believes nothing that comes back (core/parse/protocol.h).
 *
 * Each request has a reply socket of its own, so that threads share only the control socket,
 * and the lock around it is held for one sendmsg. The end of a reply tells two deaths apart:
 * an EXIT record says that the child has ended, end-of-file without one that the server has.
 * Small documents travel in batches; their text is kept here until it is complete, because
 * what a batch has not finished is done again, one by one: then the crash hits its cause. */
#include "core/parser.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/health.h"
#include "core/parse/protocol.h"
#include "core/parser_reply.h"
#include "core/parser_server.h"

/* What is small enough for a batch: one file, and all of one. */
#define BATCH_FILE_MAX	((uint64_t)64 << 10)
#define BATCH_BYTES_MAX ((uint64_t)2 << 20)

/* A server that was told to end a child and does not is stuck. */
#define SERVER_LATE_NS (15 * NS_PER_SEC)

struct parser {
	struct parser_server *server;
	struct parser_limits limits;
	char *program; /* as the caller named it, or NULL */
	pthread_mutex_t ocr_lock;
	struct parser_server *ocr; /* ocr_lock; NULL: not started */
	unsigned ocr_users; /* ocr_lock */
	struct parser_limits ocr_limits;
	char *ocr_languages;
};

/* Whom a request goes to, and on what terms. */
struct route {
	struct parser_server *server;
	const struct parser_limits *limits;
	uint32_t flags; /* REQUEST_… */
	bool is_ocr; /* without it everything else can still be read: no matter of health */
};

static int note(const struct route *route, int rc, const struct err *err)
{
	return route->is_ocr ? rc : health_note(HEALTH_PARSER, rc, err);
}

static size_t append(char *to, size_t at, const void *from, size_t len)
{
	memcpy(to + at, from, len);
	return at + len;
}

/* The request's packet into @data; its length. */
static size_t make_request(const struct route *route, struct parse_item **items, size_t count,
	char data[PROTOCOL_REQUEST_MAX])
{
	struct protocol_request header = {
		.magic = PROTOCOL_MAGIC,
		.count = (uint32_t)count,
		.memory = route->limits->memory,
		.text_bytes = route->limits->text_bytes,
		.cpu_s = route->limits->cpu_s,
		.wall_s = route->limits->wall_s,
		.flags = route->flags,
	};
	size_t len = append(data, 0, &header, sizeof(header));

	for (size_t i = 0; i < count; i++) {
		struct protocol_item item = {.size = items[i]->size,
			.name_len = (uint32_t)strnlen(items[i]->name, PROTOCOL_NAME_MAX)};
		len = append(data, len, &item, sizeof(item));
	}
	for (size_t i = 0; i < count; i++)
		len = append(data, len, items[i]->name, strnlen(items[i]->name, PROTOCOL_NAME_MAX));
	return len;
}

/* Send the request; *reply becomes our end of its reply socket. *generation says which server
 * has it. 0 or -errno with *err set. */
static int send_request(const struct route *route, struct parse_item **items, size_t count,
	int *reply, unsigned *generation, struct err *err)
{
	char data[PROTOCOL_REQUEST_MAX];
	int fds[PROTOCOL_ITEMS_MAX + 1], ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return err_set(err, -EIO, "no socket for the parser: %s", strerror(errno));
	fds[0] = ends[1];
	for (size_t i = 0; i < count; i++)
		fds[i + 1] = items[i]->fd;
	size_t len = make_request(route, items, count, data);
	int rc = parser_server_send(route->server, data, len, fds, count + 1, generation, err);
	close(ends[1]);
	*reply = ends[0];
	if (rc)
		close(ends[0]);
	return rc;
}

/* Wait for a packet; *left_ns is the time that may be spent on waiting, and shrinks. True if
 * there is one. */
static bool await_packet(int socket, int64_t *left_ns)
{
	struct pollfd fd = {.fd = socket, .events = POLLIN};

	while (*left_ns > 0) {
		int64_t begun = clock_mono_ns();
		int ready = poll(&fd, 1, (int)(*left_ns / NS_PER_MS) + 1);
		*left_ns -= clock_mono_ns() - begun;
		if (ready > 0)
			return true;
	}
	return false;
}

/* Read the reply to its end, or to where a sink has had enough or it makes no sense. False if
 * the server has died or is stuck. Only the time spent here on waiting counts for the limit: a
 * parser that waits for a slow sink is not late. */
static bool read_reply(int socket, struct reply *reply)
{
	char packet[PROTOCOL_PACKET_MAX];
	int64_t left_ns = reply->limits->wall_s * NS_PER_SEC;
	bool has_given_up = false;

	while (!reply->has_ended) {
		if (!await_packet(socket, &left_ns)) {
			if (has_given_up)
				return false;
			shutdown(socket, SHUT_WR);
			has_given_up = true;
			left_ns = SERVER_LATE_NS;
			continue;
		}
		ssize_t n = recv(socket, packet, sizeof(packet), MSG_DONTWAIT);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n <= 0)
			return false;
		if (reply_take(reply, packet, (size_t)n))
			return true;
	}
	return true;
}

static void fail_all(struct parse_item **items, size_t count, int code, const struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		items[i]->result = code;
		items[i]->err = *err;
	}
}

/* One request, one try. 0: every item of @reply that is done has its result; -EIO: the
 * server could not be reached or died. */
static int exchange(const struct route *route, struct reply *reply, struct err *err)
{
	unsigned generation;
	int socket;

	int rc = send_request(route, reply->items, reply->count, &socket, &generation, err);
	if (rc)
		return note(route, rc, err);
	bool is_alive = read_reply(socket, reply);
	close(socket);
	if (is_alive)
		return note(route, 0, NULL);
	parser_server_died(route->server, generation);
	err_set(err, -EIO, "the parser's server has died");
	return note(route, -EIO, err);
}

/* A document by itself. Once more if the server died before it said anything. True if a sink was
 * given something. */
static bool run_alone(const struct route *route, struct parse_item *item, bool may_need_ocr)
{
	for (int try = 0;; try++) {
		AUTO_REPLY struct reply reply;
		struct err err = ERR_NONE;
		reply_init(&reply, &item, 1, route->limits);
		reply.may_need_ocr = may_need_ocr;
		int rc = exchange(route, &reply, &err);
		if (rc && !reply.has_spoken && try == 0)
			continue;
		if (rc)
			fail_all(&item, 1, rc, &err);
		else
			reply_settle(&reply);
		item->max_rss_kib = reply.exit.max_rss_kib;
		return reply.has_spoken;
	}
}

/* The server that reads images, started when one comes; to be given back. NULL with *err set: it
 * can't be had. */
static struct parser_server *ocr_borrow(struct parser *parser, struct err *err)
{
	pthread_mutex_lock(&parser->ocr_lock);
	if (!parser->ocr)
		parser_server_new(&parser->ocr, parser->program, parser->ocr_languages, err);
	struct parser_server *server = parser->ocr;
	parser->ocr_users += server != NULL;
	pthread_mutex_unlock(&parser->ocr_lock);
	return server;
}

static void ocr_give_back(struct parser *parser)
{
	pthread_mutex_lock(&parser->ocr_lock);
	parser->ocr_users--;
	pthread_mutex_unlock(&parser->ocr_lock);
}

static void forget_try(struct parse_item *item)
{
	parsed_release(&item->parsed);
	item->err = (struct err)ERR_NONE;
	item->result = 0;
}

/* The document has to be read from its pixels. Where that breaks before any text came, it is asked
 * for once more without: what a PDF has besides its images is not lost. */
static void run_ocr(struct parser *parser, struct parse_item *item)
{
	struct err why = ERR_NONE;
	struct route route = {
		.server = ocr_borrow(parser, &why), .limits = &parser->ocr_limits, .is_ocr = true};

	if (route.server) {
		forget_try(item);
		bool has_spoken = run_alone(&route, item, false);
		ocr_give_back(parser);
		if (has_spoken || (item->result != -ENOTRECOVERABLE && item->result != -EIO))
			return;
		why = item->err;
	}
	forget_try(item);
	route = (struct route){
		.server = parser->server, .limits = &parser->limits, .flags = REQUEST_WITHOUT_OCR};
	run_alone(&route, item, false);
	if (item->result == -ENODATA) {
		struct err what = item->err;
		err_set(&item->err, -ENODATA, "%s: %s", what.text, why.text);
	}
}

static void run_one(struct parser *parser, struct parse_item *item)
{
	struct route route = {.server = parser->server, .limits = &parser->limits};

	run_alone(&route, item, true);
	if (item->result == PROTOCOL_OCR)
		run_ocr(parser, item);
}

/* What the batch did not finish, and what it found to be no plain text, is done alone. */
static void run_batch(struct parser *parser, struct parse_item **items, size_t count)
{
	struct route route = {.server = parser->server, .limits = &parser->limits};
	AUTO_REPLY struct reply reply;
	struct err err = ERR_NONE;

	reply_init(&reply, items, count, &parser->limits);
	exchange(&route, &reply, &err);
	for (size_t i = 0; i < count; i++)
		if (!reply_is_done(&reply, i))
			run_one(parser, items[i]);
}

/* What calls itself a page, a PDF or the like would only be sent back from the batch. To find that
 * out there costs too little to measure, while a text by itself costs more than twice of what it
 * does among others: what the name leaves open goes in. */
static bool is_for_batch(const struct parse_item *item)
{
	static const char *const alone[] = {".pdf", ".html", ".htm", ".xhtml", ".png", ".jpg",
		".jpeg", ".gif", ".webp", ".mp3"};
	const char *dot = strrchr(item->name, '.');

	for (size_t i = 0; dot && i < ARRAY_LEN(alone); i++)
		if (!strcasecmp(dot, alone[i]))
			return false;
	return item->size <= BATCH_FILE_MAX;
}

/* What is beyond the ordinary for images: words are slow to read, and a machine is busy. */
static int set_ocr(struct parser *parser, const char *program)
{
	struct parser_limits *limits = &parser->ocr_limits;
	const char *languages = parser->limits.ocr_languages;

	*limits = parser->limits;
	if (limits->ocr_cpu_s)
		limits->cpu_s = limits->ocr_cpu_s;
	if (limits->wall_s < 2 * limits->cpu_s)
		limits->wall_s = 2 * limits->cpu_s;
	parser->ocr_languages = strdup(languages ? languages : "auto");
	parser->limits.ocr_languages = limits->ocr_languages = parser->ocr_languages;
	parser->program = program ? strdup(program) : NULL;
	return parser->ocr_languages && (!program || parser->program) ? 0 : -ENOMEM;
}

int parser_new(struct parser **out, const char *program, const struct parser_limits *limits,
	struct err *err)
{
	struct parser *parser = calloc(1, sizeof(*parser));

	if (!parser)
		return err_set(err, -ENOMEM, "memory is short");
	pthread_mutex_init(&parser->ocr_lock, NULL);
	parser->limits = *limits;
	int rc = set_ocr(parser, program) ? err_set(err, -ENOMEM, "memory is short") : 0;
	rc = rc ? rc : parser_server_new(&parser->server, program, NULL, err);
	if (rc) {
		parser_free(parser);
		return rc;
	}
	*out = parser;
	return 0;
}

void parser_run(struct parser *parser, struct parse_item *items, size_t count)
{
	struct parse_item *batch[PROTOCOL_ITEMS_MAX];
	size_t waiting = 0;
	uint64_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		memset(&items[i].parsed, 0, sizeof(items[i].parsed));
		items[i].err = (struct err)ERR_NONE;
		items[i].result = 0;
		items[i].max_rss_kib = 0;
		if (!is_for_batch(&items[i])) {
			run_one(parser, &items[i]);
			continue;
		}
		if (waiting == PROTOCOL_ITEMS_MAX || bytes + items[i].size > BATCH_BYTES_MAX) {
			run_batch(parser, batch, waiting);
			waiting = 0;
			bytes = 0;
		}
		batch[waiting++] = &items[i];
		bytes += items[i].size;
	}
	if (waiting == 1)
		run_one(parser, batch[0]);
	else if (waiting)
		run_batch(parser, batch, waiting);
}

void parser_about(struct parser *parser, struct parser_about *out)
{
	parser_server_about(parser->server, out);
}

void parser_rest(struct parser *parser)
{
	pthread_mutex_lock(&parser->ocr_lock);
	struct parser_server *idle = parser->ocr_users ? NULL : TAKE_PTR(parser->ocr);
	pthread_mutex_unlock(&parser->ocr_lock);
	parser_server_free(idle);
}

int parser_about_ocr(struct parser *parser, struct parser_about *out, struct err *err)
{
	*out = (struct parser_about){0};
	parser_server_about(parser->server, out);
	if (out->ocr_lacks[0])
		return 0; /* the build has none */
	struct parser_server *server = ocr_borrow(parser, err);
	if (!server)
		return -EIO;
	parser_server_about(server, out);
	ocr_give_back(parser);
	return 0;
}

void parser_free(struct parser *parser)
{
	if (!parser)
		return;
	parser_server_free(parser->server);
	parser_server_free(parser->ocr);
	pthread_mutex_destroy(&parser->ocr_lock);
	free(parser->ocr_languages);
	free(parser->program);
	free(parser);
}

void parsed_release(struct parsed *parsed)
{
	if (!parsed)
		return;
	free(parsed->content_type);
	free(parsed->title);
	free(parsed->charset);
	free(parsed->extra_metadata);
	memset(parsed, 0, sizeof(*parsed));
}
