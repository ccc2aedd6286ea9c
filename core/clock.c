/* SPDX-License-Identifier: Apache-2.0 */
#include "core/clock.h"

#include <stdio.h>

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
