# SPDX-License-Identifier: Apache-2.0
"""Tools of a user's own: programs that get JSON and say JSON, as whoever asks."""
import json
import os
import time

from harness import (ALICE, ASKFS, BOB, as_user, check, contains, equal, eventually, needs_root,
                     setting, shell, text_of)
from model_server import calls, says
from test_openai import with_server
from test_tools import call, data, error

SCHEMA = {"type": "object", "properties": {"city": {"type": "string", "minLength": 1}},
          "required": ["city"], "additionalProperties": False}


def with_tools(kb, **scripts):
    """Restart with a tool for each script of /bin/sh."""
    kb.stop()
    schema = os.path.join(kb.folder, "schema.json")
    with open(schema, "w") as f:
        json.dump(SCHEMA, f)
    for name, script in scripts.items():
        path = os.path.join(kb.folder, name)
        with open(path, "w") as f:
            f.write("#!/bin/sh\n" + script + "\n")
        os.chmod(path, 0o755)
        section = f'tool "{name}"'
        kb.config.update({f"{section}.command": f"{path} one two", f"{section}.schema": schema,
                          f"{section}.timeout": "2s"})
    kb.start()
    return kb


def test_a_program(kb):
    with_tools(kb, weather="""read json; echo "{\\"got\\": $json, \\"arguments\\": \\"$*\\"}" """,
               plain="cat > /dev/null; printf 'Just words.'",
               broken="echo 'there is no such city' >&2; exit 3", silent="exit 4",
               killed="kill -9 $$", slow="sleep 60", quiet="exec < /dev/null; exit 0",
               child="sleep 60 & echo '{}'", endless="yes", closed="exec 0<&-; echo 1")
    check("weather" in os.listdir(kb.path("tools")), "it is not in tools/")
    schema = json.loads(text_of(kb.path("tools", "weather", "schema.json")))
    equal((schema["name"], schema["parameters"]), ("weather", SCHEMA), "schema.json")
    equal(data(kb, "weather", city="Bonn"), {"got": {"city": "Bonn"}, "arguments": "one two"},
          "its result")
    equal(data(kb, "plain", city="Bonn"), "Just words.", "a result that is no JSON")
    equal(data(kb, "quiet", city="Bonn"), "", "a result that is empty")
    contains(error(kb, "weather"), '"city" is missing')
    equal(error(kb, "broken", city="x"), "broken: there is no such city", "what it says is wrong")
    equal(error(kb, "silent", city="x"), "silent: it ended with status 4", "its status")
    contains(error(kb, "killed", city="x"), "killed: it was ended by Killed")
    contains(error(kb, "endless", city="x"), "said more than")
    equal(data(kb, "closed", city="x" * 60000), 1, "one that does not read")
    for name, seconds in (("slow", 4), ("child", 2)):
        began = time.monotonic()
        result = call(kb, name, city="x")
        equal(result["success"], name == "child", f"{name}: {result['error']}")
        check(time.monotonic() - began < seconds, f"{name} took too long")
    eventually(lambda: "sleep 60" not in shell("ps -eo args || true"), "what they started ended")


def test_what_it_runs_with(kb):
    with_tools(kb, look="cat >/dev/null; pwd; umask; env | sort; ls /proc/self/fd | wc -w; id -u",
               grep="cat > /dev/null; grep NoNewPrivs /proc/self/status")
    shown = data(kb, "look", city="x").splitlines()
    equal(shown[:2], ["/", "0077"], "folder and umask")
    equal([line.split("=")[0] for line in shown[2:-2]], ["LANG", "PATH", "PWD"], "environment")
    equal(shown[-2], "4", "what is open: three, and the folder that ls reads")
    equal(data(kb, "grep", city="x").split(), ["NoNewPrivs:", "1"], "privileges")


@setting(options=("allow_other",))
def test_it_runs_as_whoever_asks(kb):
    needs_root()
    with_tools(kb, who="cat > /dev/null; echo \"$(id -u) $(id -G)\"")
    equal(as_user(ALICE, lambda: data(kb, "who", city="x")).split(), [str(ALICE)] * 2, "Alice")
    equal(as_user(BOB, lambda: data(kb, "who", city="x")).split(), [str(BOB)] * 2, "Bob")
    equal(data(kb, "who", city="x").split()[0], "0", "root")


def test_what_is_refused(kb):
    """At the start, in words."""
    schema = os.path.join(kb.folder, "schema.json")
    for text, section, command, expected in (
            (SCHEMA, 'tool "x y"', "/bin/true", 'expected [tool "name"]'),
            (SCHEMA, 'tool "vector_search"', "/bin/true", "a tool of that name already"),
            (SCHEMA, 'tool "x"', "/no/such/program a", "/no/such/program: No such file"),
            (SCHEMA, 'tool "x"', "relative", "expected an absolute path"),
            ({"type": "object", "oneOf": []}, 'tool "x"', "/bin/true", '"oneOf" is not known'),
            ("{", 'tool "x"', "/bin/true", "it is not JSON")):
        if kb.daemon:
            kb.stop()
        with open(schema, "w") as f:
            f.write(text if isinstance(text, str) else json.dumps(text))
        kb.config = {k: v for k, v in kb.config.items() if not k.startswith("tool")}
        kb.config.update({f"{section}.command": command, f"{section}.schema": schema})
        kb.write_config()
        said = shell(f"{ASKFS} mount --config '{kb.config_file}' --state '{kb.state}' "
                     f"'{kb.mount}' 2>&1", status=None)
        contains(said, expected, f"{section} {command}")
    kb.config = {k: v for k, v in kb.config.items() if not k.startswith("tool")}
    kb.start()


@with_server(agent__mode="auto")
def test_a_model_that_has_read_documents_may_not_call_it(kb, server):
    """Unless it is marked as safe."""
    kb.add("policy.txt", "Refunds are paid within 14 days.\n")
    marks = os.path.join(kb.folder, "marks")
    with_tools(kb, leak=f"cat >> {marks}; echo 1", harmless=f"cat >> {marks}; echo 2")
    kb.stop()
    kb.config['tool "harmless".safe'] = "yes"
    kb.start()
    server.script = [calls(("leak", {"city": "secret"}), ("harmless", {"city": "Bonn"})),
                     says("In 14 days. [1]")]
    answer = kb.answer("When are refunds paid?")
    equal([s["success"] for s in answer["steps"]], [False, True], "steps")
    equal(text_of(marks), '{"city":"Bonn"}', "what they were given")
