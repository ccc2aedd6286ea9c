#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""make.py: write the files of this folder again (see README.md). In the folder itself."""

import os
import struct
import subprocess
import tempfile

import msoffcrypto
import msoffcrypto.format.ooxml
import olefile
import pptx
import xlwt

HERE = os.path.dirname(os.path.abspath(__file__))


def office(filter_name, path, out):
    """LibreOffice converts; without thumbnails, which would be most of a file."""
    profile = os.path.join(out, "profile", "user")
    os.makedirs(profile, exist_ok=True)
    with open(os.path.join(profile, "registrymodifications.xcu"), "w", encoding="utf-8") as file:
        file.write(
            '<?xml version="1.0"?><oor:items xmlns:oor="http://openoffice.org/2001/registry" '
            'xmlns:xs="http://www.w3.org/2001/XMLSchema"><item oor:path="/org.openoffice.Office.'
            'Common/Save/Document"><prop oor:name="GenerateThumbnail" oor:op="fuse"><value>false'
            "</value></prop></item></oor:items>")
    subprocess.run(
        ["soffice", "--headless", f"-env:UserInstallation=file://{out}/profile",
         "--convert-to", filter_name, "--outdir", HERE, path],
        check=True, stdout=subprocess.DEVNULL)


def talk(path):
    deck = pptx.Presentation()
    deck.core_properties.title = "Lift talk"
    deck.core_properties.author = "Jule Brandt"
    slide = deck.slides.add_slide(deck.slide_layouts[1])
    slide.shapes.title.text = "Why ropes break"
    slide.placeholders[1].text = "Heat dries the oil\nGröße, Łódź, Привет, 日本語"
    slide.notes_slide.notes_text_frame.text = "Show the torn rope here."
    slide = deck.slides.add_slide(deck.slide_layouts[5])
    slide.shapes.title.text = "What to do"
    box = slide.shapes.add_textbox(914400, 1828800, 3657600, 914400)
    box.text_frame.text = "A box of its own: oil it."
    table = slide.shapes.add_table(2, 2, 914400, 3000000, 3657600, 914400).table
    for at, text in enumerate(("Rope", "Weeks", "Steel", "Six")):
        table.cell(at // 2, at % 2).text = text
    deck.save(path)


def encrypted(plain, path):
    """A package that only a password opens."""
    with open(plain, "rb") as source, open(path, "wb") as target:
        msoffcrypto.format.ooxml.OOXMLFile(source).encrypt("lift", target)


def prices(path):
    """Columns named by bold letters above texts; a long table of strings, which fills more
    than one record."""
    book = xlwt.Workbook(encoding="utf-8")
    bold = xlwt.easyxf("font: bold on")
    day = xlwt.easyxf(num_format_str="yyyy-mm-dd hh:mm")
    sheet = book.add_sheet("Rope prices")
    for column, name in enumerate(("Rope", "Colour", "Since")):
        sheet.write(0, column, name, bold)
    for row in range(1, 300):
        sheet.write(row, 0, f"Rope number {row} of the large reel in the hall, größe {row}")
        sheet.write(row, 1, f"Colour {row} Ж")
    sheet.write(1, 2, 38055.5, day)
    sheet.write(300, 0, True)
    book.add_sheet("Empty")
    book.add_sheet("Last").write(5, 3, "Far away cell")
    book.save(path)


class Storage:
    """A storage of a compound file: what Python's libraries read, but do not write."""

    def __init__(self):
        self.entries = {}


def compound(root, path):
    """[MS-CFB] in its plainest form: all streams in ordinary sectors but the small ones, the
    children of a storage in a list to the right."""
    directory, data, mini = [], bytearray(), bytearray()
    fat, mini_fat = [], []

    def chain(table, first, count):
        table.extend([first + i + 1 for i in range(count - 1)] + [0xFFFFFFFE])

    def add(name, kind):
        directory.append({"name": name, "kind": kind, "right": -1, "child": -1, "start": 0,
                          "size": 0})
        return len(directory) - 1

    def put(number, content):
        entry = directory[number]
        entry["size"] = len(content)
        if not content:
            entry["start"] = 0xFFFFFFFE
        elif len(content) < 4096:
            entry["start"] = len(mini_fat)
            chain(mini_fat, len(mini_fat), (len(content) + 63) // 64)
            mini.extend(content + bytes(-len(content) % 64))
        else:
            entry["start"] = len(fat)
            chain(fat, len(fat), (len(content) + 511) // 512)
            data.extend(content + bytes(-len(content) % 512))

    def walk(storage, number):
        last = None
        for name in sorted(storage.entries, key=lambda name: (len(name), name.upper())):
            content = storage.entries[name]
            child = add(name, 1 if isinstance(content, Storage) else 2)
            if last is None:
                directory[number]["child"] = child
            else:
                directory[last]["right"] = child
            last = child
            if isinstance(content, Storage):
                walk(content, child)
            else:
                put(child, content)

    add("Root Entry", 5)
    walk(root, 0)
    directory[0]["start"], directory[0]["size"] = len(fat), len(mini)
    chain(fat, len(fat), (len(mini) + 511) // 512)
    data.extend(mini + bytes(-len(mini) % 512))
    directory_start = len(fat)
    while len(directory) % 4:
        add("", 0)
    for entry in directory:
        name = entry["name"].encode("utf-16-le")
        size = len(name) + 2 if name else 0
        data.extend(struct.pack(
            "<64sHBBiii16sIQQIQ", name, size, entry["kind"], 1, -1, entry["right"],
            entry["child"], b"", 0, 0, 0, entry["start"], entry["size"]))
    chain(fat, directory_start, len(directory) // 4)
    mini_start = len(fat)
    mini_bytes = struct.pack(f"<{len(mini_fat)}I", *mini_fat)
    mini_bytes += b"\xff" * (-len(mini_bytes) % 512)
    data.extend(mini_bytes)
    chain(fat, mini_start, len(mini_bytes) // 512)
    fat_start = len(fat)
    fat_sectors = 1
    while (len(fat) + fat_sectors) * 4 > fat_sectors * 512:
        fat_sectors += 1
    fat.extend([0xFFFFFFFD] * fat_sectors)
    fat_bytes = struct.pack(f"<{len(fat)}I", *fat)
    fat_bytes += b"\xff" * (-len(fat_bytes) % 512)
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, fat_sectors,
                          directory_start, 0, 4096, mini_start, len(mini_bytes) // 512,
                          0xFFFFFFFE, 0)
    difat = list(range(fat_start, fat_start + fat_sectors)) + [0xFFFFFFFF] * (109 - fat_sectors)
    header += struct.pack("<109I", *difat)
    with open(path, "wb") as file:
        file.write(header + bytes(data) + fat_bytes)


def properties(header, fixed):
    rows = b"".join(struct.pack("<HHIQ", kind, number, 6, value)
                    for number, kind, value in fixed)
    return bytes(header) + rows


def strings(storage, values, encoding="utf-16-le"):
    kind = "001F" if encoding == "utf-16-le" else "001E"
    for number, text in values.items():
        storage.entries[f"__substg1.0_{number:04X}{kind}"] = text.encode(encoding)


TIME = (1078820100 + 11644473600) * 10000000  # 2004-03-09 08:15 UTC


def recipient(name, address, kind):
    storage = Storage()
    strings(storage, {0x3001: name, 0x39FE: address})
    storage.entries["__properties_version1.0"] = properties(8, [(0x0C15, 3, kind)])
    return storage


def attachment(name, content):
    storage = Storage()
    strings(storage, {0x3707: name})
    storage.entries["__substg1.0_37010102"] = content
    storage.entries["__properties_version1.0"] = properties(8, [(0x3705, 3, 1)])
    return storage


def mail(path):
    root = Storage()
    strings(root, {0x001A: "IPM.Note", 0x0037: "Rope for the Größe lift", 0x0C1A: "Jule Brandt",
                   0x5D01: "jule@lift.example", 0x0E04: "Nils Falk",
                   0x1000: "Hello Nils,\r\n\r\nthe rope came today.\r\nJule – Привет"})
    root.entries["__properties_version1.0"] = properties(32, [(0x0039, 0x40, TIME)])
    root.entries["__recip_version1.0_#00000000"] = recipient("Nils Falk", "nils@lift.example", 1)
    root.entries["__recip_version1.0_#00000001"] = recipient("Store", "store@lift.example", 2)
    root.entries["__attach_version1.0_#00000000"] = attachment(
        "Lieferschein – März.txt", "Delivery note: 40 metres of rope.".encode() * 200)
    inner = Storage()
    strings(inner, {0x0037: "Old offer", 0x0C1A: "Rope works", 0x1000: "Forty metres for 90 EUR."})
    inner.entries["__properties_version1.0"] = properties(24, [(0x0039, 0x40, TIME)])
    inner.entries["__attach_version1.0_#00000000"] = attachment("offer.txt", b"Offer inside.")
    holder = Storage()
    strings(holder, {0x3001: "Old offer"})
    holder.entries["__substg1.0_3701000D"] = inner
    holder.entries["__properties_version1.0"] = properties(8, [(0x3705, 3, 5)])
    root.entries["__attach_version1.0_#00000001"] = holder
    compound(root, path)


def mail_html(path):
    """8-bit strings of a code page, and a page as body."""
    root = Storage()
    strings(root, {0x0037: "Цена каната", 0x0C1A: "Юля"}, "cp1251")
    root.entries["__substg1.0_10130102"] = (
        "<html><head><style>p{}</style></head><body><h2>Цены</h2><p>Канат стоит 90 евро.</p>"
        "</body></html>".encode("cp1251"))
    root.entries["__properties_version1.0"] = properties(
        32, [(0x3FFD, 3, 1251), (0x3FDE, 3, 1251)])
    compound(root, path)


def mail_rtf(path):
    """A body that is compressed RTF with a page inside; references into the window's beginning
    and into what came before."""
    start = (b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss "
             b"\\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier"
             b"{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx")
    rtf = (b"{\\rtf1\\ansi\\ansicpg1252\\fromhtml1 \\deff0{\\fonttbl{\\f0\\fswiss Arial;}}"
           b"{\\*\\htmltag64 <p>}The packed rope is \\'fcber the door.\\par "
           b"{\\*\\htmltag72 </p>}{\\*\\htmltag64 <p>}The packed rope is red.\\par }")
    window = bytearray(start)
    items = []
    at = 0
    while at < len(rtf):
        best = (0, 0)
        for length in range(17, 2, -1):
            place = bytes(window).rfind(rtf[at:at + length], 0) if at + length <= len(rtf) else -1
            if place >= 0:
                best = (length, place)
                break
        if best[0]:
            length, place = best
            items.append((1, struct.pack(">H", place << 4 | (length - 2))))
        else:
            length = 1
            items.append((0, rtf[at:at + 1]))
        window += rtf[at:at + length]
        at += length
    items.append((1, struct.pack(">H", len(window) << 4)))
    packed = b""
    for i in range(0, len(items), 8):
        group = items[i:i + 8]
        packed += bytes([sum(flag << bit for bit, (flag, _) in enumerate(group))])
        packed += b"".join(data for _, data in group)
    root = Storage()
    strings(root, {0x0037: "Packed", 0x0C1A: "Jule Brandt"})
    root.entries["__substg1.0_10090102"] = struct.pack(
        "<IIII", len(packed) + 12, len(rtf), 0x75465A4C, 0) + packed
    root.entries["__properties_version1.0"] = properties(32, [])
    compound(root, path)


def record(kind, data):
    return struct.pack("<HH", kind, len(data)) + data


def book_of_95(path):
    """Excel 95: strings in a code page; a formula whose value is a text."""
    def text(value, width):
        data = value.encode("cp1251")
        return struct.pack(width, len(data)) + data

    sheet = record(0x809, struct.pack("<HHHH", 0x500, 0x10, 0, 0))
    sheet += record(0x204, struct.pack("<HHH", 0, 0, 0) + text("Канат", "<H"))
    sheet += record(0x06, struct.pack("<HHHBxxxxxHHI", 0, 1, 0, 0, 0xFFFF, 0, 0))
    sheet += record(0x207, text("красный", "<H"))
    sheet += record(0x27E, struct.pack("<HHHI", 1, 0, 0, (1250 << 2) | 3)) + record(0x0A, b"")
    head = record(0x809, struct.pack("<HHHH", 0x500, 5, 0, 0))
    head += record(0x42, struct.pack("<H", 1251))
    name = text("Лист", "<B")
    offset = len(head) + 4 + 6 + len(name) + 4
    head += record(0x85, struct.pack("<IBB", offset, 0, 0) + name) + record(0x0A, b"")
    root = Storage()
    root.entries["Book"] = head + sheet
    compound(root, path)


def document_of_95(path):
    """Word 95: text in one piece, in the code page of its language."""
    text = "Старый документ.\rКанат и лифт.\r".encode("cp1251")
    header = bytearray(0x300)
    struct.pack_into("<HHxxH", header, 0, 0xA5DC, 104, 0x0419)
    struct.pack_into("<II", header, 0x18, len(header), len(header) + len(text))
    struct.pack_into("<I", header, 0x34, len(text))
    root = Storage()
    root.entries["WordDocument"] = bytes(header) + text
    compound(root, path)


def other(path):
    root = Storage()
    root.entries["Contents"] = b"no text" * 10
    compound(root, path)


def locked(plain, path):
    """The flag that a Word document is encrypted."""
    with open(plain, "rb") as file:
        data = bytearray(file.read())
    at = data.index(b"\xec\xa5")
    data[at + 11] |= 1
    with open(path, "wb") as file:
        file.write(data)


def without_picture(path):
    """LibreOffice adds a picture of the first slide, which would be most of the file. The summary
    is written as Windows does it: strings in UTF-16, though their type says bytes."""
    root = Storage()
    with olefile.OleFileIO(path) as document:
        for name in document.listdir():
            root.entries["/".join(name)] = document.openstream(name).read()
    values = [(1, struct.pack("<IHxx", 2, 1200))]
    for number, text in ((2, "Lift talk – Größe"), (4, "Jule Brandt")):
        data = (text + "\0").encode("utf-16-le")
        values.append((number, struct.pack("<II", 30, len(data)) + data + bytes(-len(data) % 4)))
    values.append((12, struct.pack("<IQ", 64, TIME)))
    table, body = b"", b""
    for number, value in values:
        table += struct.pack("<II", number, 8 + len(values) * 8 + len(body))
        body += value
    section = struct.pack("<II", 8 + len(table) + len(body), len(values)) + table + body
    root.entries["\x05SummaryInformation"] = struct.pack(
        "<HHI16sI16sI", 0xFFFE, 0, 0x20006, b"", 1,
        bytes.fromhex("e0859ff2f94f6810ab9108002b27b3d9"), 48) + section
    compound(root, path)


def main():
    os.chdir(HERE)
    with tempfile.TemporaryDirectory() as out:
        for name, kind in (("lift.fodt", "doc:MS Word 97"), ("lift.fodt", "rtf:Rich Text Format"),
                           ("stock.fods", "xls:MS Excel 97")):
            office(kind, os.path.join("source", name), out)
        deck = os.path.join(out, "talk.pptx")
        talk(deck)
        office("ppt:MS PowerPoint 97", deck, out)
        without_picture("talk.ppt")
        encrypted(deck, "encrypted.pptx")
    prices("prices.xls")
    mail("mail.msg")
    mail_html("mail-html.msg")
    mail_rtf("mail-rtf.msg")
    book_of_95("book-95.xls")
    document_of_95("document-95.doc")
    other("other.doc")
    locked("lift.doc", "locked.doc")


main()
