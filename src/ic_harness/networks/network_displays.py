"""What notebooks and terminals show of canisters and networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ic_harness.candid import Method, Service, format_types
from ic_harness.displays import Display
from ic_harness.errors import HarnessError
from ic_harness.text import one_line

if TYPE_CHECKING:
    from ic_harness.principal import Principal

    from .capabilities import Capability

_MAX_CANISTERS: Final = 50
"""Canisters of a network whose module is read for its display."""


def canister_display(
    kind: str,
    canister: Principal,
    network: str,
    caller: Principal,
    *,
    service: Callable[[], Service],
    module_hash: Callable[[], bytes | None],
) -> Display:
    """Return a canister's id, module and caller, and the signature of each method.

    What cannot be read, as of a network that is closed, is replaced by the reason.
    """
    facts = [("id", str(canister)), ("module", _module(module_hash)), ("caller", str(caller))]
    rows: list[tuple[str, ...]] = []
    try:
        rows = [(name, method.mode, _signature(method)) for name, method in service().methods.items()]
    except HarnessError as error:
        facts.append(("interface", one_line(str(error))))
    return Display(
        title=f"{kind} on {network}",
        facts=tuple(facts),
        columns=("method", "mode", "signature"),
        rows=tuple(rows),
    )


def _signature(method: Method) -> str:
    return f"{format_types(method.func.arg_types)} -> {format_types(method.func.return_types)}"


def _module(read: Callable[[], bytes | None]) -> str:
    try:
        found = read()
    except HarnessError as error:
        return f"cannot be read: {one_line(str(error))}"
    return "none" if found is None else f"SHA-256 {found.hex()}"


def network_display(
    name: str,
    url: str | None,
    deployer: Principal,
    capabilities: frozenset[Capability],
    *,
    canisters: Callable[[], list[Principal]],
    module_hash: Callable[[Principal], bytes | None],
) -> Display:
    """Return a network's address, deployer and capabilities, and its canisters with their modules."""
    facts = [("url", url)] if url else []
    facts += [("deployer", str(deployer)), ("can", ", ".join(sorted(each.value for each in capabilities)))]
    rows: list[tuple[str, ...]] = []
    try:
        found = canisters()
        rows = [(str(each), _module(lambda each=each: module_hash(each))) for each in found[:_MAX_CANISTERS]]  # type: ignore[misc]
        rows += [(str(each), "") for each in found[_MAX_CANISTERS:]]
    except HarnessError as error:
        facts.append(("canisters", one_line(str(error))))
    return Display(
        title=f"network {name}", facts=tuple(facts), columns=("canister", "module"), rows=tuple(rows)
    )
