/* SPDX-License-Identifier: Apache-2.0 */
/* The thread owns curl's handles; a call is shared between it and its reader under the one lock.
 * A call that its reader has left is taken out and freed by the thread. */
#include "core/http.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "core/auto.h"
#include "core/buf.h"
#include "core/clock.h"

/* A reader looks so often whether it was told to give up. */
#define NAP_NS (20 * NS_PER_MS)
/* Headers of one reply. */
#define HEADERS_MAX ((size_t)64 << 10)

struct http {
	pthread_mutex_t lock;
	pthread_t thread;
	bool is_running; /* lock */
	bool is_stopping; /* lock */
	struct http_call *fresh; /* lock: begun, not with curl yet; by next */
	struct http_call *open; /* the thread's: with curl; by next */
	CURLM *multi;
};

struct http_call {
	struct http *http;
	struct http_call *next;
	CURL *easy;
	struct curl_slist *headers;
	char *request_body;
	const atomic_bool *cancelled;
	int64_t idle_ns;
	bool (*allows)(const void *context, const struct sockaddr *address);
	const void *allows_context;
	bool was_refused; /* the thread's: an address was not allowed */
	pthread_cond_t changed;

	/* http->lock: */
	struct buf head; /* "name: value" lines, each with NUL behind it */
	struct buf body;
	size_t taken; /* of body, by the reader */
	int status; /* 0: the head is not there */
	int64_t heard_ns; /* when the last byte came */
	bool is_complete;
	int failure; /* -errno */
	bool is_left; /* by its reader */
	char why[CURL_ERROR_SIZE];

	char curl_why[CURL_ERROR_SIZE]; /* the thread's */
};

/* --- what curl calls, on the thread ------------------------------------------------ */

static size_t on_body(char *data, size_t size, size_t count, void *context)
{
	struct http_call *call = context;

	pthread_mutex_lock(&call->http->lock);
	int rc = call->is_left ? -ECANCELED : buf_add(&call->body, data, size * count);
	call->heard_ns = clock_mono_ns();
	if (rc && !call->failure) {
		call->failure = rc;
		snprintf(call->why, sizeof(call->why), "the reply is larger than %zu bytes",
			call->body.max);
	}
	pthread_cond_signal(&call->changed);
	pthread_mutex_unlock(&call->http->lock);
	return rc ? 0 : size * count;
}

/* Each line of each head, those of interim replies too. */
static size_t on_header(char *data, size_t size, size_t count, void *context)
{
	struct http_call *call = context;
	size_t len = size * count;

	pthread_mutex_lock(&call->http->lock);
	call->heard_ns = clock_mono_ns();
	if (call->status) {
		; /* a trailer: the head is complete */
	} else if (len > 5 && !memcmp(data, "HTTP/", 5)) {
		buf_clear(&call->head);
	} else if (len <= 2) {
		long status = 0;
		curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
		call->status = status >= 200 ? (int)status : 0;
		pthread_cond_signal(&call->changed);
	} else {
		while (len && strchr("\r\n", data[len - 1]))
			len--;
		buf_add(&call->head, data, len);
		buf_add(&call->head, "", 1);
	}
	pthread_mutex_unlock(&call->http->lock);
	return size * count;
}

