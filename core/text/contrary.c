/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A question that nearly repeats a sentence and turns one word of it around is as near to it,
 * by words and by meaning, as one that the sentence answers: vectors of opposites lie beside
 * each other. So opposites are looked up. Words of several languages share the lists, and only
 * those that mean nothing harmful in another one are there ("ne", "pas", "sin" are left out).
 */
#include "core/text/contrary.h"

#include <string.h>

#include "core/text/fold.h"
#include "core/text/word.h"

/* Longer texts are looked at as far as this. */
#define WORDS_MAX  192
#define ENDING_MAX 3

/* Words that negate, folded. */
static const char negations[] =
	" not no non never none nobody nothing neither nor cannot without nicht nie niemals "
	"niemand "
	"nichts kein keine keinen keinem keiner keines ohne jamais aucun aucune nunca ningun "
	"ninguna nadie nessun nessuno nessuna senza nao nenhum nenhuma niet geen nooit inte "
	"aldrig ingen ikke aldri не нет никогда никто ничего без ";

/* Words by which a sentence may say what a negation says; a star stands for any ending of up to
 * three letters. */
static const char nearly_negations[] =
	" ne pas sin unable fail* lack* refus* reject* prohibit* forbid* "
	"exclud* except hardly barely kaum ausser weder "
	"verbot* mangel* sauf excepto salvo tranne eccetto ";

/* Pairs, in the same form. */
static const char opposites[] =
	"| most least | more less | more fewer | first last | before after | increas* "
	"decreas* | increas* reduc* | grow* shrink* | grew shrank | rise* fall* | "
	"rising falling | rose fell | high* low* | large* small* | big* small* | "
	"biggest smallest | great* small* | old* new* | older younger | oldest "
	"youngest | old young | early late | earlier later | earliest latest | north* "
	"south* | east* west* | inside outside | internal* external* | inner outer | "
	"upper lower | above below | same different | always never | all none | "
	"everyone nobody | accept* refus* | accept* reject* | allow* forb* | allow* "
	"prohibit* | permit* prohibit* | legal* illegal* | win* los* | won lost | won "
	"defeated | gain* los* | enter* left | enter* leav* | begin* end* | began "
	"ended | start* stop* | start* end* | open* clos* | better worse | best worst "
	"| good bad | positive* negative* | male* female* | man woman | men women | "
	"strong* weak* | long* short* | fast* slow* | quick* slow* | easy difficult | "
	"easy hard | easier harder | easiest hardest | simple complex | simple "
	"complicated | rich* poor* | public private | major minor | majority minority "
	"| maximum minimum | maximal minimal | import* export* | buy* sell* | bought "
	"sold | succe* fail* | support* oppos* | ally enemy | allies enemies | "
	"friend* enem* | current former | next previous | true false | includ* "
	"exclud* | present absent | born die* | birth death | alive dead | dark* "
	"light* | hot* cold* | warm* cold* | warm* cool* | heavy light | heavier "
	"lighter | heaviest lightest | wet* dry* | caus* prevent* | build* destroy* | "
	"built destroyed | creat* destroy* | attack* defend* | victor* defeat* | top "
	"bottom | full empty | thick* thin* | wide* narrow* | deep* shallow* | "
	"common* rare* | ancient modern | urban rural | native* foreign* | domestic* "
	"foreign* | civil* militar* | expand* shrink* | expand* contract* | add* "
	"remov* | add* subtract* | multipl* divid* | horizontal* vertical* | hard* "
	"soft* | safe* dangerous* | cheap* expensive* | summer* winter* | arriv* "
	"depart* | lend* borrow* | teach* learn* | optional* mandator* | optional "
	"required | voluntar* mandator* | voluntar* compulsor* | input* output* | "
	"upload* download* | credit* debit* | employer* employee* | meisten wenigsten "
	"| mehr weniger | erste* letzte* | steig* sink* | steig* fall* | stieg sank | "
	"stieg fiel | hohe* niedrig* | hochst* niedrigst* | gross* klein* | alt* neu* "
	"| alt* jung* | nord* sud* | ost* west* | innerhalb ausserhalb | immer nie | "
	"oben unten | gewann verlor | gewonnen verloren | beginn* end* | begann "
	"endete | besser schlechter | beste* schlechteste* | stark* schwach* | lang* "
	"kurz* | reich arm | offentlich* privat* | mehrheit minderheit | einfuhr* "
	"ausfuhr* | geburt tod | geboren gestorben | sommer winter | erlaubt verboten "
	"| plus moins | premier* dernier* | avant apres | augment* diminu* | "
	"meilleur* pire* | toujours jamais | nord sud | naissance mort | mas menos | "
	"primer* ultim* | antes despues | aument* disminu* | mayor* menor* | siempre "
	"nunca | norte sur | mejor* peor* | piu meno | maggior* minor* | miglior* "
	"peggior* |";

/* A prefix turns a word around; before shorter words it is a part of them ("under", "import"). */
static const struct {
	const char *text;
	size_t least; /* bytes of the word behind it */
} prefixes[] = {{"non", 4}, {"un", 5}, {"dis", 6}, {"in", 7}, {"im", 7}, {"il", 5}, {"ir", 6}};

