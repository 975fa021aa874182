"""`doctor --state-dir`: the text and JSON reports of a state folder."""

from __future__ import annotations

import json
import os

import pytest

from ic_harness.cli.canister_registry import register
from ic_harness.cli.identities import own_identity
from ic_harness.cli.server_lock import hold_server_lock
from ic_harness.networks import embedded
from ic_harness.principal import Principal
from ic_harness.replica import ManualClock, Replica, ReplicaConfig, parse_subnets

from .conftest import refused


@pytest.fixture
def folder(tmp_path):
    """A state folder with a canister, and the name of its journal."""
    folder = tmp_path / "state"
    with Replica(ReplicaConfig(state_dir=folder, clock=ManualClock())) as replica:
        replica.tick(3)
    return folder


def harm(folder):
    content = bytearray((folder / "journal-0").read_bytes())
    content[-1] ^= 1
    (folder / "journal-0").write_bytes(content)


def test_whole_folder(run, folder):
    """A healthy folder is reported part by part, with status 0, and not changed."""
    result = run("doctor", "--state-dir", folder)
    assert result.exit_code == 0, result.output
    assert "frames 1 to 3 of 3 are whole" in result.stdout
    assert "the folder is whole: round 3: 0 canisters" in result.stdout
    report = json.loads(run("doctor", "--state-dir", folder, "--json").stdout)
    assert (report["whole"], report["lost"], report["written_to"]) == (True, [], None)


def test_damaged_folder(run, folder, tmp_path):
    """Damage is status 1, with what can be saved and how; the salvage is a folder that opens."""
    harm(folder)
    result = run("doctor", "--state-dir", folder)
    assert result.exit_code == 1
    assert "frames 1 to 2 of 3 are whole" in result.stdout
    assert "lost: what was after frame 2 of journal 0" in result.stdout
    assert f"--state-dir {folder} --salvage NEW_DIR" in result.stdout
    assert json.loads(run("doctor", "--state-dir", folder, "--json").stdout)["whole"] is False
    saved = run("doctor", "--state-dir", folder, "--salvage", tmp_path / "new")
    assert saved.exit_code == 0, saved.output
    assert "saved: round 2: 0 canisters" in saved.stdout
    assert f"written to {tmp_path / 'new'}; {folder} is as it was" in saved.stdout
    assert run("doctor", "--state-dir", tmp_path / "new").exit_code == 0
    again = json.loads(run("doctor", "--state-dir", folder, "--salvage", tmp_path / "other", "--json").stdout)
    assert again["written_to"] == str(tmp_path / "other")


@pytest.fixture
def several(tmp_path):
    """The state folder of a network of two subnets."""
    folder = tmp_path / "several"
    subnets = parse_subnets("nns,application")
    with Replica(ReplicaConfig(state_dir=folder, clock=ManualClock(), subnets=subnets)) as replica:
        replica.tick(3)
    return folder


def test_several_subnets(run, several, tmp_path):
    """Every subnet is examined, with status 0; a salvage is a network that opens with both."""
    result = run("doctor", "--state-dir", several, "--json")
    assert result.exit_code == 0, result.output
    findings = {it["part"]: it["detail"] for it in json.loads(result.stdout)["findings"]}
    assert findings["network"] == "2 subnets: nns, application"
    assert {"subnet-0", "subnet-1"} == {part.partition(":")[0] for part in findings} - {"network"}
    new = tmp_path / "new"
    assert run("doctor", "--state-dir", several, "--salvage", new).exit_code == 0
    with embedded(new) as network:
        assert [subnet.kind for subnet in network.subnets] == ["nns", "application"]


def test_a_subnet_that_is_damaged(run, several, tmp_path):
    """Damage of one subnet is shown by its name; what does not belong together any more is not saved."""
    harm(several / "subnet-1")
    report = json.loads(run("doctor", "--state-dir", several, "--json").stdout)
    assert not report["whole"]
    assert [it["part"][:9] for it in report["findings"] if it["state"] == "damaged"] == ["subnet-1:"]
    (several / "subnet-0").rename(several / "gone")
    result = run("doctor", "--state-dir", several, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["findings"][0]["detail"] == "2 subnets belong here; wrong are: subnet-0"
    refused(
        run("doctor", "--state-dir", several, "--salvage", tmp_path / "new"), 1, "cannot be saved together"
    )
    assert not (tmp_path / "new").exists()


def test_what_is_refused(run, folder, tmp_path):
    """A folder that is not there, a target that is in use, options that do not go together."""
    refused(run("doctor", "--state-dir", tmp_path / "nothing"), 2, "there is no state folder")
    refused(run("doctor", "--state-dir", folder, "--salvage", folder), 2, "is there already")
    assert run("doctor", "--salvage", folder).exit_code == 2
    assert run("doctor", "--state-dir", folder, "--network", "ic").exit_code == 2
    with Replica(ReplicaConfig(state_dir=folder, clock=ManualClock())):
        refused(run("doctor", "--state-dir", folder), 1, f"in use by process {os.getpid()}")


def test_nothing_can_be_saved(run, folder, tmp_path):
    """Where nothing can be saved, status 1 says why, and no folder is made."""
    (folder / "checkpoint-0" / "world").unlink()
    (folder / "journal-0").unlink()
    assert run("doctor", "--state-dir", folder).exit_code == 1
    refused(run("doctor", "--state-dir", folder, "--salvage", tmp_path / "new"), 1, "nothing of")
    assert not (tmp_path / "new").exists()


def test_names_do_not_steer_the_terminal(run, folder):
    """Control characters of a folder's name are shown, not obeyed."""
    odd = folder.rename(folder.with_name("odd\x1b[31mname"))
    harm(odd)
    result = run("doctor", "--state-dir", odd)
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout


def test_commands_say_how_to_save(run, folder):
    """A command on a damaged folder names the file and the doctor."""
    harm(folder)
    result = run("call", "aaaaa-aa", "raw_rand", "()", "--state-dir", folder)
    refused(
        result, 1, f"{folder / 'journal-0'} is damaged", "frame 3 at byte", "ic-harness doctor --state-dir"
    )


def test_what_the_command_line_keeps_is_private(tmp_path):
    """The folder that a command makes, and all files in it, are for their owner alone."""
    folder = tmp_path / "state"
    own_identity(folder)
    register(folder, b"root key", "backend", Principal.management())
    with hold_server_lock(folder, "http://127.0.0.1:1"):
        modes = {path.name: oct(path.stat().st_mode & 0o077) for path in [folder, *folder.iterdir()]}
    assert len(modes) == 4
    assert set(modes.values()) == {"0o0"}
