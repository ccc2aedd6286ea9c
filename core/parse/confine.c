/* SPDX-License-Identifier: Apache-2.0 */
/* Who may do what: an unprivileged user, no new privileges, Landlock (or a mount namespace,
 * or no opening at all) for files, a network namespace that is empty where one can be made,
 * seccomp for everything else, the network among it.
 *
 * Everything that takes time is done once, in the server, which is confined itself: its
 * children inherit that for nothing. A child adds one prepared filter that takes away what
 * the server needs for forking. The lists name what is allowed; the rest fails with EPERM
 * instead of death, since libraries try things (fontconfig, glib) and go on without. */
#include "core/parse/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "core/auto.h"
#include "core/parse/files.h"
#include "core/parse/namespace.h"

#define NOBODY	     65534
#define FILES_MAX    128
#define FILTER_MAX   1024
#define PID_IN_CHILD 0x5afe9d1dU /* stands for the child's own pid in its filter */

#define OPEN_CHANGES ((scmp_datum_t)(O_ACCMODE | O_CREAT | O_TRUNC))
#define CLONE_SPACES ((scmp_datum_t)0x7e020080)

static struct sock_filter child_filter[FILTER_MAX]; /* made in the server */
static unsigned short child_filter_len;
static rlim_t idle_address_space; /* of the server, bytes */

/* What every child does, with whatever arguments. */
static const int child_calls[] = {SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv),
	SCMP_SYS(preadv), SCMP_SYS(lseek), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(stat),
	SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(statfs), SCMP_SYS(fstatfs),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(readlink),
	SCMP_SYS(readlinkat), SCMP_SYS(getdents64), SCMP_SYS(getcwd), SCMP_SYS(dup),
	SCMP_SYS(fadvise64), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk),
	SCMP_SYS(futex), SCMP_SYS(sched_yield), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getppid),
	SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(getrandom), SCMP_SYS(getrusage), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(sched_getaffinity), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(restart_syscall)};

/* What the server does beside. */
static const int server_calls[] = {SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(sendto),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(wait4), SCMP_SYS(kill), SCMP_SYS(tgkill),
	SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(prctl), SCMP_SYS(seccomp), SCMP_SYS(prlimit64),
	SCMP_SYS(getrlimit), SCMP_SYS(setrlimit), SCMP_SYS(close_range), SCMP_SYS(dup2),
	SCMP_SYS(dup3), SCMP_SYS(fcntl), SCMP_SYS(set_robust_list), SCMP_SYS(set_tid_address),
	SCMP_SYS(rseq)};

bool confine_network(void)
{
	return !namespace_enter(CLONE_NEWNET);
}

/* What a user namespace gave. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	return syscall(SYS_capset, &header, none) ? -errno : 0;
}

int confine_privileges(struct err *err)
{
	if (geteuid() == 0 &&
		(setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
			setresuid(NOBODY, NOBODY, NOBODY)))
		return err_set(
			err, -errno, "root's rights cannot be given up: %s", strerror(errno));
	if (drop_capabilities())
		return err_set(err, -errno, "capset: %s", strerror(errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return err_set(err, -errno, "prctl: %s", strerror(errno));
	return 0;
}

static int allow_calls(scmp_filter_ctx filter, const int *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		/* negative: this architecture has no such call */
		int rc = calls[i] < 0 ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
		if (rc)
			return rc;
	}
	return 0;
}

/* Opening for reading, where anything may be opened; memory that is never code, and that is no
 * file's: a document may be open for writing, too. */
static int allow_checked(scmp_filter_ctx filter, bool may_open)
{
	uint32_t open = may_open ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES);
	int rc = 0;

	rc |= seccomp_rule_add(filter, open, SCMP_SYS(openat), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, OPEN_CHANGES, O_RDONLY));
	rc |= seccomp_rule_add(filter, open, SCMP_SYS(open), 1,
		SCMP_A1(SCMP_CMP_MASKED_EQ, OPEN_CHANGES, O_RDONLY));
	rc |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2,
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
		SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_SHARED, 0));
	rc |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return rc;
}

