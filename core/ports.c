/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ports.h"

#include <stdlib.h>

#include "core/fetch.h"

void ports_release(struct ports *ports)
{
	parser_free(ports->parser);
	fetcher_free(ports->fetcher);
	records_free(ports->records);
	generator_free(ports->generator);
	embedder_free(ports->embedder);
	vectors_free(ports->vectors);
	blobs_free(ports->blobs);
	catalog_free(ports->catalog);
	free(ports->rules);
	*ports = (struct ports){0};
}
