"""Identities that dfx and icp-cli keep, found by name.

Where they are: dfx in `~/.config/dfx/identity/<name>/identity.pem` (`DFX_CONFIG_ROOT` stands in for `~`), or
`identity.pem.encrypted` with its parameters in `identity.json`; icp-cli in `keys/<name>.pem` of its identity
folder (`ICP_HOME/identity`), listed in `identity_list.json`. Keys in a system keyring or a hardware module
stay there: the error says how to export them.
"""

from __future__ import annotations

import base64
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ic_harness.errors import IdentityError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol.identity.base import AnonymousIdentity, Identity
from ic_harness.protocol.identity.delegated import DelegatedIdentity
from ic_harness.protocol.identity.pem import load_pem, read_file
from ic_harness.protocol.identity.seed_phrase import identity_from_seed_phrase, looks_secret
from ic_harness.suggestions import suggest
from ic_harness.text import parse_json

Tool: TypeAlias = Literal["dfx", "icp"]
"""Whose identities: dfx's or icp-cli's."""

_ANONYMOUS: Final = "anonymous"
_TOOLS: Final[dict[str, Tool]] = {"dfx": "dfx", "icp": "icp"}
# Longer or with more words it may be a key or a seed phrase that was put in the wrong place.
_MAX_SPEC, _MAX_WORDS = 255, 6
# The parameters with which dfx hashes a passphrase: Argon2id, 64000 KiB, 3 passes, 1 lane, 32 bytes.
_ARGON_MEMORY_KIB, _ARGON_PASSES, _ARGON_LANES, _KEY_LENGTH = 64_000, 3, 1, 32


@dataclass(frozen=True, slots=True)
class IdentityFolder:
    """The folder in which a tool keeps its identities."""

    tool: Tool
    path: Path

    @classmethod
    def of(cls, tool: Tool, environ: Mapping[str, str]) -> IdentityFolder:
        """Where `tool` keeps identities for a user with these environment variables."""
        home = Path(environ.get("HOME") or environ.get("USERPROFILE") or "~").expanduser()
        if tool == "dfx":
            return cls(tool, Path(environ.get("DFX_CONFIG_ROOT") or home) / ".config" / "dfx" / "identity")
        if environ.get("ICP_HOME"):
            return cls(tool, Path(environ["ICP_HOME"]) / "identity")
        if sys.platform == "darwin":
            return cls(tool, home / "Library" / "Application Support" / "org.dfinity.icp-cli" / "identity")
        data = Path(environ.get("XDG_DATA_HOME") or home / ".local" / "share")
        return cls(tool, data / "icp-cli" / "identity")

    def names(self) -> list[str]:
        """The names of all identities, sorted, the anonymous one included."""
        return sorted({_ANONYMOUS, *self._stored()})

    def _stored(self) -> list[str]:
        if self.tool == "icp":
            return list(_identities(self._json("identity_list.json") or {}))
        if not self.path.is_dir():
            return []
        return [entry.name for entry in self.path.iterdir() if entry.is_dir()]

    def default(self) -> str:
        """The name that the tool uses when none is given."""
        if self.tool == "icp":
            return str((self._json("identity_defaults.json") or {}).get("default", _ANONYMOUS))
        return str((self._json("../identity.json") or {}).get("default", "default"))

    def load(self, name: str, passphrase: str | None = None) -> Identity:
        """Load an identity by name.

        Raises `IdentityError` when it is unknown, locked away or needs a passphrase.
        """
        if name == _ANONYMOUS:
            return AnonymousIdentity()
        # A name is one path segment; anything else could lead out of the folder.
        if not name or Path(name).name != name or name in {".", ".."}:
            raise IdentityError(f"{name!r} is no name of an identity")
        if name not in self.names():
            hint = suggest(name, self.names())
            raise IdentityError(f"{self.tool} has no identity {name!r} in {self.path}; {hint}")
        return self._load_dfx(name, passphrase) if self.tool == "dfx" else self._load_icp(name, passphrase)

    def _load_dfx(self, name: str, passphrase: str | None) -> Identity:
        folder = self.path / name
        if (folder / "identity.pem").is_file():
            return load_pem(folder / "identity.pem", passphrase)
        settings = self._json(f"{name}/identity.json") or {}
        sealed = folder / "identity.pem.encrypted"
        if not sealed.is_file():
            raise _kept_elsewhere(name, f"dfx identity export {name} > key.pem")
        if not passphrase:
            raise IdentityError(f"the dfx identity {name!r} is encrypted: a passphrase is needed")
        return load_pem(_open_sealed(read_file(sealed), settings.get("encryption"), passphrase, name))

    def _load_icp(self, name: str, passphrase: str | None) -> Identity:
        spec = _identities(self._json("identity_list.json") or {})[name]
        kind = spec.get("kind")
        if kind not in {"pem", "internet-identity"}:
            raise _kept_elsewhere(name, f"icp identity export {name} > key.pem")
        inner = load_pem(self.path / "keys" / f"{name}.pem", passphrase)
        if kind == "pem":
            return inner
        chain = read_file(self.path / "delegations" / f"{name}.json")
        return DelegatedIdentity.from_json(inner, chain.decode(errors="replace"))

    def _json(self, relative: str) -> dict[str, Any] | None:
        """Read a JSON file of the folder; None when it does not exist.

        Raises `IdentityError` when damaged.
        """
        path = self.path / relative
        if not path.is_file():
            return None
        try:
            value = parse_json(read_file(path))
        except ValueError:
            raise IdentityError(f"{path} is damaged: it is not JSON") from None
        if not isinstance(value, dict):
            raise IdentityError(f"{path} is damaged: it holds no JSON object")
        return value


