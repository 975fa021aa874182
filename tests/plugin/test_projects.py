"""`deploy` of projects: names of dfx.json and icp.yaml, sources through compilers, scopes, controllers."""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
from pathlib import Path

import pytest
import wasmtime

CANISTERS = Path(__file__).parents[2] / "fixtures" / "canisters" / "motoko"
DID = "service : { get : () -> (nat32) query }"
POINTER = f"""
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "DIDL\\00\\01\\79\\07\\00\\00\\00")
  (data (i32.const 64) "{DID}\\00")
  (func (export "get_candid_pointer") (result i32) (i32.const 64))
  (func (export "canister_query get") (call $append (i32.const 0) (i32.const 11)) (call $reply)))
"""


@pytest.fixture
def folder(pytester):
    """The user's folder with Motoko's counter and its caller: modules and interfaces."""
    for name in ("counter", "counter_v2"):
        for end in ("wasm.gz", "did"):
            pytester.path.joinpath(f"{name}.{end}").write_bytes((CANISTERS / f"{name}.{end}").read_bytes())
    return pytester.path


@pytest.fixture
def program(folder, monkeypatch):
    """Put a program on PATH that appends its arguments to `<name>.log` and then runs lines of shell."""
    programs = folder / "programs"
    programs.mkdir()
    for tool in ("cat", "cp", "grep", "sh"):  # and nothing else: the machine may have compilers
        programs.joinpath(tool).symlink_to(shutil.which(tool))
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("DFX_MOC_PATH", raising=False)

    def make(name, text):
        path = programs / name
        log = shlex.quote(str(folder / f"{name}.log"))
        path.write_text(f'#!/bin/sh\necho "$*" >> {log}\n{text}\n')
        path.chmod(0o755)

    return make


def dfx(folder, **canisters):
    folder.joinpath("dfx.json").write_text(json.dumps({"canisters": canisters}))


def test_controllers_include_the_caller(folder, outcome):
    """The test's own identity controls what it deployed, and upgrades it by name or path."""
    dfx(folder, next={"type": "custom", "wasm": "counter_v2.wasm.gz", "candid": "counter_v2.did"})
    outcome("""
        def test(deploy, identity, network):
            counter = deploy("counter.wasm.gz", 5)
            assert set(counter.settings()["controllers"]) == {identity.principal, network.deployer.principal}
            counter.upgrade("next", 0)
            assert counter.double() == 10
            counter.reinstall("counter.wasm.gz", 1)
            assert counter.get() == 1
        """).assert_outcomes(passed=1)


def test_interface_beside_the_wasm(folder, outcome):
    """A `.did` beside a Wasm without an interface is its interface."""
    module = bytes(wasmtime.wat2wasm(POINTER.replace("get_candid_pointer", "no_pointer")))
    folder.joinpath("plain.wasm").write_bytes(module)
    folder.joinpath("plain.did").write_text(DID)
    outcome("def test(deploy):\n    assert deploy('plain.wasm').get() == 7").assert_outcomes(passed=1)


def test_interface_from_the_pointer(folder, outcome):
    """A module as plain `cargo build` makes it has its interface in `get_candid_pointer`."""
    folder.joinpath("plain.wasm").write_bytes(bytes(wasmtime.wat2wasm(POINTER)))
    outcome("def test(deploy):\n    assert deploy('plain.wasm').get() == 7").assert_outcomes(passed=1)


def test_init_arg_and_dependencies(folder, outcome):
    """A canister of dfx.json comes with its init_arg, after what it depends on, whose id its build sees."""
    custom = {"type": "custom", "candid": "counter.did"}
    dfx(
        folder,
        base={**custom, "wasm": "counter.wasm.gz", "init_arg": "(41)"},
        top={
            **custom,
            "wasm": "top.wasm.gz",
            "init_arg": "(1)",
            "dependencies": ["base"],
            "build": ["cp counter.wasm.gz top.wasm.gz", 'echo "$CANISTER_ID_BASE" >> seen'],
        },
    )
    outcome("""
        from pathlib import Path

        def test_one(deploy, network):
            top = deploy("top")
            assert top.increment() == 2
            base, = set(Path("seen").read_text().split())
            assert base != str(top.canister_id) and network.exists(base)
            assert deploy("base").get() == 41

        def test_arguments_of_the_test_come_first(deploy):
            assert deploy("top", 7).get() == 7
        """).assert_outcomes(passed=2)
    assert len(folder.joinpath("seen").read_text().split()) == 1  # the second test has the same ids


