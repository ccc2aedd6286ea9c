/* SPDX-License-Identifier: Apache-2.0 */
/* Putting the parts together, lowest first, and taking them apart in the other order. What can
 * fail fails before the mount is there, or the mount is taken back.
 *
 * The loop reads requests from /dev/fuse without blocking, a bounded number a turn, so that
 * answers which come back from the pools are never kept waiting by a flood of new requests. */
#include "fs/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/ask.h"
#include "core/auto.h"
#include "core/catchup.h"
#include "core/clock.h"
#include "core/inbox.h"
#include "core/ingest.h"
#include "core/library.h"
#include "core/log.h"
#include "core/search.h"
#include "core/tool_jobs.h"
#include "core/view.h"
#include "fs/adapters.h"
#include "fs/fs.h"
#include "fs/node_inbox.h"
#include "fs/hiding.h"
#include "fs/node_doc.h"
#include "fs/notify.h"
#include "fs/ops.h"
#include "fs/state.h"

#define REQUESTS_A_TURN 32

struct daemon {
	struct fs fs;
	struct state state;
	struct ports ports;
	struct ingest *ingest;
	struct agent *agent; /* NULL: the generator is no language model */
	struct http *http; /* of web_search; NULL: the network is not allowed */
	char *scratch_path; /* for files that never get a name */
	struct watch fuse_watch, signal_watch;
	struct fuse_buf buffer;
	struct library_watch deletions;
	bool is_mounted, has_served;
};

/* --- the loop's descriptors ------------------------------------------------------- */

static void on_fuse(struct watch *watch, uint32_t events)
{
	struct daemon *daemon =
		(struct daemon *)((char *)watch - offsetof(struct daemon, fuse_watch));
	struct fuse_session *session = daemon->fs.session;

	(void)events;
	for (int i = 0; i < REQUESTS_A_TURN; i++) {
		int n = fuse_session_receive_buf(session, &daemon->buffer);
		if (n == -EINTR)
			continue;
		if (n <= 0) {
			if (n != -EAGAIN) {
				loop_unwatch(daemon->fs.loop, watch);
				loop_stop(daemon->fs.loop); /* unmounted */
			}
			return;
		}
		ops_set_buffer(&daemon->buffer);
		fuse_session_process_buf(session, &daemon->buffer);
		ops_set_buffer(NULL);
	}
}

