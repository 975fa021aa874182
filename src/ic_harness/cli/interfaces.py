"""Where a canister's Candid interface comes from: a file that was given, or the canister itself."""

from __future__ import annotations

from pathlib import Path

from ic_harness.agent import Agent
from ic_harness.candid import Method, Service, parse
from ic_harness.errors import CandidError, InputError
from ic_harness.principal import Principal

METADATA = "candid:service"
"""The custom section in which a canister publishes its interface."""


def read_interface(path: Path) -> Service:
    """Parse a `.did` file. Raises `InputError` that names the file when it cannot be read or parsed."""
    try:
        return parse(path.read_text(encoding="utf-8"), path=path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    except CandidError as error:
        raise InputError(f"{path}: {error}") from error


def fetch_interface(agent: Agent, canister: Principal) -> Service:
    """Read a canister's own interface, certified. Raises `InputError` when it publishes none."""
    text = agent.read_metadata(canister, METADATA)
    if text is None:
        raise InputError(f"canister {canister} publishes no Candid interface: give it by --candid FILE")
    return parse(text.decode())


def find_method(service: Service, name: str) -> Method:
    """Look a method up. Raises `InputError` with the names that there are."""
    try:
        return service.methods[name]
    except KeyError:
        known = ", ".join(sorted(service.methods)) or "none"
        raise InputError(f"no method {name!r} in the interface; there are: {known}") from None