def test_names_of_icp_yaml(folder, outcome):
    """Canisters of icp.yaml: inline and by folder, pre-built and by script, with their init_args."""
    digest = hashlib.sha256((CANISTERS / "counter.wasm.gz").read_bytes()).hexdigest()
    folder.joinpath("icp.yaml").write_text(f"""
canisters:
  - name: built
    build: {{steps: [{{type: script, commands: ['cp counter.wasm.gz "$ICP_WASM_OUTPUT_PATH"']}}]}}
    init_args: "(3)"
  - name: damaged
    build: {{steps: [{{type: pre-built, path: counter.did, sha256: {digest}}}]}}
  - name: by-recipe
    recipe: {{type: "@dfinity/rust@v3.0.0"}}
  - canisters/*
""")
    inner = folder / "canisters" / "inner"
    inner.mkdir(parents=True)
    inner.joinpath("canister.yaml").write_text(f"""
name: inner
build: {{steps: [{{type: pre-built, path: ../../counter.wasm.gz, sha256: {digest}}}]}}
init_args: {{value: "4449444c00017d09", format: hex}}
""")
    outcome("""
        import pytest
        from ic_harness.errors import InputError

        def test_built(deploy):
            assert deploy("built").get() == 3

        def test_inner(deploy):
            assert deploy("inner").get() == 9
            assert deploy("inner", 4).get() == 4

        @pytest.mark.parametrize(("name", "told"), [
            ("by-recipe", "run `icp build by-recipe` first"), ("damaged", "another SHA-256"),
            ("none", "has no canister 'none'; did you mean inner")])
        def test_refused(deploy, name, told):
            with pytest.raises(InputError, match=told):
                deploy(name)
        """).assert_outcomes(passed=5)


def test_scopes(folder, outcome):
    """Canisters of a module or the session are made once; each test starts from the state of the fixtures."""
    outcome("""
        import pytest
        from ic_harness.errors import InputError

        @pytest.fixture(scope="session")
        def shared(session_deploy):
            return session_deploy("counter.wasm.gz", 100)

        @pytest.fixture(scope="module")
        def counter(module_deploy):
            made = module_deploy("counter.wasm.gz", 5)
            made.increment()
            return made

        @pytest.mark.parametrize("again", range(2))
        def test_each_starts_alike(counter, network, identity, again):
            assert counter.increment() == 7
            assert counter.as_(identity()).whoami() == identity.principal
            counter.upgrade()

        def test_session(shared, counter, network):
            assert (shared.increment(), counter.get()) == (101, 6)

        @pytest.mark.parametrize("scope", ["module", "session"])
        def test_not_inside_a_test(request, network, scope):
            with pytest.raises(InputError, match=f"{scope}_deploy deploys before tests begin"):
                request.getfixturevalue(f"{scope}_deploy")("counter.wasm.gz", 1)
        """).assert_outcomes(passed=5)


def test_a_modules_canisters_are_deleted(folder, pytester, outcome):
    """After a module its canisters are gone; those of the session stay."""
    folder.joinpath("conftest.py").write_text("""
import pytest
ids = {}

@pytest.fixture(scope="session")
def shared(session_deploy):
    ids["session"] = session_deploy("counter.wasm.gz", 1).canister_id
""")
    pytester.makepyfile(test_a="""
        import pytest
        @pytest.fixture(scope="module")
        def made(module_deploy, pytestconfig):
            return module_deploy("counter.wasm.gz", 1)
        def test(made, shared, network, request):
            request.config.stash_of_test = made.canister_id
            assert network.exists(made.canister_id)
        """)  # fmt: skip
    outcome("""
        def test_z(network, shared, request):
            assert not network.exists(request.config.stash_of_test)
        """).assert_outcomes(passed=2)


