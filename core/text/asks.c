/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Word lists for the larger languages; scripts without blanks are searched for substrings. A
 * kind that is not recognised costs a little of an answer's order, nothing else.
 */
#include "core/text/asks.h"

#include <stdint.h>
#include <string.h>

#include <unicode/uchar.h>

#include "core/auto.h"
#include "core/text/fold.h"
#include "core/text/language.h"
#include "core/text/utf8.h"
#include "core/text/word.h"

/* The last letter of the Latin script, but for the precomposed ones. */
#define LATIN_LAST 0x24f

/* Words and pairs of words, folded, each between blanks. The first kind that fits counts. */
static const struct {
	enum asks asks;
	const char *words;
	const char *pieces; /* substrings, blanks between them */
} kinds[] = {
	{ASKS_TIME,
		" when | what year | which year | what date | what century | which century | what "
		"time | what month | what day | what decade | wann | welchem jahr | welches jahr "
		"| welcher zeit | welchem jahrhundert | seit wann | quand | quelle annee | quel "
		"siecle | cuando | que ano | que siglo | quando | che anno | quale anno | em que "
		"ano | wanneer | welk jaar | nar | vilket ar | hvornar | hvilket ar | milloin | "
		"kiedy | ne zaman | hangi yil | когда | каком году | какого года | متى | اي عام "
		"| اي سنه | ποτε | ποια χρονια | कब | किस वर्ष | ",
		"何时 何時 什么时候 哪年 哪一年 几年 哪个世纪 いつ เมื่อใด เมื่อไหร่ เมื่อไร ปีใด ปีไหน "
		"언제"},
	{ASKS_NUMBER,
		" how many | how much | how long | how old | how far | how often | how large | "
		"how big | how tall | how high | what percentage | what percent | what number | "
		"what fraction | wie viele | wie viel | wieviel | wieviele | wie lange | wie alt "
		"| wie oft | wie hoch | wie gross | wie weit | prozentsatz | wie vielen | "
		"combien | quel pourcentage | cuanto | cuantos | cuanta | cuantas | quanto | "
		"quanti | quanta | quante | quantos | quantas | hoeveel | hur manga | hur mycket "
		"| hvor mange | hvor meget | kuinka monta | ile | kac | сколько | какой процент "
		"| كم | ποσο | ποσα | ποσοι | ποσες | कितने | कितना | कितनी | ",
		"多少 几个 幾 几次 几年 いくつ 何人 何年 เท่าไหร่ เท่าไร เท่าใด กี่ 몇 얼마"},
	{ASKS_PERSON,
		" who | whom | whose | wer | wem | wen | wessen | qui | quien | quienes | chi | "
		"quem | vem | hvem | kuka | kto | kim | кто | кого | кому | кем | من | ποιος | "
		"ποια | ποιοι | कौन | किसने | किसे | ",
		"谁 誰 だれ ใคร 누가 누구"},
	{ASKS_PLACE,
		" where | what city | which city | what country | which country | wo | woher | "
		"wohin | welcher stadt | welchem land | ou | quelle ville | quel pays | donde | "
		"que ciudad | dove | quale citta | onde | waar | var | hvor | missa | gdzie | "
		"nerede | где | куда | откуда | каком городе | какой стране | اين | που | कहां | "
		"कहाँ | ",
		"哪里 哪裡 哪儿 何处 どこ ที่ไหน ที่ใด 어디"},
};

/* The same form. */
static const char several_words[] =
	" compare | compared | comparison | difference between | differences between | versus | "
	"list "
	"all | list every | all documents | every document | each document | which documents | "
	"what documents | which files | which contracts | vergleiche | vergleich | vergleichen | "
	"unterschied zwischen | unterschiede zwischen | alle dokumente | welche dokumente | welche "
	"dateien | liste alle | nenne alle | comparez | comparer | comparaison | difference entre "
	"| "
	"differences entre | tous les | quels documents | compara | comparar | comparacion | "
	"diferencia entre | diferencias entre | todos los | que documentos | confronta | "
	"differenza "
	"tra | quali documenti | tutti i | compare | diferenca entre | todos os | quais documentos "
	"| vergelijk | verschil tussen | alle documenten | сравни | сравните | разница между | все "
	"документы | какие документы | قارن | الفرق بين | ";
static const char several_pieces[] =
	"比较 比較 所有文件 所有文档 哪些文件 哪些文档 列出 すべての文書 どの文書 違いは "
	"เปรียบเทียบ เอกสารทั้งหมด 비교 차이 모든";

static const char number_words[] =
	" one two three four five six seven eight nine ten eleven twelve thirteen fifteen "
	"twenty thirty forty fifty sixty hundred thousand million billion half twice "
	"double first second third dozen zwei drei vier funf sechs sieben acht neun zehn "
	"elf zwolf zwanzig dreissig hundert tausend millionen milliarden halfte deux "
	"trois quatre cinq six sept huit neuf dix cent mille millions dos tres cuatro "
	"cinco seis siete ocho nueve diez cien mil millones due tre quattro cinque sette "
	"otto nove dieci cento mila milioni ";

