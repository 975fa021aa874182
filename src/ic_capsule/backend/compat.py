"""Makes the calls of the current interface on an older generation.

Every method of the typed client arrives here by its name with current values. Most only need conversion of types; the
others have an override in the module of the generation. What a generation cannot do is refused before a call is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ic_harness.agent import Flow
from ic_harness.candid import decode, encode
from ic_harness.candid.runtime import Interface
from ic_harness.errors import NotInGenerationError
from ic_harness.principal import Principal

from .effects import Call, Kind
from .generations import GENERATIONS, Generation, Value, generations_with, interface
from .profile import Profile
from .translation import convert


class CompatLayer:
    """Converts the calls to one backend; `current` is the typed client's interface."""

    def __init__(self, profile: Profile, current: Interface, canister: Principal) -> None:
        self.profile = profile
        self.canister = canister
        self._spec = GENERATIONS[profile.generation]
        self._current = current
        self._service = interface(profile.generation)

    def has(self, method: str) -> bool:
        """Whether the backend has `method`."""
        return self.profile.has(method)

    def check(self, method: str) -> None:
        """Raise `NotInGenerationError` unless the backend has `method`."""
        if not self.has(method):
            raise self._refusal(method, method, generations_with(method))

    def refusal(self, method: str, feature: str) -> NotInGenerationError:
        """The error for a feature of `method`; generations that have the method without an override support it."""
        able = [name for name in generations_with(method) if method not in GENERATIONS[name].overrides]
        return self._refusal(method, feature, able)

    def _refusal(self, method: str, feature: str, able: Sequence[Generation]) -> NotInGenerationError:
        generation = self.profile.generation
        others = tuple(str(other) for other in able if other != generation)
        return NotInGenerationError(feature, generation, others, method=method, canister=str(self.canister))

    def call(self, method: str, values: Sequence[Any], metadata: Any = None) -> Flow[Any]:
        """Call `method` with current arguments and return the current result.

        `metadata` is for `uploads_begin` only. Raises `NotInGenerationError`, and what the agent raises.
        """
        self.check(method)
        codec = self._current.codec(method)
        if self._spec.takes_current_types:
            kind: Kind = "query" if codec.method.mode == "query" else "update"
            return codec.decode((yield from Call(kind, method, codec.encode(values))))
        plain = codec.lower(values)
        override = self._spec.overrides.get(method)
        if metadata is not None:
            plain.append(self._lowered(metadata))
        reply = yield from (self.ask(method, plain) if override is None else override(self, *plain))
        return codec.lift([convert(reply, codec.method.return_types[0])])

    def ask(self, method: str, values: Sequence[Value]) -> Flow[Value]:
        """Call `method` as the older generation defines it; values and reply are the codec's."""
        old = self._service.methods[method]
        converted = [convert(value, type_) for value, type_ in zip(values, old.arg_types, strict=True)]
        kind: Kind = "query" if old.mode == "query" else "update"
        reply = yield from Call(kind, method, encode(converted, old.arg_types))
        return decode(reply, old.return_types)[0]

    def _lowered(self, metadata: Any) -> Value:
        (lower,), _ = self._current.converters([self._current.service.types["AssetMetadata"]])
        return metadata if lower is None else lower(metadata)
