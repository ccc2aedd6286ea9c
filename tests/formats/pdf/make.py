#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write the PDFs of this folder: make.py FOLDER. Needs reportlab, pikepdf and Pillow of PyPI."""

import sys

import pikepdf
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen import canvas

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
folder = sys.argv[1]


def picture(text, size=(1000, 420), points=34):
    """A scanned page: text that is an image."""
    image = Image.new("L", size, 255)
    draw, font = ImageDraw.Draw(image), ImageFont.truetype(FONT, points)
    for number, line in enumerate(text):
        draw.text((60, 60 + number * int(points * 1.7)), line, font=font, fill=0)
    return image.convert("1")


def begin(name, **kwargs):
    return canvas.Canvas(f"{folder}/{name}", invariant=1, **kwargs)


def draw_picture(page, image, turn=0):
    if turn:
        image = image.rotate(turn, expand=True)
    width, height = (side * 72 / 150 for side in image.size)
    page.setPageSize((width, height))
    page.drawImage(ImageReader(image), 0, 0, width, height)
    page.showPage()


def pack(name):
    """Streams as bytes, not as letters."""
    with pikepdf.open(f"{folder}/{name}", allow_overwriting_input=True) as pdf:
        if name == "rich.pdf":
            pdf.attachments["crew.txt"] = b"Momme steers, Ada collects the fares.\n"
        pdf.save(f"{folder}/{name}", deterministic_id=True, recompress_flate=True,
                 stream_decode_level=pikepdf.StreamDecodeLevel.generalized,
                 object_stream_mode=pikepdf.ObjectStreamMode.generate)


def rich():
    page = begin("rich.pdf")
    page.setTitle("Fährbuch")
    page.setAuthor("Jule Brandt")
    page.setSubject("Ferries and tides")
    page.bookmarkPage("a")
    page.addOutlineEntry("1. Timetable", "a", 0)
    page.drawString(72, 760, "1. Timetable")
    page.drawString(72, 730, "The ferry leaves the north pier at twelve minutes past.")
    form = page.acroForm
    form.textfield(name="boat", tooltip="Name of the boat", value="Seeschwalbe", x=72, y=600)
    form.checkbox(name="lights", tooltip="Lights checked", checked=True, x=72, y=560)
    form.checkbox(name="anchor", tooltip="Anchor checked", checked=False, x=72, y=530)
    form.choice(name="pier", tooltip="Pier", value="north", options=["north", "south"],
                x=72, y=490, width=100, height=20)
    page.showPage()
    page.bookmarkPage("b")
    page.addOutlineEntry("1.1 The landing stage at spring tide and after it", "b", 1)
    page.drawString(72, 760, "The landing stage at spring tide")
    page.drawString(72, 745, "and after it")
    page.drawString(72, 715, "At spring tide the landing stage lies under water.")
    page.textAnnotation("The table of the harbour office is newer.", Rect=[300, 700, 320, 720])
    page.freeTextAnnotation("Closed in January", "/Helv 12 Tf 0 g", Rect=[72, 400, 200, 430])
    page.highlightAnnotation("Check this depth again", Rect=[72, 710, 200, 730],
                             QuadPoints=[72, 730, 200, 730, 72, 710, 200, 710])
    page.showPage()
    page.save()


def scans():
    minutes = picture(["Minutes of the beekeepers", "The hives on the south slope",
                       "are moved before the limes blossom."])
    page = begin("scan.pdf")
    draw_picture(page, minutes)
    page.save()
    page = begin("turned.pdf")
    text = ["Minutes of the beekeepers", "The hives on the south slope are",
            "moved before the limes blossom.", "The treasurer presented the accounts",
            "and was thanked for his work.", "The next meeting is in the barn."]
    draw_picture(page, picture(text, (1000, 560)), 90)
    page.save()
    page = begin("mixed.pdf")
    page.drawString(72, 760, "Upkeep of the well. The pump is tested each Monday.")
    page.drawString(72, 740, "The log of the tests hangs beside the door of the pump house.")
    page.showPage()
    draw_picture(page, picture(["Signed by the well keeper", "on the ninth of May"]))
    page.save()


def table():
    """A grid, and a download's first line in front of the file."""
    page = begin("table.pdf")
    rows = [["Berth", "Boat", "Length in metres", "Fee"], ["7", "Seeschwalbe", "11", "41"],
            ["8", "Kiebitz", "9", "38"], ["12", "Rotschenkel", "14", "56"]]
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            page.drawString(74 + 100 * column, 700 - 20 * number, cell)
    page.grid([72, 172, 272, 372, 472], [714 - 20 * line for line in range(5)])
    page.showPage()
    page.save()


rich()
scans()
table()
for made in ("rich.pdf", "scan.pdf", "turned.pdf", "mixed.pdf", "table.pdf"):
    pack(made)
with open(f"{folder}/table.pdf", "rb+") as file:
    content = file.read()
    file.seek(0)
    file.write(b"X-Cache: MISS\r\n\r\n" + content)
