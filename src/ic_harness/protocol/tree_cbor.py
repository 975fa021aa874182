"""Hash trees as CBOR arrays.

Interface specification, "Encoding of certificates": empty `[0]`, fork `[1, left, right]`, labeled
`[2, label, tree]`, leaf `[3, value]`, pruned `[4, digest]`.
"""

from __future__ import annotations

from typing import Any, Final

from ic_harness.errors import CertificateError
from ic_harness.protocol import cbor
from ic_harness.protocol.hash_tree import EMPTY, Empty, Fork, Labeled, Leaf, Pruned, Tree, digest

MAX_TREE_DEPTH: Final = 128
"""Nesting accepted in a tree. A subnet with a million canisters needs about 45; the stack allows no more."""

_DIGEST: Final = 32


def tree_to_cbor(tree: Tree) -> cbor.Encoded:
    """Encode a tree, without the self-describing tag; `cbor.encode` copies the result into a larger value."""
    parts: list[bytes] = []
    pending = [tree]
    while pending:
        match node := pending.pop():
            case Fork():
                parts.append(b"\x83\x01")
                pending += (node.right, node.left)
            case Labeled():
                size = len(node.label)
                parts += (b"\x83\x02", _HEADS[size] if size < 0x100 else _head(size), node.label)
                pending.append(node.tree)
            case Leaf():
                size = len(node.value)
                parts += (b"\x82\x03", _HEADS[size] if size < 0x100 else _head(size), node.value)
            case Empty():
                parts.append(b"\x81\x00")
            case _:
                parts += (b"\x82\x04\x58\x20", digest(node))
    return cbor.Encoded(b"".join(parts))


_BYTE_STRING: Final = 2
_HEADS: Final = cbor.HEADS[_BYTE_STRING]


def _head(size: int) -> bytes:
    return cbor.head(_BYTE_STRING, size)


def tree_from_cbor(data: bytes) -> Tree:
    """Decode a tree and check its form. Raises `CborError` or `CertificateError`."""
    return tree_from_value(cbor.decode(data, max_depth=MAX_TREE_DEPTH))


def tree_from_value(value: Any) -> Tree:
    """Make a tree of nested arrays and check that labels ascend, so that absence is proven.

    Raises `CertificateError`. `value` must come from `cbor.decode`, which bounds its size.
    """
    # Parents before children, left before right; building then goes backwards, so that children are there first.
    nodes: list[Any] = []
    pending = [value]
    while pending:
        match node := pending.pop():
            case [1, left, right]:
                pending += (right, left)
            case [2, bytes(), below]:
                pending.append(below)
            case [3, bytes()] | [0]:
                pass
            case [4, bytes(hashed)] if len(hashed) == _DIGEST:
                pass
            case _:
                raise CertificateError(f"no hash tree node: {_sketch(node)}")
        nodes.append(node)
    tree = _built(nodes)
    check_well_formed(tree)
    return tree


def _built(nodes: list[Any]) -> Tree:
    """Build a tree of its nodes as arrays, parents before children."""
    built: list[Tree] = []
    for node in reversed(nodes):
        kind = node[0]
        if kind == 1:
            built.append(Fork(built.pop(), built.pop()))
        elif kind == 2:
            built.append(Labeled(node[1], built.pop()))
        elif kind == 3:
            built.append(Leaf(node[1]))
        else:
            built.append(Pruned(node[1]) if kind == 4 else EMPTY)
    return built[0]


def _sketch(value: Any) -> str:
    if not isinstance(value, list):
        return f"a {type(value).__name__} instead of an array"
    kinds = ", ".join(repr(part) if isinstance(part, int) else type(part).__name__ for part in value[:4])
    return f"an array of {len(value)}: [{kinds}]"


def check_well_formed(tree: Tree) -> None:
    """Check that labels ascend strictly and that no value is beside labels. Raises `CertificateError`."""
    levels = [tree]
    while levels:
        side_by_side = [levels.pop()]
        previous: bytes | None = None
        count = values = 0
        while side_by_side:
            node = side_by_side.pop()
            if isinstance(node, Fork):
                side_by_side += (node.right, node.left)
                continue
            count += not isinstance(node, Empty)
            values += isinstance(node, Leaf)
            if isinstance(node, Labeled):
                if previous is not None and previous >= node.label:
                    raise CertificateError("the labels of a hash tree do not ascend")
                previous = node.label
                levels.append(node.tree)
        if values and count > 1:
            raise CertificateError("a hash tree holds a value beside labels")
