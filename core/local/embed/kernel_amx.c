/* SPDX-License-Identifier: Apache-2.0 */
/* AMX: one instruction multiplies a tile of 16 tokens × 64 columns by one of 64 columns × 16 rows.
 * The packed weights are tiles already, whose lines (four columns of sixteen rows) are
 * KERNEL_ROWS × 4 bytes apart. What is no product is AVX-512's.
 *
 * Source of the permission: the kernel's Documentation/arch/x86/xstate.rst. */
#include "core/local/embed/kernel.h"

#if defined(__x86_64__) && defined(__linux__)
#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/local/embed/kernel_tiles.h"

#define WIDTH  16
#define TARGET __attribute__((target(TILES_AVX512)))
#define TILES  __attribute__((target(TILES_AVX512 ",amx-int8")))
#include "core/local/embed/kernel_block.h"

#define TILE_COLUMNS	   64
#define REQUEST_PERMISSION 0x1023 /* ARCH_REQ_XCOMP_PERM */
#define FEATURE_TILES	   18 /* XFEATURE_XTILEDATA */

/* Tiles 0 to 3: the sums of four times sixteen rows; 4: the tokens; 5: the weights. */
TILES static void multiply(const int8_t *packed, size_t part, const uint8_t *tokens, size_t columns,
	int32_t sums[4][TILE_LINES][16])
{
	enum { LINE = KERNEL_ROWS * 4 };

	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (size_t c = 0; c < part; c += TILE_COLUMNS, packed += TILE_COLUMNS * KERNEL_ROWS) {
		_tile_loadd(4, tokens + c, columns);
		_tile_loadd(5, packed, LINE);
		_tile_dpbusd(0, 4, 5);
		_tile_loadd(5, packed + 64, LINE);
		_tile_dpbusd(1, 4, 5);
		_tile_loadd(5, packed + 128, LINE);
		_tile_dpbusd(2, 4, 5);
		_tile_loadd(5, packed + 192, LINE);
		_tile_dpbusd(3, 4, 5);
	}
	_tile_stored(0, sums[0], 64);
	_tile_stored(1, sums[1], 64);
	_tile_stored(2, sums[2], 64);
	_tile_stored(3, sums[3], 64);
}

/* @count tokens from @first on, @many at a time. */
TILES static void run_block(const struct block *block, size_t first, size_t count, size_t many,
	float *out, size_t stride)
{
	_Alignas(64) int32_t sums[4][TILE_LINES][16];
	size_t columns = block->matrix->columns;
	const uint8_t *tokens = block->in->q + block->group * block->part;

	for (size_t t = first; t < first + count; t += many) {
		multiply(block_weights(block), block->part, tokens + t * columns, columns, sums);
		for (size_t k = 0; k < many; k++) {
			const ivec all[] = {*(const ivec *)sums[0][k], *(const ivec *)sums[1][k],
				*(const ivec *)sums[2][k], *(const ivec *)sums[3][k]};
			finish(block, t + k, all, out + (t + k) * stride + block->row);
		}
	}
}

TILES static void run_tokens(const struct matrix *matrix, const struct activations *in,
	size_t first, size_t count, size_t many, float *out, size_t stride)
{
	struct block block = {.matrix = matrix, .in = in, .part = matrix->columns / matrix->groups};

	set_tiles(many);
	for (; block.row < matrix->rows; block.row += KERNEL_ROWS)
		for (block.group = 0; block.group < matrix->groups; block.group++)
			run_block(&block, first, count, many, out, stride);
	_tile_release();
}

static void product(const struct matrix *matrix, const struct activations *in, size_t count,
	float *out, size_t stride)
{
	size_t rest = count % TILE_LINES;

	if (matrix->columns / matrix->groups % TILE_COLUMNS) {
		kernel_vnni()->product(matrix, in, count, out, stride);
		return;
	}
	if (count > rest)
		run_tokens(matrix, in, 0, count - rest, TILE_LINES, out, stride);
	if (rest)
		run_tokens(matrix, in, count - rest, rest, rest, out, stride);
}

/* bfloat16 and what rounds to it; heads of other sizes are left to AVX-512. */
static bool has_bfloat16(void)
{
	return __builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("avx512bf16");
}

static void attention(const struct attention *attention)
{
	if (attention->size % 32)
		kernel_vnni()->attention(attention);
	else
		kernel_amx_attention(attention);
}

/* Tiles are large: a process has to ask for them before its threads use them. */
static bool has_permission(void)
{
	return syscall(SYS_arch_prctl, REQUEST_PERMISSION, FEATURE_TILES) == 0;
}

static struct kernel amx;
static pthread_once_t made = PTHREAD_ONCE_INIT;

static void make(void)
{
	const struct kernel *rest = kernel_vnni();

	if (!rest || !__builtin_cpu_supports("amx-tile") || !__builtin_cpu_supports("amx-int8") ||
		!has_permission())
		return;
	amx = *rest;
	amx.name = "amx-int8";
	amx.product = product;
	if (has_bfloat16())
		amx.attention = attention;
}

const struct kernel *kernel_amx(void)
{
	pthread_once(&made, make);
	return amx.name ? &amx : NULL;
}

#else

const struct kernel *kernel_amx(void)
{
	return NULL;
}

#endif
