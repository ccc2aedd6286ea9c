# SPDX-License-Identifier: Apache-2.0
"""Another embedding model than before: what was there gets its vectors, and nothing is mixed."""
import os
import signal
import subprocess

import tiny_model
from harness import ASKFS, check, contains, equal, eventually, run, setting, shell

FILES = {f"note-{n}.txt": f"Kestrel {n} nests in tower {n}. It was ringed in May.\n\n"
                          f"Its partner came from the quarry in year {1990 + n}.\n"
         for n in range(12)}
NONE = {"ports.embedder": "none"}


def models(kb):
    """Of every document, the model that embedded it."""
    return {meta["embedding_model"] for _, meta in kb.documents()}


def tiny(kb, seed):
    folder = os.path.join(kb.folder, f"tiny-{seed}")
    return folder if os.path.isdir(folder) else tiny_model.make(folder, seed)


def use(kb, seed):
    """From the next start on."""
    kb.config.update({"ports.embedder": "model", "embedder.model": tiny(kb, seed)})


def reindex(kb, status=0):
    return shell(f"{ASKFS} reindex --config {kb.config_file} --state {kb.state} 2>&1",
                 status=status)


def retrieved(kb, question):
    """What was found for it: what a tiny model makes of it is no answer."""
    return "\n".join(passage["content"] for passage in kb.answer(question)["retrieved"])


@setting(config=NONE)
def test_a_model_that_comes_later(kb):
    kb.add_many(FILES)
    equal(models(kb), {None}, "models without one")
    kb.stop()
    use(kb, 1)
    kb.start()
    eventually(lambda: None not in models(kb), "every document has its embeddings")
    check(kb.metrics()["askfs_embedder_texts_total"] >= 2 * len(FILES), "sentences were embedded")
    kb.restart()
    equal(kb.metrics()["askfs_embedder_texts_total"], 0, "texts embedded again")
    equal(run(ASKFS, "status", kb.mount).splitlines()[0], f"INDEXED {len(FILES)}", "status")


@setting(config=NONE)
def test_what_it_catches_up_with_survives_a_kill(kb):
    kb.add_many(FILES)
    kb.stop()
    use(kb, 1)
    for _ in range(3):
        kb.start()
        kb.kill()
    kb.start()
    eventually(lambda: None not in models(kb), "every document has its embeddings")
    equal(len(kb.paths()), len(FILES), "documents")


@setting(config=NONE)
def test_reindex(kb):
    kb.stop()
    use(kb, 1)
    kb.start()
    kb.add_many(FILES)
    (former,) = models(kb)
    kb.stop()
    use(kb, 2)
    kb.start()
    contains(kb.log(), "askfs reindex", "what the log says of the other model")
    kb.add("late.txt", "A late heron stands in the pond.\n")
    equal(models(kb), {former}, "nothing is mixed")
    contains(reindex(kb), f"{len(FILES) + 1} chunks are embedded with", "what it says")
    equal(models(kb), {former}, "models while the former one is mounted")
    contains(retrieved(kb, "Where does kestrel 7 nest?"), "tower 7", "passages meanwhile")
    kb.restart()
    eventually(lambda: former not in models(kb), "the new model has taken over")
    equal(len(models(kb)), 1, "models")
    equal(kb.metrics()["askfs_embedder_texts_total"], 0, "texts that were not in the cache")
    contains(retrieved(kb, "Where does kestrel 7 nest?"), "tower 7", "passages after it")
    kb.restart()
    equal(len(models(kb)), 1, "models after a restart")
    kb.stop()
    contains(run(ASKFS, "check", "--state", kb.state), "ok   vectors", "check")


@setting(config=NONE)
def test_the_former_model_is_gone(kb):
    kb.stop()
    use(kb, 1)
    kb.start()
    kb.add_many(FILES)
    kb.stop()
    os.rename(tiny(kb, 1), os.path.join(kb.folder, "elsewhere"))
    use(kb, 2)
    kb.start()
    contains(kb.log(), "by their words alone", "the log")
    contains(kb.answer("Where does kestrel 7 nest?")["answer"], "tower 7", "an answer by words")
    kb.add("late.txt", "A late heron stands in the pond.\n")
    equal(kb.find("late.txt").meta["embedding_model"], None, "its model")
    reindex(kb)
    kb.restart()
    eventually(lambda: len(models(kb)) == 1 and None not in models(kb), "all have the new one")


@setting(config=NONE)
def test_an_interrupted_reindex_goes_on(kb):
    kb.stop()
    use(kb, 1)
    kb.start()
    kb.add_many(FILES)
    use(kb, 2)
    kb.write_config()
    command = [ASKFS, "reindex", "--config", kb.config_file, "--state", kb.state]
    for seconds in (0.02, 0.05, 0.1):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, preexec_fn=kb.become)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
    contains(reindex(kb), f"{len(FILES)} chunks", "what it says")
    kb.restart()
    eventually(lambda: len(models(kb)) == 1 and "tiny-2" in str(models(kb)), "the new model")


@setting(config=NONE)
def test_nothing_to_change_to(kb):
    said = reindex(kb, status=1)
    contains(said, "no embedding model", "what it says")
    contains(shell(f"{ASKFS} reindex 2>&1", status=2), "either a mount or a state", "usage")
    contains(shell(f"{ASKFS} reindex --state /nowhere 2>&1", status=1), "no such state", "a path")
