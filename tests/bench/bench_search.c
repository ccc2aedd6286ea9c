/* SPDX-License-Identifier: Apache-2.0 */
/* Searches by words over synthetic chunks (words by Zipf's law, always the same ones), beside
 * SQLite's FTS5 with all words OR-ed. One figure a line. Usage: bench_search [CHUNKS [FOLDER]]
 *
 * bench_search write FILE CHUNKS: the questions, a line each, an empty line, then the chunks. */
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/auto.h"
#include "core/clock.h"
#include "core/local/sqlite.h"
#include "core/local/vectors_sqlite.h"

#define VOCABULARY     60000
#define WORDS_A_CHUNK  150
#define CHUNKS_A_FILE  3
#define FILES_A_COMMIT 64
#define QUESTIONS      300
#define DIMENSION      384
#define EMBEDDED       20000
#define SEED	       UINT64_C(88172645463325252)

static struct {
	char words[VOCABULARY][16];
	double cumulative[VOCABULARY];
	uint64_t random;
	char folder[256];
	uint32_t chunks;
	int64_t insert_ns; /* making the texts is not counted */
	char *questions[QUESTIONS];
	atomic_bool is_built;
} bench;

static void stop(const char *what, const struct err *err)
{
	fprintf(stderr, "bench_search: %s: %s\n", what, err->text);
	exit(1);
}

static double next_random(void)
{
	bench.random ^= bench.random << 13;
	bench.random ^= bench.random >> 7;
	bench.random ^= bench.random << 17;
	return (double)(bench.random >> 11) / (double)(UINT64_C(1) << 53);
}

static void make_vocabulary(void)
{
	static const char consonants[] = "bdfgklmnprstvz", vowels[] = "aeiou";
	double sum = 0;

	for (uint32_t i = 0; i < VOCABULARY; i++) {
		uint32_t rest = i + 70, at = 0;
		for (; rest; rest /= 70) {
			bench.words[i][at++] = consonants[rest % 14];
			bench.words[i][at++] = vowels[rest / 14 % 5];
		}
		bench.words[i][at] = 'x';
		bench.cumulative[i] = sum += 1. / (i + 3);
	}
	for (uint32_t i = 0; i < VOCABULARY; i++)
		bench.cumulative[i] /= sum;
}

