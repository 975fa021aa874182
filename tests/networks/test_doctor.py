"""The doctor: which networks can be used here, in which versions, and why others cannot."""

from __future__ import annotations

import json

import pytest

from ic_harness import __version__
from ic_harness.networks import NAMES, examine
from ic_harness.networks.dfx_network import open_dfx
from ic_harness.protocol import bls
from ic_harness.replica import serve


def examined(tools, folder, wanted=None):
    return {found.name: found for found in examine(wanted, folder=folder, environ=tools.environ)}


def test_bare_machine_is_told(tools, tmp_path):
    """Without any program only the embedded network can be used, and the others say how to get them."""
    found = examined(tools, tmp_path)
    assert list(found) == list(NAMES)
    assert {name: finding.usable for name, finding in found.items()} == {
        "embedded": True,
        "dfx": False,
        "icp": False,
        "pocket-ic": False,
        "ic": None,
    }
    assert (found["embedded"].required, found["embedded"].version) == (
        True,
        f"ic-harness {__version__}, BLS12-381 by {bls.implementation()}",
    )
    assert "time" in found["embedded"].capabilities
    assert "Install dfx: sh -ci" in found["dfx"].detail
    assert "no icp.yaml" in found["icp"].detail
    assert "Install icp-cli" in found["icp"].detail
    assert "POCKET_IC_BIN" in found["pocket-ic"].detail
    assert "--network ic" in found["ic"].detail


def test_programs_are_told_with_versions(tools, tmp_path):
    """Programs that are there are told with their versions; PocketIC is tried, others can be started."""
    for name, module in (("dfx", "dfx"), ("icp", "icp"), ("pocket-ic", "pocket_ic")):
        tools.install(name, module)
    (tmp_path / "icp.yaml").write_text("")
    found = examined(tools, tmp_path)
    assert all(found[name].usable for name in ("dfx", "icp", "pocket-ic"))
    assert found["dfx"].version == f"dfx 0.99.0 ({tools.folder}/dfx)"
    assert "--network dfx:start starts it" in found["dfx"].detail
    assert found["icp"].version == f"icp 0.99.0 ({tools.folder}/icp)"
    assert "--network icp:start starts it" in found["icp"].detail
    assert found["pocket-ic"].detail.startswith("started and made an instance")
    assert {"single_round", "time"} <= set(found["pocket-ic"].capabilities)


def test_running_network_is_told(tools, tmp_path):
    """A network that runs is told with its address and what it can do."""
    tools.install("dfx")
    (tmp_path / "dfx.json").write_text(json.dumps({"networks": {"local": {"bind": "127.0.0.1:0"}}}))
    with open_dfx(tmp_path, start=True, environ=tools.environ) as network:
        found = examined(tools, tmp_path)["dfx"]
    assert found.detail.startswith(f"runs at {network.url}, root key ends in ")
    assert found.capabilities == ("create", "logs", "upgrade")


def test_broken_program_is_told(tools, tmp_path):
    """A program that is there and does not work is told with what it printed."""
    tools.script("dfx", "echo no such library; exit 127")
    tools.script("pocket-ic", "echo wrong machine; exit 1")
    found = examined(tools, tmp_path)
    assert "failed with status 127; it said: no such library" in found["dfx"].detail
    assert "failed with status 1; it said: wrong machine" in found["pocket-ic"].detail


def test_damaged_project_is_told(tools, tmp_path):
    """A damaged dfx.json is the reason why dfx's network cannot be used, not the end of the examination."""
    (tmp_path / "dfx.json").write_text("{")
    found = examined(tools, tmp_path)
    assert found["dfx"].usable is False
    assert "dfx.json is no JSON" in found["dfx"].detail


def test_project_that_cannot_be_started_is_told(tools, tmp_path):
    """Where icp-cli is installed but there is no project, nothing can be started."""
    tools.install("icp")
    found = examined(tools, tmp_path)["icp"]
    assert (found.usable, found.version) == (False, f"icp 0.99.0 ({tools.folder}/icp)")
    assert "no icp.yaml" in found.detail


def test_wanted_network_is_required(tools, tmp_path, network, unused_port):
    """The network that is asked for is tried, and must answer."""
    with serve(network.replica) as server:
        found = examined(tools, tmp_path, server.url)[server.url]
        assert (found.usable, found.required) == (True, True)
    silent = f"http://127.0.0.1:{unused_port}"
    found = examined(tools, tmp_path, silent)[silent]
    assert (found.usable, found.required) == (False, True)
    assert "did not answer" in found.detail


@pytest.mark.parametrize("spec", ["embedded", "nowhere"])
def test_wanted_name_is_told_once(tools, tmp_path, spec):
    """A network that is asked for by name is told once; a name that is none is told too."""
    found = examine(spec, folder=tmp_path, environ=tools.environ)
    assert [finding.name for finding in found].count(spec) == 1
    assert found[-1].required
    assert found[-1].usable is (spec == "embedded")


def test_the_arithmetic_is_named(tmp_path, monkeypatch):
    """The embedded network is found with what verifies its signatures; a wrong choice is why it is not usable."""
    monkeypatch.setenv(bls.VARIABLE, "wasm")
    (found,) = (finding for finding in examine(folder=tmp_path, environ={}) if finding.name == "embedded")
    assert found.usable
    assert "BLS12-381 by a Wasm module in wasmtime" in (found.version or "")
    monkeypatch.setenv(bls.VARIABLE, "quick")
    (found,) = (finding for finding in examine(folder=tmp_path, environ={}) if finding.name == "embedded")
    assert not found.usable
    assert "set it to native or wasm" in found.detail
