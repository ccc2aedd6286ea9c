#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Documents through the confined parser, a line a format: MB and documents a second by two threads,
beside pdftotext and LibreOffice over the same files where they are installed.

    bench_formats.py BUILD [FOLDER ...]

The files are those of tests/formats and of the folders. FORMAT_SECONDS is how long each format is
measured.
"""
import concurrent.futures
import os
import shutil
import subprocess
import sys
import tempfile
import time

SECONDS = os.environ.get("FORMAT_SECONDS", "1")
OFFICE = {"doc", "docx", "odt", "odp", "ods", "ppt", "pptx", "rtf", "xls", "xlsx"}
ARGUMENTS_MAX = 2000  # files a format: as many as fit on a command line


def say(figure, value, beside=""):
    print(f"{figure}: {value}" + (f" ({beside})" if beside else ""), flush=True)


def is_sample(name, names):
    """Not what describes another file."""
    stem, end = os.path.splitext(name)
    return name != "README.md" and not (end == ".json" and stem in names)


def find_files(folders):
    """{extension: [paths]}; a link is followed, since a collection may be one."""
    found = {}
    for top in folders:
        for folder, _, names in os.walk(top, followlinks=True):
            for name in sorted(names):
                extension = os.path.splitext(name)[1].lower().lstrip(".")
                if extension and is_sample(name, names):
                    found.setdefault(extension, []).append(os.path.join(folder, name))
    return found


def rate(documents, size, seconds):
    return f"{size / seconds / 1e6:.2f} MB/s, {documents / seconds:.0f} documents/s"


def confined(program, files):
    """What askfs-parse does, as words."""
    documents, size, seconds, failed = subprocess.run(
        [program, SECONDS, *files], stdout=subprocess.PIPE, check=True).stdout.split()
    without = int(failed) * len(files) // int(documents)
    return (rate(int(documents), int(size), float(seconds))
            + (f", {without} of {len(files)} without text" if without else ""))


def quietly(*command):
    subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL, check=False)


def pdftotext(files):
    """Two at a time, a process each, as it is used."""
    began = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda path: quietly("pdftotext", path, "-"), files))
    return time.monotonic() - began


def libreoffice(files):
    """All by one process: its start is most of what a file costs."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        quietly("soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless",
                "--convert-to", "txt", "--outdir", f"{folder}/out", *files)
        return time.monotonic() - began


def beside(extension, files):
    """The plain tool over the same files, once; "" where there is none."""
    name, tool = ("pdftotext", pdftotext) if extension == "pdf" else ("soffice", libreoffice)
    if (extension != "pdf" and extension not in OFFICE) or not shutil.which(name):
        return ""
    size = sum(os.path.getsize(path) for path in files)
    return f"{name} {rate(len(files), size, tool(files))}"


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    program = os.path.join(sys.argv[1], "bench_parse")
    for extension, files in sorted(find_files(["tests/formats", *sys.argv[2:]]).items()):
        files = files[:ARGUMENTS_MAX]
        say(f"{extension}, {len(files)} files", confined(program, files), beside(extension, files))
    return 0


if __name__ == "__main__":
    sys.exit(main())
