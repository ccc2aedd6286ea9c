# SPDX-License-Identifier: Apache-2.0
"""llama.cpp's own server on loopback: llama_server.py MODEL.gguf PORT CONTEXT [embed]. Run by the
environment that tests/peers makes; it ends with the process that started it."""
import os
import sys
import time

import xllamacpp

parent = os.getppid()
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.hostnames = ["127.0.0.1"]
parameters.port = int(sys.argv[2])
parameters.n_ctx = int(sys.argv[3])
parameters.n_parallel = 1
parameters.use_jinja = True
parameters.embedding = sys.argv[4:] == ["embed"]
parameters.cpuparams.n_threads = 2
server = xllamacpp.Server(parameters)
print("ready", flush=True)
while os.getppid() == parent:
    time.sleep(0.5)
