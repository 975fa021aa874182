"""`ic-harness snapshot`: download, upload, list, by name and with errors that say what to do."""

from __future__ import annotations

import json

import pytest
import wasmtime

from .conftest import refused

COUNTER = """
(module
  (import "ic0" "msg_reply" (func $reply))
  (memory (export "memory") 1)
  (func (export "canister_update nothing") (call $reply)))
"""


@pytest.fixture
def counter(run, tmp_path):
    """The name of a deployed canister."""
    tmp_path.joinpath("a.wasm").write_bytes(wasmtime.wat2wasm(COUNTER))
    assert run("deploy", "counter", "--wasm", "a.wasm").exit_code == 0
    return "counter"


def shown(result):
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_down_and_up_and_loaded(run, counter, tmp_path):
    """A snapshot goes into a folder and back; the snapshot taken for it is gone unless it is kept."""
    (down,) = shown(run("snapshot", "download", counter, "saved", "--json", "--quiet"))
    assert (tmp_path / "saved" / "metadata.json").exists()
    assert down["folder"] == "saved"
    assert shown(run("snapshot", "list", counter, "--json")) == []
    (up,) = shown(run("snapshot", "upload", counter, "saved", "--json", "--verify", "--load"))
    assert up["loaded"] is True
    (listed,) = shown(run("snapshot", "list", counter, "--json"))
    assert listed["snapshot_id"] == up["snapshot_id"]
    plain = run("snapshot", "upload", counter, "saved", "--replace", up["snapshot_id"])
    assert "uploaded" in plain.stdout
    assert len(run("snapshot", "list", counter).stdout.splitlines()) == 1
    identifier = run("snapshot", "list", counter).stdout.split()[0]
    (again,) = shown(run("snapshot", "download", counter, "again", "--snapshot", identifier, "--json"))
    assert again["snapshot_id"] == identifier
    assert (tmp_path / "again" / "wasm_module.bin").read_bytes() == (tmp_path / "a.wasm").read_bytes()
    (kept,) = shown(run("snapshot", "download", counter, "kept", "--keep", "--json"))
    assert kept["snapshot_id"] in run("snapshot", "list", counter).stdout


def test_errors(run, counter, tmp_path):
    """What is wrong is one line with the place; nothing is left half done."""
    (tmp_path / "taken").mkdir()
    refused(run("snapshot", "download", counter, "taken"), 2, "taken exists already")
    refused(run("snapshot", "download", "nothing", "saved"), 2, "nothing")
    refused(run("snapshot", "upload", counter, "taken"), 2, "taken is no folder of a snapshot")
    wrong = run("snapshot", "download", counter, "saved", "--snapshot", "xyz")
    assert wrong.exit_code == 2
    absent = run("snapshot", "download", counter, "saved", "--snapshot", "00" * 18)
    assert absent.exit_code == 1
    assert not (tmp_path / "saved").exists()
