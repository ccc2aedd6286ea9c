/* SPDX-License-Identifier: Apache-2.0 */
/* Run a program, no shell: bytes in, bytes out, as another user, for so long at most. */
#ifndef ASKFS_CORE_PROGRAM_H
#define ASKFS_CORE_PROGRAM_H

#include <stdatomic.h>
#include <stdint.h>

#include "core/access.h"
#include "core/buf.h"
#include "core/err.h"

struct program_request {
	char *const *argv; /* argv[0] is an absolute path; NULL behind the last */
	const struct caller *user; /* who runs it */
	const char *input;
	size_t input_len;
	int64_t timeout_ns;
	size_t output_max; /* of each of its outputs */
	const atomic_bool *cancelled; /* may be NULL */
};

/* Zero-initialise it; program_result_release frees what is inside. */
struct program_result {
	struct buf output, errors;
	int status; /* as waitpid(2) has it */
};
void program_result_release(struct program_result *result);

/* Run it in / with a small environment, nothing else open, and no way to gain privileges; when it
 * ends, what it started ends with it. 0: it ended, see the status. -EPERM: the daemon is not root,
 * and @user is somebody else. -ETIMEDOUT, -ECANCELED, -EFBIG (it says too much): it was killed. Or
 * -errno: it could not be started. *err is set. Any thread; blocks. */
int program_run(const struct program_request *request, struct program_result *out, struct err *err);

#endif
