"""`ic-harness identity`, and what `--identity` takes."""

from __future__ import annotations

import json
import sys

import pytest

from ic_harness.cli.identities import load_identity
from ic_harness.errors import IdentityError
from ic_harness.protocol import Ed25519Identity, dump_pem

from .conftest import refused

ALICE = Ed25519Identity.from_seed(bytes(32))


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder with one dfx identity, `alice`."""
    folder = tmp_path / "home" / ".config" / "dfx" / "identity" / "alice"
    folder.mkdir(parents=True)
    (folder / "identity.pem").write_bytes(dump_pem(ALICE))
    for name in ("DFX_CONFIG_ROOT", "ICP_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_own_key_stays_the_same(run):
    """Without `--identity` the same key is used by every command in a folder."""
    first = run("identity", "principal")
    assert first.exit_code == 0
    assert first.stdout == run("identity", "principal").stdout


@pytest.mark.parametrize("spec", ["alice", "dfx:alice", "key.pem"])
def test_identity_by_name_or_file(run, home, tmp_path, spec):
    """`--identity` takes a key file, and names that dfx knows."""
    (tmp_path / "key.pem").write_bytes(dump_pem(ALICE))
    assert run("identity", "principal", "--identity", spec).stdout.strip() == str(ALICE.principal)


def test_identities_are_listed(run, home):
    """The identities of dfx are listed as `--identity` takes them."""
    assert json.loads(run("identity", "list", "--json").stdout) == [
        {"name": "dfx:alice", "principal": str(ALICE.principal)},
        {"name": "dfx:anonymous", "principal": "2vxsx-fae"},
    ]
    assert "dfx:alice" in run("identity", "list").stdout


def test_an_encrypted_identity_is_listed(run, home, tmp_path, monkeypatch):
    """A key that is locked is listed with what opens it."""
    folder = tmp_path / "home" / ".config" / "dfx" / "identity" / "locked"
    folder.mkdir()
    (folder / "identity.pem").write_bytes(dump_pem(ALICE, "word"))
    assert "IC_HARNESS_PASSPHRASE" in run("identity", "list").stdout
    monkeypatch.setenv("IC_HARNESS_PASSPHRASE", "word")
    rows = json.loads(run("identity", "list", "--json").stdout)
    assert rows[-1] == {"name": "dfx:locked", "principal": str(ALICE.principal)}


def test_nobody_is_told_on_standard_error(run, tmp_path, monkeypatch):
    """Without any identities standard output stays empty, and standard error says what to do."""
    monkeypatch.setenv("HOME", str(tmp_path))
    result = run("identity", "list")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "--identity" in result.stderr


def test_show(run, home):
    """`show` prints principal, kind and origin, and no secret."""
    facts = json.loads(run("identity", "show", "--identity", "alice", "--json").stdout)
    assert facts["principal"] == str(ALICE.principal)
    assert (facts["kind"], facts["origin"]) == ("Ed25519Identity", "alice")
    assert bytes.fromhex(facts["public_key"]) == ALICE.public_key_der
    own = run("identity", "show").stdout
    assert "identity.pem" in own
    assert run("identity", "principal").stdout.strip() in own


def test_pem_text_in_the_environment(run, monkeypatch):
    """The secret of a CI is an identity as it is, and is not shown."""
    pem = dump_pem(ALICE).decode()
    monkeypatch.setenv("IC_HARNESS_IDENTITY", pem)
    result = run("identity", "show")
    assert str(ALICE.principal) in result.stdout
    assert pem.splitlines()[1] not in result.output


def test_identity_from_the_file_of_defaults(run, home, tmp_path):
    """ic-harness.toml sets the identity of every command, those of groups too; the command line wins."""
    (tmp_path / "ic-harness.toml").write_text('identity = "dfx:alice"\n')
    assert run("identity", "principal").stdout.strip() == str(ALICE.principal)
    assert run("identity", "principal", "--identity", "anonymous").stdout.strip() == "2vxsx-fae"


@pytest.mark.parametrize("spec", ["nobody", "dfx:nobody", "dfx:../alice", "none.pem"])
def test_unknown_identity_is_refused(run, home, spec):
    """A name or file that is not there is refused by name."""
    refused(run("identity", "principal", "--identity", spec), 2, spec.removeprefix("dfx:"))


def test_a_passphrase_is_asked_for_in_a_terminal(home, tmp_path, monkeypatch):
    """A terminal asks for the password; elsewhere the error names the variable."""
    pem = tmp_path / "locked.pem"
    pem.write_bytes(dump_pem(ALICE, "word"))
    with pytest.raises(IdentityError, match="IC_HARNESS_PASSPHRASE"):
        load_identity(str(pem), ask=False)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_, **options: "word" if options["hide_input"] else "shown")
    assert load_identity(str(pem)) == ALICE
