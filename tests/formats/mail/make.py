#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Make the mails of this folder anew: make.py FOLDER. Those with structure by Python's email
package, those that no program should send by hand."""

import email.message
import email.policy
import email.utils
import io
import mailbox
import os
import sys
import zipfile

DATE = "Tue, 04 Mar 2025 09:30:00 +0100"


def head(message, subject, **more):
    message["From"] = "Jule Brandt <jule@example.org>"
    message["To"] = "Team Lager <lager@example.org>, \"Ivo Lund\" <ivo@example.net>"
    message["Subject"] = subject
    message["Date"] = DATE
    message["Message-ID"] = "<4711.1@example.org>"
    for name, value in more.items():
        message[name] = value


def report():
    """A small zip: an attachment that is a container itself."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(zipfile.ZipInfo("inner.txt"), "Words inside the attached zip.\n")
    return data.getvalue()


def attachments():
    message = email.message.EmailMessage()
    head(message, "Inventur im März: die Liste", Cc="Ana Ruiz <ana@example.com>")
    message.set_content("Hallo zusammen,\n\nanbei die Liste für März.\n\nGrüße\n-- \nJule Brandt\n")
    message.add_alternative(
        "<html><body><p>Hallo zusammen,</p><p>anbei die <b>HTML-Fassung</b>.</p>"
        "<img src='cid:logo'></body></html>", subtype="html")
    message.get_payload()[1].add_related(
        b"\x89PNG\r\n\x1a\n", "image", "png", cid="<logo>", filename="logo.png",
        disposition="inline")
    message.add_attachment("Schrauben;1200\n", subtype="csv", filename="Übersicht März.csv")
    message.add_attachment(report(), "application", "zip", filename="report.zip")
    message.add_attachment(b"%PDF-1.4 no name", "application", "pdf")
    message.add_attachment("Schrauben;7\n", subtype="csv", filename="Übersicht März.csv")
    return message.as_bytes()


def page_alone():
    message = email.message.EmailMessage()
    head(message, "Prices")
    message.set_content(
        "<html><head><meta charset='utf-8'><title>x</title><style>p{color:red}</style></head><body>"
        "<h2>Price list</h2><table><tr><th>Item</th><th>Price</th></tr>"
        "<tr><td>Bolt</td><td>12 €</td></tr></table></body></html>", subtype="html")
    return message.as_bytes()


def forwarded():
    inner = email.message.EmailMessage()
    inner["From"] = "Ivo Lund <ivo@example.net>"
    inner["Subject"] = "Broken pallet"
    inner["Date"] = "Mon, 03 Mar 2025 08:00:00 +0000"
    inner.set_content("The pallet in aisle seven is broken.\n")
    inner.add_attachment("photo notes\n", filename="notes.txt")
    outer = email.message.EmailMessage()
    head(outer, "Fwd: Broken pallet")
    outer.set_content("Please have a look.\n")
    outer.add_attachment(inner)
    return outer.as_bytes()


def invitation():
    message = email.message.EmailMessage()
    head(message, "Invitation: stocktaking")
    message.set_content("You are invited.\n")
    message.add_alternative(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@example.org\r\n"
        "DTSTART;TZID=Europe/Berlin:20250310T090000\r\nDTEND;TZID=Europe/Berlin:20250310T103000\r\n"
        "SUMMARY:Stocktaking\r\nLOCATION:Hall 3\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n",
        subtype="calendar")
    return message.as_bytes()


FLOWED = b"""From: Jule Brandt <jule@example.org>
To: ivo@example.net
Subject: =?utf-8?Q?Re:_Gr=C3?= =?utf-8?Q?=B6=C3=9Fen?= und =?iso-8859-1?Q?Ma=DFe?=
Date: Tue, 4 Mar 2025 09:30:00 +0100
Message-ID: <4711.2@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8; format=flowed

The sizes that you asked for are in the \x20
second drawer of the green
cabinet.

> Where are the sizes that we \x20
> measured in spring?
>> Nobody knows.

-- \x20
Jule
""".replace(b" \\x20", b" ").replace(b" \x20\n", b" \n")

