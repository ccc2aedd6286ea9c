/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parse/member.h"

#include <errno.h>
#include <string.h>

#define DATA_MAX ((size_t)32 << 10) /* a record */

int member_begin(struct out *out, const char *path, size_t path_len, int64_t mtime_s)
{
	struct protocol_member member = {.mtime_s = mtime_s};
	size_t len = path_len < PROTOCOL_PATH_MAX ? path_len : PROTOCOL_PATH_MAX;
	char payload[sizeof(member) + PROTOCOL_PATH_MAX];

	memcpy(payload, &member, sizeof(member));
	memcpy(payload + sizeof(member), path, len);
	return out_record(out, RECORD_MEMBER, payload, sizeof(member) + len);
}

int member_data(struct out *out, const void *data, size_t len)
{
	const char *at = data;
	int rc = out->failed;

	while (len && !rc) {
		size_t part = len < DATA_MAX ? len : DATA_MAX;
		rc = out_record(out, RECORD_MEMBER_DATA, at, part);
		at += part;
		len -= part;
	}
	return rc;
}

int member_end(struct out *out, int result, const struct err *err)
{
	struct protocol_end end = {.result = result};
	size_t len = result ? strnlen(err->text, sizeof(err->text)) : 0;
	char payload[sizeof(end) + sizeof(err->text)];

	memcpy(payload, &end, sizeof(end));
	memcpy(payload + sizeof(end), err->text, len);
	out_mend(payload + sizeof(end), len);
	return out_record(out, RECORD_MEMBER_END, payload, sizeof(end) + len);
}
