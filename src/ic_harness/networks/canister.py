"""A client for any canister, shaped by its Candid interface at run time.

In a test of one's own canister: `counter.increment(1)` or `counter.call("increment", 1)`. For types,
generate a client with `ic-harness bindgen` instead.

One rule for names: a public name that the interface has is the canister's method, always. Every other name is the
operation of `Lifecycle`. `lifecycle(canister)` has all operations whatever the interface is.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ic_harness.candid import Service
from ic_harness.principal import Principal
from ic_harness.protocol import Identity
from ic_harness.suggestions import alike, suggest

from .canister_lifecycle import Build, Finder, Installed, Lifecycle, Source, find_build
from .network import Network
from .subnets import SubnetName
from .unsigned_identity import identity_of

if TYPE_CHECKING:
    from .async_canister import AsyncCanister


class Canister(Lifecycle):
    """A canister and a caller. Methods of its interface are attributes; `call` takes any name.

    The interface comes first: where it has a method `status`, `canister.status()` calls it, and the operation of
    that name is `lifecycle(canister).status()`.
    """

    def __init__(
        self,
        network: Network,
        canister_id: Principal,
        *,
        identity: Identity,
        service: Service | None = None,
        installed: Installed | None = None,
    ) -> None:
        known = installed or Installed(service=service, given=service is not None)
        super().__init__(network, canister_id, identity=identity, installed=known)

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or not Lifecycle.finds_method(self, name):
            return object.__getattribute__(self, name)
        return functools.partial(object.__getattribute__(self, "call"), name)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("_"):
            raise AttributeError(f"{self!r} has no method {name!r}")
        known = self._interface().methods  # raises without an interface
        operations = [it for it in dir(Lifecycle) if not it.startswith("_")]
        hint = suggest(name, alike(name, [*known, *operations]) or sorted(known))
        raise AttributeError(f"{self!r} has no method {name!r}; {hint}")

    def __dir__(self) -> list[str]:
        known = self._installed.service
        return sorted({*object.__dir__(self), *(known.methods if known else ())})

    def as_(self, who: Identity | Principal | str) -> Canister:
        """Return the same canister for another caller: an identity, or a principal without its key.

        Calls as a principal need a network with `Capability.IMPERSONATE`; they pass the ingress filter as signed
        ones do. Raises `PrincipalError` for a text that is no principal.
        """
        return Canister(self._network, self._id, identity=identity_of(who), installed=self._installed)

    def async_(self) -> AsyncCanister:
        """Return the asynchronous client for the same canister and caller: `await canister.async_().increment()`."""
        from .async_canister import AsyncCanister  # lazy: start-up time  # noqa: PLC0415

        return AsyncCanister(lifecycle(self))


def lifecycle(canister: Canister) -> Lifecycle:
    """Return the operations on a canister, for the same caller, whatever names its interface has."""
    return Lifecycle(
        canister._network,  # noqa: SLF001 - public names of a canister may be methods of its interface
        canister._id,  # noqa: SLF001
        identity=canister._identity,  # noqa: SLF001
        installed=canister._installed,  # noqa: SLF001
    )


def install_new(
    network: Network,
    build: Build,
    arg: bytes,
    *,
    canister_id: Principal | None = None,
    controllers: Sequence[Principal] = (),
    find: Finder = find_build,
) -> Canister:
    """Install `build` with the encoded `arg` into a new canister; returns a client as the network's deployer.

    `canister_id` is an empty canister of the deployer; without it one is created, with `controllers` besides the
    deployer. `find` finds the modules that are passed to `upgrade` and `reinstall`.
    """
    made = canister_id or create_controlled(network, controllers)
    network.install(made, build.wasm, arg)
    installed = Installed(
        service=build.service, build=build, arg=arg, find=find, given=build.service is not None
    )
    return Canister(network, made, identity=network.deployer, installed=installed)


def create_controlled(
    network: Network, controllers: Sequence[Principal], *, subnet: SubnetName | None = None
) -> Principal:
    """Create an empty canister that the network's deployer controls together with `controllers`.

    `subnet` is where; None leaves that to the network.
    """
    together = list(dict.fromkeys((network.deployer.principal, *controllers)))
    return network.create_canister(controllers=together if controllers else None, subnet=subnet)


def deploy_canister(
    network: Network,
    wasm: Source,
    args: Sequence[Any] = (),
    *,
    interface: str | Path | None = None,
    controllers: Sequence[Principal] = (),
    subnet: SubnetName | None = None,
) -> Canister:
    """Create a canister, install `wasm` with the arguments `args` of its `init`, and return a client for it.

    `wasm` is the module's bytes, or a path: then the `.did` beside it is its interface, unless `interface` is given.
    The client calls as the network's deployer, which controls the canister together with `controllers`.
    `interface` is the path or text of the `.did`; without one the interface is the one that the module carries.
    `subnet` is one of `network.subnets`, its id or its kind. Raises `InputError` when arguments have no types.
    """
    build = find_build(wasm, interface)
    arg = build.encode(args)
    made = create_controlled(network, controllers, subnet=subnet)
    return install_new(network, build, arg, canister_id=made)
