"""A network of PocketIC: an instance of its own on a PocketIC server.

Relied on, after PocketIC's documentation ("Live Mode", changelog of the server) and client libraries:

    POST   /instances                       make an instance; returns its id and topology
    DELETE /instances/N                     delete it, keeping its state when it has a folder
    GET    /instances/N/read/get_time       its time      POST …/update/set_time   set it, forward only
    POST   /instances/N/update/tick         make a round
    POST   /instances/N/auto_progress       make rounds and follow the real time by itself; …/stop_progress ends it
    POST   /http_gateway                    listen at a port of its own for an instance; …/G/stop ends it
           /instances/N/api/…               the HTTP interface of the Internet Computer

An instance makes no progress by itself, so rounds and time are in the hands of the tests. Live, it behaves
as any local network: other programs can use it, and its time can no longer be set.
"""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

from ic_harness.agent import (
    Agent,
    AsyncAgent,
    AsyncCallableTransport,
    CallableTransport,
    HttpTransport,
    Management,
    Request,
    Response,
)
from ic_harness.errors import NetworkError
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, Identity
from ic_harness.units import Nanos

from .capabilities import Capability
from .deadline import Deadline
from .network import Network
from .pocket_ic_rounds import Rounds
from .pocket_ic_server import PocketIcServer
from .state_lock import StateLock
from .topology import canister_of

T = TypeVar("T")
LIVE: Final = frozenset({Capability.CREATE, Capability.UPGRADE, Capability.LOGS})
STILL: Final = LIVE | {Capability.TIME, Capability.SINGLE_ROUND}
POCKET_IC_SETTLING: Final = 10
"""Rounds in which a due timer, its calls and their replies have run."""
_SUBNET: Final = {"state_config": "New", "instruction_config": "Production", "dts_flag": "Enabled"}
_SUBNETS: Final[Mapping[str, Any]] = {
    "nns": _SUBNET,  # holds the root key
    "sns": None,
    "ii": None,
    "fiduciary": None,
    "bitcoin": None,
    "system": [],
    "application": [_SUBNET],
    "verified_application": [],
}
_NO_SUBNETS: Final[Mapping[str, Any]] = {
    name: [] if isinstance(value, list) else None for name, value in _SUBNETS.items()
}


