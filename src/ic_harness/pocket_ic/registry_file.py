"""`registry.proto` in a state folder: the subnets as records of the Internet Computer's registry, for tools.

The file is a list of records in Protocol Buffers, each with a key, the version of the registry that wrote it and its
content. A version is the creation of one subnet: it writes `subnet_list` and `subnet_record_<id>`, of which the fields
are those that this server knows: node, type, cost schedule. Nothing reads the file here: the replica's own files
decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ic_harness.principal import Principal
from ic_harness.replica import SUBNET_RULES, CostSchedule, Subnet

REGISTRY: Final = "registry.proto"
_TYPES: Final = {"application": 1, "system": 2, "verified_application": 4, "cloud_engine": 5}
_SCHEDULES: Final = {CostSchedule.NORMAL: 1, CostSchedule.FREE: 2}
_MEMBERSHIP, _TYPE, _SCHEDULE, _SUBNETS = 3, 15, 30, 2
_KEY, _VERSION, _VALUE, _RECORD, _WRAPPED = 1, 2, 3, 1, 1


def registry_file(subnets: Sequence[Subnet]) -> bytes:
    """Return the content of the file for subnets in the order of their creation."""
    return b"".join(_bytes(_RECORD, record) for record in _records(subnets))


def _records(subnets: Sequence[Subnet]) -> Iterator[bytes]:
    """The records by version, and by key within it."""
    for version, subnet in enumerate(subnets, start=1):
        yield _record("subnet_list", version, _list(subnets[:version]))
        yield _record(f"subnet_record_{Principal(subnet.id)}", version, _subnet(subnet))


def _record(key: str, version: int, content: bytes) -> bytes:
    value = _bytes(_VALUE, _bytes(_WRAPPED, content))
    return _bytes(_KEY, key.encode()) + _number(_VERSION, version) + value


def _list(subnets: Iterable[Subnet]) -> bytes:
    return b"".join(_bytes(_SUBNETS, subnet.id) for subnet in subnets)


def _subnet(subnet: Subnet) -> bytes:
    kind = SUBNET_RULES[subnet.kind].type
    # Subnets of a system type are free by their type.
    schedule = CostSchedule.NORMAL if kind == "system" else subnet.cost_schedule
    fields = _number(_TYPE, _TYPES[kind]) + _number(_SCHEDULE, _SCHEDULES[schedule])
    return _bytes(_MEMBERSHIP, subnet.node_id) + fields


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