static void on_signal(struct watch *watch, uint32_t events)
{
	struct daemon *daemon =
		(struct daemon *)((char *)watch - offsetof(struct daemon, signal_watch));
	struct signalfd_siginfo info;

	(void)events;
	if (read(watch->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		log_info("signal %u: ending", info.ssi_signo);
	loop_stop(daemon->fs.loop);
}

/* Before the first thread: those that are made later inherit it, and a signal that one of them
 * took would end the daemon on the spot. */
static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigprocmask(SIG_BLOCK, set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int watch_signals(struct daemon *daemon)
{
	sigset_t set;

	block_signals(&set);
	daemon->signal_watch.ready = on_signal;
	daemon->signal_watch.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (daemon->signal_watch.fd < 0)
		return -errno;
	return loop_watch(daemon->fs.loop, &daemon->signal_watch, EPOLLIN);
}

/* --- mounting --------------------------------------------------------------------- */

/* What a daemon that died has left: a mount that answers ENOTCONN. Its attributes may still be
 * in the kernel's cache, so that stat() would not tell. */
static void remove_dead_mount(const char *mount_point)
{
	AUTO_CLOSE int fd = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0 || errno != ENOTCONN)
		return;
	log_warn("%s: the mount of a daemon that died is removed", mount_point);
	if (umount2(mount_point, MNT_DETACH) == 0)
		return;
	pid_t pid = fork();
	if (pid == 0) {
		execlp("fusermount3", "fusermount3", "-u", "-z", "--", mount_point, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* @options are those of the mount: "allow_other,nosuid". */
static int make_session(
	struct fuse_session **out, const char *options, struct fs *fs, struct err *err)
{
	struct fuse_args args = FUSE_ARGS_INIT(0, NULL);
	AUTO_FREE char *arg = NULL;

	if (asprintf(&arg, "fsname=askfs,subtype=askfs,default_permissions%s%s",
		    options[0] ? "," : "", options) < 0)
		return err_set(err, -ENOMEM, "no memory");
	fuse_opt_add_arg(&args, "askfs");
	fuse_opt_add_arg(&args, "-o");
	fuse_opt_add_arg(&args, arg);
	*out = fuse_session_new(&args, &fs_ops, sizeof(fs_ops), fs);
	fuse_opt_free_args(&args);
	if (!*out)
		return err_set(err, -EINVAL, "-o %s: an option is not known", options);
	return 0;
}

static int mount_it(struct daemon *daemon, struct err *err)
{
	const char *mount_point = daemon->fs.mount_point;

	if (fuse_session_mount(daemon->fs.session, mount_point))
		return err_set(err, -EIO,
			"%s could not be mounted: is the folder there, is it yours, and does "
			"/dev/fuse exist? `askfs doctor` looks",
			mount_point);
	daemon->is_mounted = true;
	int fd = fuse_session_fd(daemon->fs.session);
	if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK))
		return err_set(err, -errno, "/dev/fuse: %s", strerror(errno));
	daemon->fuse_watch = (struct watch){.fd = fd, .ready = on_fuse};
	int rc = loop_watch(daemon->fs.loop, &daemon->fuse_watch, EPOLLIN);
	return rc ? err_set(err, rc, "/dev/fuse: %s", strerror(-rc)) : 0;
}

/* --- the parts -------------------------------------------------------------------- */

static int start_parser(struct daemon *daemon, struct err *err)
{
	const struct config *config = daemon->fs.config;
	struct parser_limits limits = {
		.memory = config->parse_memory,
		.cpu_s = (unsigned)config->parse_cpu_s,
		.wall_s = (unsigned)config->parse_wall_s,
		.text_bytes = config->parse_text_bytes,
		.ocr_cpu_s = (unsigned)config->ocr_cpu_s,
		.ocr_languages = config->ocr_languages,
	};
	const char *program = config->parse_program[0] ? config->parse_program : NULL;

	return parser_new(&daemon->ports.parser, program, &limits, err);
}

static int start_ingest(struct daemon *daemon, struct err *err)
{
	return ingest_new(&daemon->ingest, &daemon->ports, daemon->fs.config, err);
}

static int start_inbox(struct daemon *daemon, struct err *err)
{
	struct fs *fs = &daemon->fs;
	AUTO_FREE char *spool_path = NULL;

	int rc = spool_open(
		&fs->spool, daemon->state.spool_fd, fs->uid, fs->gid, fs->loop, fs->io, err);
	if (rc)
		return err_prefix(err, rc, "the inbox");
	if (asprintf(&spool_path, "%s/spool", daemon->state.path) < 0)
		return err_set(err, -ENOMEM, "no memory");
	struct inbox_parts parts = {
		.loop = fs->loop,
		.io = fs->io,
		.spool = fs->spool,
		.library = fs->library,
		.ports = fs->ports,
		.ingest = daemon->ingest,
		.config = fs->config,
		.realm = daemon->state.realm,
		.spool_path = spool_path,
		.renamed = inbox_node_renamed,
		.context = fs,
	};
	rc = inbox_new(&fs->inbox, &parts);
	return rc ? err_set(err, rc, "no memory") : 0;
}

static int make_catchup(struct daemon *daemon, struct err *err)
{
	struct fs *fs = &daemon->fs;
	struct catchup_parts parts = {
		.loop = fs->loop,
		.io = fs->io,
		.library = fs->library,
		.ports = fs->ports,
		.ingest = daemon->ingest,
	};

	if (!fs->ports->embedder)
		return 0;
	return catchup_new(&fs->catchup, &parts) ? err_set(err, -ENOMEM, "no memory") : 0;
}

static int make_network(struct daemon *daemon, struct err *err)
{
	if (!daemon->fs.config->net_allow)
		return 0;
	log_info("links that are dropped are fetched, and tools may use the network");
	int rc = fetcher_new(&daemon->ports.fetcher, daemon->fs.config, err);
	if (!rc && http_new(&daemon->http))
		rc = err_set(err, -ENOMEM, "no memory");
	return rc;
}

static int make_tools(struct daemon *daemon, const struct retriever *retriever, struct err *err)
{
	struct fs *fs = &daemon->fs;
	struct tools_parts parts = {
		.config = fs->config,
		.retriever = *retriever,
		.generator = fs->ports->generator,
		.parser = fs->ports->parser,
		.fetcher = fs->ports->fetcher,
		.http = daemon->http,
	};
	int rc = tools_new(&fs->tools, &parts, err);

	if (!rc && tool_jobs_new(&fs->tool_jobs, fs->loop, fs->tools, fs->config))
		rc = err_set(err, -ENOMEM, "no memory");
	if (rc || !generator_can_chat(fs->ports->generator))
		return rc;
	struct agent_parts agent = {
		.config = fs->config,
		.generator = fs->ports->generator,
		.tools = fs->tools,
		.rules = fs->ports->rules,
	};
	return agent_new(&daemon->agent, &agent) ? err_set(err, -ENOMEM, "no memory") : 0;
}

static int start_asking(struct daemon *daemon, struct err *err)
{
	struct fs *fs = &daemon->fs;
	struct retriever retriever = {
		.vectors = fs->ports->vectors,
		.catalog = fs->ports->catalog,
		.embedder = fs->ports->embedder,
	};
	struct ask_ports parts = {
		.loop = fs->loop,
		.catalog = fs->ports->catalog,
		.retriever = retriever,
		.generator = fs->ports->generator,
	};
	int rc = make_tools(daemon, &retriever, err);
	struct searches_ports search_parts = {
		.loop = fs->loop,
		.catalog = fs->ports->catalog,
		.retriever = retriever,
	};
	parts.agent = daemon->agent;
	if (!rc)
		rc = ask_new(&fs->ask, &parts, fs->config, err);
	return rc ? rc : searches_new(&fs->searches, &search_parts, fs->config, err);
}

static void on_library(struct library_watch *watch, const struct library_entry *before,
	const struct library_entry *after)
{
	struct daemon *daemon =
		(struct daemon *)((char *)watch - offsetof(struct daemon, deletions));

	docs_changed(&daemon->fs, before, after);
	if (!after && daemon->fs.ask)
		ask_document_removed(daemon->fs.ask, &before->id);
	if (!after && daemon->fs.tool_jobs)
		tool_jobs_document_removed(daemon->fs.tool_jobs, &before->id);
	if (!after && daemon->fs.searches)
		searches_document_removed(daemon->fs.searches, &before->id);
}

static int open_store(struct daemon *daemon, const struct daemon_options *options, struct err *err)
{
	struct fs *fs = &daemon->fs;
	int rc = state_open(&daemon->state, options->state_path, options->config->realm, err);

	if (!rc)
		rc = adapters_open(&daemon->ports, options->config, daemon->state.path, err);
	if (!rc &&
		records_new(&daemon->ports.records, daemon->ports.catalog, daemon->ports.blobs,
			daemon->ports.vectors))
		rc = err_set(err, -ENOMEM, "no memory");
	if (!rc && library_new(&fs->library))
		rc = err_set(err, -ENOMEM, "no memory");
	if (rc)
		return rc;
	if (asprintf(&daemon->scratch_path, "%s/tmp", daemon->state.path) < 0)
		return err_set(err, -ENOMEM, "no memory");
	daemon->ports.scratch = daemon->scratch_path;
	if (!daemon->state.was_ended)
		rc = ingest_recover(&daemon->ports, err); /* before anybody reads the records */
	if (rc)
		return rc;
	daemon->deletions.changed = on_library;
	library_watch(fs->library, &daemon->deletions);
	fs->state_path = daemon->state.path;
	fs->made_ns = daemon->state.made_ns;
	return library_load(fs->library, daemon->ports.catalog, err);
}

static int start_threads(struct daemon *daemon, struct err *err)
{
	struct fs *fs = &daemon->fs;
	int rc = loop_new(&fs->loop);

	if (!rc)
		rc = watch_signals(daemon);
	if (!rc)
		rc = pool_new(&fs->io, "askfs-io", fs->config->io_threads, 0);
	if (!rc)
		rc = notify_new(&fs->notify, fs);
	if (!rc)
		rc = hiding_new(&fs->hiding, fs->loop);
	return rc ? err_set(err, rc, "threads: %s", strerror(-rc)) : 0;
}

/* Many small files are open at once while a folder is copied. */
static void raise_file_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int start(struct daemon *daemon, const struct daemon_options *options, struct err *err)
{
	struct fs *fs = &daemon->fs;
	int rc = make_session(&fs->session, options->fuse_options, fs, err);

	if (!rc)
		rc = open_store(daemon, options, err);
	if (!rc)
		rc = start_parser(daemon, err);
	if (!rc)
		rc = start_threads(daemon, err);
	if (!rc)
		rc = make_network(daemon, err);
	if (!rc)
		rc = start_ingest(daemon, err);
	if (!rc)
		rc = start_inbox(daemon, err);
	if (!rc)
		rc = make_catchup(daemon, err);
	if (!rc)
		rc = start_asking(daemon, err);
	if (!rc) {
		fs->root = node_root_new(fs);
		rc = fs->root ? 0 : err_set(err, -ENOMEM, "no memory");
	}
	remove_dead_mount(fs->mount_point);
	if (!rc)
		rc = mount_it(daemon, err);
	if (rc)
		return rc;
	inbox_start(fs->inbox, !daemon->state.was_ended);
	if (fs->catchup)
		catchup_start(fs->catchup);
	return 0;
}

int daemon_check_options(const char *fuse_options, struct err *err)
{
	struct fuse_session *session = NULL;
	int rc = make_session(&session, fuse_options, NULL, err);

	if (session)
		fuse_session_destroy(session);
	return rc;
}

int daemon_new(struct daemon **out, const struct daemon_options *options, struct err *err)
{
	struct daemon *daemon = calloc(1, sizeof(*daemon));

	if (!daemon)
		return err_set(err, -ENOMEM, "no memory");
	daemon->signal_watch.fd = -1;
	daemon->fs.config = options->config;
	daemon->fs.ports = &daemon->ports;
	daemon->fs.uid = geteuid();
	daemon->fs.gid = getegid();
	daemon->fs.started_ns = clock_wall_ns();
	daemon->fs.mount_point = strdup(options->mount_point);
	daemon->state = (struct state){.dir_fd = -1, .spool_fd = -1, .lock_fd = -1};
	mallopt(M_ARENA_MAX, 2); /* many threads that wait most of the time need no heap each */
	/* Said, it stays there: left alone it grows, and what is large and short-lived then
	 * leaves holes among what stays. */
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	raise_file_limit();
	block_signals(&(sigset_t){0});
	int rc = daemon->fs.mount_point ? start(daemon, options, err) : -ENOMEM;
	if (rc) {
		daemon_free(daemon);
		return rc;
	}
	*out = daemon;
	return 0;
}

void daemon_run(struct daemon *daemon)
{
	loop_run(daemon->fs.loop);
	daemon->has_served = true;
}

/* Let everything that is on its way come to its end: changes of the spool and of documents. */
static void drain(struct daemon *daemon)
{
	struct fs *fs = &daemon->fs;

	while ((fs->inbox && inbox_is_busy(fs->inbox)) || (fs->spool && spool_is_busy(fs->spool)) ||
		catchup_is_busy(fs->catchup))
		loop_drain(fs->loop);
}

static void unmount(struct daemon *daemon)
{
	struct fs *fs = &daemon->fs;

	if (daemon->is_mounted)
		fuse_session_unmount(fs->session);
	daemon->is_mounted = false;
}

void daemon_free(struct daemon *daemon)
{
	if (!daemon)
		return;
	struct fs *fs = &daemon->fs;
	if (fs->inbox)
		inbox_stop(fs->inbox);
	catchup_stop(fs->catchup);
	if (fs->catchup)
		pool_wait(fs->io); /* what it is fetching is for the pipeline */
	ingest_free(daemon->ingest);
	ask_stop(fs->ask);
	searches_stop(fs->searches);
	tool_jobs_stop(fs->tool_jobs);
	drain(daemon);
	if (fs->io)
		pool_wait(fs->io); /* answers are still on their way through the descriptor */
	unmount(daemon);
	nodes_free(fs); /* closes files: the pool is still there */
	if (fs->spool)
		spool_sync(fs->spool, NULL, NULL);
	drain(daemon);
	if (fs->loop)
		loop_timers_clear(fs->loop);
	pool_free(fs->io);
	notify_free(fs->notify);
	if (fs->loop)
		loop_drain(fs->loop);
	if (fs->session)
		fuse_session_destroy(fs->session);
	searches_free(fs->searches);
	ask_free(fs->ask);
	tool_jobs_free(fs->tool_jobs);
	agent_free(daemon->agent);
	tools_free(fs->tools);
	http_free(daemon->http);
	hiding_free(fs->hiding);
	inbox_free(fs->inbox);
	catchup_free(fs->catchup);
	spool_free(fs->spool);
	library_free(fs->library);
	view_free(fs->view);
	ports_release(&daemon->ports);
	if (daemon->signal_watch.fd >= 0)
		close(daemon->signal_watch.fd);
	loop_free(fs->loop);
	if (daemon->has_served)
		state_end(&daemon->state);
	state_release(&daemon->state);
	free(daemon->buffer.mem);
	free(fs->mount_point);
	free(fs->retries);
	free(daemon->scratch_path);
	free(daemon);
}
