"""`ic-harness fork`, and the gate on the state of a canister of another network."""

from __future__ import annotations

import json

import pytest

from ic_harness.agent import Management
from ic_harness.errors import RejectError
from ic_harness.networks import embedded
from ic_harness.principal import Principal
from ic_harness.protocol import dump_pem
from ic_harness.replica import serve
from tests.testing import counters

CANISTER = Principal.from_text("ryjl3-tyaaa-aaaaa-aaaba-cai")
OLD = 41
"""Increments on the origin: a state that no new canister has."""
REFUSES_OLD = """(func (export "canister_post_upgrade")
    (call $read (i32.const 7) (i32.const 0) (i32.const 4))
    (if (i32.gt_u (i32.load (i32.const 7)) (i32.const 40)) (then unreachable)))"""
"""A migration that works on small states only."""
ENDLESS = """(func (export "canister_post_upgrade")
    (call $read (i32.const 7) (i32.const 0) (i32.const 4))
    (if (i32.gt_u (i32.load (i32.const 7)) (i32.const 40)) (then (loop $more (br $more)))))"""
"""A migration that needs more instructions than there are, on the real state only."""
VERIFY = """
def verify(canister, state):
    assert canister.get() >= 46, "the increments of the users"
"""


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    """A served network with a counter that users have used; its URL and the controller's key file."""
    with embedded() as network:
        network.create_canister(canister_id=CANISTER)
        network.install(CANISTER, counters.keeping())
        for _ in range(OLD):
            network.bulk_agent().update(CANISTER, "increment", b"")
        key = tmp_path_factory.mktemp("key") / "key.pem"
        key.write_bytes(dump_pem(network.deployer))
        server = serve(network.replica, port=0)
        yield server.url, key, network
        server.stop()


