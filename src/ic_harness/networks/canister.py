"""A client for any canister, shaped by its Candid interface at run time.

In a test of one's own canister: `counter.increment(1)` or `counter.call("increment", 1)`. For types,
generate a client with `ic-harness bindgen` instead.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from ic_harness.agent import Agent
from ic_harness.candid import Method, Service, Type, decode, encode, parse, parse_types
from ic_harness.errors import CandidError, InputError
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.text import read_text

from .network import Network
from .wasm_metadata import INIT_ARGUMENTS, INTERFACE, custom_sections

_QUERIES: Final = frozenset({"query", "composite_query"})


def read_interface(source: str | Path) -> Service:
    """Parse an interface: a path to a `.did` file, or its text.

    Raises `InputError` when the file cannot be read, `CandidError` when it is no Candid.
    """
    if isinstance(source, str):
        return parse(source)
    try:
        text = read_text(source)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read {source}: {getattr(error, 'strerror', None) or error}") from error
    return parse(text, path=source)


def fetch_interface(agent: Agent, canister: Principal) -> Service:
    """Read the interface that a canister publishes, certified. Raises `InputError` when it publishes none."""
    # The management canister has no state that could be read.
    text = None if canister == Principal.management() else agent.read_metadata(canister, INTERFACE)
    if text is None:
        raise InputError(f"canister {canister} publishes no Candid interface: give the .did file")
    try:
        return parse(text.decode())
    except UnicodeDecodeError as error:
        raise CandidError(
            f"the interface that canister {canister} publishes is not UTF-8: {error}"
        ) from error


def find_method(service: Service, name: str) -> Method:
    """Look a method up. Raises `InputError` with the names that are like it, or those that there are."""
    method = service.methods.get(name)
    if method is None:
        alike = difflib.get_close_matches(name, service.methods, n=3)
        known = ", ".join(sorted(service.methods)) or "none"
        hint = f"did you mean {' or '.join(alike)}?" if alike else f"there are: {known}"
        raise InputError(f"no method {name!r} in the interface; {hint}")
    return method


class Canister:
    """A canister and a caller. Methods of its interface are attributes; `call` takes any name."""

    def __init__(
        self, network: Network, canister_id: Principal, *, identity: Identity, service: Service | None = None
    ) -> None:
        self.network = network
        self.canister_id = canister_id
        self.identity = identity
        self._given = service

    def __repr__(self) -> str:
        return f"Canister({self.canister_id} on {self.network.name})"

    @functools.cached_property
    def agent(self) -> Agent:
        """The client that calls as `identity`."""
        return self.network.agent(self.identity)

    @functools.cached_property
    def service(self) -> Service:
        """The interface: as given, or as the canister publishes it. Raises `InputError` without one."""
        return self._given or fetch_interface(self.agent, self.canister_id)

    def as_(self, identity: Identity) -> Canister:
        """Return the same canister for another caller."""
        return Canister(self.network, self.canister_id, identity=identity, service=self._given)

    def call(self, method: str, *args: Any, update: bool = False) -> Any:
        """Call `method` and return what it returns: None, the value, or a tuple of several.

        Query methods are asked without a certificate unless `update`. Raises `InputError` for an unknown
        method, `CandidError` for arguments that do not fit, and the `CallError` family without a reply.
        """
        known = find_method(self.service, method)
        send = self.agent.query if known.mode in _QUERIES and not update else self.agent.update
        reply = send(self.canister_id, method, encode(args, known.arg_types))
        values = decode(reply, known.return_types)
        if len(values) < 2:
            return values[0] if values else None
        return values

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_") or name not in self.service.methods:
            raise AttributeError(f"{self!r} has no method {name!r}")
        return functools.partial(self.call, name)


def interface_of(wasm: bytes, interface: str | Path | None = None) -> tuple[Service | None, tuple[Type, ...]]:
    """Return the interface of a module, and the types of the arguments of its `init`.

    From `interface`, the path or text of a `.did`, else from the module's own sections; None and no types
    where neither has them. Raises `InputError` and `CandidError` for an interface that cannot be read.
    """
    sections = custom_sections(wasm)
    published = sections.get(INTERFACE)
    source = interface if interface is not None else published.decode() if published else None
    service = read_interface(source) if source is not None else None
    types = service.init_args if service else None
    if types is None and INIT_ARGUMENTS in sections:
        types = parse_types(sections[INIT_ARGUMENTS].decode())
    return service, tuple(types or ())


def deploy_canister(
    network: Network, wasm: bytes, args: Sequence[Any] = (), *, interface: str | Path | None = None
) -> Canister:
    """Make a canister, install `wasm` with the arguments `args` of its `init`, and return a client for it.

    The client calls as the network's deployer. `interface` is the path or text of the `.did`; without one the
    interface is the one in the module's own sections. Raises `InputError` when arguments have no types.
    """
    service, types = interface_of(wasm, interface)
    if args and not types:
        raise InputError(
            "arguments of init need types, and the module does not contain them: pass the .did file"
        )
    canister_id = network.deploy(wasm, encode(args, types))
    return Canister(network, canister_id, identity=network.deployer, service=service)
