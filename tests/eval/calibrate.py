#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""calibrate.py EVAL BUILD SET...: derive the constants of core/local/evidence.c and confidence.c.

Reads EVAL/dev/SET/questions.jsonl and BUILD/eval/SET.features.jsonl, which `make eval-dev`
writes. Prints the weights of a sentence's features (a softmax over the sentences of a question,
maximum likelihood of those that hold the answer) and those of the confidence (two logistic
regressions, whose probabilities are multiplied: answerable against questions whose article was
taken out, and against those that only look answerable), each also with one set left out, so that
one sees what they are worth on texts they were not made from.
"""
import json
import math
import os
import sys


def load(eval_dir, build, name):
    sys.path.insert(0, eval_dir)
    import score
    folder = os.path.join(eval_dir, 'dev', name)
    questions = score.load(os.path.join(folder, 'questions.jsonl'))
    features = {row['id']: row for row in
                score.load(os.path.join(build, 'eval', name + '.features.jsonl'))}
    rows = []
    for question in questions:
        row = features[question['id']]
        gold = set(question['gold_docs'])
        row['hits'] = [item['doc'] in gold and
                       any(score.contains(item['text'], answer) for answer in question['answers'])
                       for item in row['items']]
        row['answerable'] = question['answerable']
        row['kind'] = question.get('unans_kind')
        row['set'] = name
        rows.append(row)
    return rows


def dot(weights, values):
    return sum(w * v for w, v in zip(weights, values))


def fit_sentences(rows, steps=100, rate=2.0, decay=0.002):
    """Gradient ascent on the log-likelihood that a sentence with the answer is drawn."""
    data = [([item['f'] for item in row['items']], row['hits']) for row in rows
            if row['answerable'] and any(row['hits'])]
    size = len(data[0][0][0])
    weights = [0.0] * size
    weights[0] = 5.0
    for _ in range(steps):
        gradient = [-decay * w for w in weights]
        for values, hits in data:
            scores = [dot(weights, v) for v in values]
            top = max(scores)
            masses = [math.exp(s - top) for s in scores]
            total = sum(masses)
            right = sum(m for m, hit in zip(masses, hits) if hit)
            for value, mass, hit in zip(values, masses, hits):
                step = (mass / right if hit else 0) - mass / total
                for i in range(size):
                    gradient[i] += step * value[i] / len(data)
        weights = [w + rate * g for w, g in zip(weights, gradient)]
    return weights


def hit_rate(rows, weights):
    hits = total = 0
    for row in rows:
        if not row['answerable']:
            continue
        total += 1
        if row['items']:
            best = max(range(len(row['items'])),
                       key=lambda i: dot(weights, row['items'][i]['f']))
            hits += row['hits'][best]
    return hits / total


DECAY = float(os.environ.get('DECAY', 0.0001))
# Signals by their place in enum evidence_signal.
ABOUT = range(7)
SAYS = [4, 7, 8, 9, 10]


def solve(matrix, right):
    """Gauss: the matrix is symmetric and positive."""
    size = len(right)
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for i in range(size):
        for k in range(i + 1, size):
            factor = rows[k][i] / rows[i][i]
            rows[k] = [b - factor * a for a, b in zip(rows[i], rows[k])]
    out = [0.0] * size
    for i in reversed(range(size)):
        out[i] = (rows[i][size] - dot(rows[i][i + 1:size], out[i + 1:])) / rows[i][i]
    return out


def fit_logistic(rows, kind, columns, is_even, steps=25, decay=DECAY):
    """Logistic regression of the answerable against those of a kind, by Newton's method. With
    is_even both weigh the same, else as many as there are. Weights of all signals, and the bias."""
    data = [([row['signals'][i] for i in columns] + [1.0], row['answerable']) for row in rows
            if row['answerable'] or row['kind'] == kind]
    yes = sum(label for _, label in data)
    share = {True: 0.5 / yes, False: 0.5 / (len(data) - yes)} if is_even else \
        {True: 1 / len(data), False: 1 / len(data)}
    size = len(columns) + 1
    weights = [0.0] * size
    for _ in range(steps):
        gradient = [-decay * w for w in weights[:-1]] + [0.0]
        bend = [[decay * (i == k < size - 1) for k in range(size)] for i in range(size)]
        for values, label in data:
            guess = sigmoid(dot(weights, values))
            for i, value in enumerate(values):
                gradient[i] += share[label] * (label - guess) * value
                for k in range(size):
                    bend[i][k] += share[label] * guess * (1 - guess) * value * values[k]
        weights = [w + s for w, s in zip(weights, solve(bend, gradient))]
    out = [0.0] * (len(rows[0]['signals']) + 1)
    for i, w in zip(list(columns) + [-1], weights):
        out[i] = w
    return out


def fit_confidence(rows):
    """That the passages are about it, and that the best sentence says it."""
    with_plausible = {row['set'] for row in rows if row['kind'] == 'adversarial'}
    says = [row for row in rows if row['set'] in with_plausible]
    return (fit_logistic(rows, 'removed', ABOUT, True),
            fit_logistic(says, 'adversarial', SAYS, False) if says else None)


def sigmoid(x):
    return 1 / (1 + math.exp(-x)) if x > -700 else 0.0


def confidence_of(row, fits):
    values = row['signals'] + [1.0]
    return math.prod(sigmoid(dot(weights, values)) for weights in fits if weights)


def auroc(rows, weights, kind):
    pairs = wins = 0.0
    yes = [confidence_of(row, weights) for row in rows if row['answerable']]
    no = [confidence_of(row, weights) for row in rows if row['kind'] == kind]
    for a in yes:
        for b in no:
            pairs += 1
            wins += (a > b) + 0.5 * (a == b)
    return wins / pairs if pairs else float('nan')


def rounded(weights):
    return '[' + ', '.join(f'{w:.3f}' for w in weights) + ']'


def main():
    eval_dir, build, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    sets = {name: load(eval_dir, build, name) for name in names}
    everything = [row for rows in sets.values() for row in rows]
    for left_out in [None] + (names if len(names) > 1 else []):
        train = everything if left_out is None else \
            [row for name, rows in sets.items() if name != left_out for row in rows]
        sentence = fit_sentences(train)
        confidence = fit_confidence(train)
        print('without', left_out or 'leaving anything out')
        print('  sentence weights / first:', rounded([w / sentence[0] for w in sentence]))
        print('  about it:', rounded(confidence[0]))
        if confidence[1]:
            print('  says it: ', rounded(confidence[1]))
        for name in names if left_out is None else [left_out]:
            rows = sets[name]
            print(f'  {name}: hit@1 {hit_rate(rows, sentence):.3f}',
                  *(f'{kind} {auroc(rows, confidence, kind):.3f}'
                    for kind in ('removed', 'adversarial')))
        if left_out is None:
            for threshold in (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5):
                print(f'  threshold {threshold}:', *(
                    f'{label} refused {refused(everything, confidence, threshold, label):.3f}'
                    for label in ('answerable', 'removed', 'adversarial')))


def refused(rows, weights, threshold, label):
    chosen = [row for row in rows
              if (row['answerable'] if label == 'answerable' else row['kind'] == label)]
    below = sum(confidence_of(row, weights) < threshold for row in chosen)
    return below / max(1, len(chosen))


if __name__ == '__main__':
    main()
