/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words below are looked up in a hash table that is made once. They serve two purposes:
 * a text's language is the one whose function words it uses, and a question's function words
 * say nothing about what it asks for. Words are folded and stripped of accents. What means
 * something in one of the languages ("die", "war") is harmless: a word is dropped only from
 * questions in a language where it is listed.
 */
#include "core/text/language.h"

#include <pthread.h>
#include <string.h>

static const char english[] =
	"the of and a an to in is was were are be been being am it its for on with as by "
	"at from that this these those which who whom whose what when where why how or "
	"not no do does did done have has had he she they them his her their there than "
	"then so if but into about between during before after can could would should "
	"will shall may might must i you we my your our us me him also some any such "
	"each other much many s t don doesn didn isn wasn aren weren";

static const char german[] =
	"der die das und in den von zu mit sich des auf fur ist im dem nicht ein eine "
	"als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch "
	"wie einem uber einen so zum war haben nur oder aber vor zur bis mehr durch man "
	"sein wurde waren was wer wann wo warum welche welcher welches welchem welchen "
	"wessen wem wen wieviel viele viel ich wir ihr ihre ihren ihrem sein seine "
	"seinen seiner kann konnen muss mussen wurden hatte hatten gibt woher wohin "
	"womit wodurch wofur worden eines diese dieser dieses mein meine mir mich uns du "
	"dir dich";

static const char french[] =
	"le la les de des du un une et en est a au aux que qui dans pour par sur pas "
	"plus ne ce cette ces il elle ils elles son sa ses se sont avec ou mais comme "
	"etait ete quel quelle quels quelles quand comment pourquoi combien quoi d l qu "
	"n s c j m t je nous vous leur leurs fut ont etre avoir y lors dont sans sous "
	"entre si on mon ma mes lui etaient avait";

static const char spanish[] =
	"el la los las de del y en un una que es por con para su sus se al lo como mas o "
	"pero fue no ha son este esta estos estas entre cuando cual cuales quien quienes "
	"donde cuanto cuantos cuanta cuantas sobre ser tiene desde hasta era eran muy "
	"sin porque le les fueron habia sido me mi tu nos";

static const char italian[] =
	"il lo la i gli le di del della dei degli delle e in un una uno che per con non "
	"si da dal dalla al alla ai alle sono come piu anche ma nel nella nei nelle fu "
	"era ha chi quando dove quale quali quanto quanti quanta quante perche cosa su "
	"sul sulla tra fra suo sua suoi sue se dell nell all l d c stato stata cui o ed";

static const char portuguese[] =
	"o a os as de do da dos das e em no na nos nas um uma que para com por nao se "
	"mais como mas foi ao aos sua seu suas seus ou quando onde qual quais quem "
	"quanto quantos quanta quantas era sao pelo pela pelos entre ser tem esta isso "
	"este muito foram ha porque eu ele ela";

static const char dutch[] =
	"de het een en van in is op te dat die voor met zijn niet aan er om ook als dan "
	"maar bij of uit nog naar door over ze zich hij heeft hebben wordt worden werd "
	"waren was deze dit wat wie waar wanneer waarom hoe welke welk hoeveel veel kan "
	"je ik wij hun haar tot geen meer tegen";

static const char swedish[] =
	"och i att det som en pa ar av for med den till inte om ett han men var jag de "
	"sig fran vi har hon kan nar sa eller ska skulle vid hur vad vem vilken vilket "
	"vilka varfor manga mycket sin sitt sina blev under efter mellan dar hade";

static const char danish[] =
	"og i at det er en til af den pa for med som de et der var ikke han har om men "
	"fra sig ved blev eller hun kan skal hvad hvem hvor hvornar hvorfor hvordan "
	"hvilken hvilket hvilke mange sin sine efter vil havde jeg";