CARGO = """
cat <<END
{{"reason":"compiler-artifact","manifest_path":"/elsewhere/Cargo.toml","filenames":["/elsewhere/other.wasm"]}}
{{"reason":"compiler-artifact","manifest_path":"{manifest}","filenames":["{wasm}"]}}
{{"reason":"build-finished","success":true}}
END
"""


def test_cargo(folder, program, outcome):
    """A crate is built once for Wasm and the profile that is asked for, whatever else cargo builds with it."""
    crate = folder / "crate"
    crate.mkdir()
    crate.joinpath("Cargo.toml").write_text("[package]")
    folder.joinpath("made.wasm").write_bytes(bytes(wasmtime.wat2wasm(POINTER)))
    program("cargo", CARGO.format(manifest=crate / "Cargo.toml", wasm=folder / "made.wasm"))
    outcome("""
        import pytest
        @pytest.mark.parametrize("again", range(2))
        def test(deploy, again):
            assert deploy.cargo("crate").get() == 7
            assert deploy.cargo("crate", features=["a", "b"], profile="dev").get() == 7
        """).assert_outcomes(passed=2)
    first, second = folder.joinpath("cargo.log").read_text().splitlines()
    assert first.startswith("build --target wasm32-unknown-unknown --profile release")
    assert "--profile dev" in second
    assert second.endswith("--features a,b")


MOC = """
[ "$*" = --version ] && {{ echo "Motoko compiler 1"; exit; }}
grep -q broken main.mo && {{ echo "main.mo:1: syntax error" >&2; exit 1; }}
while [ "$1" != -o ]; do shift; done
cp {module} "$2"
"""


def test_moc(folder, program, outcome):
    """An actor is compiled again only when a source, the options or the compiler changed."""
    program("moc", MOC.format(module=folder / "counter.wasm.gz"))
    folder.joinpath("main.mo").write_text("actor {}")
    test = "def test(deploy):\n    assert deploy.moc('main.mo', 5, options=['--x']).get() == 5"
    for _ in range(2):
        outcome(test).assert_outcomes(passed=1)
    compiled = [line for line in folder.joinpath("moc.log").read_text().splitlines() if "--idl" in line]
    assert len(compiled) == 1
    assert compiled[0].startswith("--x --public-metadata candid:service")
    folder.joinpath("library.mo").write_text("module {}")
    outcome(test).assert_outcomes(passed=1)
    assert folder.joinpath("moc.log").read_text().count("--idl") == 2


def test_compilers_that_fail(folder, program, outcome):
    """What the compiler says is the error; an absent compiler is an error that says how to get it."""
    folder.joinpath("main.mo").write_text("broken")
    folder.joinpath("crate").mkdir()
    folder.joinpath("crate", "Cargo.toml").write_text("[package]")
    absent = """
        import pytest
        from ic_harness.errors import InputError
        def test(deploy):
            with pytest.raises(InputError, match="no `cargo` on PATH"):
                deploy.cargo("crate")
            with pytest.raises(InputError, match="no Motoko compiler: put `moc` on PATH"):
                deploy.moc("main.mo")
        """
    outcome(absent).assert_outcomes(passed=1)
    program("moc", MOC.format(module="none"))
    program("cargo", "echo 'error[E0463]: cannot find core' >&2; exit 101")
    outcome("""
        import pytest
        from ic_harness.errors import InputError
        def test(deploy):
            with pytest.raises(InputError, match=r"exit status 101.*\\n.*E0463"):
                deploy.cargo("crate")
            with pytest.raises(InputError, match=r"main.mo does not build .*\\n.*syntax error"):
                deploy.moc("main.mo")
            with pytest.raises(InputError, match="there is no .*Cargo.toml"):
                deploy.cargo("none")
        """).assert_outcomes(passed=1)