static const char month_words[] =
	" january february march april may june july august september october november "
	"december januar februar marz mai juni juli oktober dezember janvier fevrier "
	"mars avril juin juillet aout septembre octobre novembre decembre enero febrero "
	"marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre "
	"gennaio febbraio aprile maggio giugno luglio settembre ottobre dicembre monday "
	"tuesday wednesday thursday friday saturday sunday spring summer autumn winter "
	"century jahrhundert siecle siglo secolo ";

static bool is_between_blanks(const char *list, const struct folded *word)
{
	char padded[FOLD_MAX + 3];

	padded[0] = padded[word->len + 1] = ' ';
	memcpy(padded + 1, word->text, word->len);
	padded[word->len + 2] = '\0';
	return word->len > 0 && strstr(list, padded) != NULL;
}

/* Is @word, or @before and @word, an entry of "| a | b c |"? */
static bool is_entry(const char *list, const struct folded *before, const struct folded *word)
{
	char entry[2 * FOLD_MAX + 6];
	size_t len = 0;

	entry[len++] = ' ';
	if (before) {
		memcpy(entry + len, before->text, before->len);
		len += before->len;
		entry[len++] = ' ';
	}
	memcpy(entry + len, word->text, word->len);
	len += word->len;
	memcpy(entry + len, " |", 3);
	for (const char *at = list; (at = strstr(at, entry)) != NULL; at++)
		if (at == list || at[-1] == '|')
			return true;
	return false;
}

/* Bytes of a question. */
struct range {
	size_t start, end;
};

/* Is one of the pieces in it, and where? */
static bool has_piece(const char *text, size_t len, const char *pieces, struct range *where)
{
	while (*pieces) {
		size_t n = strcspn(pieces, " ");
		const char *found = memmem(text, len, pieces, n);

		if (found) {
			*where = (struct range){(size_t)(found - text), (size_t)(found - text) + n};
			return true;
		}
		pieces += n + strspn(pieces + n, " ");
	}
	return false;
}

/* Does the list hold a word of the question, or a pair of neighbours, and where? */
static bool has_entry(const char *question, size_t len, const char *list, struct range *where)
{
	struct folded words[2];
	struct word word;
	size_t at = 0, count = 0, before = 0;

	while (word_next(question, len, &at, &word)) {
		struct folded *now = &words[count % 2];

		fold_word(question + word.start, word.end - word.start, now);
		fold_accents(now);
		bool is_alone = is_entry(list, NULL, now);
		if (is_alone || (count > 0 && is_entry(list, &words[(count + 1) % 2], now))) {
			*where = (struct range){is_alone ? word.start : before, word.end};
			return true;
		}
		before = word.start;
		count++;
	}
	return false;
}

enum asks asks_of(const char *question, size_t len)
{
	struct range where;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (has_entry(question, len, kinds[i].words, &where) ||
			has_piece(question, len, kinds[i].pieces, &where))
			return kinds[i].asks;
	return ASKS_ANYTHING;
}

bool asks_for_several(const char *question, size_t len, size_t *start, size_t *end)
{
	struct range where;
	bool is_so = has_entry(question, len, several_words, &where) ||
		has_piece(question, len, several_pieces, &where);

	if (start && end) {
		*start = is_so ? where.start : 0;
		*end = is_so ? where.end : 0;
	}
	return is_so;
}

static size_t count_digits(const char *word, size_t len)
{
	size_t digits = 0;

	for (size_t at = 0; at < len;) {
		uint32_t c = utf8_next(word, len, &at);

		digits += c != UTF8_INVALID && u_isdigit((UChar32)c);
	}
	return digits;
}

double asks_fit(enum asks asks, const char *word, size_t len, bool is_first)
{
	size_t digits = count_digits(word, len), bytes;
	struct folded folded;

	switch (asks) {
	case ASKS_ANYTHING: return 0;
	case ASKS_PERSON:
	case ASKS_PLACE:
		if (!u_isupper((UChar32)utf8_decode(word, len, &bytes)))
			return 0;
		if (!is_first)
			return 1;
		fold_word(word, len, &folded);
		return language_function_word(folded.text, folded.len) ? 0 : .7;
	case ASKS_TIME:
	case ASKS_NUMBER: break;
	}
	if (digits)
		return asks == ASKS_TIME && digits < 3 ? .5 : 1;
	fold_word(word, len, &folded);
	fold_accents(&folded);
	if (asks == ASKS_TIME)
		return is_between_blanks(month_words, &folded) ? .6 : 0;
	return is_between_blanks(number_words, &folded) ? .8 : 0;
}

bool asks_shows(enum asks asks, const char *sentence, size_t len)
{
	if (asks == ASKS_ANYTHING)
		return false;
	for (size_t at = 0; at < len;) {
		uint32_t c = utf8_next(sentence, len, &at);

		if (c != UTF8_INVALID && c > LATIN_LAST && u_isalpha((UChar32)c))
			return false;
	}
	return true;
}