@pytest.fixture(scope="module")
def forked(origin, tmp_path_factory, run):
    """A fork of the counter, made by the command."""
    url, key, _ = origin
    folder = tmp_path_factory.mktemp("forks") / "counter.fork"
    done = run("fork", f"{url}:{CANISTER}", str(folder), "--identity", str(key), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["canister_id"] == str(CANISTER)
    return folder


@pytest.fixture(scope="module")
def run():
    """Run a command in this process."""
    from click.testing import CliRunner

    from ic_harness.cli import commands

    def call(*arguments, **options):
        return CliRunner().invoke(commands, list(arguments), prog_name="ic-harness", **options)

    return call


@pytest.fixture
def gate(run, forked, tmp_path):
    """Judge a build against the fork; returns the result and the stage Upgrade."""

    def call(wasm, *more, baseline=None):
        (tmp_path / "new.wasm").write_bytes(wasm)
        arguments = [
            "--wasm",
            str(tmp_path / "new.wasm"),
            "--baseline",
            baseline or f"fork:{forked}",
            "--json",
        ]
        done = run("gate", *arguments, "--suite", "generic", *more)
        report = json.loads(done.stdout)
        (stage,) = (stage for stage in report["stages"] if stage["name"] == "Upgrade")
        return done, stage

    return call


def test_a_good_build_passes_on_the_real_state(gate):
    """The count of the origin is the one that is compared."""
    done, stage = gate(counters.keeping(), "--volatile", "now")
    assert done.exit_code == 0, done.output
    assert "after the upgrade: 1 query without arguments answered as before" in " ".join(stage["findings"])


@pytest.mark.parametrize(
    ("build", "seen"),
    [
        (counters.losing(), f"get() answers 0, before it answered {5 + OLD}"),
        (counters.counter(REFUSES_OLD), "is refused"),
    ],
    ids=["loses", "traps on old state"],
)
def test_faults_on_the_real_state_are_refused(gate, build, seen):
    """A build that loses state, and one whose migration traps on a state that tests do not have, are refused."""
    done, stage = gate(build, "--volatile", "now")
    assert done.exit_code == 1
    assert stage["outcome"] == "failed"
    assert seen in " ".join(stage["findings"]).replace("\n", " ")


def test_the_build_passes_on_a_new_state(gate, tmp_path):
    """The migration that fails on the real state is not noticed without it."""
    (tmp_path / "old.wasm").write_bytes(counters.keeping())
    done, stage = gate(
        counters.counter(REFUSES_OLD), "--volatile", "now", baseline=str(tmp_path / "old.wasm")
    )
    assert (done.exit_code, stage["outcome"]) == (0, "passed")


@pytest.mark.slow
def test_a_migration_without_end_is_refused(forked):
    """A migration that ends on small states only runs out of instructions on the real one; the limit is lowered."""
    with embedded(seed=b"another") as local:
        counter = local.load_fork(forked)
        with local.limited(instructions=5_000_000_000), pytest.raises(RejectError, match="IC0522"):
            counter.upgrade(counters.counter(ENDLESS))
        assert counter.get() == 5 + OLD


def test_the_users_verify_sees_the_real_state(gate, tmp_path):
    """`verify` of the user's module is called on the fork, and the gate compares queries as well."""
    (tmp_path / "checks.py").write_text(VERIFY)
    module = ("--module", str(tmp_path / "checks.py"), "--volatile", "now")
    done, stage = gate(counters.keeping(), *module)
    assert done.exit_code == 0, done.output
    assert "verify holds" in " ".join(stage["findings"])
    _, lost = gate(counters.losing(), *module)
    assert "the increments of the users" in " ".join(lost["findings"])
    assert "get() answers 0, before it answered" in " ".join(lost["findings"])


def test_the_gate_forks_by_itself(origin, gate, tmp_path):
    """`fork:NETWORK:CANISTER` is downloaded for the run; nothing stays, neither here nor there."""
    url, key, network = origin
    state = tmp_path / "state"
    done, _ = gate(
        counters.losing(),
        *("--volatile", "now", "--identity", str(key), "--state-dir", str(state)),
        baseline=f"fork:{url}:{CANISTER}",
    )
    assert done.exit_code == 1, done.output
    assert list((state / "forks").iterdir()) == []
    assert Management(network.agent(network.deployer)).list_canister_snapshots(CANISTER) == []


def test_an_encrypted_fork(origin, run, gate, tmp_path, monkeypatch):
    """The passphrase comes from a file or the environment; a wrong one says so."""
    url, key, _ = origin
    folder, secret = tmp_path / "sealed.fork", tmp_path / "secret"
    secret.write_text("open sesame\n")
    done = run(
        *("fork", f"{url}:{CANISTER}", str(folder), "--identity", str(key), "--passphrase-file", str(secret))
    )
    assert done.exit_code == 0, done.output
    assert "encrypted" in done.stdout
    given = ("--volatile", "now", "--passphrase-file", str(secret))
    assert gate(counters.keeping(), *given, baseline=f"fork:{folder}")[0].exit_code == 0
    monkeypatch.setenv("IC_HARNESS_FORK_PASSPHRASE", "wrong")
    refused = run("gate", "--wasm", str(tmp_path / "new.wasm"), "--baseline", f"fork:{folder}")
    assert refused.exit_code == 2
    assert "wrong passphrase for" in refused.stderr
    monkeypatch.delenv("IC_HARNESS_FORK_PASSPHRASE")
    asked = run("gate", "--wasm", str(tmp_path / "new.wasm"), "--baseline", f"fork:{folder}")
    assert asked.exit_code == 2
    assert "the passphrase is needed" in asked.stderr


def test_bad_baselines(run, forked, tmp_path):
    """A folder that is not there, and a network that cannot run a fork, are refused before anything is judged."""
    (tmp_path / "new.wasm").write_bytes(counters.keeping())
    wasm = ("gate", "--wasm", str(tmp_path / "new.wasm"), "--baseline")
    missing = run(*wasm, "fork:nowhere")
    assert (missing.exit_code, "there is no such folder" in missing.stderr) == (2, True)
    elsewhere = run(*wasm, f"fork:{forked}", "--network", "http://127.0.0.1:1")
    assert (elsewhere.exit_code, "runs on an embedded network only" in elsewhere.stderr) == (2, True)
    damaged = run(*wasm, f"fork:{tmp_path}")
    assert (damaged.exit_code, "is no folder of a fork" in damaged.stderr) == (2, True)
