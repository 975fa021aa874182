"""The registry of canisters that were deployed by name, so that the next command finds them.

`canisters.json` in the state folder maps the SHA-256 of a network's root key to names and canister ids. The
root key and not the URL identifies a network: a local network that is restarted on its port is a new one,
and an embedded network that is served over HTTP is still the same.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from ic_harness.errors import StateError
from ic_harness.principal import Principal
from ic_harness.text import parse_json

from .files import PRIVATE, write_atomically

FILE: Final = "canisters.json"


def lookup(state_dir: Path, root_key: bytes, name: str) -> Principal | None:
    """Return the canister with the name `name` on the network with `root_key`; None when there is none."""
    text = _load(state_dir).get(_key(root_key), {}).get(name)
    return None if text is None else Principal.from_text(text)


def names(state_dir: Path) -> list[str]:
    """Return the names of all canisters on all networks, sorted. Raises `StateError` when the file is damaged."""
    return sorted({name for canisters in _load(state_dir).values() for name in canisters})


def register(state_dir: Path, root_key: bytes, name: str, canister: Principal) -> None:
    """Store the id of a canister under `name`."""
    known = _load(state_dir)
    known.setdefault(_key(root_key), {})[name] = str(canister)
    state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = json.dumps(known, indent=2, sort_keys=True)
    write_atomically(state_dir / FILE, [text.encode()], mode=PRIVATE)


def _key(root_key: bytes) -> str:
    return hashlib.sha256(root_key).hexdigest()


def _load(state_dir: Path) -> dict[str, dict[str, str]]:
    path = state_dir / FILE
    try:
        known = parse_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise StateError(
            f"{path} is damaged ({error}); delete it and name canisters by --canister-id"
        ) from error
    if not isinstance(known, dict) or not all(map(_is_names, known.values())):
        raise StateError(f"{path} is damaged (no JSON object); delete it and name canisters by --canister-id")
    return known


def _is_names(value: object) -> bool:
    """Whether a value of the file maps names to texts."""
    return isinstance(value, dict) and all(isinstance(text, str) for text in value.values())
