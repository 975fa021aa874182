"""The crate `pocket-ic` as a client of our server: a Rust program of ours uses it as projects do.

The crate's own suite is no package of a registry; its cases are the list of behaviour that the program goes through.
"""

from __future__ import annotations

import json
import os

import pytest
import wasmtime

from ic_harness.pocket_ic import install
from tests.networks.conftest import COUNTER
from tests.networks.forwarder import FORWARDER
from tests.replica.support import wasm, wat

from . import toolbox
from .conftest import unavailable

pytestmark = [pytest.mark.interop, pytest.mark.slow]

CASES = (
    "life", "time", "rejects", "ingress_status", "cycles", "stable_memory", "topology", "calls_between_subnets",
    "metrics", "snapshots", "chunks", "logs", "outcalls", "outcalls_time_out", "states", "instances", "live",
    "management_by_effective_id",
)  # fmt: skip


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What the program reports of each case: None, or what went wrong."""
    folder = tmp_path_factory.mktemp("crate")
    modules = {
        "counter": bytes(wasmtime.wat2wasm(COUNTER)),
        "forwarder": wat(FORWARDER, prelude=""),
        "rust": wasm("rust/rust"),
    }
    for name, module in modules.items():
        (folder / f"{name}.wasm").write_bytes(module)
    try:
        program = toolbox.cargo_binary(toolbox.HERE / "pocket_ic_crate", "pocket-ic-judge")
    except toolbox.ToolMissingError as missing:
        unavailable("pocket-ic", missing)
    scratch = folder / "tmp"  # port files and states
    scratch.mkdir()
    printed = toolbox.run(
        [program, folder],
        POCKET_IC_BIN=str(install(folder / "bin")),
        POCKET_IC_MUTE_SERVER="1",
        TMPDIR=str(scratch),
        PATH=os.environ["PATH"],
    )
    return json.loads(printed.splitlines()[-1])


def test_every_case_is_run(results):
    """The program runs the cases that are listed here."""
    assert set(results) == set(CASES)


@pytest.mark.parametrize("case", CASES)
def test_crate(results, case):
    """What the crate does is answered as by PocketIC's server."""
    assert results[case] is None
