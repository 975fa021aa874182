"""Hash trees as CBOR arrays.

Interface specification, "Encoding of certificates": empty `[0]`, fork `[1, left, right]`, labeled
`[2, label, tree]`, leaf `[3, value]`, pruned `[4, digest]`.
"""

from __future__ import annotations

import itertools
from typing import Any, Final

from ic_harness.errors import CertificateError
from ic_harness.protocol import cbor
from ic_harness.protocol.hash_tree import EMPTY, Empty, Fork, Labeled, Leaf, Pruned, Tree, digest, spine

MAX_TREE_DEPTH: Final = 128
"""Nesting accepted in a tree. A subnet with a million canisters needs about 45; the stack allows no more."""


def tree_to_cbor(tree: Tree) -> bytes:
    """Encode a tree, without the self-describing tag."""
    return cbor.encode(tree_to_value(tree), tagged=False)


def tree_from_cbor(data: bytes) -> Tree:
    """Decode a tree and check its form. Raises `CborError` or `CertificateError`."""
    return tree_from_value(cbor.decode(data, max_depth=MAX_TREE_DEPTH))


def tree_to_value(tree: Tree) -> list[Any]:
    """The nested arrays that stand for a tree."""
    match tree:
        case Empty():
            return [0]
        case Fork():
            return [1, tree_to_value(tree.left), tree_to_value(tree.right)]
        case Labeled():
            return [2, tree.label, tree_to_value(tree.tree)]
        case Leaf():
            return [3, tree.value]
    return [4, digest(tree)]


def tree_from_value(value: Any) -> Tree:
    """Make a tree of nested arrays and check that labels ascend, so that absence can be believed.

    Raises `CertificateError`. `value` must come from `cbor.decode`, which bounds its depth.
    """
    tree = _node(value)
    check_well_formed(tree)
    return tree


def _node(value: Any) -> Tree:
    match value:
        case [1, left, right]:
            return Fork(_node(left), _node(right))
        case [2, bytes(label), below]:
            return Labeled(label, _node(below))
        case [3, bytes(content)]:
            return Leaf(content)
        case [4, bytes(hashed)] if len(hashed) == 32:
            return Pruned(hashed)
        case [0]:
            return EMPTY
    raise CertificateError(f"no hash tree node: {_sketch(value)}")


def _sketch(value: Any) -> str:
    if not isinstance(value, list):
        return f"a {type(value).__name__} instead of an array"
    kinds = ", ".join(repr(part) if isinstance(part, int) else type(part).__name__ for part in value[:4])
    return f"an array of {len(value)}: [{kinds}]"


def check_well_formed(tree: Tree) -> None:
    """Check that labels ascend strictly and that no value stands beside labels. Raises `CertificateError`."""
    pending = [tree]
    while pending:
        nodes = spine(pending.pop())
        labels = [node.label for node in nodes if isinstance(node, Labeled)]
        if any(low >= high for low, high in itertools.pairwise(labels)):
            raise CertificateError("the labels of a hash tree do not ascend")
        if len(nodes) > 1 and any(isinstance(node, Leaf) for node in nodes):
            raise CertificateError("a value stands beside labels in a hash tree")
        pending += [node.tree for node in nodes if isinstance(node, Labeled)]