BROKEN = b"""Received: from nowhere by here; Tue, 4 Mar 2025 09:30:01 +0100
From: "M\xfcller, J\xf6rg" <joerg@example.org>
to: undisclosed-recipients:;
Subject: =?utf-8?B?UHLDvGZ1bmc=?= =?x-nothing?Q?plain_words?= =?utf-8?Q?never ends
Date: 4 Mrz 2025
Content-Type: multipart/mixed; boundary="b1"

This is a prologue that no program shows.
--b1
Content-Type: text/plain; charset=ascii

Stra\xc3\x9fe in UTF-8 that is called ASCII.
--b1
Content-Type: text/plain; charset=unknown-8bit

Stra\xdfe in Latin-1 without a name.
--b1
Content-Type: application/octet-stream; name=My Report, final.txt
Content-Disposition: attachment; filename=My Report, final.txt
Content-Transfer-Encoding: base64

VGhlIGF0dGFjaGVk
IHdvcmRzLg=
--b1
Content-Type: text/csv
Content-Disposition: attachment;
 filename*0*=utf-8''%E2%82%AC%20rates;
 filename*1="-2025.csv"

EUR;USD
--b1
Content-Type: text/plain
Content-Disposition: attachment; filename="..\\..\\C:\\temp\\evil.txt"

a name with folders
"""

ENCRYPTED = b"""From: Jule Brandt <jule@example.org>
To: ivo@example.net
Subject: Secret
Date: Tue, 4 Mar 2025 09:30:00 +0100
MIME-Version: 1.0
Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary="e"

--e
Content-Type: application/pgp-encrypted

Version: 1
--e
Content-Type: application/octet-stream; name="encrypted.asc"

-----BEGIN PGP MESSAGE-----

hQEMA0000
-----END PGP MESSAGE-----
--e--
"""

MAILDIR = b"""Return-Path: <ivo@example.net>
Delivered-To: jule@example.org
Message-ID: <4711.3@example.net>
From: Ivo Lund <ivo@example.net>
Date: Wed, 05 Mar 2025 10:00:00 +0000
Subject: A message without an extension

Words of a message in a Maildir.
"""

QUOTES = b"""From: the desk of Ivo Lund

A note that begins like a mail and is none. Words of the note.
"""

EMLX = b"""125\x20\x20
From: Ivo Lund <ivo@example.net>
Subject: From Apple Mail
Date: Wed, 05 Mar 2025 10:00:00 +0000

Words of a message in emlx.
<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict><key>flags</key><integer>1</integer></dict></plist>
"""

MBOX_TAIL = b"""From ivo@example.net Thu Mar  6 10:00:00 2025
From: Ivo Lund <ivo@example.net>
Subject: Third message
Date: Thu, 06 Mar 2025 10:00:00 +0000

>From here on nothing is quoted twice.
From the beginning, an unquoted line that begins no message.
"""

MHTML = b"""From: <Saved by Blink>\r
Snapshot-Content-Location: https://example.org/prices\r
Subject: =?utf-8?Q?Price=20list?=\r
Date: Wed, 5 Mar 2025 10:00:00 -0000\r
MIME-Version: 1.0\r
Content-Type: multipart/related;\r
\ttype="text/html";\r
\tboundary="----MultipartBoundary--x----"\r
\r
\r
------MultipartBoundary--x----\r
Content-Type: text/html\r
Content-ID: <frame-1@mhtml.blink>\r
Content-Transfer-Encoding: quoted-printable\r
Content-Location: https://example.org/prices\r
\r
<!DOCTYPE html><html><head><meta http-equiv=3D"Content-Type" content=3D"text=\r
/html; charset=3Dutf-8"><title>Prices of spring</title></head><body><h1>Bolts</h=\r
1><p>Twelve =E2=82=AC each.</p></body></html>\r
------MultipartBoundary--x----\r
Content-Type: text/css\r
Content-Transfer-Encoding: quoted-printable\r
Content-Location: https://example.org/style.css\r
\r
h1 { color: styled-words; }\r
------MultipartBoundary--x------\r
"""


def fill_mailbox(path):
    box = mailbox.mbox(path)
    for name in ("attachments", "forwarded"):
        message = mailbox.mboxMessage(globals()[name]())
        message.set_from("jule@example.org", (2025, 3, 4, 9, 30, 0, 1, 63, 0))
        box.add(message)
    box.close()
    with open(path, "ab") as file:
        file.write(MBOX_TAIL)


def main(folder):
    files = {
        "attachments.eml": attachments(), "page.eml": page_alone(), "forwarded.eml": forwarded(),
        "invitation.eml": invitation(), "flowed.eml": FLOWED, "broken.eml": BROKEN,
        "encrypted.eml": ENCRYPTED, "1741168800.M1P2.host:2,S": MAILDIR, "note.txt": QUOTES,
        "apple.emlx": EMLX, "saved.mhtml": MHTML}
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    path = os.path.join(folder, "box.mbox")
    if os.path.exists(path):
        os.remove(path)
    fill_mailbox(path)


main(sys.argv[1])
