"""Canisters of type `pull` in a `dfx.json`: third-party canisters that `dfx deps pull` fetched.

Relied on, after dfx's sources (`lib/deps/mod.rs`): `deps/pulled.json` describes each canister by its id, with
`wasm_hash_download` (SHA-256, hexadecimal), `gzip` and `init_arg`; the module is `pulled/ID/canister.wasm` or
`.wasm.gz` in dfx's cache folder; `deps/init.json` has the arguments that `dfx deps init` set; `deps/candid/ID.did` is
the interface.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ic_harness.errors import InputError, PrincipalError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.text import brief

from .canister_ids import json_object, read_json
from .project_paths import project_module

_ADVICE: Final = "run `dfx deps pull` and `dfx deps init` first"


@dataclass(frozen=True, slots=True, kw_only=True)
class PulledCanister:
    """A canister of type `pull` of the project in `folder`; `canister_id` is its id on the Internet Computer."""

    name: str
    folder: Path
    canister_id: Principal

    @property
    def candid(self) -> Path | None:
        """The interface that dfx stored; None without one."""
        path = self.folder / "deps" / "candid" / f"{self.canister_id}.did"
        return path if path.is_file() else None

    def wasm(self) -> bytes:
        """Read the fetched module. Raises `InputError` when it is missing or is another one than was fetched."""
        entry = self._entry("pulled.json")
        if not entry:
            raise InputError(
                f"canister {self.name}: {self.folder / 'deps' / 'pulled.json'} does not have it: {_ADVICE}"
            )
        suffix = ".wasm.gz" if entry.get("gzip") is True else ".wasm"
        path = _cache() / "pulled" / str(self.canister_id) / f"canister{suffix}"
        if not path.is_file():
            raise InputError(f"canister {self.name}: there is no {path}: {_ADVICE}")
        wasm = project_module(path, f"canister {self.name}")
        wanted = entry.get("wasm_hash_download")
        if hashlib.sha256(wasm).hexdigest() != wanted:
            raise InputError(
                f"canister {self.name}: {path} has another SHA-256 than {brief(wanted)} of pulled.json: {_ADVICE}"
            )
        return wasm

    def init_argument(self) -> tuple[str | None, bytes | None]:
        """Return the arguments of `init` as text or encoded; None and None without any. Raises `InputError`."""
        entry = self._entry("init.json")
        encoded, text = entry.get("arg_raw"), entry.get("arg_str")
        if encoded is not None:
            try:
                return None, bytes.fromhex(str(encoded))
            except ValueError as error:
                raise InputError(
                    f"canister {self.name}: `arg_raw` in init.json is no hexadecimal: {error}"
                ) from error
        text = text or self._entry("pulled.json").get("init_arg")
        return (str(text) if text else None), None

    def _entry(self, file: str) -> Mapping[str, Any]:
        path = self.folder / "deps" / file
        return json_object(json_object(read_json(path) or {}, "canisters", path), str(self.canister_id), path)


def pulled_canister(name: str, folder: Path, text: object) -> PulledCanister:
    """Return the canister with the id `text`. Raises `InputError` when that is no principal."""
    try:
        return PulledCanister(name=name, folder=folder, canister_id=Principal.from_text(str(text)))
    except PrincipalError as error:
        raise InputError(
            f"canister {name}: a canister of type pull needs its `id` on the Internet Computer: {error}"
        ) from error


def _cache() -> Path:
    """Return the folder in which dfx caches what it fetched."""
    root = os.environ.get("DFX_CACHE_ROOT")
    return (Path(root) if root else Path.home()) / ".cache" / "dfinity"
