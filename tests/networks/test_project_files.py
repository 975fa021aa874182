"""Project files as real projects have them, and hostile ones: each is read, or refused in one sentence."""

from __future__ import annotations

import hashlib
import json
import os

import pytest

from ic_harness.errors import InputError
from ic_harness.networks import list_icp_project, list_project, read_project
from ic_harness.networks.icp_yaml import read_environment
from ic_harness.networks.project_paths import MAX_WASM
from ic_harness.networks.projects import read_env_file
from ic_harness.principal import Principal

ID = "rrkah-fqaaa-aaaaa-aaaaq-cai"
CUSTOM = {"type": "custom", "wasm": "a.wasm"}
DIGEST = hashlib.sha256(b"wasm").hexdigest()


@pytest.fixture
def dfx(tmp_path):
    """Write a dfx.json with these canisters in a repository of its own, and list them."""
    tmp_path.joinpath("a.wasm").write_bytes(b"wasm")

    def make(network="local", **canisters):
        tmp_path.joinpath("dfx.json").write_text(json.dumps({"canisters": canisters}))
        return list_project(tmp_path, network=network)

    return make


@pytest.fixture
def icp(tmp_path, monkeypatch):
    """Write an icp.yaml and list the canisters of an environment; icp-cli's data folder is empty."""
    monkeypatch.setenv("ICP_HOME", str(tmp_path / "home"))
    tmp_path.joinpath("a.wasm").write_bytes(b"wasm")

    def make(text, *names, environment="local"):
        tmp_path.joinpath("icp.yaml").write_text(text)
        return list_icp_project(tmp_path, names, environment=environment)

    return make


# dfx.json


def test_module_of_a_url(dfx, tmp_path):
    """A module that dfx downloaded is taken; the interface of a URL is the one that dfx stored."""
    url = {"type": "custom", "wasm": "https://x.org/r/v1/b.wasm.gz", "candid": "https://x.org/b.did"}
    (canister,) = dfx(b=url)
    made = tmp_path / ".dfx/local/canisters/b"
    made.mkdir(parents=True)
    with pytest.raises(InputError, match=r"download-b\.wasm\.gz; nothing is downloaded here"):
        canister.load()
    made.joinpath("download-b.wasm.gz").write_bytes(b"fetched")
    made.joinpath("b.did").write_text("service : {}")
    assert (canister.load().wasm, canister.load().candid) == (b"fetched", made / "b.did")


def test_remote(dfx, tmp_path):
    """A canister is remote on the networks that name its id, with an interface of its own there."""
    tmp_path.joinpath("remote.did").write_text("service : {}")
    item = CUSTOM | {"candid": "a.did", "remote": {"id": {"ic": ID}, "candid": "remote.did"}}
    (local,) = dfx(a=item)
    (remote,) = dfx(a=item, network="ic")
    assert (local.remote, local.candid) == (None, tmp_path / "a.did")
    assert (remote.remote, remote.candid) == (Principal.of(ID), tmp_path / "remote.did")


@pytest.mark.parametrize("output", [None, "src/generated"])
def test_declarations(dfx, tmp_path, output):
    """An interface among committed declarations is used where dfx has built nothing."""
    (canister,) = dfx(a={"type": "motoko", **({"declarations": {"output": output}} if output else {})})
    folder = tmp_path / (output or "src/declarations/a")
    folder.mkdir(parents=True)
    folder.joinpath("a.did").write_text("service : {}")
    assert canister.candid == folder / "a.did"


