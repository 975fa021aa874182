"""The plugin's options, its marker, and that it costs nothing when it is not used."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WASM = Path(__file__).parents[2] / "fixtures" / "backend.wasm.gz"


def test_options_are_listed(outcome_apart):
    """`pytest --help` explains the four options."""
    result = outcome_apart("", "--help")
    result.stdout.fnmatch_lines(
        ["*--ic-network=NAME|URL*", "*--ic-wasm=FILE*", "*--ic-candid=DID*", "*--ic-canister-id=ID*"]
    )


def test_wasm_and_canister_id_exclude_each_other(outcome_apart):
    """A Wasm to deploy and a canister to use as it is cannot both be given."""
    result = outcome_apart("def test(network): pass", "--wasm", "a.wasm", "--canister-id", "aaaaa-aa")
    result.stderr.fnmatch_lines(["*--wasm deploys a new canister*"])
    assert result.ret != 0


def test_marker_is_known(outcome_apart):
    """The marker `needs` is registered, so that --strict-markers accepts it."""
    source = "import pytest\n@pytest.mark.needs('time')\ndef test(): pass"
    outcome_apart(source, "--strict-markers").assert_outcomes(passed=1)


def test_nothing_is_loaded_for_who_does_not_ask(outcome_apart):
    """A run that uses no fixture of ours imports neither the engine nor the agent, and starts nothing."""
    source = (
        "import sys\n"
        "def test():\n"
        "    heavy = ('wasmtime', 'httpx', 'PIL', 'pydantic', 'ic_harness.agent', 'ic_harness.replica')\n"
        "    assert [name for name in heavy if name in sys.modules] == []\n"
    )
    outcome_apart(source).assert_outcomes(passed=1)


def test_plugin_loads_fast():
    """Loading the plugin on top of pytest imports only its own few modules."""
    code = (
        "import pytest, sys; before = set(sys.modules); import ic_harness.testing.plugin;"
        "print(len([name for name in set(sys.modules) - before if not name.startswith('ic_harness')]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 5


def test_wasm_is_deployed_as_the_backend(outcome_apart):
    """`--wasm` makes the canister under test of the user's own Wasm."""
    source = """
        import hashlib
        from pathlib import Path
        def test(network, canister_id, backend):
            wasm = Path(WASM).read_bytes()
            assert network.module_hash(canister_id) == hashlib.sha256(wasm).digest()
            backend.whoami()
        """
    outcome_apart(source.replace("WASM", repr(str(WASM))), "--wasm", str(WASM)).assert_outcomes(passed=1)


def test_canister_id_is_taken_as_it_is(outcome_apart):
    """`--canister-id` deploys nothing: the canister that is named is the one under test."""
    wanted = "bkyz2-fmaaa-aaaaa-qaaaq-cai"
    source = f"def test(canister_id):\n    assert str(canister_id) == '{wanted}'"
    outcome_apart(source, "--canister-id", wanted).assert_outcomes(passed=1)


def test_missing_wasm_is_told(outcome_apart):
    """The error for a missing Wasm names its path."""
    result = outcome_apart("def test(backend): pass", "--wasm", "none.wasm")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*InputError: cannot read none.wasm*"])


def test_soak_is_for_who_asks(outcome_apart):
    """The soak of the conformance suite is skipped by name unless `--soak` is given."""
    args = ("--pyargs", "ic_capsule.suite.tests.test_soak", "-rs")
    result = outcome_apart("", *args)
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*--soak runs it*"])


def test_the_network_of_the_project_file_is_for_commands(user, outcome_apart):
    """`network` of ic-harness.toml is the one that commands use; tests never change it without being asked."""
    (user.path / "ic-harness.toml").write_text('network = "ic"\n', encoding="utf-8")
    outcome_apart("def test(network): assert network.name == 'embedded'").assert_outcomes(passed=1)
