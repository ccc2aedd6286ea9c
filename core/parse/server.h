/* SPDX-License-Identifier: Apache-2.0 */
/* The fork server: requests in, children out. */
#ifndef ASKFS_CORE_PARSE_SERVER_H
#define ASKFS_CORE_PARSE_SERVER_H

/* Serve the control socket until the daemon closes its end. 0, or -errno. */
int server_run(int control);

#endif
