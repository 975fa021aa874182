"""`ic-harness deploy` of projects: remote canisters, scripts, the environment file, and deploys that fail half way."""

from __future__ import annotations

import json

import pytest
import wasmtime

from .conftest import refused

ID = "rrkah-fqaaa-aaaaa-aaaaq-cai"
DID = "service : (opt nat32) -> { get : () -> (nat32) query }"
COUNTER = """
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "DIDL\\00\\01\\79\\07\\00\\00\\00")
  (func (export "canister_query get") (call $append (i32.const 0) (i32.const 11)) (call $reply)))
"""


@pytest.fixture
def project(run, tmp_path):
    """Write a project of custom canisters and other entries of its dfx.json; `a.wasm` is a module."""
    tmp_path.joinpath("a.wasm").write_bytes(wasmtime.wat2wasm(COUNTER))
    tmp_path.joinpath("a.did").write_text(DID)

    def make(top=None, **canisters):
        whole = {
            name: {"type": "custom", "wasm": "a.wasm", "candid": "a.did"} | item
            for name, item in canisters.items()
        }
        tmp_path.joinpath("dfx.json").write_text(json.dumps({"canisters": whole} | (top or {})))
        return tmp_path

    return make


def modes(result):
    """Return how each canister of a successful deploy was put in place."""
    assert result.exit_code == 0, result.output
    return {told["name"]: told["mode"] for told in map(json.loads, result.stdout.splitlines())}


def test_nothing_is_changed_by_bad_input(run, project):
    """Everything is read before anything is created: the status is 2, and no canister is known afterwards."""
    folder = project(first={}, second={"init_arg": "(true)"})
    refused(run("deploy"), 2, "the arguments of second (`init_arg` in dfx.json) do not fit")
    project(first={}, second={"wasm": "none.wasm"})
    refused(run("deploy"), 2, "canister second: there is no", "build it first")
    project(first={}, second={"dependencies": ["first", "second"]})
    refused(run("deploy"), 2, "depend on each other: second -> second")
    project({"output_env_file": "none/.env"}, first={})
    refused(run("deploy"), 2, "there is no folder")
    project(first={})
    refused(run("deploy", "--mode", "upgrade"), 2, "no canister first is installed here")
    assert not folder.joinpath(".ic-harness/canisters.json").exists()


