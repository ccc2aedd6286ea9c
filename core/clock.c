/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clock.h"

#include <stdio.h>

#define NAP_NS (5 * NS_PER_MS)

bool clock_sleep(int64_t ns, const atomic_bool *cancelled)
{
	int64_t until = clock_mono_ns() + ns;

	while (!cancelled || !atomic_load(cancelled)) {
		int64_t left = until - clock_mono_ns();

		if (left <= 0)
			return true;
		struct timespec nap = clock_timespec(left < NAP_NS ? left : NAP_NS);
		nanosleep(&nap, NULL);
	}
	return false;
}

char *clock_format(int64_t ns, char out[32])
{
	time_t seconds = (time_t)(ns / NS_PER_SEC);
	struct tm parts;
	char text[24];

	gmtime_r(&seconds, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(out, 32, "%s.%03dZ", text, (int)(ns / NS_PER_MS % 1000));
	return out;
}
