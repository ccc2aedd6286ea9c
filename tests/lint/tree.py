#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the tree that no other tool knows: licence lines, widths, sizes, layers."""

import re
import subprocess
import sys

FUNCTION_LINES = 80
FILE_LINES = 800
COLUMNS = 100

# (files, what they may not include, except these files)
LAYERS = [
    (r"(core|aws)/", r"fuse[\w/]*\.h|fs/", ()),
    (r"(core|fs)/", r"aws/", ("fs/main.c",)),
    (r"core/", r"curl/", ("core/http.c", "core/url.c")),
    (r"(fs|aws)/", r"curl/", ()),
    (r"core/[^/]*$|core/(text|parse|remote)/", r"core/local/", ()),
]

problems = []


def say(path, line, text):
    problems.append(f"{path}:{line}: {text}")


def is_sample(name):
    """A document that a test reads: blanks at its lines' ends are its own."""
    return name.startswith(b"tests/samples/") or (
        name.startswith(b"tests/formats/") and not name.endswith((b".json", b".md", b".py")))


def tree():
    """Every text file that is, or is about to be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        stdout=subprocess.PIPE, check=True).stdout.split(b"\0")
    for name in sorted(set(listed) - {b""}):
        try:
            with open(name, "rb") as file:
                data = file.read()
        except FileNotFoundError:
            continue
        if b"\0" not in data and not is_sample(name):
            yield name.decode(), data.decode("utf-8", "surrogateescape")


def check_lines(path, lines):
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            say(path, number, "blanks at the end of the line")
        is_data = re.fullmatch(r'\s*"(?:[^"\\]|\\.)*"[,;]?', line)  # a string can't be broken
        if path.endswith((".c", ".h")) and len(line.expandtabs(8)) > COLUMNS and not is_data:
            say(path, number, f"longer than {COLUMNS} columns")
    if lines and not lines[-1]:
        say(path, len(lines), "empty line at the end of the file")


def check_licence(path, lines):
    if path.endswith((".c", ".h")):
        if not lines or lines[0] != "/* SPDX-License-Identifier: Apache-2.0 */":
            say(path, 1, "the SPDX line is missing")
    elif lines and lines[0].startswith("#!"):
        if "SPDX-License-Identifier: Apache-2.0" not in "\n".join(lines[:3]):
            say(path, 1, "the SPDX line is missing")


def check_sizes(path, lines):
    if len(lines) > FILE_LINES:
        say(path, len(lines), f"a file of {len(lines)} lines; at most {FILE_LINES}")
    begun = None  # a function's body begins and ends with a brace in the first column
    for number, line in enumerate(lines, 1):
        if line == "{":
            begun = number
        elif line == "}" and begun:
            if number - begun > FUNCTION_LINES:
                say(path, begun, f"a function of {number - begun} lines; at most {FUNCTION_LINES}")
            begun = None


def check_layers(path, lines):
    for number, line in enumerate(lines, 1):
        included = re.match(r'#\s*include\s+["<]([^">]+)[">]', line)
        if not included:
            continue
        for files, banned, exceptions in LAYERS:
            if re.match(files, path) and path not in exceptions and \
                    re.match(banned, included.group(1)):
                say(path, number, f"{included.group(1)} may not be included here")


def main():
    for path, text in tree():
        lines = text.split("\n")
        if lines and not lines[-1]:
            lines.pop()
        check_lines(path, lines)
        check_licence(path, lines)
        if path.endswith((".c", ".h")):
            check_sizes(path, lines)
            check_layers(path, lines)
    print("\n".join(problems), end="\n" if problems else "")
    return 1 if problems else 0


sys.exit(main())