static curl_socket_t on_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct http_call *call = context;

	(void)purpose;
	if (!call->allows(call->allows_context, &address->addr)) {
		call->was_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- ends -------------------------------------------------------------------------- */

static int code_of(CURLcode result)
{
	switch (result) {
	case CURLE_OK: return 0;
	case CURLE_OPERATION_TIMEDOUT: return -ETIMEDOUT;
	case CURLE_OUT_OF_MEMORY: return -ENOMEM;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM: return -EAGAIN;
	default: return -EPROTO;
	}
}

static void finish(struct http_call *call, CURLcode result)
{
	const char *detail = call->curl_why[0] ? call->curl_why : curl_easy_strerror(result);

	pthread_mutex_lock(&call->http->lock);
	if (!call->failure && result == CURLE_COULDNT_CONNECT && call->was_refused) {
		call->failure = -EACCES;
		snprintf(call->why, sizeof(call->why),
			"its address is none of the public network ([net] allow_addresses), or "
			"that of a service which askfs itself uses");
	} else if (!call->failure) {
		call->failure = code_of(result);
		snprintf(call->why, sizeof(call->why), "%s", detail);
	}
	call->is_complete = true;
	pthread_cond_signal(&call->changed);
	pthread_mutex_unlock(&call->http->lock);
}

static void call_free(struct http_call *call)
{
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	free(call->request_body);
	buf_release(&call->head);
	buf_release(&call->body);
	pthread_cond_destroy(&call->changed);
	free(call);
}

/* --- the thread -------------------------------------------------------------------- */

/* Take new calls in, and those out that were left. */
static void tend(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	struct http_call *fresh = TAKE_PTR(http->fresh), *left = NULL;
	while (fresh) {
		struct http_call *call = fresh;
		fresh = call->next;
		call->next = http->open;
		http->open = call;
		curl_multi_add_handle(http->multi, call->easy);
	}
	for (struct http_call **slot = &http->open; *slot;) {
		struct http_call *call = *slot;
		if (!call->is_left) {
			slot = &call->next;
			continue;
		}
		*slot = call->next;
		call->next = left;
		left = call;
	}
	pthread_mutex_unlock(&http->lock);
	while (left) {
		struct http_call *call = left;
		left = call->next;
		curl_multi_remove_handle(http->multi, call->easy);
		call_free(call);
	}
}

static void take_results(struct http *http)
{
	CURLMsg *message;
	int count;

	while ((message = curl_multi_info_read(http->multi, &count))) {
		struct http_call *call = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		CURLcode result = message->data.result;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
		finish(call, result);
	}
}

static bool is_stopping(struct http *http)
{
	pthread_mutex_lock(&http->lock);
	bool is = http->is_stopping;
	pthread_mutex_unlock(&http->lock);
	return is;
}

static void *run(void *context)
{
	struct http *http = context;
	int running;

	while (!is_stopping(http)) {
		tend(http);
		curl_multi_perform(http->multi, &running);
		take_results(http);
		curl_multi_poll(http->multi, NULL, 0, 1000, NULL);
	}
	tend(http);
	return NULL;
}

/* --- beginning --------------------------------------------------------------------- */

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

int http_new(struct http **out)
{
	struct http *http = calloc(1, sizeof(*http));

	if (!http)
		return -ENOMEM;
	pthread_once(&curl_once, start_curl);
	http->multi = curl_multi_init();
	if (!http->multi) {
		free(http);
		return -ENOMEM;
	}
	curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
	pthread_mutex_init(&http->lock, NULL);
	*out = http;
	return 0;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	pthread_mutex_lock(&http->lock);
	http->is_stopping = true;
	bool was_running = http->is_running;
	pthread_mutex_unlock(&http->lock);
	curl_multi_wakeup(http->multi);
	if (was_running)
		pthread_join(http->thread, NULL);
	curl_multi_cleanup(http->multi);
	pthread_mutex_destroy(&http->lock);
	free(http);
}

static long milliseconds(int64_t ns)
{
	return (long)((ns + NS_PER_MS - 1) / NS_PER_MS);
}

static int set_body(struct http_call *call, const struct http_request *request)
{
	if (!request->body)
		return 0;
	call->request_body = malloc(request->body_len + 1);
	if (!call->request_body)
		return -ENOMEM;
	memcpy(call->request_body, request->body, request->body_len);
	curl_easy_setopt(call->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->request_body);
	curl_easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_len);
	return 0;
}

static int set_headers(struct http_call *call, const struct http_request *request)
{
	static const char *const none[] = {NULL};
	const char *const *header = request->headers ? request->headers : none;

	/* Not asked for first whether the body may come: some servers never answer that. */
	for (const char *line = "Expect:"; line; line = *header++) {
		struct curl_slist *more = curl_slist_append(call->headers, line);
		if (!more)
			return -ENOMEM;
		call->headers = more;
	}
	curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
	return 0;
}

/* No redirects: whoever asks an interface by its address means that one. */
static int set_up(struct http_call *call, const struct http_request *request)
{
	CURL *easy = call->easy;

	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* no waiting for a name's lookup */
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "askfs/" ASKFS_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(request->connect_ns));
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(request->total_ns));
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->curl_why);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, call);
	if (call->allows) {
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket);
		curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, call);
	}
	int rc = set_headers(call, request);
	return rc ? rc : set_body(call, request);
}

static int call_new(struct http_call **out, const struct http_request *request)
{
	struct http_call *call = calloc(1, sizeof(*call));
	pthread_condattr_t attributes;

	if (!call)
		return -ENOMEM;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&call->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	buf_init(&call->head, HEADERS_MAX);
	buf_init(&call->body, request->reply_max);
	call->cancelled = request->cancelled;
	call->idle_ns = request->idle_ns;
	call->allows = request->allows;
	call->allows_context = request->allows_context;
	call->heard_ns = clock_mono_ns();
	call->easy = curl_easy_init();
	int rc = call->easy ? set_up(call, request) : -ENOMEM;
	if (rc) {
		call_free(call);
		return rc;
	}
	*out = call;
	return 0;
}

