# SPDX-License-Identifier: Apache-2.0
"""An embedding model in Hugging Face's layout, tiny, whose weights are random: its vectors mean
nothing, but each seed is a model of its own."""
import array
import json
import os
import random
import string
import struct

HIDDEN, LAYERS, HEADS, FFN, POSITIONS = 64, 1, 2, 128, 64
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *string.ascii_lowercase, *string.digits,
         *(f"##{letter}" for letter in string.ascii_lowercase + string.digits)]


def shapes():
    yield "embeddings.word_embeddings.weight", [len(WORDS), HIDDEN]
    yield "embeddings.position_embeddings.weight", [POSITIONS, HIDDEN]
    yield "embeddings.token_type_embeddings.weight", [2, HIDDEN]
    yield "embeddings.LayerNorm.weight", [HIDDEN]
    yield "embeddings.LayerNorm.bias", [HIDDEN]
    for layer in range(LAYERS):
        for name, rows, columns in (("attention.self.query", HIDDEN, HIDDEN),
                                    ("attention.self.key", HIDDEN, HIDDEN),
                                    ("attention.self.value", HIDDEN, HIDDEN),
                                    ("attention.output.dense", HIDDEN, HIDDEN),
                                    ("intermediate.dense", FFN, HIDDEN),
                                    ("output.dense", HIDDEN, FFN)):
            yield f"encoder.layer.{layer}.{name}.weight", [rows, columns]
            yield f"encoder.layer.{layer}.{name}.bias", [rows]
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            yield f"encoder.layer.{layer}.{name}.weight", [HIDDEN]
            yield f"encoder.layer.{layer}.{name}.bias", [HIDDEN]


def make(folder, seed):
    """Write the model of that seed; the folder's path."""
    draw = random.Random(seed)
    head, data = {}, b""
    for name, shape in shapes():
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        values = array.array("f", (draw.uniform(-.3, .3) for _ in range(count)))
        head[name] = {"dtype": "F32", "shape": shape,
                      "data_offsets": [len(data), len(data) + 4 * count]}
        data += values.tobytes()
    config = {"model_type": "bert", "hidden_size": HIDDEN, "num_hidden_layers": LAYERS,
              "num_attention_heads": HEADS, "intermediate_size": FFN, "vocab_size": len(WORDS),
              "max_position_embeddings": POSITIONS, "layer_norm_eps": 1e-12, "hidden_act": "gelu"}
    header = json.dumps(head).encode()
    os.makedirs(folder)
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file)
    with open(os.path.join(folder, "vocab.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(WORDS) + "\n")
    with open(os.path.join(folder, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header + data)
    return folder