static int allow_server(scmp_filter_ctx filter)
{
	return allow_calls(filter, server_calls, ARRAY_LEN(server_calls)) |
		seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
			SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_SPACES, 0)) |
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
}

/* Writing to the daemon, signals to itself (abort), questions about its descriptors. */
static int allow_child(scmp_filter_ctx filter)
{
	int rc = 0;

	rc |= seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, CHILD_REPLY));
	rc |= seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, SCMP_A0(SCMP_CMP_EQ, CHILD_STDERR));
	rc |= seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(writev), 1, SCMP_A0(SCMP_CMP_EQ, CHILD_STDERR));
	rc |= seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, PID_IN_CHILD));
	rc |= seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_GETFL));
	rc |= seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_SETFD));
	rc |= seccomp_rule_add(
		filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_GETFD));
	return rc;
}

static scmp_filter_ctx make_filter(bool is_child, bool may_open)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));

	if (!filter)
		return NULL;
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (allow_calls(filter, child_calls, ARRAY_LEN(child_calls)) ||
		allow_checked(filter, may_open) ||
		(is_child ? allow_child(filter) : allow_server(filter))) {
		seccomp_release(filter);
		return NULL;
	}
	return filter;
}

/* The child's filter as instructions, so that a child only hands them to the kernel. */
static int prepare_child_filter(bool may_open)
{
	scmp_filter_ctx filter = make_filter(true, may_open);
	AUTO_CLOSE int fd = memfd_create("filter", MFD_CLOEXEC);

	if (!filter || fd < 0 || seccomp_export_bpf(filter, fd)) {
		seccomp_release(filter);
		return -EIO;
	}
	seccomp_release(filter);
	ssize_t len = pread(fd, child_filter, sizeof(child_filter), 0);
	if (len <= 0 || len == (ssize_t)sizeof(child_filter))
		return -EIO;
	child_filter_len = (unsigned short)((size_t)len / sizeof(child_filter[0]));
	return 0;
}

int confine_server(enum confine_level level, struct err *err)
{
	int rc = level == CONFINE_LANDLOCK ? files_landlock(err) : 0;

	if (rc)
		return rc;
	bool may_open = level != CONFINE_REFUSE;
	rc = prepare_child_filter(may_open);
	scmp_filter_ctx filter = rc ? NULL : make_filter(false, may_open);
	if (!filter || seccomp_load(filter))
		rc = err_set(err, -EIO, "seccomp cannot be used: is it compiled into the kernel?");
	seccomp_release(filter);
	return rc;
}

int confine_child(void)
{
	uint32_t pid = (uint32_t)getpid();

	for (size_t i = 0; i < child_filter_len; i++)
		if (BPF_CLASS(child_filter[i].code) == BPF_JMP && child_filter[i].k == PID_IN_CHILD)
			child_filter[i].k = pid;
	struct sock_fprog program = {.len = child_filter_len, .filter = child_filter};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) ? -errno : 0;
}

int limits_measure(struct err *err)
{
	AUTO_CLOSE int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char line[128] = "";

	if (fd < 0 || read(fd, line, sizeof(line) - 1) <= 0)
		return err_set(err, -EIO, "/proc/self/statm cannot be read");
	idle_address_space = strtoul(line, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
	return 0;
}

static int limit(__rlimit_resource_t resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limit = {.rlim_cur = soft, .rlim_max = hard};

	return setrlimit(resource, &limit) ? -errno : 0;
}

int limits_set(uint64_t memory, unsigned cpu_s)
{
	rlim_t space = idle_address_space + memory;
	int rc = 0;

	/* SIGXCPU at the limit; SIGKILL a second later if that was caught */
	rc = rc ? rc : limit(RLIMIT_CPU, cpu_s, (rlim_t)cpu_s + 1);
	rc = rc ? rc : limit(RLIMIT_AS, space, space);
	rc = rc ? rc : limit(RLIMIT_NOFILE, FILES_MAX, FILES_MAX);
	rc = rc ? rc : limit(RLIMIT_FSIZE, 0, 0);
	rc = rc ? rc : limit(RLIMIT_CORE, 0, 0);
	return rc;
}
