"""The loops over the fields of records and the elements of vectors, which take most of the time of decoding.

Theory of operation. In Python a call costs more than reading a short text or a number. So the loops read the common
values themselves, by the kind of each (`primitive_readers.py`), and call a reader for all others: composite
values, long texts, and everything malformed. Readers alone validate and raise; a loop never refuses a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ic_harness.candid.leb128 import read_length
from ic_harness.candid.primitive_readers import (
    BYTE,
    MALFORMED,
    MAX_DEPTH,
    SKIP,
    TEXT_KIND,
    WIDEST,
    Data,
    Reader,
    State,
    fail_deep,
    fail_tag,
)
from ic_harness.candid.skipping import check_count
from ic_harness.candid.types import Record, in_source_order

Part = tuple[str | int, bool, int, Any, Reader]
"""A field's key, whether it is an option whose null is in the template already, its kind and detail, its reader."""

Element = tuple[int, Any, Reader]
"""Kind, detail and reader of a vector's elements."""


def record_reader(expected: Record, parts: Sequence[Part], cost: int) -> Reader:  # noqa: C901 - a loop by kinds
    """Return the reader for a record: `parts` in the order of the wire; a value takes `cost` from the quota."""
    template: dict[str | int, Any] = dict.fromkeys(f.key for f in in_source_order(expected.fields))
    is_tuple = expected.is_tuple

    def read(data: Data, pos: int, depth: int, state: State) -> tuple[Any, int]:  # noqa: C901, PLR0912 - the same
        if depth > MAX_DEPTH:
            fail_deep(pos)
        if cost:
            state.charge(cost, pos)
        depth += 1
        values, size = template.copy(), state.size
        try:
            for name, optional, kind, detail, read_value in parts:
                if optional:
                    tag = data[pos]
                    if tag == 0:
                        pos += 1
                        continue
                    if tag != 1:
                        fail_tag(pos, tag)
                    pos += 1
                if kind == TEXT_KIND:
                    byte = data[pos]
                    end = pos + 1 + byte
                    if byte < 128 and end <= size:
                        values[name] = state.decode_text(data[pos + 1 : end])
                        pos = end
                        continue
                elif kind <= WIDEST:
                    if kind:
                        (values[name],) = detail(data, pos)
                        pos += kind
                        continue
                elif kind == SKIP:
                    pos = detail(data, pos, depth, state)
                    continue
                elif (byte := data[pos]) < len(detail):
                    values[name] = detail[byte] if kind == BYTE else {detail[byte]: None}
                    pos += 1
                    continue
                values[name], pos = read_value(data, pos, depth, state)
        except UnicodeDecodeError:
            state.locate(f".{name}", pos)
            read_value(data, pos, depth, state)
            raise
        except MALFORMED:
            state.locate(f".{name}", pos)
            raise
        return tuple(values.values()) if is_tuple else values, pos

    return read


def vector_reader(element: Sequence[Element], least: int, cost: int, *, blob: bool) -> Reader:  # noqa: C901 - as above
    """Return the reader for a vector; its only `element` is filled in later, so that types may be recursive.

    `least` and `cost` are those of `check_count`; `blob` is whether a blob is expected.
    """

    def read(data: Data, pos: int, depth: int, state: State) -> tuple[Any, int]:
        if depth > MAX_DEPTH:
            fail_deep(pos)
        count, pos = data[pos], pos + 1
        if count > 127:
            count, pos = read_length(data, pos - 1)
        size = state.size
        if not least or count * least > size - pos:
            check_count(data, pos, count, least, cost, state)
        values: list[Any] = []
        ((kind, detail, read_element),) = element
        depth += 1
        try:
            for _ in range(count):
                if kind == TEXT_KIND:
                    byte = data[pos]
                    end = pos + 1 + byte
                    if byte < 128 and end <= size:
                        values.append(state.decode_text(data[pos + 1 : end]))
                        pos = end
                        continue
                elif kind > WIDEST and (byte := data[pos]) < len(detail):
                    values.append(detail[byte] if kind == BYTE else {detail[byte]: None})
                    pos += 1
                    continue
                value, pos = read_element(data, pos, depth, state)
                values.append(value)
        except UnicodeDecodeError:
            state.locate(f"[{len(values)}]", pos)
            read_element(data, pos, depth, state)
            raise
        except MALFORMED:
            state.locate(f"[{len(values)}]", pos)
            raise
        # Only an empty vector of another type gets here for a blob, which is `bytes` all the same.
        return b"" if blob else values, pos

    return read
