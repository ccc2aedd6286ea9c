#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the images of this folder: make.py FOLDER. Needs Pillow and piexif of PyPI."""

import struct
import sys
import zlib

import piexif
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
ENGLISH = ["Notice to all gardeners", "The water is turned off on Friday", "from nine until noon."]
GERMAN = ["Hinweis", "Die Schlüssel der Hütte liegen", "bei der Kassenwartin."]
folder = sys.argv[1]


def draw(text, size=(1000, 360), points=34, paper=255, ink=0):
    image = Image.new("L", size, paper)
    pen, font = ImageDraw.Draw(image), ImageFont.truetype(FONT, points)
    for number, line in enumerate(text):
        pen.text((60, 50 + number * int(points * 1.7)), line, font=font, fill=ink)
    return image


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


notice = draw(ENGLISH)
notes = PngImagePlugin.PngInfo()
notes.add_text("Title", "Notice board")
notes.add_text("Author", "Jule Brandt")
notice.convert("1").save(f"{folder}/notice.png", pnginfo=notes)
notice.save(f"{folder}/notice.webp", quality=60)
notice.convert("1").save(f"{folder}/pages.tiff", save_all=True, compression="group4",
                         append_images=[draw(GERMAN).convert("1")], dpi=(150, 150))
draw(["Settings", "Download folder: /srv/files", "Keep versions: 10"], (460, 130), 15, 30, 225) \
    .save(f"{folder}/screen.png")

exif = {"0th": {piexif.ImageIFD.ImageDescription: b"The sluice in winter, seen from the mill",
                piexif.ImageIFD.Artist: b"Momme Petersen",
                piexif.ImageIFD.XPTitle: "Schleuse".encode("utf-16le") + b"\0\0"},
        "Exif": {piexif.ExifIFD.DateTimeOriginal: b"2024:01:16 08:30:00"}}
meadow = Image.linear_gradient("L").resize((320, 240))
meadow.save(f"{folder}/meadow.jpg", quality=40, exif=piexif.dump(exif))
meadow.save(f"{folder}/blank.jpg", quality=40)
turned = {"0th": {piexif.ImageIFD.Orientation: 6}}
notice.rotate(90, expand=True).save(f"{folder}/turned.jpg", quality=25, exif=piexif.dump(turned))

header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
with open(f"{folder}/bomb.png", "wb") as file:
    file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) +
               chunk(b"IDAT", zlib.compress(bytes(1 << 20), 9)) + chunk(b"IEND", b""))
