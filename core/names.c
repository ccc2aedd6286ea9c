/* SPDX-License-Identifier: Apache-2.0 */
/* The lists were collected by watching the programs write: browsers, editors, rsync, FTP
 * servers, office programs, archivers, macOS and Windows over the network. A rule by name alone
 * is not enough for all of them; what is left shows itself by size 0 or by the settle time. */
#include "core/names.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "core/auto.h"

#define NOTE_SUFFIX ".askfs-error.txt"

static bool ends_with(const char *name, const char *suffix)
{
	size_t len = strlen(name), n = strlen(suffix);

	return len > n && strcasecmp(name + len - n, suffix) == 0;
}

static bool starts_with(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* @prefix and then exactly @count characters of a random name. */
static bool is_random(const char *name, const char *prefix, size_t count)
{
	if (!starts_with(name, prefix) || strlen(name) != strlen(prefix) + count)
		return false;
	for (name += strlen(prefix); *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

/* "F.db-journal": SQLite's, whether F.db is there or not. */
static bool is_database_log(const char *name)
{
	const char *dash = strrchr(name, '-'), *dot = strchr(name, '.');

	return dash && dot && dot < dash &&
		(strcmp(dash, "-journal") == 0 || strcmp(dash, "-wal") == 0 ||
			strcmp(dash, "-shm") == 0);
}

/* Random names of mkstemp hold something that a word would not: a digit or a capital. */
static bool looks_drawn(const char *name, size_t skip)
{
	for (name += skip; *name; name++)
		if (isdigit((unsigned char)*name) || isupper((unsigned char)*name) || *name == '_')
			return true;
	return false;
}

/* vim tries whether a folder can be written to: 4913, 5036, … */
static bool is_vim_probe(const char *name)
{
	int number = 0;

	if (strlen(name) < 4 || strlen(name) > 5)
		return false;
	for (const char *p = name; *p; p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		number = number * 10 + (*p - '0');
	}
	return number >= 4913 && (number - 4913) % 123 == 0;
}

bool name_is_private(const char *name)
{
	static const char *const suffixes[] = {"~", ".part", ".crdownload", ".aria2",
		".aria2__temp", ".tmp", ".partial", ".filepart", ".download", ".!ut", ".opdownload",
		".bak", ".lock", ":Zone.Identifier"};
	static const char *const prefixes[] = {"~$", "tmp_obj_", "tmp_pack_"};
	static const char *const whole[] = {"Thumbs.db", "ehthumbs.db", "desktop.ini", "Icon\r"};
	size_t len = strlen(name);

	if (name[0] == '.' || name_is_error_note(name))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
		if (ends_with(name, suffixes[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (starts_with(name, prefixes[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		if (strcasecmp(name, whole[i]) == 0)
			return true;
	if (len > 2 && name[0] == '#' && name[len - 1] == '#')
		return true; /* Emacs */
	if ((is_random(name, "sed", 6) && looks_drawn(name, 3)) ||
		(is_random(name, "XX", 6) && looks_drawn(name, 2)) ||
		(is_random(name, "tmp", 8) && looks_drawn(name, 3)))
		return true; /* sed -i, perl -i, Python's tempfile */
	return is_database_log(name) || is_vim_probe(name);
}

const char *name_companion(const char *name, unsigned index, char out[256])
{
	static const char *const sqlite[] = {"-journal", "-wal", "-shm"};

	if (index == 0) {
		snprintf(out, 256, "%.249s.aria2", name);
		return out;
	}
	if (index > 1)
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(sqlite); i++)
		if (ends_with(name, sqlite[i])) {
			snprintf(out, 256, "%.*s", (int)(strlen(name) - strlen(sqlite[i])), name);
			return out;
		}
	return NULL;
}

void name_error_note(const char *name, char out[256])
{
	size_t room = 255 - strlen(NOTE_SUFFIX), len = strlen(name);

	if (len > room) {
		len = room;
		while (len > 0 && ((unsigned char)name[len] & 0xc0) == 0x80)
			len--;
	}
	snprintf(out, 256, "%.*s%s", (int)len, name, NOTE_SUFFIX);
}

bool name_is_error_note(const char *name)
{
	return ends_with(name, NOTE_SUFFIX);
}
