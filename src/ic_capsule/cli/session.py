"""The backend of a command."""

from __future__ import annotations

from ic_capsule.reference import REFERENCE
from ic_harness.cli.session import Session
from ic_harness.errors import InputError
from ic_harness.networks import Capability
from ic_harness.principal import Principal


def backend_canister(session: Session, canister_id: str | None) -> Principal:
    """Return the backend: the named one, the registered one, or a new one where canisters are free.

    Raises `InputError` when `canister_id` names none, or none exists and none can be created.
    """
    if canister_id is not None:
        return session.target(canister_id)
    found = session.canister(REFERENCE.name)
    if found is None or session.network.module_hash(found) is None:
        found = _deploy(session, found)
    return found


def _deploy(session: Session, empty: Principal | None) -> Principal:
    """Install the reference backend: into a canister that was left empty, or a new one."""
    if Capability.CREATE not in session.network.capabilities:
        raise InputError(f"no backend is known on {session.network.name}: name it by --canister-id")
    canister = empty or session.create(REFERENCE.name)
    session.network.install(canister, REFERENCE.wasm())
    return canister
