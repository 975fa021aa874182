"""Commands on networks by name: deploy, call and canisters' names on dfx, icp-cli and PocketIC (stand-ins)."""

from __future__ import annotations

import json

import pytest
import wasmtime

from ic_harness.networks import NAMES, STARTED
from ic_harness.networks.dfx_network import open_dfx
from tests.networks.conftest import COUNTER, COUNTER_DID
from tests.networks.standins.tools import Tools

from .conftest import refused


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A PATH, a home and a project in which the stand-ins are all there is."""
    for name in ("programs", "home"):
        (tmp_path / name).mkdir()
    made = Tools(tmp_path / "programs", tmp_path / "home")
    for name, value in made.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("POCKET_IC_BIN", raising=False)
    for name, module in (("dfx", "dfx"), ("icp", "icp"), ("pocket-ic", "pocket_ic")):
        made.install(name, module)
    return made


@pytest.fixture
def project(tmp_path):
    """A project of two custom canisters, one of which is built with the id of the other."""
    custom = {"type": "custom", "candid": "counter.did", "wasm": "counter.wasm"}
    build = ['test -n "$CANISTER_ID_FIRST"', "cp counter.wasm second.wasm"]
    canisters = {"first": custom, "second": custom | {"wasm": "second.wasm", "build": build}}
    networks = {"local": {"bind": "127.0.0.1:0"}}
    (tmp_path / "dfx.json").write_text(json.dumps({"canisters": canisters, "networks": networks}))
    (tmp_path / "icp.yaml").write_text("")
    (tmp_path / "counter.did").write_text(COUNTER_DID)
    (tmp_path / "counter.wasm").write_bytes(wasmtime.wat2wasm(COUNTER))
    return tmp_path


def deployed(result):
    assert result.exit_code == 0, result.output
    return {told["name"]: told for told in map(json.loads, result.stdout.splitlines())}


@pytest.mark.parametrize("network", ["dfx:start", "icp:start", "pocket-ic"])
def test_project_is_deployed(run, tools, project, network):
    """The canisters of a dfx.json are built and installed on a network that is started for it and stopped again."""
    told = deployed(run("deploy", "--network", network, "--json"))
    assert {name: entry["mode"] for name, entry in told.items()} == {"first": "install", "second": "install"}
    assert (project / "second.wasm").exists()


def test_deployed_canister_is_called_on_pocket_ic(run, tools, project):
    """On PocketIC, commands find what earlier ones left: its state is kept in the state folder."""
    deployed(run("deploy", "first", "--network", "pocket-ic", "--json"))
    counted = run("call", "first", "increment", "--candid", "counter.did", "--network", "pocket-ic")
    assert (counted.exit_code, counted.stdout) == (0, "(1 : nat32)\n"), counted.output


def test_canisters_of_dfx_have_names(run, tools, project):
    """A canister that dfx deployed is found by its name, and upgraded in place."""
    with open_dfx(start=True):
        told = deployed(run("deploy", "first", "--network", "dfx", "--json"))["first"]
        (project / ".ic-harness/canisters.json").unlink()
        ids = project / ".dfx/local/canister_ids.json"
        ids.parent.mkdir(parents=True, exist_ok=True)
        ids.write_text(json.dumps({"backend": {"local": told["canister_id"]}}))
        called = run("call", "backend", "increment", "--candid", "counter.did", "--network", "dfx")
        assert called.stdout == "(1 : nat32)\n", called.output
        refused(run("call", "other", "get", "--network", "dfx"), 2, "'other' is no canister known here")
        ids.write_text(json.dumps({"first": {"local": told["canister_id"]}}))
        again = deployed(run("deploy", "first", "--network", "dfx", "--json"))["first"]
        assert (again["canister_id"], again["mode"]) == (told["canister_id"], "upgrade")


def test_void_name_is_no_canister(run, tools, project):
    """A name whose id is not on the network leads nowhere, instead of to another user's canister."""
    with open_dfx(start=True):
        ids = project / ".dfx/local/canister_ids.json"
        ids.parent.mkdir(parents=True, exist_ok=True)
        ids.write_text(json.dumps({"backend": {"local": "r7inp-6aaaa-aaaaa-aaabq-cai"}}))
        refused(run("call", "backend", "get", "--network", "dfx"), 2, "'backend' is no canister known here")


def test_failing_build_installs_nothing(run, tools, project):
    """When a build fails nothing is installed; the canister that was made is known and taken the next time."""
    content = json.loads((project / "dfx.json").read_text())
    content["canisters"] = {"second": content["canisters"]["second"] | {"build": "exit 3"}}
    (project / "dfx.json").write_text(json.dumps(content))
    refused(run("deploy"), 1, "the build command 'exit 3' failed", "done before: second created; the same")
    content["canisters"]["second"]["build"] = "cp counter.wasm second.wasm"
    (project / "dfx.json").write_text(json.dumps(content))
    assert deployed(run("deploy", "--json"))["second"]["mode"] == "install"


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("dfx", ["does not answer", "dfx start --clean --background"]),
        ("icp", ["does not run", "icp network start"]),
        ("dfx:stop", ["no network 'dfx:stop'", "dfx:start"]),
    ],
)
def test_network_that_does_not_run_is_one_line(run, tools, project, network, words):
    """The error for an unusable network is one line, with what to do."""
    refused(run("call", "aaaaa-aa", "x", "--network", network), 2 if ":" in network else 1, *words)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("dfx:start", "Install dfx"),
        ("icp:start", "Install icp-cli"),
        ("pocket-ic", "POCKET_IC_BIN is not set"),
    ],
)
def test_missing_program_is_one_line(run, tools, project, network, words):
    """Where a program is missing the line says how to install it."""
    for path in tools.folder.iterdir():
        path.unlink()
    refused(run("deploy", "--network", network), 1, words)


def test_help_names_every_network(run):
    """`--network` lists every name that it takes."""
    text = " ".join(run("call", "--help").stdout.split())
    assert all(name in text for name in NAMES + STARTED)


def test_backend_is_named_as_a_canister_is(run, tools, project):
    """`--canister-id` takes a name too, and an unknown one is an error before anything is sent."""
    told = deployed(run("deploy", "first", "--no-build", "--json"))["first"]
    refused(
        run("download", "blob_1", "-o", "out", "--canister-id", "nobody"),
        2,
        "'nobody' is no canister known here",
    )
    by_name = run("download", "blob_1", "-o", "out", "--canister-id", "first")
    by_id = run("download", "blob_1", "-o", "out", "--canister-id", told["canister_id"])
    assert by_name.exit_code == by_id.exit_code != 0
    assert by_name.stderr == by_id.stderr