static const char norwegian[] =
	"og i at det er en til av den pa for med som de et der var ikke han har om men "
	"fra seg ved ble eller hun kan skal hva hvem hvor nar hvorfor hvordan hvilken "
	"hvilket hvilke mange sin sine etter vil hadde jeg mellom";

static const char finnish[] =
	"ja on ei se etta oli joka mutta myos kun tai ovat sen han hanen niin kuin olla "
	"vain mika mita kuka milloin missa miksi miten kuinka monta paljon mista mihin "
	"ole olivat jossa jonka jotka seka";

static const char turkish[] =
	"ve bir bu da de icin ile olarak ne gibi daha olan cok var kadar sonra o en her "
	"ya mi mu kim nerede nasil neden niye kac hangi zaman idi ise ki ama veya oldugu "
	"degil";

static const char romanian[] =
	"si in de la un o a cu din pe este sunt care ca nu mai pentru ce al ale lui se "
	"sau dar prin fost era cand unde cine cum cat cate cati cata dintre sa au fi";

static const char hungarian[] =
	"a az es hogy nem egy is volt meg de ez csak mint ki vagy mi mikor hol miert "
	"hogyan melyik hany mennyi azt lehet kell sem el fel ezt voltak";

static const char catalan[] =
	"el la els les de del dels i en un una que es per amb al als no com mes va ser "
	"son seu seva quan on qui quin quina quins quines quant quants entre pero o";

static const char indonesian[] =
	"yang dan di ini itu dengan untuk dari pada dalam tidak adalah akan ke oleh "
	"sebagai juga atau ada apa siapa kapan mana dimana mengapa bagaimana berapa "
	"telah sudah mereka dapat bahwa karena";

static const char russian[] =
	"и в во не что он на я с со как а то все она так его но да ты к у же вы за бы по "
	"ее мне было вот от меня еще нет о из ему когда где кто какой какая какое какие "
	"каких каком какую каким сколько почему зачем чем чего кого кому ли или при для "
	"до был была были быть это этот эта эти их мы они который которая которое "
	"которые после между является";

static const char arabic[] =
	"في من على الى إلى عن مع هذا هذه ذلك التي الذي ما ماذا متى اين أين كم كيف لماذا "
	"هل هو هي كان كانت و او أو ان أن لا لم قد بين اي أي بعد قبل عند التى الذين منذ";

static const char greek[] =
	"ο η το οι τα του της των τον την τους τις και να σε με για απο που στο στη στην "
	"στον στα στις στους ειναι ηταν ενα μια ενας δεν θα ως κατα τι ποιος ποια ποιο "
	"ποιοι ποιες ποτε πως γιατι ποσο ποσα ποσοι ποσες η αλλα οτι εχει";

static const char hindi[] =
	"का के की है में से को और एक पर यह था थी थे हैं ने कि जो भी हो कर वह इस उस तक ही "
	"या तो क्या कौन कब कहां कहाँ कैसे क्यों कितने कितना कितनी किस किसने किसे किसका "
	"किसके किसकी कौनसा कौनसी लिए साथ द्वारा गया गई गए हुआ हुई इन उन अपने होता";

static const char armenian[] = "է և ու մեջ են որ այս համար ինչ ով երբ որտեղ ինչու ինչպես քանի";

static const char tamil[] = "ஒரு என்று மற்றும் இந்த என்ன யார் எப்போது எங்கே ஏன் எப்படி எத்தனை எந்த";

static const char *const function_words[LANG_COUNT] = {
	[LANG_ENGLISH] = english,
	[LANG_GERMAN] = german,
	[LANG_FRENCH] = french,
	[LANG_SPANISH] = spanish,
	[LANG_ITALIAN] = italian,
	[LANG_PORTUGUESE] = portuguese,
	[LANG_DUTCH] = dutch,
	[LANG_SWEDISH] = swedish,
	[LANG_DANISH] = danish,
	[LANG_NORWEGIAN] = norwegian,
	[LANG_FINNISH] = finnish,
	[LANG_TURKISH] = turkish,
	[LANG_ROMANIAN] = romanian,
	[LANG_HUNGARIAN] = hungarian,
	[LANG_CATALAN] = catalan,
	[LANG_INDONESIAN] = indonesian,
	[LANG_RUSSIAN] = russian,
	[LANG_ARABIC] = arabic,
	[LANG_GREEK] = greek,
	[LANG_HINDI] = hindi,
	[LANG_ARMENIAN] = armenian,
	[LANG_TAMIL] = tamil,
};