def test_unfinished_deploy_continues(run, project):
    """A deploy that fails half way ends with status 1 and what it did; the next one does the rest only."""
    folder = project(first={}, second={"wasm": "b.wasm"}, third={})
    folder.joinpath("b.wasm").write_bytes(b"no module")
    result = run("deploy", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["name"] == "first"
    assert "done before: first created, first (install), second created; the same command" in result.stderr
    folder.joinpath("b.wasm").write_bytes(folder.joinpath("a.wasm").read_bytes())
    assert modes(run("deploy", "--json")) == {"first": "done", "second": "install", "third": "install"}
    assert not folder.joinpath(".ic-harness/deploying.json").exists()
    assert set(modes(run("deploy", "--json")).values()) == {"upgrade"}


def test_changed_canister_is_installed_again(run, project):
    """What an unfinished deploy did is done again when the arguments, the mode or the module changed since."""
    folder = project(first={}, second={"wasm": "b.wasm"})
    folder.joinpath("b.wasm").write_bytes(b"no module")
    assert run("deploy").exit_code == 1
    project(first={"init_arg": "(opt 1)"}, second={"wasm": "b.wasm"})
    refused_again = run("deploy")
    assert (refused_again.exit_code, "first: " in refused_again.stdout) == (1, True)
    assert "(upgrade)" in refused_again.stdout
    assert "(done)" in run("deploy").stdout
    assert "(reinstall)" in run("deploy", "first", "--mode", "reinstall").stdout


def test_damaged_progress_is_named(run, project):
    """A damaged file of progress is refused by name."""
    folder = project(first={})
    assert run("deploy").exit_code == 0
    folder.joinpath(".ic-harness/deploying.json").write_text("[1]")
    refused(run("deploy"), 1, "deploying.json is damaged")


def test_scripts_run_when_asked(run, project):
    """`post_install` and `pre_install` are shown, and run with `--run-scripts` only."""
    folder = project(
        a={
            "pre_install": "sh -c 'echo before >> ran'",
            "post_install": ["sh -c 'echo $CANISTER_ID $DFX_NETWORK >> ran'", "echo \x1b[31mred"],
        }
    )
    result = run("deploy")
    assert result.exit_code == 0
    assert "a: pre_install not run without --run-scripts: sh -c 'echo before >> ran'" in result.stderr
    assert "\x1b" not in result.stderr
    assert not folder.joinpath("ran").exists()
    result = run("deploy", "--run-scripts", "--json")
    assert modes(result) == {"a": "upgrade"}
    made = json.loads(result.stdout)["canister_id"]
    assert folder.joinpath("ran").read_text() == f"before\n{made} local\n"


def test_failing_script(run, project):
    """A failing script is status 1 with what was done; the next deploy installs and runs it again."""
    folder = project(first={}, second={"post_install": "sh fails.sh"})
    folder.joinpath("fails.sh").write_text("exit 7")
    result = run("deploy", "--run-scripts")
    assert result.exit_code == 1
    assert "canister second: `post_install`: the command 'sh fails.sh' failed" in result.stderr
    assert "second created, second (install); the same" in result.stderr
    folder.joinpath("fails.sh").write_text("exit 0")
    assert modes(run("deploy", "--run-scripts", "--json")) == {"first": "done", "second": "upgrade"}


def test_remote_canister_is_left_alone(run, project):
    """A canister that others deployed on the network is not installed, and its id is known to builds."""
    folder = project(
        theirs={"remote": {"id": {"local": ID}}},
        ours={"build": ["echo $CANISTER_ID_THEIRS > seen"], "dependencies": ["theirs"]},
    )
    assert modes(run("deploy", "--json")) == {"theirs": "remote", "ours": "install"}
    assert folder.joinpath("seen").read_text() == f"{ID}\n"


def test_frontend_is_left_out(run, project):
    """A canister of type assets is left out unless it is asked for."""
    project(a={}, web={"type": "assets", "source": ["dist"]})
    result = run("deploy", "--json")
    assert modes(result) == {"a": "install"}
    assert "web: left out" in result.stderr
    refused(run("deploy", "web"), 2, "type 'assets' cannot be installed")


def test_output_env_file(run, project):
    """The file gets a section of variables; the rest of it is kept, and a second deploy replaces the section."""
    folder = project({"output_env_file": ".env"}, **{"my-a": {}})
    folder.joinpath(".env").write_text("KEY=1\n")
    made = json.loads(run("deploy", "--json").stdout)["canister_id"]
    section = (
        "\n# DFX CANISTER ENVIRONMENT VARIABLES\nDFX_NETWORK='local'\n"
        f"CANISTER_ID_MY_A='{made}'\nCANISTER_CANDID_PATH_MY_A='{folder}/a.did'\n"
        "# END DFX CANISTER ENVIRONMENT VARIABLES"
    )
    assert folder.joinpath(".env").read_text() == f"KEY=1\n{section}"
    folder.joinpath(".env").write_text(f"KEY=2\n{section}\nLAST=3\n")
    assert run("deploy").exit_code == 0
    assert folder.joinpath(".env").read_text() == f"KEY=2\n{section}\nLAST=3\n"


@pytest.mark.parametrize("candid", ["it's.did", "a\nX=1.did"])
def test_environment_file_cannot_be_injected(run, project, candid):
    """A path with a quote or a line end is refused before anything is changed."""
    folder = project({"output_env_file": ".env"}, a={"candid": candid})
    folder.joinpath("it's.did").write_text(DID)
    assert run("deploy").exit_code == 2
    assert not folder.joinpath(".env").exists()
    assert not folder.joinpath(".ic-harness/canisters.json").exists()


ICP = """
canisters:
  - name: one
    build: {steps: [{type: script, command: 'cp a.wasm "$ICP_WASM_OUTPUT_PATH"'}]}
    sync:
      steps:
        - {type: script, command: 'echo "$ICP_CLI_CID $ICP_CLI_CID_TWO_B $ICP_CLI_NETWORK" > out'}
        - {type: plugin}
  - {name: two-b, build: {steps: [{type: pre-built, path: a.wasm}]}, init_args: {value: 4449444c0000, format: hex}}
environments:
  - {name: staging, network: ic, canisters: [one]}
"""


def test_icp_yaml(run, project):
    """Canisters of an icp.yaml are built and installed; sync scripts run when asked, in an environment when asked."""
    folder = project()
    folder.joinpath("dfx.json").unlink()
    folder.joinpath("icp.yaml").write_text(ICP)
    assert modes(run("deploy", "--environment", "staging", "--json")) == {"one": "install"}
    result = run("deploy", "--run-scripts", "--json")
    assert modes(result) == {"one": "upgrade", "two-b": "install"}
    assert "one: 1 sync steps are no scripts: run `icp sync`" in result.stderr
    ids = [json.loads(line)["canister_id"] for line in result.stdout.splitlines()]
    assert folder.joinpath("out").read_text() == f"{ids[0]} {ids[1]} local\n"
    refused(run("deploy", "--no-build"), 2, "run `icp build one` first")
    refused(run("deploy", "--environment", "none"), 2, "no environment 'none'")
    project(a={})
    refused(run("deploy", "--environment", "staging"), 2, "--environment is for an icp.yaml")


def test_new_canisters_get_their_settings(run, project):
    """A new canister has the id and the settings of its entry; values that do not fit are errors before anything."""
    values = {
        "compute_allocation": "0", "freezing_threshold": "15days 2min 2s", "wasm_memory_limit": "2 GiB",
        "reserved_cycles_limit": 7_000, "log_visibility": "public", "wasm_memory_threshold": None,
    }  # fmt: skip
    item = {"specified_id": ID, "initialization_values": values}
    project(first=item)
    assert modes(run("deploy", "--json")) == {"first": "install"}
    told = run("repl", "-c", "s = first.settings(); (str(first.canister_id), s)")
    assert told.exit_code == 0, told.output
    for part in (
        ID, "'freezing_threshold': 1296122", "'wasm_memory_limit': 2147483648", "'reserved_cycles_limit': 7000",
        "'log_visibility': {'public': None}",
    ):  # fmt: skip
        assert part in told.stdout
    assert modes(run("deploy", "--json")) == {"first": "upgrade"}
    project(second={"specified_id": ID})
    refused(run("deploy"), 1, ID)


@pytest.mark.parametrize(
    ("item", "told"),
    [
        ({"freezing_treshold": 1}, "did you mean freezing_threshold?"),
        ({"compute_allocation": -1}, "compute_allocation must be a number"),
        ({"compute_allocation": True}, "compute_allocation must be a number"),
        ({"wasm_memory_limit": "2 GiB or so"}, "wasm_memory_limit must be a number of bytes"),
        ({"memory_allocation": "9" * 1000}, "memory_allocation must be a number of bytes"),
        ({"freezing_threshold": "2 moons"}, "freezing_threshold must be a number of seconds"),
        ({"freezing_threshold": ""}, "freezing_threshold must be a number of seconds"),
        ({"log_visibility": "nobody"}, "log_visibility must be controllers, public"),
        ({"log_visibility": {"allowed_viewers": ["x"]}}, "log_visibility is no canister id"),
    ],
)
def test_settings_that_do_not_fit(run, project, item, told):
    """A wrong value is named, with status 2, and nothing is created."""
    folder = project(first={"initialization_values": item})
    refused(run("deploy"), 2, "canister first: `initialization_values`", told)
    assert not folder.joinpath(".ic-harness/canisters.json").exists()
