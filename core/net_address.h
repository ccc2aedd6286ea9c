/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses a page may be fetched from. A document, or a model that has read one, may name an
 * address: it must not lead into the machine, its network, or its cloud's metadata.
 *
 * Source: IANA special-purpose address registries (RFC 6890 and what came since). */
#ifndef ASKFS_CORE_NET_ADDRESS_H
#define ASKFS_CORE_NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* A range of addresses; those of IPv4 are mapped (::ffff:0:0/96). */
struct net_range {
	uint8_t bytes[16];
	unsigned bits; /* 0 to 128 */
};

/* "127.0.0.1", "10.0.0.0/8", "fd00::/8". False: it is none. Any thread. */
bool net_range_parse(const char *text, size_t len, struct net_range *out);

/* An address as one of IPv6, with its port: those of IPv4 are mapped. False: it is neither. Any
 * thread. */
bool net_address_to_v6(const struct sockaddr *address, struct sockaddr_in6 *out);

/* May it be connected to: is it an address of the public network, or in one of the @exceptions?
 * Addresses that hold another one (mapped, NAT64, 6to4, Teredo) are none. Any thread. */
bool net_address_is_allowed(
	const struct sockaddr *address, const struct net_range *exceptions, size_t count);

#endif