/* Open addressing; four times as many slots as words. */
#define SLOTS 8192

static struct slot {
	const char *word;
	uint32_t len;
	uint32_t mask;
} slots[SLOTS];
static pthread_once_t slots_once = PTHREAD_ONCE_INIT;

static uint32_t hash_word(const char *word, size_t len)
{
	uint32_t hash = UINT32_C(2166136261);

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)word[i]) * UINT32_C(16777619);
	return hash ^ hash >> 15;
}

static struct slot *find_slot(const char *word, size_t len)
{
	uint32_t at = hash_word(word, len) % SLOTS;

	while (slots[at].word && (slots[at].len != len || memcmp(slots[at].word, word, len) != 0))
		at = (at + 1) % SLOTS;
	return &slots[at];
}

static void fill_slots(void)
{
	for (uint32_t language = 0; language < LANG_COUNT; language++) {
		const char *word = function_words[language];

		while (*word) {
			size_t len = strcspn(word, " ");
			struct slot *slot = find_slot(word, len);

			slot->word = word;
			slot->len = (uint32_t)len;
			slot->mask |= LANG_BIT(language);
			word += len + strspn(word + len, " ");
		}
	}
}

uint32_t language_function_word(const char *word, size_t len)
{
	pthread_once(&slots_once, fill_slots);
	return find_slot(word, len)->mask;
}

void language_vote_add(struct language_vote *vote, uint32_t mask)
{
	uint32_t share;

	mask &= LANG_LATIN_MASK;
	if (mask == 0)
		return;
	vote->words++;
	share = 60 / (uint32_t)__builtin_popcount(mask);
	for (; mask; mask &= mask - 1)
		vote->weight[__builtin_ctz(mask)] += share;
}

enum language language_vote_best(const struct language_vote *vote, uint32_t least)
{
	enum language best = LANG_ENGLISH;

	if (vote->words < least || vote->words == 0)
		return LANG_NONE;
	for (enum language i = 1; i < LANG_LATIN_COUNT; i++)
		if (vote->weight[i] > vote->weight[best])
			best = i;
	return best;
}

uint32_t language_vote_likely(const struct language_vote *vote)
{
	enum language best = language_vote_best(vote, 1);
	uint32_t likely = 0;

	if (best == LANG_NONE)
		return 0;
	for (enum language i = 0; i < LANG_LATIN_COUNT; i++)
		if (vote->weight[i] * 4 >= vote->weight[best] * 3)
			likely |= LANG_BIT(i);
	return likely;
}

enum language language_of_script(uint32_t c)
{
	static const struct {
		uint32_t first, last;
		enum language language;
	} scripts[] = {
		{0x0000, 0x024f, LANG_ENGLISH},
		{0x0370, 0x03ff, LANG_GREEK},
		{0x0400, 0x052f, LANG_RUSSIAN},
		{0x0530, 0x058f, LANG_ARMENIAN},
		{0x0600, 0x06ff, LANG_ARABIC},
		{0x0750, 0x077f, LANG_ARABIC},
		{0x0900, 0x097f, LANG_HINDI},
		{0x0b80, 0x0bff, LANG_TAMIL},
		{0x1e00, 0x1eff, LANG_ENGLISH},
		{0x1f00, 0x1fff, LANG_GREEK},
	};

	for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
		if (c >= scripts[i].first && c <= scripts[i].last)
			return scripts[i].language;
	return LANG_NONE;
}