def test_pulled(dfx, tmp_path, monkeypatch):
    """A pulled canister is the module in dfx's cache, checked, with the arguments that were set for it."""
    monkeypatch.setenv("DFX_CACHE_ROOT", str(tmp_path / "home"))
    (canister,) = dfx(p={"type": "pull", "id": ID})
    with pytest.raises(InputError, match="run `dfx deps pull`"):
        canister.load()
    deps, cache = tmp_path / "deps", tmp_path / "home/.cache/dfinity/pulled" / ID
    for folder in (deps / "candid", cache):
        folder.mkdir(parents=True)
    cache.joinpath("canister.wasm.gz").write_bytes(b"wasm")
    entry = {"wasm_hash_download": DIGEST, "gzip": True, "init_arg": "(1)"}
    deps.joinpath("pulled.json").write_text(json.dumps({"canisters": {ID: entry}}))
    deps.joinpath("candid", f"{ID}.did").write_text("service : {}")
    found = canister.load()
    assert (found.wasm, found.init_arg, found.init_bytes) == (b"wasm", "(1)", None)
    assert found.candid == deps / "candid" / f"{ID}.did"
    deps.joinpath("init.json").write_text(json.dumps({"canisters": {ID: {"arg_raw": "4449444c0000"}}}))
    assert canister.load().init_bytes == b"DIDL\0\0"
    cache.joinpath("canister.wasm.gz").write_bytes(b"another")
    with pytest.raises(InputError, match="another SHA-256"):
        canister.load()
    assert dfx(p={"type": "pull", "id": ID}, network="ic")[0].remote == Principal.of(ID)


def test_commands_around_the_installation(dfx, tmp_path):
    """`post_install` is one command or several; each is a file of the project or a program, without a shell."""
    (one,) = dfx(a=CUSTOM | {"post_install": "a b"})
    (many,) = dfx(a=CUSTOM | {"post_install": ["sh made.sh '$X y'", "z"], "pre_install": []})
    assert (one.scripts("post_install"), one.scripts("pre_install")) == (("a b",), ())
    tmp_path.joinpath("made.sh").write_text('echo "$1 $CANISTER_ID" > out')
    many.run_script("sh made.sh '$X y'", "post_install", {"CANISTER_ID_A": ID})
    assert tmp_path.joinpath("out").read_text() == f"$X y {ID}\n"
    for command in ("no-such-program-here", "sh -c 'exit 3'", "'open"):
        with pytest.raises(InputError, match="canister a: `post_install`"):
            many.run_script(command, "post_install", {})


