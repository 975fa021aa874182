"""What an unfinished `deploy` of several canisters has installed, so that the next one continues after it.

`deploying.json` in the state folder maps the SHA-256 of a network's root key to names and digests. A digest is of
everything that an installation depends on: the canister, the mode, the module and the arguments. An entry is written
when a canister is installed and its scripts have run; a deploy that ends well removes all entries of its network.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from ic_harness.errors import StateError
from ic_harness.text import parse_json, read_text

from .files import PRIVATE, write_atomically

FILE: Final = "deploying.json"


class Progress:
    """The installations of an unfinished deploy on one network."""

    def __init__(self, state_dir: Path, root_key: bytes) -> None:
        self._path = state_dir / FILE
        self._key = hashlib.sha256(root_key).hexdigest()

    def has(self, name: str, digest: str) -> bool:
        """Return whether the last deploy did this installation. Raises `StateError` when the file is damaged."""
        return self._load().get(self._key, {}).get(name) == digest

    def add(self, name: str, digest: str) -> None:
        """Store that an installation is done."""
        known = self._load()
        known.setdefault(self._key, {})[name] = digest
        self._store(known)

    def clear(self) -> None:
        """Forget the installations on this network: the deploy is complete."""
        known = self._load()
        if known.pop(self._key, None) is not None:
            self._store(known)

    def _store(self, known: dict[str, dict[str, str]]) -> None:
        if not known:
            self._path.unlink(missing_ok=True)
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self._path, [json.dumps(known, indent=2, sort_keys=True).encode()], mode=PRIVATE)

    def _load(self) -> dict[str, dict[str, str]]:
        try:
            known = parse_json(read_text(self._path))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise StateError(f"{self._path} is damaged ({error}); delete it") from error
        if not isinstance(known, dict) or not all(isinstance(entry, dict) for entry in known.values()):
            raise StateError(f"{self._path} is damaged (no JSON object of objects); delete it")
        return known


def digest_of(canister: str, mode: str, wasm: bytes, arg: bytes) -> str:
    """Return the digest of an installation as hexadecimal digits."""
    whole = hashlib.sha256()
    for part in (canister.encode(), mode.encode(), hashlib.sha256(wasm).digest(), arg):
        whole.update(len(part).to_bytes(8, "big"))
        whole.update(part)
    return whole.hexdigest()
