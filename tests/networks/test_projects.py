"""Canisters of a dfx.json: found, ordered, built; and every way in which they cannot be."""

from __future__ import annotations

import json
import sys

import pytest

from ic_harness.errors import InputError
from ic_harness.networks import build_environment, list_project, read_project
from ic_harness.principal import Principal


def project(folder, **canisters):
    (folder / "dfx.json").write_text(json.dumps({"canisters": canisters}))
    (folder / "a.wasm").write_bytes(b"wasm a")
    return folder


CUSTOM = {"type": "custom", "wasm": "a.wasm", "candid": "a.did"}


def test_custom_canister_is_read(tmp_path):
    """A custom canister has the Wasm, interface and argument that dfx.json names."""
    (found,) = read_project(project(tmp_path, a=CUSTOM | {"init_arg": "(42)"}))
    assert (found.name, found.wasm, found.candid, found.init_arg) == (
        "a",
        b"wasm a",
        tmp_path / "a.did",
        "(42)",
    )


def test_argument_file_is_read(tmp_path):
    """`init_arg_file` is read from the project's folder."""
    (tmp_path / "arg.txt").write_text('("x")')
    (found,) = read_project(project(tmp_path, a=CUSTOM | {"init_arg_file": "arg.txt"}))
    assert found.init_arg == '("x")'


def test_dependencies_come_first(tmp_path):
    """A canister is installed after those that it depends on, and each only once."""
    folder = project(
        tmp_path, a=CUSTOM | {"dependencies": ["b", "c"]}, b=CUSTOM | {"dependencies": ["c"]}, c=CUSTOM
    )
    assert [found.name for found in read_project(folder, ["a"])] == ["c", "b", "a"]


def test_rust_canister_is_found_where_cargo_puts_it(tmp_path):
    """A rust canister's Wasm lies in target/, its dashes turned into underscores."""
    folder = project(tmp_path, a={"type": "rust", "package": "my-canister"})
    target = folder / "target/wasm32-unknown-unknown/release"
    target.mkdir(parents=True)
    (target / "my_canister.wasm").write_bytes(b"rust")
    assert read_project(folder)[0].wasm == b"rust"


def test_motoko_canister_is_found_where_dfx_puts_it(tmp_path):
    """A canister without a type is Motoko, and its Wasm lies in .dfx/."""
    folder = project(tmp_path, a={"main": "a.mo"})
    built = folder / ".dfx/local/canisters/a"
    built.mkdir(parents=True)
    (built / "a.wasm").write_bytes(b"motoko")
    assert read_project(folder)[0].wasm == b"motoko"


def test_build_commands_run_in_the_project(tmp_path):
    """Build commands of a custom canister run in the project's folder, before its Wasm is read."""
    command = f"{sys.executable} -c \"open('a.wasm', 'wb').write(b'built')\""
    folder = project(tmp_path, a=CUSTOM | {"build": [command]})
    assert read_project(folder, build=False)[0].wasm == b"wasm a"
    assert read_project(folder)[0].wasm == b"built"


@pytest.mark.parametrize(
    ("canister", "message"),
    [
        ({"type": "custom", "wasm": "none.wasm"}, "build it first"),
        (
            {"type": "custom", "wasm": "https://example.org/x/b.wasm.gz?raw=1"},
            "no .*/.dfx/local/canisters/a/download-b.wasm.gz; nothing is downloaded here: run `dfx build a`",
        ),
        ({"type": "custom"}, "must be a file"),
        ({"type": "assets"}, "type 'assets' cannot be installed"),
        (CUSTOM | {"dependencies": ["a"]}, "depend on each other: a -> a"),
        (CUSTOM | {"dependencies": ["z"]}, "no canister 'z'"),
        (CUSTOM | {"build": "no-such-program-here"}, "build command 'no-such-program-here' failed"),
    ],
)
def test_what_cannot_be_installed_is_told(tmp_path, canister, message):
    """A canister that cannot be installed is refused with its name and the reason."""
    with pytest.raises(InputError, match=message):
        read_project(project(tmp_path, a=canister))


