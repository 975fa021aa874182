"""`ic-harness identity`, and what `--identity` takes."""

from __future__ import annotations

import json

import pytest

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
    assert json.loads(run("identity", "list", "--json").stdout) == ["dfx:alice", "dfx:anonymous"]
    assert "dfx:alice" in run("identity", "list").stdout.splitlines()


@pytest.mark.parametrize("spec", ["nobody", "dfx:nobody", "dfx:../alice", "none.pem"])
def test_unknown_identity_is_refused(run, home, spec):
    """A name or file that is not there is refused by name."""
    refused(run("identity", "principal", "--identity", spec), 2, spec.removeprefix("dfx:"))
