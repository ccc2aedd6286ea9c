/* SPDX-License-Identifier: Apache-2.0 */
/* The top of the mount: a folder that never changes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/auto.h"
#include "core/clock.h"
#include "fs/fs.h"
#include "fs/node_inbox.h"

#define ROOT_INO 1

static const char readme[] =
	"This folder is a knowledge base.\n"
	"\n"
	"  Copy documents into inbox/. Each is read and indexed when its writer is done, and "
	"leaves\n"
	"  the inbox a little later. What could not be read stays, with a note that says why.\n"
	"\n"
	"      cp report.pdf inbox/\n"
	"\n"
	"  Ask by writing a question to a file in ask/, and read the answer there. A name is a\n"
	"  conversation: ask again under the same name to go on.\n"
	"\n"
	"      echo \"When are refunds paid?\" > ask/$USER\n"
	"      cat ask/$USER\n"
	"\n"
	"  Search by making a folder; what was found is in it, best first.\n"
	"\n"
	"      mkdir \"search/refund policy\"\n"
	"      ls \"search/refund policy\"\n"
	"\n"
	"  inbox/     drop files and folders here\n"
	"  docs/      a folder a document: metadata, status, text, chunks, the original\n"
	"  by/        the documents by status, by name and by type\n"
	"  ask/       questions and answers\n"
	"  sessions/  a folder a conversation: transcript, the last answer in full, its sources\n"
	"  search/    searches\n"
	"  tools/     what a program, or a language model, may call\n"
	"  system/    health, metrics, configuration, usage\n"
	"\n"
	"  Delete a document with rm -r docs/ID. Who may read a document's file may find it and "
	"get\n"
	"  answers from it, and nobody else: chmod 600 docs/ID keeps it to yourself.\n"
	"\n"
	"The manual is in askfs(5).\n";

struct root_node {
	struct node node;
	struct node *children[9];
};

static const struct {
	const char *name;
	struct node *(*make)(struct fs *fs);
} folders[] = {
	{"inbox", node_inbox_new},
	{"docs", node_docs_new},
	{"by", node_by_new},
	{"ask", node_ask_new},
	{"sessions", node_sessions_new},
	{"search", node_searches_new},
	{"tools", node_tools_new},
	{"system", node_system_new},
};

static void root_stat(struct node *node, struct stat *out)
{
	out->st_mode = S_IFDIR | 0755;
	out->st_nlink = 2 + ARRAY_LEN(folders);
	out->st_uid = node->fs->uid;
	out->st_gid = node->fs->gid;
	node_set_times(out, node->fs->made_ns);
}

static struct node *readme_node(struct fs *fs)
{
	struct attributes attributes = {
		.access = {.owner = fs->uid, .group = fs->gid, .mode = 0444},
		.mtime_ns = fs->made_ns,
	};

	return node_text_stable(fs, node_hash("root", "README.txt", 10), &attributes,
		strdup(readme), strlen(readme));
}

static void root_lookup(struct node *dir, struct req *req, const char *name)
{
	struct root_node *root = (struct root_node *)dir;

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (strcmp(name, folders[i].name) == 0) {
			req_entry(req, root->children[i]);
			return;
		}
	if (strcmp(name, "README.txt") == 0)
		req_entry(req, readme_node(dir->fs));
	else
		req_error(req, -ENOENT);
}

static void root_list(struct node *dir, struct req *req)
{
	struct root_node *root = (struct root_node *)dir;

	req_list_begin(req, ROOT_INO);
	dirlist_add(&req->list, "README.txt", node_hash("root", "README.txt", 10), S_IFREG);
	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		dirlist_add(&req->list, folders[i].name, root->children[i]->ino, S_IFDIR);
	req_list(req);
}

static const struct node_ops root_ops = {
	.name = "root",
	.entry_timeout = 3600,
	.attr_timeout = 3600,
	.stat = root_stat,
	.lookup = root_lookup,
	.list = root_list,
	.statfs = inbox_node_statfs,
};

struct node *node_root_new(struct fs *fs)
{
	struct root_node *root = node_new(fs, &root_ops, sizeof(*root), ROOT_INO, ROOT_INO);

	if (!root)
		return NULL;
	root->node.lookups = 1;
	fs->root = &root->node; /* the folders look for it */
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		root->children[i] = folders[i].make(fs);
		if (!root->children[i])
			return NULL;
	}
	return &root->node;
}