@pytest.mark.parametrize("text", ["{", "[]", '{"canisters": []}', '{"canisters": {"a": 1}}'])
def test_damaged_file_is_told(tmp_path, text):
    """A dfx.json of another shape is refused by name."""
    (tmp_path / "dfx.json").write_text(text)
    with pytest.raises(InputError, match=r"dfx\.json.*(no JSON|damaged)"):
        read_project(tmp_path)


def test_missing_file_is_told(tmp_path):
    """A folder without dfx.json is refused."""
    with pytest.raises(InputError, match="cannot read"):
        read_project(tmp_path)


def test_build_commands_are_shell_or_files(tmp_path):
    """A command of one word that is a file of the project is run; everything else goes to the shell."""
    script = tmp_path / "make canister"
    script.write_text("#!/bin/sh\nprintf built > a.wasm\n")
    script.chmod(0o755)
    folder = project(tmp_path, a=CUSTOM | {"build": "'make canister'"})
    assert read_project(folder)[0].wasm == b"built"
    folder = project(
        tmp_path, a=CUSTOM | {"build": ["printf 12345 | head -c 2 > a.wasm", "printf 3 >> a.wasm"]}
    )
    assert read_project(folder)[0].wasm == b"123"


def test_build_commands_know_the_canisters(tmp_path):
    """Build commands get the variables that dfx gives them."""
    (tmp_path / "a.did").write_text("service : {}")
    command = 'echo "$DFX_NETWORK $CANISTER_ID_MY_B $CANISTER_CANDID_PATH_A $CANISTER_CANDID_PATH" > a.wasm'
    folder = project(tmp_path, a=CUSTOM | {"build": command}, **{"my-b": CUSTOM})
    canisters = list_project(folder, network="ic")
    known = build_environment(canisters, {"my-b": Principal.management()})
    canisters[0].build(known)
    assert canisters[0].load().wasm.decode() == f"ic aaaaa-aa {tmp_path}/a.did {tmp_path}/a.did\n"
    assert build_environment([], {}) == {}


def test_failing_build_is_told(tmp_path):
    """A build command that fails is told, and nothing after it is run."""
    folder = project(tmp_path, a=CUSTOM | {"build": ["exit 3", "touch later"]})
    with pytest.raises(InputError, match=r"build command 'exit 3' failed.*status 3"):
        read_project(folder)
    assert not (folder / "later").exists()


@pytest.mark.parametrize("ending", ["wasm", "wasm.gz"])
def test_canister_built_by_dfx_is_found(tmp_path, ending):
    """What dfx built is taken where cargo left nothing, with the interface that dfx wrote beside it."""
    folder = project(tmp_path, a={"type": "rust", "package": "a"})
    made = folder / ".dfx/local/canisters/a"
    made.mkdir(parents=True)
    (made / f"a.{ending}").write_bytes(b"by dfx")
    (made / "a.did").write_text("service : {}")
    (found,) = read_project(folder)
    assert (found.wasm, found.candid) == (b"by dfx", made / "a.did")


@pytest.mark.parametrize("kind", ["rust", "motoko"])
def test_missing_build_is_told(tmp_path, kind):
    """A canister that has not been built is refused with how to build it."""
    with pytest.raises(InputError, match=r"build it first: .*dfx build"):
        read_project(project(tmp_path, a={"type": kind, "package": "a"}))


def test_missing_argument_file_is_told(tmp_path):
    """An `init_arg_file` that is not there is refused by name."""
    with pytest.raises(InputError, match=r"canister a: `init_arg_file`: cannot read .*arg\.txt"):
        read_project(project(tmp_path, a=CUSTOM | {"init_arg_file": "arg.txt"}))
