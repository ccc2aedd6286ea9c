/* SPDX-License-Identifier: Apache-2.0 */
#include "core/parse/readers/compose.h"

#include <unicode/unorm2.h>

#include "core/auto.h"
#include "core/text/utf8.h"

static const struct {
	char accent;
	uint32_t mark;
} marks[] = {
	{'`', 0x300},
	{'\'', 0x301},
	{'^', 0x302},
	{'~', 0x303},
	{'=', 0x304},
	{'u', 0x306},
	{'.', 0x307},
	{'"', 0x308},
	{'r', 0x30a},
	{'H', 0x30b},
	{'v', 0x30c},
	{'d', 0x323},
	{'c', 0x327},
	{'k', 0x328},
	{'b', 0x331},
};

static void add(struct buf *out, uint32_t c)
{
	char utf8[4];

	buf_add(out, utf8, utf8_encode(c, utf8));
}

void compose(struct buf *out, uint32_t base, char accent)
{
	UErrorCode status = U_ZERO_ERROR;
	uint32_t mark = 0;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++)
		if (marks[i].accent == accent)
			mark = marks[i].mark;
	if (base == 0x131 && mark != 0x323) /* a dotless i takes its accent as the letter does */
		base = 'i';
	const UNormalizer2 *nfc = mark ? unorm2_getNFCInstance(&status) : NULL;
	UChar32 composed = nfc && U_SUCCESS(status)
		? unorm2_composePair(nfc, (UChar32)base, (UChar32)mark)
		: -1;
	add(out, composed >= 0 ? (uint32_t)composed : base);
	if (mark && composed < 0)
		add(out, mark);
}
