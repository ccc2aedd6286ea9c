/* SPDX-License-Identifier: Apache-2.0 */
/* Which addresses may be asked, what robots.txt says, and what a link file leads to. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/auto.h"
#include "core/link.h"
#include "core/net_address.h"
#include "core/robots.h"

/* --- addresses ---------------------------------------------------------------------- */

static bool allowed(const char *text, const char *exception)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct net_range range;

	if (exception)
		assert_true(net_range_parse(exception, strlen(exception), &range));
	bool is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
	if (!is_v4)
		assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return net_address_is_allowed(
		is_v4 ? (const struct sockaddr *)&v4 : (const struct sockaddr *)&v6, &range,
		exception ? 1 : 0);
}

static const char public_ones[] =
	"1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 "
	"169.253.255.255 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255 "
	"198.20.0.0 223.255.255.255 2606:4700::1111 2a00:1450::1";
static const char others[] =
	"0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 "
	"172.31.255.255 192.0.0.8 192.168.0.1 198.18.0.1 224.0.0.1 239.255.255.255 240.0.0.1 "
	"255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:1.1.1.1 64:ff9b::7f00:1 64:ff9b:1::1 "
	"fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 "
	"4000::1";

static void check_all(const char *words, bool is_allowed)
{
	AUTO_FREE char *copy = strdup(words);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")))
		if (allowed(word, NULL) != is_allowed)
			fail_msg("%s: expected %d", word, is_allowed);
}

static void test_addresses(void **state)
{
	(void)state;
	check_all(public_ones, true);
	check_all(others, false);
}

static void test_exceptions(void **state)
{
	struct net_range range;

	(void)state;
	assert_true(allowed("192.168.7.9", "192.168.7.0/24"));
	assert_false(allowed("192.168.8.9", "192.168.7.0/24"));
	assert_true(allowed("127.0.0.1", "127.0.0.1"));
	assert_false(allowed("127.0.0.2", "127.0.0.1"));
	assert_true(allowed("fd12::1", "fd00::/8"));
	assert_true(allowed("::1", "::1/128"));
	assert_true(allowed("10.1.2.3", "0.0.0.0/0"));
	assert_false(allowed("fe80::1", "0.0.0.0/0"));
	static const char *const wrong[] = {"", "/", "x", "1.2.3", "1.2.3.4/", "1.2.3.4/33",
		"::/129", "1.2.3.4/-1", "1.2.3.4/8x", "1.2.3.4/+8"};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(net_range_parse(wrong[i], strlen(wrong[i]), &range));
}

/* --- robots.txt --------------------------------------------------------------------- */

static bool robots(const char *text, const char *path)
{
	return robots_allow(text, strlen(text), "askfs", path);
}

static void test_robots(void **state)
{
	static const char two[] = "# A site\nUser-agent: *\nDisallow: /\n\n"
				  "User-Agent: other\nUser-agent: ASKFS # us\r\n"
				  "Disallow: /private\nAllow: /private/open\nDisallow: /*.pdf$\n";

	(void)state;
	assert_true(robots("", "/"));
	assert_true(robots("nonsense\n: \nDisallow: /\n", "/"));
	assert_true(robots("User-agent: *\nDisallow:\n", "/a"));
	assert_false(robots("user-agent:*\ndisallow:/a", "/ab"));
	assert_true(robots("User-agent: somebody\nDisallow: /\n", "/a"));
	assert_true(robots(two, "/"));
	assert_false(robots(two, "/private/x"));
	assert_true(robots(two, "/private/open/x"));
	assert_false(robots(two, "/x/y.pdf"));
	assert_true(robots(two, "/x/y.pdf?z"));
	assert_false(robots("User-agent: *\nDisallow: /a*b*c\n", "/a1b2b3c4"));
	assert_true(robots("User-agent: *\nDisallow: /a*b*c\n", "/a1b2b3"));
	assert_true(robots("User-agent: *\nDisallow: /a\nAllow: /a\n", "/a"));
}

#define WEB "https://example.org/a?b=1&c=2"

/* --- links -------------------------------------------------------------------------- */

static void test_links(void **state)
{
	static const char web[] = WEB;
	static const struct {
		const char *name, *text, *url;
	} cases[] = {
		{"a.url", "[InternetShortcut]\r\nURL=" WEB "\r\n", web},
		{"A.URL", "\n[internetshortcut]\nIconIndex=0\nurl = " WEB "", web},
		{"a.url", "[Other]\nURL=https://example.org/\n[InternetShortcut]\nIcon=1\n", NULL},
		{"a.url", "[InternetShortcut]\nURL=file:///etc/passwd\n", NULL},
		{"a.url", "[InternetShortcut]\nURL=\n", NULL},
		{"a.url", "", NULL},
		{"a.desktop", "[Desktop Entry]\nType=Link\nURL=" WEB "\n", web},
		{"a.desktop", "[Desktop Entry]\nType=Application\nURL=https://x.org/\n", NULL},
		{"a.webloc",
			"<plist><dict><key>URL</key>\n<string>https://example.org/a?b=1&amp;c=2"
			"</string></dict></plist>",
			web},
		{"a.webloc", "<plist><dict><key>URL</key><string>", NULL},
		{"a.txt", "[InternetShortcut]\nURL=https://example.org/\n", NULL},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		AUTO_FREE char *url = NULL;
		int rc = link_read(cases[i].name, cases[i].text, strlen(cases[i].text), &url);
		assert_int_equal(rc, cases[i].url ? 0 : -ENOENT);
		if (cases[i].url)
			assert_string_equal(url, cases[i].url);
	}
}

static void test_binary_property_list(void **state)
{
	static const char short_one[] =
		"bplist00\xd1\x01\x02SURL\x5f\x10\x14http://example.org/x\x08";
	AUTO_FREE char *url = NULL;

	(void)state;
	assert_int_equal(link_read("a.webloc", short_one, sizeof(short_one) - 1, &url), 0);
	assert_string_equal(url, "http://example.org/x");
	for (size_t len = 0; len < sizeof(short_one) - 2; len++) {
		AUTO_FREE char *none = NULL;
		assert_int_equal(link_read("a.webloc", short_one, len, &none), -ENOENT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_exceptions),
		cmocka_unit_test(test_robots),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_binary_property_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
