/* SPDX-License-Identifier: Apache-2.0 */
#include "core/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/document_tags.h"

bool filter_begins(const char *text, const char *prefix)
{
	return text && !strncmp(text, prefix, strlen(prefix));
}

static bool has_name(const struct document *document, const char *part)
{
	return strcasestr(document_file_name(document), part) ||
		(document->title && strcasestr(document->title, part));
}

/* "project" or "project=x". */
static bool has_tag(const struct document *document, const char *tag)
{
	size_t len = strcspn(tag, "=");
	AUTO_BUF struct buf name, value;

	buf_init(&name, BUF_MAX_DEFAULT);
	buf_init(&value, BUF_MAX_DEFAULT);
	buf_adds(&name, "user.askfs.tag.");
	if (buf_add(&name, tag, len) || document_get_xattr(document, name.data, &value))
		return false;
	return !tag[len] || !strcmp(value.data ? value.data : "", tag + len + 1);
}

bool filter_fits(const struct options *options, const struct document *document)
{
	return (!options->type || filter_begins(document->content_type, options->type)) &&
		(!options->path || filter_begins(document->path, options->path)) &&
		(!options->name || has_name(document, options->name)) &&
		(!options->tag || has_tag(document, options->tag));
}

struct listing {
	const struct options *options;
	struct uuid *documents;
	size_t count, room;
};

static int see(void *context, const struct document *document)
{
	struct listing *listing = context;

	if (!filter_fits(listing->options, document))
		return 0;
	if (listing->count == listing->room) {
		size_t room = 2 * listing->room;
		struct uuid *more = realloc(listing->documents, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		listing->documents = more;
		listing->room = room;
	}
	listing->documents[listing->count++] = document->id;
	return 0;
}

int filter_documents(struct catalog *catalog, const struct options *options, struct uuid **out,
	size_t *count, struct err *err)
{
	struct listing listing = {.options = options, .room = 64};

	*out = NULL;
	*count = 0;
	if (!options->name && !options->tag)
		return 0;
	listing.documents = calloc(listing.room, sizeof(*listing.documents));
	int rc = listing.documents ? catalog_each(catalog, see, &listing, err)
				   : err_set(err, -ENOMEM, "out of memory");
	if (rc) {
		free(listing.documents);
		return rc;
	}
	*out = listing.documents;
	*count = listing.count;
	return 0;
}