/* Under the lock. */
static int start_thread(struct http *http)
{
	if (http->is_running)
		return 0;
	int rc = pthread_create(&http->thread, NULL, run, http);
	if (rc)
		return -rc;
	pthread_setname_np(http->thread, "http");
	http->is_running = true;
	return 0;
}

int http_begin(struct http *http, const struct http_request *request, struct http_call **out,
	struct err *err)
{
	struct http_call *call;
	int rc = call_new(&call, request);

	if (rc)
		return err_set(err, rc, "out of memory");
	call->http = http;
	pthread_mutex_lock(&http->lock);
	rc = start_thread(http);
	if (!rc) {
		call->next = http->fresh;
		http->fresh = call;
	}
	pthread_mutex_unlock(&http->lock);
	if (rc) {
		call_free(call);
		return err_set(err, rc, "no thread for HTTP: %s", strerror(-rc));
	}
	curl_multi_wakeup(http->multi);
	*out = call;
	return 0;
}

/* --- reading ------------------------------------------------------------------------ */

/* Under the lock: a little later, or when something came. */
static void nap(struct http_call *call)
{
	struct timespec until = clock_timespec(clock_mono_ns() + NAP_NS);

	pthread_cond_timedwait(&call->changed, &call->http->lock, &until);
}

/* Under the lock: 0, or why there is no more to be waited for. */
static int verdict(struct http_call *call)
{
	if (call->failure)
		return call->failure;
	if (call->cancelled && atomic_load(call->cancelled)) {
		snprintf(call->why, sizeof(call->why), "it was cancelled");
		call->failure = -ECANCELED;
	} else if (call->idle_ns && !call->is_complete &&
		clock_mono_ns() - call->heard_ns > call->idle_ns) {
		snprintf(call->why, sizeof(call->why), "nothing came for %lld seconds",
			(long long)(call->idle_ns / NS_PER_SEC));
		call->failure = -ETIMEDOUT;
	}
	return call->failure;
}

static int say(const struct http_call *call, int rc, struct err *err)
{
	return err_set(err, rc, "%s", call->why[0] ? call->why : strerror(-rc));
}

int http_status(struct http_call *call, struct err *err)
{
	struct http *http = call->http;
	int rc = 0;

	pthread_mutex_lock(&http->lock);
	while (!call->status && !(rc = verdict(call)) && !call->is_complete)
		nap(call);
	if (!rc && !call->status)
		rc = -EPROTO;
	rc = rc ? say(call, rc, err) : call->status;
	pthread_mutex_unlock(&http->lock);
	return rc;
}

char *http_header(struct http_call *call, const char *name)
{
	struct http *http = call->http;
	const char *found = NULL;
	size_t len = strlen(name);

	pthread_mutex_lock(&http->lock);
	const char *line = call->head.data, *end = line ? line + call->head.len : NULL;
	for (; line < end && !found; line += strlen(line) + 1)
		if (!strncasecmp(line, name, len) && line[len] == ':')
			found = line + len + 1 + strspn(line + len + 1, " \t");
	char *copy = found ? strdup(found) : NULL;
	pthread_mutex_unlock(&http->lock);
	return copy;
}

ssize_t http_read(struct http_call *call, char *to, size_t len, struct err *err)
{
	struct http *http = call->http;
	ssize_t rc = 0;

	pthread_mutex_lock(&http->lock);
	while (!(rc = verdict(call)) && call->taken == call->body.len && !call->is_complete)
		nap(call);
	size_t left = rc == -ECANCELED ? 0 : call->body.len - call->taken;
	if (left) { /* what came before another failure is read first */
		rc = (ssize_t)(left < len ? left : len);
		memcpy(to, call->body.data + call->taken, (size_t)rc);
		call->taken += (size_t)rc;
	} else if (rc < 0) {
		say(call, (int)rc, err);
	}
	pthread_mutex_unlock(&http->lock);
	return rc;
}

int http_read_all(struct http_call *call, struct buf *to, struct err *err)
{
	char part[16384];
	ssize_t n;

	while ((n = http_read(call, part, sizeof(part), err)) > 0)
		if (buf_add(to, part, (size_t)n))
			return err_set(err, to->failed, "%s", strerror(-to->failed));
	return (int)n;
}

void http_end(struct http_call *call)
{
	if (!call)
		return;
	struct http *http = call->http;
	pthread_mutex_lock(&http->lock);
	call->is_left = true;
	pthread_mutex_unlock(&http->lock);
	curl_multi_wakeup(http->multi);
}
