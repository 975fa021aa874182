"""The network that the tests of one process share, started once, and the canister under test on it."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ic_harness.bundled import default_canister
from ic_harness.errors import InputError
from ic_harness.networks import Capability, Network, embedded, open_network
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, Identity
from ic_harness.suggestions import suggest

from .options import Options


class SessionNetwork:
    """One network for all tests of this process; each test has a state of its own."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.network: Network = _open(options, options.subnets, history=options.records)
        # A network that already ran may know the identities of an earlier run, so they must differ.
        self._salt = b"" if self.network.url is None else secrets.token_bytes(16)
        self._canister: Principal | None = None
        self._subnets = options.subnets
        self._records = options.records
        self._inside_test = False
        # Networks of tests that ask for other subnets by a marker, each with its canister under test.
        self._others: dict[tuple[str | None, bool], tuple[Network, Principal | None]] = {}
        self.names: dict[Principal, str] = {}
        """Names of the running test's canisters; the next test may get the same ids."""
        self.shared_names: dict[Principal, str] = {}
        """Names of canisters that a module or the session deployed."""
        self.builds: dict[tuple[Any, ...], Any] = {}
        """What was built in this process, by compiler, source and options."""

    @property
    def inside_test(self) -> bool:
        """Whether a test runs, so that what is made now is put back after it."""
        return self._inside_test

    def close(self) -> None:
        """Close the network, and those that tests asked for by a marker."""
        self.network.close()
        for network, _ in self._others.values():
            network.close()

    @contextmanager
    def with_subnets(self, subnets: str | None, *, history: bool = False) -> Iterator[None]:
        """Within the block `network` is one of these subnets, which all tests that ask for them share.

        None leaves those of the run. With `history` it is one that is recorded. Canisters that a module or the session
        deployed are on the network of the run only. Raises `InputError` for a network that cannot be recorded.
        """
        wanted = subnets or self.options.subnets, history or self.options.records
        if wanted == (self.options.subnets, self.options.records):
            yield
            return
        if history and self.options.network != "embedded":
            raise InputError(
                f"the marker ic: history is for the embedded network, not {self.options.network}"
            )
        if wanted not in self._others:
            self._others[wanted] = _open(self.options, wanted[0], history=wanted[1]), None
        of_the_run = self.network, self._canister, self._subnets, self._records
        self.network, self._canister = self._others[wanted]
        self._subnets, self._records = wanted
        try:
            yield
        finally:
            self._others[wanted] = self.network, self._canister
            self.network, self._canister, self._subnets, self._records = of_the_run

    @contextmanager
    def test(self, *, with_canister: bool) -> Iterator[Network]:
        """Yield the network to one test, and restore its state afterwards where the network can.

        `with_canister` deploys the canister under test first, so that later tests share it.
        """
        if self.network.failure is not None:
            self._open_anew()
        if with_canister:
            self.canister()
        self._inside_test = True
        self.names.clear()
        self.names.update(self.shared_names)
        try:
            with self.network.anchored():
                yield self.network
        finally:
            self._inside_test = False

    def _open_anew(self) -> None:
        """Replace a network that has failed, so that only the test that saw the failure fails."""
        self.network.close()
        network = _open(self.options, self._subnets, history=self._records)
        self.network, self._canister = network, None

    def missing(self, wanted: Iterable[str]) -> str | None:
        """Return why a test that needs `wanted` capabilities cannot run; None when it can.

        Raises `InputError` for the name of no capability.
        """
        for name in wanted:
            try:
                capability = Capability(name)
            except ValueError:
                hint = suggest(str(name), [str(it) for it in Capability])
                raise InputError(f"the marker needs: there is no capability {name!r}; {hint}") from None
            if capability not in self.network.capabilities:
                return f"the network {self.network.name} cannot: {name}"
        return None

    def identity(self, test: str, name: str) -> Ed25519Identity:
        """Return the identity that `name` has in `test`: always the same, and a different one in other tests."""
        seed = hashlib.sha256(b"\0".join([self._salt, test.encode(), name.encode()])).digest()
        return Ed25519Identity.from_seed(seed)

    def canister(self) -> Principal:
        """Find or deploy the canister under test.

        Raises `InputError` for a Wasm that cannot be read, `MissingCapabilityError` where canisters cost.
        """
        canister = self._find_canister()
        self.names[canister] = self._name()
        return canister

    def entitle(self, wasm: bytes, name: str) -> None:
        """Name a module that is about to be installed, for `--ic-cov` and `--ic-flame`."""
        if name and self.network.name == "embedded":
            from ic_harness.replica.execution.recorder import active  # lazy: the engine  # noqa: PLC0415

            recorder = active()
            if recorder is not None:
                recorder.titles.setdefault(hashlib.sha256(wasm).digest(), name)

    def _name(self) -> str:
        """Return the name of the canister under test in logs and metrics."""
        if self.options.wasm is not None:
            return self.options.wasm.name.partition(".wasm")[0]
        bundled = default_canister() if self.options.canister_id is None else None
        return bundled.name if bundled is not None else "canister"

    def _find_canister(self) -> Principal:
        if self.options.canister_id is not None:
            return Principal.from_text(self.options.canister_id)
        if self._canister is not None:
            return self._canister
        wasm = self.wasm()
        self.entitle(wasm, self._name())
        canister = self.network.deploy(wasm)
        if not (self._inside_test and Capability.SNAPSHOT in self.network.capabilities):
            self._canister = canister
        return canister

    def wasm(self) -> bytes:
        """Return the build under test: `--wasm`, else the bundled canister. Raises `InputError` without either."""
        if self.options.wasm is not None:
            return read_wasm(self.options.wasm)
        bundled = default_canister()
        if bundled is None:
            raise InputError("there is no canister to test: give --wasm FILE or --canister-id ID")
        return bundled.wasm()


def _open(options: Options, subnets: str | None, *, history: bool) -> Network:
    """Open the network of a run. `subnets`, `history` and `icp` are for the embedded network only."""
    if options.compare is not None:
        return _open_compared(options, options.compare)
    if subnets is not None or history or options.icp is not None or options.embedded:
        return embedded(
            subnets=subnets,
            cost_schedule=options.cost_schedule,
            history=history,
            icp=options.icp,
            **options.embedded,
        )
    return open_network(options.network, cost_schedule=options.cost_schedule)


def _open_one(options: Options, spec: str, deployer: Identity | None = None) -> Network:
    """Open a network, an embedded one with the options for it."""
    if spec == "embedded":
        return embedded(deployer=deployer, cost_schedule=options.cost_schedule, **options.embedded)
    return open_network(spec, deployer=deployer, cost_schedule=options.cost_schedule)


def _open_compared(options: Options, other: str) -> Network:
    """Open the network of a run with the one that it is compared with."""
    from ic_harness.testing.comparing import ComparedNetwork  # lazy: only where it is used  # noqa: PLC0415

    first = _open_one(options, options.network)
    try:
        second = _open_one(options, other, first.deployer)
    except BaseException:
        first.close()
        raise
    return ComparedNetwork(
        first,
        second,
        ignored=[re.compile(text) for text in options.compare_ignore],
        tolerance=options.compare_tolerance,
        instead_of=read_wasm(options.wasm) if options.wasm else None,
        wasm=read_wasm(options.compare_wasm) if options.compare_wasm else None,
    )


def read_wasm(path: Path) -> bytes:
    """Read a Wasm file, plain or gzip. Raises `InputError` that names it when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
