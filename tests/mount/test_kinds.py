# SPDX-License-Identifier: Apache-2.0
"""The kinds of documents, dropped by a user who then asks: each answers, and says where in it."""
import os
import shutil
import zlib

from harness import ASKFS, ROOT, Skip, check, contains, equal, setting

SAMPLES = os.path.join(ROOT, "tests", "formats")


def take(kb, *samples):
    """Drop samples as they are, as `cp` does, and wait for all of them."""
    for sample in samples:
        shutil.copyfile(os.path.join(SAMPLES, sample),
                        os.path.join(kb.inbox, os.path.basename(sample)))
    kb.all_indexed([os.path.basename(sample) for sample in samples])
    kb.wait_status()


def answers(kb, question, words, source):
    """What `cat` shows: the words, and behind them where they are."""
    text = kb.ask(question, f"s{zlib.crc32(question.encode())}")
    answer, _, sources = text.partition("\nSources:\n")
    contains(answer, words, f"the answer to {question!r}")
    check(any(line.split("] ", 1)[-1].split(" (")[0] == source for line in sources.splitlines()),
          f"{question!r}: {source!r} is no source in {text!r}")


def needs_ocr():
    if not os.path.exists(os.path.join(os.path.dirname(ASKFS), "askfs-parse-ocr")):
        raise Skip("askfs-parse-ocr is not built")


def test_office(kb):
    take(kb, "office/talk.pptx", "office/stock.xlsx", "office/handbook.docx")
    answers(kb, "Which story of the broken hoe?", "Tell the story", "talk.pptx, slide 2")
    answers(kb, "How many loans of the rake?", "Loans: 31", "talk.pptx, slide 3")
    answers(kb, "What is the price of a hoe?", "1,234.50 €", "stock.xlsx, sheet 1")
    answers(kb, "Where does the box hang?", "beside the door", "handbook.docx, page 1")
    answers(kb, "What is a letter inside?", "inside the handbook", "letter.docx")


def test_office_of_the_other_family(kb):
    take(kb, "office/talk.odp", "office/stock.ods", "legacy/talk.ppt", "legacy/hand.rtf",
         "legacy/lift.rtf")
    answers(kb, "How many loans of the rake?", "31", "talk.odp, slide 3")
    answers(kb, "When was the spade bought?", "02.01.2022", "stock.ods, sheet 1")
    answers(kb, "How often is the rope oiled?", "every six weeks", "lift.rtf, page 1")
    answers(kb, "What of the second page tells of brakes?", "second page", "lift.rtf, page 2")


def test_books_and_letters(kb):
    take(kb, "books/epub3.epub", "mail/box.mbox")
    answers(kb, "When does the intake gate open?", "half tide", "epub3.epub, chapter 2")
    answers(kb, "When is the basin drained?", "before the first frost", "epub3.epub, chapter 3")
    answers(kb, "Which pallet is broken?", "aisle seven", "box.mbox, message 2")
    answers(kb, "What is nothing quoted from here on?", "quoted twice", "box.mbox, message 3")


def test_what_is_attached_answers(kb):
    take(kb, "mail/attachments.eml", "pdf/rich.pdf")
    answers(kb, "How many Schrauben?", "1200", "Übersicht März.csv")
    answers(kb, "Which words are inside the attached zip?", "Words inside", "inner.txt")
    answers(kb, "Who collects the fares?", "Ada", "crew.txt")
    letter = kb.find("attachments.eml")
    equal(kb.find("attachments.eml!/report.zip").meta["parent"], letter.id, "parent")


def test_pages_of_one_passage_are_told_apart(kb):
    take(kb, "pdf/rich.pdf")
    equal(len(kb.find("rich.pdf").chunks), 1, "passages")
    answers(kb, "Where does the ferry leave?", "north pier", "rich.pdf, page 1")
    answers(kb, "When is the landing stage under water?", "spring tide", "rich.pdf, page 2")


def test_data(kb):
    take(kb, "data/parts.db", "calendar/team.ics", "calendar/people.vcf")
    answers(kb, "What is the price of the hinge bolt?", "12.5", "parts.db, table 1")
    answers(kb, "When was the gate opened at half tide?", "2026-03-01", "parts.db, table 2")
    answers(kb, "Where is the scanner?", "green cabinet", "team.ics")
    answers(kb, "What is the mobile phone of Jule Brandt?", "+49 170 5678", "people.vcf")


def test_a_cell_answers_under_its_column(kb):
    kb.add("prices.csv", "Part,Price,Shelf\nHinge bolt,12 EUR,A4\nSluice pin,7 EUR,B1\n")
    answers(kb, "What is the price of a hinge bolt?", "Price: 12 EUR", "prices.csv")


@setting(seconds=120)
def test_what_is_a_picture_of_text(kb):
    needs_ocr()
    take(kb, "pdf/scan.pdf", "pdf/mixed.pdf", "image/notice.png")
    answers(kb, "When is the water turned off?", "Friday", "notice.png")
    answers(kb, "What is moved before the limes blossom?", "hives", "scan.pdf, page 1")
    answers(kb, "On which day did the well keeper sign?", "ninth of May", "mixed.pdf, page 2")


def test_what_a_document_says_of_itself(kb):
    expected = {
        "handbook.docx": ("Tool handbook", {"author": "Jule Brandt", "language": "en-GB",
                                            "keywords": "rake, hoe", "page_count": 3}),
        "epub3.epub": ("Handbook of the Tidal Mill", {"author": "Jule Brandt", "language": "en",
                                                      "page_count": 3}),
        "rich.pdf": ("Fährbuch", {"author": "Jule Brandt", "page_count": 2}),
        "talk.pptx": ("Sharing tools", {"author": "Jule Brandt", "page_count": 3}),
    }
    take(kb, "office/handbook.docx", "books/epub3.epub", "pdf/rich.pdf", "office/talk.pptx")
    for name, (title, details) in expected.items():
        meta = kb.find(name).meta
        equal(meta["title"], title, f"title of {name}")
        for key, value in details.items():
            equal(meta["extra_metadata"].get(key), value, f"{key} of {name}")
