#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""run.py MOUNT DOCS QUESTIONS.jsonl RUN.jsonl: asks a set's questions through a mount.

Drops the documents into MOUNT/inbox, waits until nothing is pending, writes each question to
ask/ under a session name of its own, reads the answer back, and writes what score.py reads.
The askfs program is $ASKFS, else the one in PATH. Standard library only.
"""
import json
import os
import shutil
import subprocess
import sys
import time


def drop(mount, docs):
    for name in sorted(os.listdir(docs)):
        shutil.copyfile(os.path.join(docs, name), os.path.join(mount, 'inbox', name))
    subprocess.run([os.environ.get('ASKFS', 'askfs'), 'status', '--wait', '600', mount],
                   check=True, stdout=subprocess.DEVNULL)


def document_names(mount):
    """Document id -> the name under which it was dropped."""
    names = {}
    docs = os.path.join(mount, 'docs')
    for entry in os.listdir(docs):
        with open(os.path.join(docs, entry, 'metadata.json'), encoding='utf-8') as file:
            record = json.load(file)
        if record['status'] != 'INDEXED':
            sys.exit(f"run.py: {record['path']} is {record['status']}: {record.get('error')}")
        names[record['id']] = record['path']
    return names


def ask(mount, session, question):
    """The answer as it is read back, its JSON, and the milliseconds from write to answer."""
    path = os.path.join(mount, 'ask', session)
    start = time.monotonic()
    with open(path, 'w', encoding='utf-8') as file:
        file.write(question)
    with open(path, encoding='utf-8') as file:
        text = file.read()
    ms = (time.monotonic() - start) * 1000
    with open(os.path.join(mount, 'sessions', session, 'answer.json'), encoding='utf-8') as file:
        response = json.load(file)
    if text.startswith('error:') or response.get('error'):
        sys.exit(f'run.py: {question!r} failed: {text.strip()}')
    if response['query'] != question:
        sys.exit(f"run.py: asked {question!r}, answered {response['query']!r}")
    return response, ms


def row(question_id, response, names, ms):
    quotes = [{'doc': names[quote['document_id']], 'text': quote['text']}
              for quote in response['quotes']]
    return {
        'id': question_id,
        'ranked': [{'doc': names[hit['document_id']], 'text': hit['content']}
                   for hit in response['retrieved']],
        'answer': response['answer'],
        'refused': response['refused'],
        'score': response['confidence'],
        'citations': [names[source['document_id']] for source in response['sources']],
        'quotes': quotes,
        'sentences': quotes,
        'ms': ms,
    }


def main():
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    mount, docs, questions, out = sys.argv[1:]
    drop(mount, docs)
    names = document_names(mount)
    with open(questions, encoding='utf-8') as lines, open(out, 'w', encoding='utf-8') as run:
        for number, line in enumerate(lines):
            question = json.loads(line)
            session = f'eval-{os.getpid()}-{number}'
            response, ms = ask(mount, session, question['question'])
            run.write(json.dumps(row(question['id'], response, names, ms),
                                 ensure_ascii=False) + '\n')
            os.unlink(os.path.join(mount, 'ask', session))


if __name__ == '__main__':
    main()