def find_identity(spec: str, environ: Mapping[str, str], passphrase: str | None = None) -> Identity:
    """Find the identity that a user means.

    `spec` is `anonymous`, `dfx:NAME`, `icp:NAME`, the path of a PEM file, `seed:PATH` of a file with a seed phrase, a
    name that one of the two tools knows, or a PEM text itself, as secrets of a CI come. Raises `IdentityError`, also
    when both tools know the name; its text quotes `spec` only when that looks like a name or a path.
    """
    if "PRIVATE KEY-----" in spec:
        return load_pem(spec.encode(), passphrase)
    if len(spec) > _MAX_SPEC or len(spec.split()) > _MAX_WORDS or looks_secret(spec):
        raise IdentityError("the identity is neither a name nor a path nor a PEM text; it is not shown here")
    tool, colon, name = spec.partition(":")
    if colon and tool == "seed":
        phrase = read_file(Path(name).expanduser()).decode(errors="replace")
        return identity_from_seed_phrase(phrase, passphrase or "")
    if colon and tool in _TOOLS:
        return IdentityFolder.of(_TOOLS[tool], environ).load(name, passphrase)
    if spec == _ANONYMOUS:
        return AnonymousIdentity()
    path = Path(spec).expanduser()
    if path.is_file():
        return load_pem(path, passphrase)
    folders = [IdentityFolder.of(known, environ) for known in _TOOLS.values()]
    owners = [folder for folder in folders if spec in folder.names()]
    if len(owners) != 1:
        problem = f"dfx and icp-cli both have an identity {spec!r}: say dfx:{spec} or icp:{spec}"
        raise IdentityError(problem if owners else f"{spec!r} is neither a PEM file nor a known identity")
    return owners[0].load(spec, passphrase)


def _identities(document: Mapping[str, Any]) -> dict[str, Any]:
    listed = document.get("identities")
    return listed if isinstance(listed, dict) else {}


def _kept_elsewhere(name: str, command: str) -> IdentityError:
    return IdentityError(
        f"the key of {name!r} is in the system keyring or a hardware module; export it with `{command}`"
    )


def _open_sealed(sealed: bytes, settings: Any, passphrase: str, name: str) -> bytes:
    """Decrypt dfx's `identity.pem.encrypted`.

    AES-256-GCM with a key that Argon2id makes of the passphrase.
    """
    match settings:
        case {"pw_salt": str(salt), "file_nonce": list(nonce)}:
            pass
        case _:
            raise IdentityError(f"identity.json of {name!r} has no encryption parameters")
    try:
        key = _argon2id(passphrase.encode(), base64.b64decode(salt))
        return AESGCM(key).decrypt(bytes(nonce), sealed, None)
    except (InvalidTag, ValueError, TypeError):
        raise IdentityError(f"the dfx identity {name!r} cannot be opened: wrong passphrase") from None


def _argon2id(passphrase: bytes, salt: bytes) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id  # noqa: PLC0415  # lazy: start-up time

    try:
        kdf = Argon2id(
            salt=salt,
            length=_KEY_LENGTH,
            iterations=_ARGON_PASSES,
            lanes=_ARGON_LANES,
            memory_cost=_ARGON_MEMORY_KIB,
        )
        return kdf.derive(passphrase)
    except UnsupportedAlgorithm:
        raise IdentityError(
            "encrypted dfx identities need `cryptography` with OpenSSL 3.2 or later"
        ) from None