/* A word's rank, by Zipf's law. */
static uint32_t next_word(void)
{
	double sought = next_random();
	uint32_t low = 0, high = VOCABULARY - 1;

	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (bench.cumulative[middle] < sought)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void make_chunk(struct buf *text)
{
	uint32_t words = 1 + (uint32_t)(next_random() * 2 * WORDS_A_CHUNK);

	buf_clear(text);
	for (uint32_t i = 0; i < words; i++)
		buf_addf(text, i ? " %s" : "%s", bench.words[next_word()]);
}

/* Three words that every fiftieth chunk or more has, and three as they come. */
static void make_questions(void)
{
	AUTO_BUF struct buf text;

	buf_init(&text, BUF_MAX_DEFAULT);
	bench.random = 4711;
	for (int i = 0; i < QUESTIONS; i++) {
		for (int k = 0; k < 6; k++) {
			uint32_t rank =
				k < 3 ? 20 + (uint32_t)(next_random() * 480) : next_word() + 100;
			buf_addf(&text, k ? " %s" : "%s",
				bench.words[rank < VOCABULARY ? rank : VOCABULARY - 1]);
		}
		bench.questions[i] = buf_take(&text, NULL);
	}
}

static double since_ms(int64_t begin)
{
	return (double)(clock_mono_ns() - begin) / 1e6;
}

static void put(const char *name, double value, const char *unit)
{
	printf("%-44s %12.3f %s\n", name, value, unit);
	fflush(stdout);
}

static double rate(int64_t ns)
{
	return bench.chunks * 1e9 / (double)ns;
}

static long anonymous_kib(void)
{
	AUTO_FCLOSE FILE *file = fopen("/proc/self/status", "re");
	char line[256];
	long kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (strncmp(line, "RssAnon:", 8) == 0)
			kib = strtol(line + 8, NULL, 10);
	return kib;
}

static void open_store(struct vectors **vectors)
{
	struct err err = ERR_NONE;

	if (vectors_sqlite_new(vectors, bench.folder, NULL, &err))
		stop("open", &err);
}

static void add_file(struct vectors *vectors, struct publication *publication, struct buf *text)
{
	struct err err = ERR_NONE;

	*publication = (struct publication){.document = uuid_new(),
		.version = 1,
		.access = {1000, 1000, 0644},
		.content_type = "text/plain",
		.path = "bench.txt"};
	for (uint32_t i = 0; i < CHUNKS_A_FILE; i++) {
		make_chunk(text);
		struct chunk chunk = {.index = i, .text = text->data, .text_len = text->len};
		int64_t begin = clock_mono_ns();
		if (vectors_add(vectors, &publication->document, 1, NULL, &chunk, 1, &err))
			stop("add", &err);
		bench.insert_ns += clock_mono_ns() - begin;
	}
}

static void build(struct vectors *vectors)
{
	AUTO_BUF struct buf text;
	struct publication publications[FILES_A_COMMIT];
	struct err err = ERR_NONE;
	long peak = 0;

	buf_init(&text, BUF_MAX_DEFAULT);
	bench.insert_ns = 0;
	for (uint32_t done = 0; done < bench.chunks;) {
		size_t files = 0;
		for (; files < FILES_A_COMMIT && done < bench.chunks; files++) {
			add_file(vectors, &publications[files], &text);
			done += CHUNKS_A_FILE;
		}
		int64_t begin = clock_mono_ns();
		if (vectors_publish(vectors, publications, files, &err))
			stop("publish", &err);
		bench.insert_ns += clock_mono_ns() - begin;
		if (anonymous_kib() > peak)
			peak = anonymous_kib();
	}
	put("askfs: inserted, chunks a second", rate(bench.insert_ns), "/s");
	put("askfs: anonymous memory, peak", (double)peak / 1024, "MiB");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void put_times(const char *name, double *times, size_t count)
{
	char line[80];

	qsort(times, count, sizeof(*times), compare);
	snprintf(line, sizeof(line), "%s, median", name);
	put(line, times[count / 2], "ms");
	snprintf(line, sizeof(line), "%s, p99", name);
	put(line, times[count * 99 / 100], "ms");
}

static double ask(struct vectors *vectors, int i)
{
	gid_t groups[] = {1000};
	struct caller caller = {1001, groups, 1};
	struct err err = ERR_NONE;
	struct search_result result = {0};
	struct search_query query = {.caller = &caller, .text = bench.questions[i], .top_k = 10};
	int64_t begin = clock_mono_ns();

	if (vectors_words(vectors, &query, &result, &err))
		stop("words", &err);
	double time = since_ms(begin);
	search_result_release(&result);
	return time;
}

static void search(struct vectors *vectors, const char *name)
{
	double times[QUESTIONS];

	for (int i = 0; i < QUESTIONS; i++)
		times[i] = ask(vectors, i);
	put_times(name, times, QUESTIONS);
}

/* A question every few milliseconds while chunks are inserted. */
static void *ask_while_building(void *vectors)
{
	static double times[100000];
	size_t count = 0;

	while (!bench.is_built && count < 100000) {
		times[count] = ask(vectors, (int)(count % QUESTIONS));
		count++;
		usleep(5000);
	}
	put_times("askfs: a question while inserting", times, count);
	return NULL;
}

static void fts5_build(sqlite3 *db)
{
	AUTO_BUF struct buf text;
	AUTO_STATEMENT sqlite3_stmt *insert = NULL;
	struct err err = ERR_NONE;

	buf_init(&text, BUF_MAX_DEFAULT);
	bench.insert_ns = 0;
	if (db_exec(db, "CREATE VIRTUAL TABLE chunks USING fts5(text); BEGIN", &err) ||
		db_prepare(db, &insert, "INSERT INTO chunks VALUES(?1)", &err))
		stop("fts5", &err);
	for (uint32_t i = 0; i < bench.chunks; i++) {
		make_chunk(&text);
		int64_t begin = clock_mono_ns();
		db_bind_text(insert, 1, text.data);
		if (db_run(insert, &err))
			stop("fts5", &err);
		bench.insert_ns += clock_mono_ns() - begin;
	}
	if (db_exec(db, "COMMIT", &err))
		stop("fts5", &err);
	put("FTS5: inserted, chunks a second", rate(bench.insert_ns), "/s");
}

/* All words, OR between them. */
static void fts5_question(struct buf *out, const char *question)
{
	buf_clear(out);
	for (; *question; question++)
		if (*question == ' ')
			buf_adds(out, " OR ");
		else
			buf_addc(out, *question);
}

static void fts5_search(sqlite3 *db)
{
	AUTO_BUF struct buf text;
	AUTO_STATEMENT sqlite3_stmt *select = NULL;
	struct err err = ERR_NONE;
	double times[QUESTIONS];
	int rc;

	buf_init(&text, BUF_MAX_DEFAULT);
	if (db_prepare(db, &select,
		    "SELECT rowid, text FROM chunks WHERE chunks MATCH ?1 ORDER BY rank LIMIT 10",
		    &err))
		stop("fts5", &err);
	for (int i = 0; i < QUESTIONS; i++) {
		fts5_question(&text, bench.questions[i]);
		int64_t begin = clock_mono_ns();
		db_bind_text(select, 1, text.data);
		while ((rc = db_step(select, &err)) == 1)
			continue;
		if (rc < 0)
			stop("fts5", &err);
		times[i] = since_ms(begin);
	}
	put_times("FTS5: a question", times, QUESTIONS);
}

static void fts5(void)
{
	char path[300];
	sqlite3 *db;
	struct err err = ERR_NONE;

	snprintf(path, sizeof(path), "%s/fts5.db", bench.folder);
	if (db_open(&db, path, DB_WRITER, 65536, &err))
		stop("fts5", &err);
	bench.random = SEED;
	fts5_build(db);
	fts5_search(db);
	db_close(db);
}

static int first_documents(void *context, const struct uuid *document, uint32_t version)
{
	struct buf *ids = context;

	(void)version;
	buf_add(ids, document, sizeof(*document));
	return ids->len >= EMBEDDED / CHUNKS_A_FILE * sizeof(*document);
}

static void make_vector(float *vector)
{
	double sum = 0;

	for (int i = 0; i < DIMENSION; i++) {
		vector[i] = (float)(next_random() - .5);
		sum += (double)vector[i] * (double)vector[i];
	}
	for (int i = 0; i < DIMENSION; i++)
		vector[i] /= (float)__builtin_sqrt(sum);
}

static void embed(struct vectors *vectors)
{
	float vector[DIMENSION];
	AUTO_BUF struct buf ids;
	struct err err = ERR_NONE;
	size_t count = 0;
	int64_t begin = clock_mono_ns();

	buf_init(&ids, BUF_MAX_DEFAULT);
	if (vectors_each(vectors, first_documents, &ids, &err))
		stop("each", &err);
	for (size_t at = 0; at < ids.len; at += sizeof(struct uuid)) {
		struct uuid id;
		memcpy(&id, ids.data + at, sizeof(id));
		for (uint32_t i = 0; i < CHUNKS_A_FILE; i++) {
			const struct span span = {0, 1};
			const struct embedding embedding = {i, &span, vector, 1};

			make_vector(vector);
			if (vectors_embed(vectors, &id, 1, &embedding, DIMENSION, "bench", &err))
				stop("embed", &err);
		}
		count += CHUNKS_A_FILE;
	}
	put("askfs: embeddings stored, a second", (double)count / since_ms(begin) * 1000, "/s");
}

static void search_dense(struct vectors *vectors)
{
	gid_t groups[] = {1000};
	struct caller caller = {1001, groups, 1};
	struct err err = ERR_NONE;
	double times[50];
	float vector[DIMENSION];

	for (int i = 0; i < 50; i++) {
		struct search_result result = {0};
		make_vector(vector);
		struct search_query query = {.caller = &caller,
			.embedding = vector,
			.dimension = DIMENSION,
			.top_k = 10};
		int64_t begin = clock_mono_ns();
		if (vectors_dense(vectors, &query, &result, &err))
			stop("dense", &err);
		times[i] = since_ms(begin);
		search_result_release(&result);
	}
	put_times("askfs: nearest of the embedded", times, 50);
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *walk)
{
	(void)info;
	(void)type;
	(void)walk;
	return remove(path);
}

static void run(void)
{
	struct vectors *vectors;
	pthread_t asking;

	bench.random = SEED;
	open_store(&vectors);
	pthread_create(&asking, NULL, ask_while_building, vectors);
	build(vectors);
	bench.is_built = true;
	pthread_join(asking, NULL);
	search(vectors, "askfs: a question, just inserted");
	vectors_free(vectors);
	int64_t begin = clock_mono_ns();
	open_store(&vectors);
	put("askfs: open", since_ms(begin), "ms");
	put("askfs: anonymous memory, opened", (double)anonymous_kib() / 1024, "MiB");
	search(vectors, "askfs: a question");
	embed(vectors);
	search_dense(vectors);
	vectors_free(vectors);
	fts5();
}

static int write_all(const char *path)
{
	AUTO_FCLOSE FILE *file = fopen(path, "we");
	AUTO_BUF struct buf text;

	buf_init(&text, BUF_MAX_DEFAULT);
	for (int i = 0; file && i < QUESTIONS; i++)
		fprintf(file, "%s\n", bench.questions[i]);
	if (file)
		fputc('\n', file);
	bench.random = SEED;
	for (uint32_t i = 0; file && i < bench.chunks; i++) {
		make_chunk(&text);
		fprintf(file, "%s\n", text.data);
	}
	if (file && fflush(file) == 0)
		return 0;
	perror(path);
	return 1;
}

int main(int argc, char **argv)
{
	bool writes = argc == 4 && strcmp(argv[1], "write") == 0;

	make_vocabulary();
	make_questions();
	if (writes) {
		bench.chunks = (uint32_t)strtoul(argv[3], NULL, 10);
		return write_all(argv[2]);
	}
	bench.chunks = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 100000;
	snprintf(bench.folder, sizeof(bench.folder), "%s/askfs-bench-XXXXXX",
		argc > 2 ? argv[2] : "/tmp");
	if (!mkdtemp(bench.folder)) {
		perror(bench.folder);
		return 1;
	}
	put("chunks", bench.chunks, "");
	run();
	nftw(bench.folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	for (int i = 0; i < QUESTIONS; i++)
		free(bench.questions[i]);
	return 0;
}
