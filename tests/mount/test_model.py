# SPDX-License-Identifier: Apache-2.0
"""With the embedding model: documents are found by their meaning. Needs the model's file."""
import json
import os

from harness import ASKFS, Skip, check, contains, equal, eventually, read, run, setting

POLICY = ("# Returns\n\nRefunds are paid within 14 days of the return being received.\n\n"
          "Shipping costs are not refunded.\n")
CANTEEN = "# Canteen\n\nThe canteen serves lunch from noon to two. On Fridays there is fish.\n"
GARDEN = "# Garden\n\nThe roses are cut back in March. The pond is cleaned every autumn.\n"
FILES = {"policy.md": POLICY, "canteen.md": CANTEEN, "garden.md": GARDEN}
MODEL = {"ports.embedder": "model"}


def needs_model(kb):
    """The daemon is started only where the model is there."""
    if "by their meaning" not in run(ASKFS, "doctor", status=None):
        raise Skip("the embedding model is not there")
    kb.stop()
    kb.config.update(MODEL)
    kb.start()


def test_a_question_without_a_word_of_the_documents(kb):
    needs_model(kb)
    kb.add_many(FILES)
    for question in ("When do I get my money back?", "How soon does the customer get reimbursed?"):
        answer = kb.answer(question, session=f"s{len(question)}")
        equal(answer["refused"], False, f"refused: {question}")
        contains(answer["answer"], "Refunds are paid within 14 days", question)
        contains(answer["sources"][0]["file_name"], "policy.md", question)


def test_a_question_in_another_language(kb):
    needs_model(kb)
    kb.add_many(FILES)
    answer = kb.answer("Wann bekomme ich mein Geld zurück?")
    contains(answer["answer"], "Refunds are paid within 14 days", "the answer")


def test_what_the_documents_do_not_hold_is_refused(kb):
    needs_model(kb)
    kb.add_many(FILES)
    for n, question in enumerate(("Who won the football world cup in 1974?",
                                  "What is the capital of Mongolia?")):
        answer = kb.answer(question, session=f"s{n}")
        equal(answer["answer"], "The documents do not say.", question)
        equal(answer["sources"], [], question)


def test_a_search_by_meaning(kb):
    needs_model(kb)
    kb.add_many(FILES)
    query = kb.path("search", "reimbursement of customers")
    os.mkdir(query)
    names = os.listdir(query)
    contains(names, "01-policy.md", "the best entry")
    found = json.loads(read(os.path.join(query, "results.json")))
    equal(found[0]["document_id"], kb.find("policy.md").id, "the first result")


def test_vectors_are_kept(kb):
    needs_model(kb)
    kb.add_many(FILES)
    before = kb.find("policy.md").meta["embedding_model"]
    contains(before, "multilingual-e5-small", "embedding_model")
    check(kb.metrics()["askfs_embedder_texts_total"] > 0, "nothing was embedded")
    kb.restart()
    equal(kb.metrics()["askfs_embedder_texts_total"], 0, "texts embedded after a restart")
    contains(kb.answer("When do I get my money back?")["answer"], "14 days", "the answer")
    kb.stop()
    kb.config["ports.embedder"] = "none"
    kb.start()
    contains(kb.answer("When are refunds paid?", session="w")["answer"], "14 days", "by words")


@setting(config={"embedder.threads": "1"})
def test_words_answer_while_vectors_are_made(kb):
    needs_model(kb)
    book = "\n\n".join(f"Chapter {n}. The keeper of lighthouse {n} writes about the storm of "
                       f"that night, the ships that passed, and the lamp that he kept burning. "
                       f"Nothing else happened in year {1700 + n}." for n in range(300))
    kb.drop("book.txt", book)
    eventually(lambda: kb.paths() == ["book.txt"] and kb.find("book.txt").status == "PROCESSING",
               "it is being embedded")
    answer = kb.answer("What happened in year 1844?")
    contains(answer["answer"], "1844", "an answer by words")
    equal(kb.find("book.txt").status, "PROCESSING", "status meanwhile")
    kb.indexed("book.txt")