struct words {
	struct folded items[WORDS_MAX];
	bool is_left_out[WORDS_MAX]; /* from what is looked up */
	size_t count;
};

static void split(const char *text, size_t len, struct words *out)
{
	struct word word;
	size_t at = 0;

	out->count = 0;
	while (out->count < WORDS_MAX && word_next(text, len, &at, &word)) {
		struct folded *folded = &out->items[out->count];

		out->is_left_out[out->count++] = false;
		fold_word(text + word.start, word.end - word.start, folded);
		fold_accents(folded);
	}
}

static bool is_same(const struct folded *a, const struct folded *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static bool has(const struct words *words, const struct folded *word)
{
	for (size_t i = 0; i < words->count; i++)
		if (is_same(&words->items[i], word))
			return true;
	return false;
}

/* Does the word fit @pattern, a word that a star may follow? */
static bool fits(const struct folded *word, const char *pattern, size_t len)
{
	if (len == 0 || pattern[len - 1] != '*')
		return word->len == len && memcmp(word->text, pattern, len) == 0;
	len--;
	return word->len >= len && word->len <= len + ENDING_MAX &&
		memcmp(word->text, pattern, len) == 0;
}

/* Bytes up to the next blank. (strcspn() makes a table of its second argument, each time.) */
static size_t entry_len(const char *entry)
{
	return (size_t)(strchrnul(entry, ' ') - entry);
}

static bool has_fitting(const struct words *words, const char *pattern, size_t len)
{
	for (size_t i = 0; i < words->count; i++)
		if (!words->is_left_out[i] && fits(&words->items[i], pattern, len))
			return true;
	return false;
}

/* Does one fit one of the patterns, with a blank between them? */
static bool has_listed(const struct words *words, const char *list)
{
	for (size_t len; *list; list += len) {
		list += *list == ' ';
		len = entry_len(list);
		if (len && has_fitting(words, list, len))
			return true;
	}
	return false;
}

static bool ends_in(const struct folded *word, const char *ending)
{
	size_t len = strlen(ending);

	return word->len > len && memcmp(word->text + word->len - len, ending, len) == 0;
}

static bool negates(const struct words *words, bool is_nearly_enough)
{
	for (size_t i = 0; i < words->count; i++)
		if (ends_in(&words->items[i], "n't") || ends_in(&words->items[i], "n’t"))
			return true;
	return has_listed(words, negations) ||
		(is_nearly_enough && has_listed(words, nearly_negations));
}

/* Does one have a word of a pair, and the other one the other? Each pair is looked at once. */
static bool has_opposites(const struct words *question, const struct words *sentence)
{
	for (const char *pair = opposites; *pair == '|' && pair[1];) {
		const char *left = pair + 2, *right = left + entry_len(left) + 1;
		size_t left_len = (size_t)(right - left) - 1, right_len = entry_len(right);

		if ((has_fitting(question, left, left_len) &&
			    has_fitting(sentence, right, right_len)) ||
			(has_fitting(question, right, right_len) &&
				has_fitting(sentence, left, left_len)))
			return true;
		pair = right + right_len + 1;
	}
	return false;
}

/* Is one of the two the other with a prefix that turns it around? */
static bool is_turned(const struct folded *word, const struct folded *other)
{
	const struct folded *longer = word->len > other->len ? word : other;
	const struct folded *shorter = word->len > other->len ? other : word;

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++) {
		size_t len = strlen(prefixes[i].text);
		if (longer->len <= len || memcmp(longer->text, prefixes[i].text, len) != 0)
			continue;
		len += longer->text[len] == '-';
		if (shorter->len >= prefixes[i].least && longer->len == shorter->len + len &&
			memcmp(longer->text + len, shorter->text, shorter->len) == 0)
			return true;
	}
	return false;
}

static bool has_turned(const struct words *question, const struct words *sentence)
{
	for (size_t i = 0; i < question->count; i++)
		for (size_t k = 0; k < sentence->count; k++)
			if (!question->is_left_out[i] && !sentence->is_left_out[k] &&
				is_turned(&question->items[i], &sentence->items[k]))
				return true;
	return false;
}

/* "How old": that is what is asked for. */
static bool is_measure(const struct words *words, size_t i)
{
	return i > 0 &&
		(fits(&words->items[i - 1], "how", 3) || fits(&words->items[i - 1], "wie", 3));
}

/* What both have is no opposite. */
static bool opposes(struct words *question, struct words *sentence)
{
	for (size_t i = 0; i < question->count; i++)
		question->is_left_out[i] =
			is_measure(question, i) || has(sentence, &question->items[i]);
	for (size_t i = 0; i < sentence->count; i++)
		sentence->is_left_out[i] = has(question, &sentence->items[i]);
	return has_opposites(question, sentence) || has_turned(question, sentence);
}

struct contrary contrary_of(
	const char *question, size_t question_len, const char *sentence, size_t sentence_len)
{
	struct words asked, said;

	split(question, question_len, &asked);
	split(sentence, sentence_len, &said);
	bool is_denied = negates(&asked, false) && !negates(&said, true);

	/* Last: it leaves words out. */
	return (struct contrary){.is_denied = is_denied, .is_opposed = opposes(&asked, &said)};
}