class PocketIcNetwork(Network):
    """An instance on `server`; closing it deletes the instance and closes the server.

    `state` keeps its state, and is released with it. Raises `NetworkError` when there can be no instance.
    """

    def __init__(
        self, server: PocketIcServer, deployer: Identity | None = None, *, state: StateLock | None = None
    ) -> None:
        super().__init__(deployer or Ed25519Identity.generate())
        self.capabilities = STILL
        self._server = server
        self._gateway: tuple[int, HttpTransport] | None = None
        self._state = state
        created = _created(server.call("POST", "/instances", _wanted(state)), "instance")
        self._path = f"/instances/{int(created['instance_id'])}"
        self._home = canister_of(created.get("topology"))
        self._transport = HttpTransport(server.url + self._path)
        self._rounds = Rounds(self._transport, self.tick)
        self._moving = threading.Lock()
        self._known_ns = 0
        self._closed = False

    @property
    def name(self) -> str:
        """Always `pocket-ic`."""
        return "pocket-ic"

    @property
    def url(self) -> str | None:
        """Where the instance can be used by other programs: its gateway when live, else None."""
        return self._gateway[1].url if self._gateway else None

    @functools.cached_property
    def root_key(self) -> bytes:
        """The root key of the instance, fetched once. Raises `CertificateError` when it has none."""
        return Agent(self._transport).root_key()

    def _subnet_hint(self) -> Principal | None:
        return self._home

    # -- agents ----------------------------------------------------------------------------------------------

    def _send(self, request: Request) -> Response:
        return self._gateway[1].send(request) if self._gateway else self._rounds.send(request)

    async def _send_in_thread(self, request: Request) -> Response:
        return await asyncio.to_thread(self._send, request)

    def _pause(self, seconds: float) -> None:
        """Let time pass for an agent that waits: the instance's own, unless that goes by itself."""
        if self._gateway:
            time.sleep(seconds)
        else:
            self.advance_time(int(seconds * 1e9))

    async def _pause_in_thread(self, seconds: float) -> None:
        await asyncio.to_thread(self._pause, seconds)

    def _now_ns(self) -> int:
        """The time for agents, which read the clock several times a call; a round adds one nanosecond only."""
        return time.time_ns() if self._gateway else self._known_ns or self.time_ns()

    def _new_agent(self, identity: Identity) -> Agent:
        transport = CallableTransport(self._send)
        return Agent(transport, identity, root_key=self.root_key, clock=self._now_ns, sleep=self._pause)

    def _new_async_agent(self, identity: Identity) -> AsyncAgent:
        return AsyncAgent(
            AsyncCallableTransport(self._send_in_thread),
            identity,
            root_key=self.root_key,
            clock=self._now_ns,
            sleep=self._pause_in_thread,
        )

    # -- time and rounds -------------------------------------------------------------------------------------

    def time_ns(self) -> Nanos:
        """Tell the instance's time."""
        told = self._server.call("GET", f"{self._path}/read/get_time")
        self._known_ns = int(told["nanos_since_epoch"])
        return Nanos(self._known_ns)

    def set_time(self, time_ns: int) -> None:
        """Set the instance's time and make a round, so that certificates carry it and due timers fire.

        Raises `NetworkError` when `time_ns` is past, `MissingCapabilityError` when the network is live.
        """
        self.require(Capability.TIME)
        self._server.call("POST", f"{self._path}/update/set_time", {"nanos_since_epoch": time_ns})
        self._known_ns = time_ns
        self.tick()

    def advance_time(self, by_ns: int) -> None:
        """Move the instance's time forward and make a round; see `set_time`."""
        with self._moving:  # else another thread could set it between the two, and ours would be past
            self.set_time(self.time_ns() + by_ns)

    def tick(self) -> None:
        """Make one round. Raises `MissingCapabilityError` when the network is live."""
        self.require(Capability.SINGLE_ROUND)
        self._server.call("POST", f"{self._path}/update/tick", {})

    def settle(self, max_rounds: int = POCKET_IC_SETTLING) -> None:
        """Run `max_rounds` rounds: a PocketIC server does not tell whether canisters are at rest."""
        for _ in range(max_rounds):
            self.tick()

    def in_one_round(self, calls: Sequence[Callable[[], T]]) -> list[T]:
        """Make calls whose first updates are executed in the same round."""
        self.require(Capability.SINGLE_ROUND)
        return self._rounds.together(calls)

    def logs(self, canister: Principal) -> list[str]:
        """Read what a canister printed, as the deployer. Raises `RejectError` when that may not read it."""
        records = Management(self.agent(self.deployer)).fetch_canister_logs(canister)
        return [bytes(record["content"]).decode(errors="replace") for record in records]

    # -- live ------------------------------------------------------------------------------------------------

    def make_live(self) -> str:
        """Let time and rounds advance by themselves; returns the URL at which other programs reach the instance.

        From then on the network has neither `TIME` nor `ROUND`, until `stop_live`.
        """
        if self._gateway is None:
            self._server.call("POST", f"{self._path}/auto_progress", {"artificial_delay_ms": None})
            instance = int(self._path.rsplit("/", 1)[1])
            wanted = {"forward_to": {"PocketIcInstance": instance}} | dict.fromkeys(
                ("ip_addr", "port", "domains", "https_config")
            )
            created = _created(self._server.call("POST", "/http_gateway", wanted), "gateway")
            # The gateway answers for the host names that it was given, which without any is this one.
            transport = HttpTransport(f"http://localhost:{int(created['port'])}")
            self._gateway = (int(created["instance_id"]), transport)
            self.capabilities = LIVE
        return self._gateway[1].url

    def stop_live(self) -> None:
        """Take time and rounds back into the hands of the tests."""
        if self._gateway is None:
            return
        (gateway, transport), self._gateway = self._gateway, None
        transport.close()
        self.capabilities = STILL
        self._server.call("POST", f"/http_gateway/{gateway}/stop")
        self._server.call("POST", f"{self._path}/stop_progress", "")
        self._known_ns = 0

    def close(self) -> None:
        """Delete the instance, and stop the server if it was started for it."""
        if self._closed:
            return
        self._closed = True
        try:
            self.stop_live()
            self._server.call("DELETE", self._path)
        finally:
            self._transport.close()
            self._server.close()
            if self._state is not None:
                self._state.release()


def open_pocket_ic(
    *,
    server_url: str | None = None,
    state_dir: Path | None = None,
    live: bool = False,
    deployer: Identity | None = None,
    environ: Mapping[str, str] | None = None,
    deadline: Deadline | None = None,
) -> PocketIcNetwork:
    """Make an instance, at the present time, on a server that is started for it, or on the one at `server_url`.

    `state_dir` keeps its state; None forgets it. `live` lets time and rounds go by themselves. Raises
    `NetworkError` when there is no binary, it does not get ready, or it refuses, `StateError` when the folder is
    in use.
    """
    state = None if state_dir is None else StateLock(state_dir)
    server = network = None
    try:
        if server_url is None:
            server = PocketIcServer.start(environ=environ, deadline=deadline)
        else:
            server = PocketIcServer(server_url)
        network = PocketIcNetwork(server, deployer, state=state)
        # A new instance begins in 2021; existing delegations and tokens need today's date.
        network.set_time(max(time.time_ns(), network.time_ns()))
        if live:
            network.make_live()
    except BaseException:
        with suppress(NetworkError):  # of a server that does not answer; the first error says more
            _close(network or server, state)
        raise
    return network


def _close(opened: PocketIcNetwork | PocketIcServer | None, state: StateLock | None) -> None:
    try:
        if opened is not None:
            opened.close()
    finally:
        if state is not None:
            state.release()


def _wanted(state: StateLock | None) -> dict[str, Any]:
    """The description of an instance. The subnets of a state that is there already are found with it."""
    if state is None:
        return {"subnet_config_set": _SUBNETS}
    return {
        "subnet_config_set": _SUBNETS if state.empty else _NO_SUBNETS,
        "state_dir": str(state.path),
    }


def _created(answer: Any, what: str) -> Mapping[str, Any]:
    created = answer.get("Created") if isinstance(answer, dict) else None
    if not isinstance(created, dict):
        reason = answer.get("Error", {}).get("message") if isinstance(answer, dict) else answer
        raise NetworkError(f"PocketIC makes no {what}: {reason}")
    return created
