#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the files of this folder: make.py FOLDER. Needs ffmpeg, and mutagen of PyPI."""

import os
import subprocess
import sys
import tempfile

from mutagen.aiff import AIFF
from mutagen.flac import FLAC
from mutagen.id3 import CHAP, COMM, CTOC, ID3, SYLT, TALB, TDRC, TIT2, TPE1, USLT
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis

VERSE = "Low water runs along the dyke\nand leaves a line of foam\n\nThe lamp is lit above the lock"
CHAPTERS = """;FFMETADATA1
title=A walk along the dyke
artist=Jule Brandt
album=Sounds of the coast
date=2023
comment=Recorded in a light wind
[CHAPTER]
TIMEBASE=1/1000
START=0
END=61000
title=The lock keeper
[CHAPTER]
TIMEBASE=1/1000
START=61000
END=120000
title=Übers Watt
"""
folder = sys.argv[1]


def silence(name, *options, video=False):
    source = ["-f", "lavfi", "-t", "0.1", "-i", "anullsrc=r=8000:cl=mono"]
    if video:
        source += ["-f", "lavfi", "-t", "0.1", "-i", "color=c=black:s=16x16:r=5"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as notes:
        notes.write(CHAPTERS)
        notes.flush()
        subprocess.run(["ffmpeg", "-v", "error", "-y", *source, "-f", "ffmetadata", "-i",
                        notes.name, *options, "-fflags", "+bitexact", "-flags", "+bitexact",
                        f"{folder}/{name}"], check=True)
    return f"{folder}/{name}"


def with_notes(number):
    return ["-map_metadata", str(number), "-map_chapters", str(number)]


bare = ["-map_metadata", "-1", "-map_chapters", "-1", "-map", "0:a"]


def mp3(name, version):
    path = silence(name, *bare, "-c:a", "libmp3lame", "-b:a", "8k", "-write_xing", "0")
    tag = ID3()
    tag.add(TIT2(encoding=1, text="Der Deichgraf"))
    tag.add(TPE1(encoding=3 if version == 4 else 0, text="Momme Petersen"))
    tag.add(TALB(encoding=1, text="Lieder vom Deich"))
    tag.add(TDRC(encoding=0, text="2021"))
    tag.add(COMM(encoding=0, lang="eng", desc="", text="Sung without instruments"))
    tag.add(COMM(encoding=0, lang="eng", desc="iTunNORM", text=" 00000123 00000456"))
    tag.add(USLT(encoding=1, lang="eng", desc="", text=VERSE))
    tag.add(CTOC(element_id="toc", flags=3, child_element_ids=["c1", "c2"], sub_frames=[]))
    for number, title in enumerate(["First verse", "Second verse"]):
        tag.add(CHAP(element_id=f"c{number + 1}", start_time=number * 75000,
                     end_time=number * 75000 + 75000,
                     sub_frames=[TIT2(encoding=3 if version == 4 else 1, text=title)]))
    tag.save(path, v2_version=version, v1=0)


mp3("v23.mp3", 3)
mp3("v24.mp3", 4)
path = silence("timed.mp3", *bare, "-c:a", "libmp3lame", "-b:a", "8k", "-write_xing", "0")
tag = ID3()
tag.add(SYLT(encoding=3, lang="eng", format=2, type=1, desc="words",
             text=[("The tide turns back", 500), ("before the bell has rung", 2500)]))
tag.save(path, v1=2)
path = silence("none.mp3", *bare, "-c:a", "libmp3lame", "-b:a", "8k", "-write_xing", "0")
ID3().delete(path)

file = FLAC(silence("song.flac", *bare))
file.update({"title": "Der Deichgraf", "artist": "Momme Petersen", "lyrics": VERSE})
file.save()
file = OggVorbis(silence("talk.ogg", *bare, "-c:a", "libvorbis"))
file.update({"title": "A talk on dykes", "artist": "Jule Brandt", "date": "2022-05-03",
             "chapter001": "00:00:00.000", "chapter001name": "Clay and grass",
             "chapter002": "01:02:03.500", "chapter002name": "Sheep"})
file.save()
file = OggOpus(silence("talk.opus", *bare, "-c:a", "libopus", "-b:a", "6k", "-ar", "8000"))
file.update({"title": "A talk on locks", "comment": "Held in the barn"})
file.save()
file = MP4(silence("song.m4a", *with_notes(1), "-map", "0:a", "-c:a", "aac", "-b:a", "8k"))
file["\xa9lyr"] = VERSE
file.save()
silence("walk.mov", *with_notes(2), "-map", "0:a", "-map", "1:v", "-c:a", "pcm_u8", "-c:v",
        "mjpeg", video=True)
silence("keys.mp4", *with_notes(2), "-map", "1:v", "-c:v", "mpeg4", "-movflags",
        "use_metadata_tags", video=True)
silence("walk.mkv", *with_notes(2), "-map", "0:a", "-map", "1:v", "-c:a", "libopus", "-c:v",
        "mjpeg", video=True)
silence("walk.webm", *with_notes(1), "-map", "0:a", "-c:a", "libopus")
silence("walk.avi", *with_notes(2), "-map", "1:v", "-c:v", "mjpeg", video=True)
silence("walk.wav", *with_notes(1), "-map", "0:a", "-c:a", "pcm_u8")
file = AIFF(silence("song.aiff", *bare))
file.add_tags()
file.tags.add(TIT2(encoding=3, text="Der Deichgraf"))
file.save()

# A tag in front of what is no sound that anybody knows.
frame = b"TIT2" + (17).to_bytes(4, "big") + b"\0\0\0" + b"Song of the weir"
with open(os.path.join(folder, "tag.mp3"), "wb") as file:
    file.write(b"ID3\3\0\0" + bytes([0, 0, 0, len(frame) + 20]) + frame + b"\0" * 20)
    file.write(b"\x11\x93" * 300)