@pytest.mark.parametrize(
    ("canister", "message"),
    [
        (CUSTOM | {"wasm": "../../a.wasm"}, "outside of the project"),
        (CUSTOM | {"wasm": "/etc/passwd"}, "outside of the project"),
        (CUSTOM | {"wasm": "a\0b"}, "must be a path"),
        (CUSTOM | {"wasm": ["a.wasm"]}, "must be a file"),
        (CUSTOM | {"init_arg_file": "/etc/passwd"}, "outside of the project"),
        (CUSTOM | {"init_arg_file": "link"}, "leads outside of the project"),
        (CUSTOM | {"init_arg_file": "loop"}, "`init_arg_file`"),
        (CUSTOM | {"init_arg_file": "."}, "it is no file"),
        (CUSTOM | {"init_arg_file": "fifo"}, "it is no file"),
        (CUSTOM | {"init_arg_file": ["x"]}, "must be a path"),
        (CUSTOM | {"init_arg": 5}, "`init_arg` must be a text, not 5"),
        (CUSTOM | {"candid": "link"}, "leads outside of the project"),
        (CUSTOM | {"candid": {"a": 1}}, "`candid` must be a text"),
        (CUSTOM | {"remote": []}, "damaged: `remote`"),
        (CUSTOM | {"remote": {"id": {"local": "x"}}}, "damaged: the id of a"),
        (CUSTOM | {"remote": {"id": {"local": ID}, "candid": 5}}, "`remote.candid`"),
        (CUSTOM | {"declarations": {"output": "/tmp"}}, "`declarations.output`.*outside"),
        ({"type": "rust", "package": 5}, "`package` must be a text"),
        ({"type": "rust", "package": "../../../../x"}, "outside of the project"),
        ({"type": "pull"}, "needs its `id`"),
        ({"type": "pull", "id": "../../x"}, "needs its `id`"),
        ({"type": ["x"]}, "cannot be installed"),
        (CUSTOM | {"wasm": "huge.wasm"}, "a module has 100 MiB at most"),
    ],
)
def test_hostile_canisters(dfx, tmp_path, canister, message):
    """A wrong type, a path that leads away, a device or a huge file is one sentence with the canister's name."""
    tmp_path.joinpath("link").symlink_to("/etc/hostname")
    tmp_path.joinpath("loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    with tmp_path.joinpath("huge.wasm").open("wb") as file:
        file.truncate(MAX_WASM + 1)
    with pytest.raises(InputError, match=message):
        dfx(a=canister)[0].load()


@pytest.mark.parametrize("name", ["../a", "a/b", "", ".", "A'\nX=1", "a b", "é", "x" * 300])
def test_hostile_names(dfx, name):
    """A canister's name is no path and no line of an environment file."""
    with pytest.raises(InputError, match="is no name of a canister"):
        dfx(**{name: CUSTOM})


@pytest.mark.parametrize("value", [{"a": 1}, 5, ["x", 5], [["x"]]])
@pytest.mark.parametrize("key", ["post_install", "pre_install"])
def test_hostile_commands(dfx, key, value):
    """Commands are texts."""
    (canister,) = dfx(a=CUSTOM | {key: value})
    with pytest.raises(InputError, match=f"`{key}` must be a list of texts"):
        canister.scripts(key)


def test_a_module_of_the_repository(dfx, tmp_path):
    """A project in a folder of a repository may use files of the repository, and no others."""
    inner = tmp_path / "inner"
    inner.mkdir()
    tmp_path.joinpath("a.wasm").write_bytes(b"wasm")
    inner.joinpath("dfx.json").write_text(json.dumps({"canisters": {"a": CUSTOM | {"wasm": "../a.wasm"}}}))
    with pytest.raises(InputError, match="outside"):
        read_project(inner)
    tmp_path.joinpath(".git").mkdir()
    assert read_project(inner)[0].wasm == b"wasm"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"canisters": {}, "output_env_file": "../.env"}', "outside"),
        ('{"canisters": {}, "output_env_file": "link"}', "leads outside"),
        ('{"canisters": {}, "output_env_file": 5}', "must be a path"),
        ("[" * 100_000, "no JSON"),
        (" " * (20 * 1024 * 1024) + "{}", "more than"),
        ('{"canisters": {"a": {"type": "custom", "wasm": "\\ud800"}}}', "canister a"),
    ],
)
def test_hostile_dfx_json(tmp_path, text, message):
    """A file that leads away, or is too deep or too large, is one sentence."""
    tmp_path.joinpath("link").symlink_to("/tmp/outside.env")
    tmp_path.joinpath("dfx.json").write_text(text)
    with pytest.raises(InputError, match=message):
        _ = read_env_file(tmp_path), read_project(tmp_path)


# icp.yaml

TWO = """
canisters:
  - {name: a, build: {steps: [{type: pre-built, path: a.wasm}]}, init_args: "(1)"}
  - {name: b, build: {steps: [{type: pre-built, path: a.wasm}]}}
environments:
  - {name: staging, network: ic, canisters: [a], init_args: {a: "(2)"}}
  - staging.yaml
"""


def test_environments(icp, tmp_path):
    """An environment has some of the canisters and arguments of its own; local and ic need no entry."""
    tmp_path.joinpath("staging.yaml").write_text(
        "name: other\nnetwork: local\ninit_args: {b: {value: '00', format: hex}}"
    )
    assert [canister.name for canister in icp(TWO)] == ["a", "b"]
    assert [c.load({}).init_arg for c in icp(TWO, environment="staging")] == ["(2)"]
    assert [c.load({}).init_bytes for c in icp(TWO, environment="other")] == [None, b"\0"]
    assert [c.load({}).init_arg for c in icp(TWO, environment="ic")] == ["(1)", None]
    with pytest.raises(InputError, match="no environment 'none'; it has: local, ic, staging, other"):
        icp(TWO, environment="none")
    with pytest.raises(InputError, match="the environment staging has no canister 'b'"):
        icp(TWO, "b", environment="staging")


def test_builds_and_sync_know_the_environment(icp, tmp_path):
    """Commands run in the canister's folder with the name of the environment; other steps of sync are counted."""
    text = """
canisters:
  - name: a
    build: {steps: [{type: script, command: 'printf "$ICP_CLI_ENVIRONMENT" > "$ICP_WASM_OUTPUT_PATH"'}]}
    sync: {steps: [{type: script, commands: [one, 'echo "$ICP_CLI_ENVIRONMENT $ICP_CLI_CID" > out']}, {type: plugin}]}
"""
    (canister,) = icp(text, environment="ic")
    assert canister.load({}).wasm == b"ic"
    assert (canister.runs_commands, canister.plugins, canister.scripts[0]) == (True, 1, "one")
    canister.run_script(canister.scripts[1], {"ICP_CLI_CID": ID})
    assert tmp_path.joinpath("out").read_text() == f"ic {ID}\n"
    with pytest.raises(InputError, match="run `icp build a` first"):
        canister.load({}, build=False)


