"""What finding faults costs: runs a minute of the crash sweep and the explorer, and the speed with coverage.

`python scripts/benchmarks/finding.py`. The scenario is a Motoko shop that pays into a vault, two canisters of the
fixtures. Times are those of the processor, of all threads: other work on the machine does not change them.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable
from pathlib import Path

from _figures import show

from ic_capsule.backend import Backend, reference_wasm
from ic_harness.networks import Canister, Network, deploy_canister, embedded
from ic_harness.protocol import Ed25519Identity
from ic_harness.replica.execution.recorder import Recorder, record
from ic_harness.testing.crash_sweep import sweep
from ic_harness.testing.interleavings import find_order

_CANISTERS = Path(__file__).resolve().parents[2] / "fixtures" / "canisters"
_MINUTE_S = 60
_ROUNDS = 5
_CALLS = 100


def _market(network: Network) -> tuple[Canister, Canister]:
    """Deploy the shop and its vault."""
    shop, vault = (
        deploy_canister(network, _CANISTERS / "motoko" / f"{name}.wasm.gz") for name in ("shop", "vault")
    )
    return shop, vault


def _cpu_s(act: Callable[[], int]) -> float:
    """Return the least processor time of a run, of `act` several times; it returns the number of its runs."""
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.process_time()
        runs = act()
        best = min(best, (time.process_time() - started) / runs)
    return best


def _measure_runs() -> None:
    with embedded() as network:
        shop, vault = _market(network)
        at, canisters = str(vault.canister_id), {"shop": shop, "vault": vault}

        def conserved() -> None:
            assert shop.state()["credit"] + vault.state()["coins"] == 100

        def swept(**options: object) -> int:
            with network.anchored():
                result = sweep(network, lambda: shop.spend(at, 5), conserved, canisters=canisters, **options)
            assert not result.findings
            return result.runs

        def explored() -> int:
            actors = dict.fromkeys(("alice", "bob", "carol"), lambda: shop.take(at))
            with network.anchored():
                return find_order(network, actors, lambda: None, canisters=canisters).runs

        show("crash sweep, every kind, scenario again after each", _MINUTE_S / _cpu_s(swept), "/min")
        traps = _cpu_s(lambda: swept(kinds=["trap"], again=False))
        show("crash sweep, traps alone, scenario once", _MINUTE_S / traps, "/min", least=10_000)
        show("explorer, three callers", _MINUTE_S / _cpu_s(explored), "/min")


def _backend_s(network: Network) -> float:
    """Return the processor time of a call of the reference backend; half of them send a small chunk."""
    canister = network.deploy(reference_wasm())
    backend = Backend(network.agent(Ed25519Identity.generate()), canister)
    capsule = backend.capsules_create(None).id
    numbers = itertools.count()

    def calls() -> int:
        for number in itertools.islice(numbers, _CALLS):
            session = backend.uploads_begin(capsule, 1, f"call {number}")
            backend.uploads_put_chunk(session, 0, bytes(1000))
            backend.uploads_finish(session, hashlib.sha256(bytes(1000)).digest(), 1000)
        return 3 * _CALLS

    return _cpu_s(calls)


def _measure_coverage() -> None:
    with embedded() as network:
        plain = _backend_s(network)
    with record(Recorder(coverage=True)), embedded() as network:
        covered = _backend_s(network)
    show("speed with coverage, of the speed without", 100 * plain / covered, "%", least=50)


if __name__ == "__main__":
    _measure_runs()
    _measure_coverage()
