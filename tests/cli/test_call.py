"""`ic-harness call`, `deploy` and `bindgen`: any canister, from a shell."""

from __future__ import annotations

import json

import pytest

from .conftest import refused


@pytest.fixture
def backend(run, tmp_path):
    """The id of a deployed reference backend."""
    result = run("deploy", "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)["canister_id"]


def test_deploy_remembers_and_upgrades(run, backend):
    """A second deploy upgrades the same canister."""
    again = json.loads(run("deploy", "--json").stdout)
    assert again == {"name": "backend", "canister_id": backend, "mode": "upgrade"}


def test_deploy_of_a_wasm_by_name(run, tmp_path):
    """A Wasm file is installed under the name that is given, and can be called by it."""
    from ic_capsule.backend import reference_wasm

    (tmp_path / "mine.wasm.gz").write_bytes(reference_wasm())
    result = run("deploy", "mine", "--wasm", tmp_path / "mine.wasm.gz")
    assert result.exit_code == 0, result.stderr
    assert run("call", "mine", "capsules_list").stdout.strip() == "(vec {})"


def test_deploy_of_a_project(run, tmp_path):
    """The canisters of a dfx.json are installed, and those not in it refused."""
    from ic_capsule.backend import reference_wasm

    (tmp_path / "a.wasm").write_bytes(reference_wasm())
    (tmp_path / "dfx.json").write_text('{"canisters": {"a": {"type": "custom", "wasm": "a.wasm"}}}')
    assert run("deploy", "a").exit_code == 0
    refused(run("deploy", "z"), 2, "no canister 'z'")


def test_failed_deploy_leaves_no_second_canister(run, tmp_path):
    """A canister whose Wasm was refused is used when the next deploy brings a better one."""
    from ic_capsule.backend import reference_wasm

    (tmp_path / "mine.wasm").write_bytes(b"no wasm")
    refused(run("deploy", "--wasm", tmp_path / "mine.wasm"), 1, "rejected", in_lines=True)
    refused(run("deploy", "--wasm", tmp_path / "mine.wasm", "--mode", "upgrade"), 2, "nothing to upgrade")
    first = run("call", "mine", "whoami")
    assert first.exit_code == 2, first.output
    (tmp_path / "mine.wasm").write_bytes(reference_wasm())
    deployed = json.loads(run("deploy", "--wasm", tmp_path / "mine.wasm", "--json").stdout)
    assert deployed["mode"] == "install"
    assert deployed["canister_id"] in first.stderr


@pytest.mark.parametrize("content", [b"", b"no wasm", b"\0asm\1\0\0"])
def test_deploy_of_what_is_no_wasm(run, tmp_path, content):
    """A file that is no Wasm is refused by the network in one line."""
    (tmp_path / "bad.wasm").write_bytes(content)
    refused(run("deploy", "--wasm", tmp_path / "bad.wasm"), 1, "rejected", in_lines=True)


def test_call_speaks_textual_candid(run, backend):
    """Arguments and replies are textual Candid."""
    result = run("call", "backend", "capsules_read_basic", "(null)")
    assert result.exit_code == 0, result.stderr
    assert "Err" in result.stdout
    assert "NotFound" in result.stdout


def test_call_gives_json(run, backend):
    """With `--json` the reply is a JSON list of the returned values."""
    result = run("call", backend, "upload_config", "--json")
    assert json.loads(result.stdout)[0]["chunk_size"] == 1_800_000


def test_query_can_be_certified(run, backend):
    """`--update` asks a query method for a certified reply, which says the same."""
    assert run("call", backend, "whoami", "--update").stdout == run("call", backend, "whoami").stdout


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["backend", "frobnicate"], ["no method 'frobnicate'", "there are: "]),
        (["backend", "whoam"], ["no method 'whoam'", "did you mean whoami?"]),
        (["backend", "whoami", "(1)"], ["arguments do not fit: 1 are given, 0 are taken"]),
        (["backend", "blob_get_meta", "("], ["arguments do not fit"]),
        (["backend", "blob_get_meta", '"x" "y"'], ["arguments do not fit: found", "near '\"y\")'"]),
        (["backend", "blob_get_meta", "(12 : nat8)"], ["expected text (at args[0], near '12 : nat8)')"]),
        (["backend", "whoami", "--query", "--update"], ["exclude each other"]),
        (["nobody", "whoami"], ["'nobody' is no canister"]),
        (["backend", "whoami", "--candid", "none.did"], ["cannot read none.did"]),
    ],
)
def test_wrong_calls_are_refused(run, backend, args, words):
    """A wrong method, argument, canister or interface ends with status 2 and one line."""
    refused(run("call", *args), 2, *words)


DID = 'type R = record { n : nat }; service : { get : (text) -> (opt R) query; "set" : (R) -> () }'


def test_bindgen_writes_python(run, tmp_path):
    """A Candid interface becomes Python that compiles, and `--check` accepts exactly that."""
    (tmp_path / "a.did").write_text(DID)
    result = run("bindgen", "a.did", "-o", "client.py")
    assert result.exit_code == 0, result.stderr
    compile((tmp_path / "client.py").read_text(), "client.py", "exec")
    assert run("bindgen", "a.did", "-o", "client.py", "--check").exit_code == 0
    (tmp_path / "client.py").write_text("# changed")
    refused(run("bindgen", "a.did", "-o", "client.py", "--check"), 1, "client.py")


@pytest.mark.parametrize("text", ["service : {", "\0", "service : { f : (Nope) -> () }"])
def test_bindgen_refuses_what_is_no_candid(run, tmp_path, text):
    """A file that is no Candid is refused by name."""
    (tmp_path / "bad.did").write_text(text)
    refused(run("bindgen", "bad.did"), 2, "bad.did")


def test_doctor_finds_the_embedded_network(run):
    """The doctor starts the embedded network, and says why others cannot be used."""
    result = run("doctor", "--json")
    assert result.exit_code == 0, result.stderr
    found = {item["name"]: item for item in json.loads(result.stdout)}
    assert found["embedded"]["usable"]
    assert {"dfx", "icp", "pocket-ic"} <= set(found)
    assert all(item["detail"] for item in found.values())


def test_doctor_fails_for_a_silent_network(run, unused_port):
    """A network that was asked for and does not answer makes the doctor exit with 1."""
    result = run("doctor", "--network", f"http://127.0.0.1:{unused_port}")
    assert result.exit_code == 1
    assert "no" in result.stdout
