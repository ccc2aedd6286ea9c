/* SPDX-License-Identifier: Apache-2.0 */
/* What a commit does to members that were there before: those that this version of their container
 * does not hold go, those that stay as they are follow its bits and its path. */
#include "core/ingest_family.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/auto.h"
#include "core/ingest_attempt.h"

/* A member that was given bits of its own keeps them, until the root gets others. */
int family_settle(const struct attempt *root, struct attempt *member)
{
	const struct document *before = &root->before, *record = &root->record;
	struct document *document = &member->job->document;
	bool is_kept = !uuid_is_nil(&member->before.id) && !uuid_is_nil(&before->id) &&
		access_is_same(&before->access, &record->access);

	document->access = is_kept ? member->before.access : record->access;
	char *path = member_path_moved(document->path, root->job->document.path, record->path);
	if (!path)
		return -ENOMEM;
	free(document->path);
	document->path = path;
	return 0;
}

/* Does @member stay as it is, because no other version of the root comes, or its bytes, or those
 * of an archive that it is in, are the same? What a nested archive holds is not known when that
 * was not opened. @kept: those that were looked at before it, its parent among them. */
static bool is_kept(
	const struct attempt *root, const struct member_list *kept, const struct document *member)
{
	const struct attempt *own = family_find(root, &member->id);
	const struct attempt *parent = family_find(root, &member->parent);

	if (own)
		return own->fate == ATTEMPT_UNCHANGED;
	if (uuid_equal(&member->parent, &root->job->document.id))
		parent = root;
	if (parent)
		return parent->fate != ATTEMPT_FRESH;
	for (size_t i = kept->count; i > 0; i--)
		if (uuid_equal(&kept->documents[i - 1].id, &member->parent))
			return true;
	return false;
}

/* Those that stay follow the root. */
static int follow_root(const struct attempt *root, struct family_rest *rest)
{
	const struct document *before = &root->before, *record = &root->record;
	bool is_same = access_is_same(&before->access, &record->access) &&
		!strcmp(before->path, record->path);
	int rc = 0;

	if (is_same) {
		member_list_release(&rest->before);
		return 0;
	}
	for (size_t i = 0; i < rest->before.count && rc == 0; i++) {
		rc = member_list_add(&rest->after, &rest->before.documents[i]);
		if (rc == 0)
			rc = member_follow(&rest->after.documents[i], before, record);
	}
	return rc;
}

int family_rest_read(struct attempt *root, struct family_rest *rest, struct err *err)
{
	AUTO_MEMBER_LIST struct member_list list = {0};

	*rest = (struct family_rest){0};
	if (!root->before.version)
		return 0;
	int rc = member_list_read(&list, root->setup->ports.catalog, &root->job->document.id, err);
	for (size_t i = 0; i < list.count && rc == 0; i++) {
		const struct document *member = &list.documents[i];
		if (is_kept(root, &rest->before, member))
			rc = member_list_add(&rest->before, member);
		else if (!family_find(root, &member->id))
			rc = member_list_add(&rest->gone, member);
	}
	if (rc == 0)
		rc = follow_root(root, rest);
	return rc == -ENOMEM ? err_set(err, rc, "out of memory") : rc;
}

void family_rest_release(struct family_rest *rest)
{
	member_list_release(&rest->gone);
	member_list_release(&rest->before);
	member_list_release(&rest->after);
}
