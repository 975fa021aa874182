"""Smallest sizes of wire types, which bound the decoding work by the length of the message.

Almost every value takes at least one byte, so the length of a message bounds the number of its values.
Exceptions are `null`, `reserved` and records of nothing else, of which a vector can announce 2^60 in eight
bytes, and records nested in records. Decoders charge those to a quota (`decoding.quota`), which grows
with the message.
"""

from __future__ import annotations

from struct import calcsize
from typing import Final

from ic_harness.candid.types import NULL, RESERVED, STRUCT_CODES, Prim, Record, Type, resolve

_CAP: Final = 1 << 20
"""Sizes saturate here; a table can describe records of 2^1000 fields in a few bytes."""
_FREE_NODES: Final = 16
"""Nodes (fields and nested records) that a record may have per byte without being charged."""


class Sizes:
    """Computes the smallest sizes of wire types, and caches them by identity."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, int]] = {}

    def least_bytes(self, type_: Type) -> int:
        """Return the fewest bytes of a value; 0 when values of the type take no bytes at all."""
        return self._measure(resolve(type_))[0]

    def charge(self, type_: Type, extra_nodes: int = 0) -> int:
        """Return what a value costs of the quota: its nodes without bytes; 0 for ordinary types.

        `extra_nodes` are fields that the expected type adds to a record.
        """
        least, nodes = self._measure(resolve(type_))
        if least == 0:
            return max(1, nodes + extra_nodes)
        return max(0, nodes + extra_nodes - _FREE_NODES * (least + 4))

    def _measure(self, type_: Type) -> tuple[int, int]:
        if isinstance(type_, Prim):
            return _primitive(type_)
        if not isinstance(type_, Record):
            return 1, 1
        if id(type_) not in self._known:
            self._measure_records(type_)
        return self._known[id(type_)]

    def _measure_records(self, root: Record) -> None:
        """Measure a record and the records inside it, inner ones first, without recursion."""
        todo = [root]
        entered: set[int] = set()
        while todo:
            record = todo[-1]
            if id(record) in self._known:
                todo.pop()  # several fields of this type, or records with it
                continue
            inner = [actual for f in record.fields if isinstance(actual := resolve(f.type), Record)]
            missing = [r for r in inner if id(r) not in self._known and id(r) not in entered]
            entered.add(id(record))
            if missing:
                todo.extend(missing)
                continue
            todo.pop()
            self._known[id(record)] = self._sum(record)

    def _sum(self, record: Record) -> tuple[int, int]:
        least, nodes = 0, 1
        for f in record.fields:
            actual = resolve(f.type)
            # A record that contains itself has no values; as one byte the depth limit refuses it.
            part = (
                self._known.get(id(actual), (1, 1)) if isinstance(actual, Record) else self._measure(actual)
            )
            least, nodes = least + part[0], nodes + part[1]
        return min(least, _CAP), min(nodes, _CAP)


def _primitive(prim: Prim) -> tuple[int, int]:
    if prim is NULL or prim is RESERVED:
        return 0, 1
    code = STRUCT_CODES.get(prim)
    return (calcsize(code) if code else 1), 1
