"""Compares two Candid replies field by field, and knows what may differ: ids and times.

Field names come from the interfaces of the installed modules; a message itself has only their hashes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from typing import Any, Final

from ic_harness.candid import decode, field_hash
from ic_harness.errors import CandidError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal

from .identifiers import Identifiers

_NEAR_NS: Final = 3_600_000_000_000
"""A number that is this near to the time of its network, in some unit, is a time: an hour."""
_UNITS: Final = (1, 1_000, 1_000_000, 1_000_000_000)
_CERTIFICATE: Final = b"\xd9\xd9\xf7"
"""The tag that self-described CBOR begins with, such as certificates, which every network signs by its own key."""


@dataclass(slots=True)
class Comparison:
    """What is needed to compare two values: learned ids, names of fields, and the times of both networks in ns."""

    identifiers: Identifiers
    names: dict[int, str] = field(default_factory=dict)
    times: tuple[int, int] | None = None

    def learn_names(self, interface: str) -> None:
        """Note the names of fields in the text of an interface."""
        for word in re.findall(r"[A-Za-z_]\w*", interface):
            self.names[field_hash(word)] = word

    def replies(self, first: bytes, second: bytes) -> Iterator[tuple[str, Any, Any]]:
        """Return the differences of two replies: path, and both values."""
        if self.identifiers.back(second) == first:
            return
        try:
            one, other = decode(first), decode(second)
        except CandidError:
            yield "", first, second
            return
        yield from self.differences(
            "", one if len(one) != 1 else one[0], other if len(other) != 1 else other[0]
        )

    def differences(self, path: str, one: Any, other: Any) -> Iterator[tuple[str, Any, Any]]:
        """Return the places where two values differ, except for ids and times."""
        if isinstance(one, dict) and isinstance(other, dict):
            for key in [*one, *(key for key in other if key not in one)]:
                name = self.names.get(key, str(key)) if isinstance(key, int) else key
                if key in one and key in other:
                    yield from self.differences(f"{path}.{name}", one[key], other[key])
                else:
                    yield f"{path}.{name}", one.get(key, "nothing"), other.get(key, "nothing")
        elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
            for index, pair in enumerate(zip(one, other, strict=True)):
                yield from self.differences(f"{path}[{index}]", *pair)
        elif not self._same(one, other):
            yield path, one, other

    def _same(self, one: Any, other: Any) -> bool:
        if isinstance(one, Principal) and isinstance(other, Principal):
            return self.identifiers.are_same(one, other)
        if isinstance(one, bytes) and isinstance(other, bytes):
            certificates = one.startswith(_CERTIFICATE) and other.startswith(_CERTIFICATE)
            return certificates or self.identifiers.back(other) == one
        if isinstance(one, str) and isinstance(other, str):
            return self.identifiers.back(other.encode()) == one.encode()
        if type(one) is int and type(other) is int:
            return one == other or self._are_times(one, other)
        return type(one) is type(other) and bool(one == other)

    def _are_times(self, one: int, other: int) -> bool:
        if self.times is None:
            return False
        return any(
            abs(one * unit - self.times[0]) < _NEAR_NS and abs(other * unit - self.times[1]) < _NEAR_NS
            for unit in _UNITS
        )
