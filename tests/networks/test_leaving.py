"""What was started is stopped, also by a program that ends without closing its networks."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .standins.tools import gone

SCRIPT = """
import os
from ic_harness.networks import {name}
network = {call}
print(network._server.pid if {name!r} == "pocket_ic" else open(".dfx/network/local/pid").read(), flush=True)
{end}
"""


@pytest.fixture
def project(tmp_path, tools):
    """A project with a network of dfx of its own, and both programs on PATH."""
    (tmp_path / "dfx.json").write_text(json.dumps({"networks": {"local": {"bind": "127.0.0.1:0"}}}))
    tools.install("dfx")
    tools.install("pocket-ic", "pocket_ic")
    return tmp_path


@pytest.mark.parametrize("end", ["", "raise ZeroDivisionError"])
@pytest.mark.parametrize(("name", "call"), [("dfx", "dfx(start=True)"), ("pocket_ic", "pocket_ic()")])
def test_program_that_does_not_close_leaves_nothing(project, tools, name, call, end):
    """However a program ends, short of being killed, the network that it started ends with it."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(name=name, call=call, end=end)],
        cwd=project,
        env=tools.environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    assert gone(int(done.stdout))
