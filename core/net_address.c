/* SPDX-License-Identifier: Apache-2.0 */
#include "core/net_address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"

static const char *const forbidden[] = {
	"0.0.0.0/8", /* this network */
	"10.0.0.0/8", /* private */
	"100.64.0.0/10", /* carrier-grade NAT */
	"127.0.0.0/8", /* loopback */
	"169.254.0.0/16", /* link-local, and a cloud's metadata */
	"172.16.0.0/12", /* private */
	"192.0.0.0/24", /* protocol assignments */
	"192.0.2.0/24", /* documentation */
	"192.88.99.0/24", /* 6to4 relays */
	"192.168.0.0/16", /* private */
	"198.18.0.0/15", /* benchmarks */
	"198.51.100.0/24", /* documentation */
	"203.0.113.0/24", /* documentation */
	"224.0.0.0/4", /* multicast */
	"240.0.0.0/4", /* reserved, and broadcast */
};

/* Of IPv6 only what is given out to networks is public, and of that not these. */
static const char global_unicast[] = "2000::/3";
static const char *const forbidden6[] = {
	"2001::/23", /* protocol assignments, Teredo among them */
	"2001:db8::/32", /* documentation */
	"2002::/16", /* 6to4 */
	"3fff::/20", /* documentation */
};

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static bool parse_bytes(const char *text, uint8_t bytes[16], bool *is_v4)
{
	*is_v4 = inet_pton(AF_INET, text, bytes + 12) == 1;
	if (*is_v4)
		memcpy(bytes, mapped, sizeof(mapped));
	return *is_v4 || inet_pton(AF_INET6, text, bytes) == 1;
}

bool net_range_parse(const char *text, size_t len, struct net_range *out)
{
	char copy[64], *slash, *end;
	bool is_v4;

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	slash = strchr(copy, '/');
	if (slash)
		*slash++ = '\0';
	if (!parse_bytes(copy, out->bytes, &is_v4))
		return false;
	unsigned long most = is_v4 ? 32 : 128, bits = most;
	if (slash) {
		bits = strtoul(slash, &end, 10);
		if (*slash < '0' || *slash > '9' || *end || bits > most)
			return false;
	}
	out->bits = (unsigned)bits + (is_v4 ? 96 : 0);
	return true;
}

static bool is_within(const uint8_t bytes[16], const struct net_range *range)
{
	unsigned whole = range->bits / 8, rest = range->bits % 8;

	if (memcmp(bytes, range->bytes, whole) != 0)
		return false;
	return !rest || (bytes[whole] ^ range->bytes[whole]) >> (8 - rest) == 0;
}

static bool is_within_text(const uint8_t bytes[16], const char *text)
{
	struct net_range range;

	return net_range_parse(text, strlen(text), &range) && is_within(bytes, &range);
}

static bool is_public(const uint8_t bytes[16])
{
	if (!memcmp(bytes, mapped, sizeof(mapped))) {
		for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
			if (is_within_text(bytes, forbidden[i]))
				return false;
		return true;
	}
	if (!is_within_text(bytes, global_unicast))
		return false;
	for (size_t i = 0; i < ARRAY_LEN(forbidden6); i++)
		if (is_within_text(bytes, forbidden6[i]))
			return false;
	return true;
}

bool net_address_to_v6(const struct sockaddr *address, struct sockaddr_in6 *out)
{
	struct sockaddr_in v4;

	if (address->sa_family == AF_INET6) {
		memcpy(out, address, sizeof(*out));
		return true;
	}
	if (address->sa_family != AF_INET)
		return false;
	memcpy(&v4, address, sizeof(v4));
	*out = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = v4.sin_port};
	memcpy(out->sin6_addr.s6_addr, mapped, sizeof(mapped));
	memcpy(out->sin6_addr.s6_addr + sizeof(mapped), &v4.sin_addr, sizeof(v4.sin_addr));
	return true;
}

bool net_address_is_allowed(
	const struct sockaddr *address, const struct net_range *exceptions, size_t count)
{
	struct sockaddr_in6 v6;

	if (!net_address_to_v6(address, &v6))
		return false;
	const uint8_t *bytes = v6.sin6_addr.s6_addr;
	bool came_mapped = address->sa_family == AF_INET6 && !memcmp(bytes, mapped, sizeof(mapped));
	for (size_t i = 0; i < count; i++)
		if (is_within(bytes, &exceptions[i]))
			return true;
	return !came_mapped && is_public(bytes);
}
