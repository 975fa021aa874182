"""The run of `ic-harness fuzz`: installs the canister, searches, and writes the tests."""

from __future__ import annotations

import re
import runpy
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ic_harness.candid import parse_values
from ic_harness.errors import CandidError, InputError
from ic_harness.networks import Canister, EmbeddedNetwork, deploy_canister, find_build
from ic_harness.networks.forks import is_encrypted
from ic_harness.replica import ManualClock, Replica, ReplicaConfig
from ic_harness.testing.fuzzing import FuzzReport, Subject, fuzz, write_tests
from ic_harness.testing.fuzzing.writing import Sources
from ic_harness.text import one_line

from .forks import passphrase

_FORK: Final = "fork:"
_NETWORK_SEED: Final = b"ic-harness fuzz"
_OWN: Final = "invariant_"
OwnInvariants = dict[Callable[[Canister], object], Path]


def run_fuzz(
    *,
    canister: str,
    candid: Path | None,
    argument: str | None,
    upgrade_to: Path | None,
    modules: Sequence[Path],
    methods: Sequence[str],
    invariants: Sequence[str],
    seed: int | None,
    instructions: int,
    to_pytest: Path | None,
    passphrase_file: Path | None,
    **options: Any,
) -> FuzzReport:
    """Fuzz the canister that was named. Raises `InputError` for what cannot be read or contradicts itself."""
    is_fork = canister.startswith(_FORK)
    if is_fork and (to_pytest or argument or candid):
        raise InputError("a fork has its own state: --to-pytest, --argument and --candid are for a Wasm file")
    seed = secrets.randbelow(2**32) if seed is None else seed
    own = _own_invariants(modules)
    # Time stands still between steps, so that the same seed makes the same calls at the same times.
    with EmbeddedNetwork(Replica(ReplicaConfig(seed=_NETWORK_SEED, clock=ManualClock()))) as network:
        values: tuple[Any, ...] = ()
        if is_fork:
            client = _forked(network, Path(canister.removeprefix(_FORK)), passphrase_file)
        else:
            values = _values(Path(canister), candid, argument)
            client = deploy_canister(network, Path(canister), values, interface=candid)
        report = fuzz(
            client,
            own=list(own),
            invariants=invariants or None,
            methods=methods or None,
            upgrade_to=upgrade_to.read_bytes() if upgrade_to else None,
            seed=seed,
            instructions=instructions,
            raises=False,
            **options,
        )
        if to_pytest is not None and report.failures:
            sources = Sources(
                wasm=Path(canister), candid=candid, arguments=values, upgrade_to=upgrade_to,
                instructions=instructions, modules=own,
            )  # fmt: skip
            write_tests(to_pytest, report.failures, Subject(client), sources, seed)
        return report


def _forked(network: EmbeddedNetwork, folder: Path, file: Path | None) -> Canister:
    return network.load_fork(folder, passphrase=passphrase(file) if is_encrypted(folder) else None)


def _values(wasm: Path, candid: Path | None, argument: str | None) -> tuple[Any, ...]:
    """Return the arguments of `init` as Python values."""
    if argument is None:
        return ()
    types = find_build(wasm, candid).init_types
    try:
        return tuple(parse_values(argument, types))
    except CandidError as error:
        raise InputError(
            f"--argument {one_line(argument)} does not fit the init of {wasm}: {error}"
        ) from error


def _own_invariants(modules: Sequence[Path]) -> OwnInvariants:
    """Return the functions `invariant_…` of Python files, each with its file."""
    found: OwnInvariants = {}
    for path in modules:
        if not path.is_file():
            raise InputError(f"cannot read {one_line(str(path))}: there is no such file")
        try:
            names = runpy.run_path(str(path))
        except Exception as error:
            raise InputError(one_line(f"cannot run {path}: {type(error).__name__}: {error}", 500)) from error
        own = {value: path for name, value in names.items() if re.match(_OWN, name) and callable(value)}
        if not own:
            raise InputError(f"{one_line(str(path))} has no function {_OWN}…(canister)")
        found |= own
    return found