def test_pre_built_url(icp, tmp_path):
    """A module of a URL is taken from icp-cli's data folder by its digest, and checked."""
    text = f"""
canisters:
  - {{name: a, build: {{steps: [{{type: pre-built, url: "https://x.org/a.wasm", sha256: {DIGEST}}}]}}}}
  - {{name: b, build: {{steps: [{{type: pre-built, url: "https://x.org/a.wasm"}}]}}}}
  - {{name: c, build: {{steps: [{{type: pre-built, url: "https://x.org/a.wasm", sha256: ../../../etc}}]}}}}
"""
    found = icp(text)
    with pytest.raises(InputError, match=r"nothing is downloaded here.*run `icp build a` once"):
        found[0].load({})
    stored = tmp_path / "home/pkg/wasms" / DIGEST
    stored.mkdir(parents=True)
    stored.joinpath("module.wasm").write_bytes(b"wasm")
    assert found[0].load({}).wasm == b"wasm"
    stored.joinpath("module.wasm").write_bytes(b"another")
    with pytest.raises(InputError, match="another SHA-256"):
        found[0].load({})
    for canister in found[1:]:
        with pytest.raises(InputError, match="a `url` with its `sha256`"):
            canister.load({})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("canisters: [{name: ../a}]", "is no name of a canister"),
        ("canisters: [{name: 5}]", "is no name of a canister"),
        ("canisters: [{}]", "needs a `name`"),
        ("canisters: {a: 1}", "must be a list"),
        ("canisters: [../../x]", "outside of the project"),
        ("canisters: [/etc]", "outside of the project"),
        ("canisters: [{name: a, build: {steps: 5}}]", "`build.steps` must be a list"),
        ("canisters: [{name: a, build: {steps: [{type: pre-built, path: /etc/passwd}]}}]", "outside"),
        ("canisters: [{name: a, build: {steps: [{type: pre-built, path: [1]}]}}]", "must be a path"),
        ("canisters: [{name: a, build: {steps: [{type: script, command: 5}]}}]", "a script has a `command`"),
        ("canisters: [{name: a, build: {steps: [{type: other}]}}]", "no build step of type"),
        ("canisters: [{name: a, init_args: {path: /etc/passwd}}]", "outside"),
        ("canisters: [{name: a, init_args: {value: xy, format: hex}}]", "are not hex"),
        ("canisters: [{name: a, init_args: {value: xy, format: zip}}]", "have the format"),
        ("environments: 5", "`environments` must be a list"),
        ("environments: [/etc/passwd]", "outside of the project"),
        ("environments: [{name: local, canisters: a}]", "must be a list of names"),
        ("environments: [{name: local, canisters: [[a]]}]", "must be a list of names"),
        ("environments: [{name: local, init_args: 5}]", "must be a mapping"),
        ("environments: [{name: local, canisters: [z]}]", "no canister 'z'"),
        ("a: &a [*a", "is no YAML"),
        ("!!python/object/apply:os.system [true]", "is no YAML"),
        ("[" * 5000, "is no YAML"),
        ("#" * (20 * 1024 * 1024), "more than"),
    ],
)
def test_hostile_icp_yaml(icp, text, message):
    """A wrong type, a path that leads away, or a file that is no YAML is one sentence."""
    with pytest.raises(InputError, match=message):
        _ = [canister.load({}) for canister in icp(text)]


def test_aliases_of_yaml(icp, tmp_path):
    """Aliases that would fill the memory when they are copied cost nothing, and are refused briefly."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(InputError) as caught:
        icp("\n".join([*lines, "canisters: [{name: *a11}]"]))
    assert len(str(caught.value)) < 4000
    assert read_environment(tmp_path, "ic").canisters is None
