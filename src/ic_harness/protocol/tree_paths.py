"""Paths in hash trees: look one up, list children, prune a tree to some of them.

Interface specification, "Lookup". A path is a sequence of labels. Pruned parts make the difference between
*absent* (the tree proves that there is nothing) and *unknown* (the tree does not show it).

Descent uses the smallest label that a fork remembers of its right side. Where that label is pruned away the
whole spine is looked at instead, which only happens in trees that are already small.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Final, TypeAlias

from ic_harness.errors import CertificateError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.protocol.hash_tree import (
    Empty,
    Fork,
    Labeled,
    Leaf,
    Pruned,
    Tree,
    digest,
    spine,
)


@dataclass(frozen=True, slots=True)
class Found:
    """The path ends at a leaf with this value."""

    value: bytes


@dataclass(frozen=True, slots=True)
class Subtree:
    """The path ends at labels, not at a value."""

    tree: Tree


class Missing(Enum):
    """Why a lookup gave nothing."""

    ABSENT = "absent"
    UNKNOWN = "unknown"


Absent: Final = Missing.ABSENT
"""The tree proves that nothing is there."""

Unknown: Final = Missing.UNKNOWN
"""What might be there was pruned."""

LookupResult: TypeAlias = Found | Subtree | Missing
"""What `lookup` returns."""

# The trie of wanted paths: None means "everything from here on".
_Wanted: TypeAlias = "dict[bytes, _Wanted] | None"


def lookup(tree: Tree, path: Sequence[bytes]) -> LookupResult:
    """Follow `path`: `Found`, `Subtree`, `Absent` (proven) or `Unknown` (pruned).

    A leaf has nothing below it.
    """
    node: Tree = tree
    for label in path:
        spine_node: Tree = node
        while isinstance(spine_node, Fork) and (boundary := spine_node.right.low) is not None:
            spine_node = spine_node.left if label < boundary else spine_node.right
        if isinstance(spine_node, Labeled) and spine_node.label == label:
            node = spine_node.tree
            continue
        below = _child_in_spine(node, label)
        if isinstance(below, Missing):
            return below
        node = below
    match node:
        case Leaf():
            return Found(node.value)
        case Empty():
            return Absent
        case Pruned():
            return Unknown
    return Subtree(node)


def lookup_value(tree: Tree, path: Sequence[bytes]) -> bytes | None:
    """The value at `path`, or None when it is proven absent or is no value.

    Raises `CertificateError` when the tree does not say.
    """
    match lookup(tree, path):
        case Found(value):
            return value
        case Missing.UNKNOWN:
            raise CertificateError(f"the certificate does not show the value at {show_path(path)}")
    return None


def list_children(tree: Tree, path: Sequence[bytes]) -> list[bytes]:
    """The labels revealed directly below `path`, ascending; none when the path is absent or a value.

    Raises `CertificateError` when the path itself was pruned.
    """
    match lookup(tree, path):
        case Subtree(below):
            return [node.label for node in spine(below) if isinstance(node, Labeled)]
        case Missing.UNKNOWN:
            raise CertificateError(f"the certificate does not show the labels below {show_path(path)}")
    return []


def show_path(path: Sequence[bytes]) -> str:
    """Write a path for people: printable labels as text, others in hexadecimal."""
    return "/" + "/".join(
        label.decode() if label.isascii() and label.decode().isprintable() else label.hex() for label in path
    )


def _child_in_spine(tree: Tree, label: bytes) -> Tree | Missing:
    nodes = spine(tree)
    for node in nodes:
        if isinstance(node, Labeled) and node.label == label:
            return node.tree
    before, after = _adjacent(nodes, label)
    if isinstance(before, Pruned) or isinstance(after, Pruned):
        return Unknown
    return Absent


def _adjacent(nodes: list[Tree], label: bytes) -> tuple[Tree | None, Tree | None]:
    """The nodes directly left and right of the place of an absent `label`."""
    place = 0
    for index, node in enumerate(nodes):
        if isinstance(node, Labeled):
            if node.label > label:
                break
            place = index + 1
    # Pruned nodes between the last smaller and the first greater label may hide the label on either side.
    before = nodes[place - 1] if place else None
    after = nodes[place] if place < len(nodes) else None
    return before, after


def prune(tree: Tree, paths: Iterable[Sequence[bytes]]) -> Tree:
    """Reveal the whole subtree at each of `paths` and nothing else; the digest stays the same.

    A path that is absent stays *provably* absent: the labels next to it are shown without their content.
    """
    wanted: dict[bytes, _Wanted] = {}
    for path in paths:
        if not path:
            return tree
        _want(wanted, path)
    return _reveal(tree, wanted)


def _want(wanted: dict[bytes, _Wanted], path: Sequence[bytes]) -> None:
    level: dict[bytes, _Wanted] = wanted
    for label in path[:-1]:
        below = level.setdefault(label, {})
        if below is None:
            return
        level = below
    level[path[-1]] = None


def _reveal(tree: Tree, wanted: _Wanted) -> Tree:
    """Show of `tree` what `wanted` names; a leaf or an empty tree is shown whole, for it proves absence."""
    if wanted is None or isinstance(tree, Leaf | Empty | Pruned):
        return tree
    if not wanted:
        return Pruned(digest(tree))
    shown: dict[bytes, _Wanted] = {}
    for label in wanted:
        for revealed in _bracket(tree, label):
            shown[revealed] = wanted.get(revealed, {})
    return _cut(tree, shown)


def _bracket(tree: Tree, label: bytes) -> tuple[bytes, ...]:
    """The label itself when it exists, otherwise the labels on both sides of its place."""
    before: bytes | None = None
    after: bytes | None = None
    node = tree
    while isinstance(node, Fork):
        boundary = node.right.low
        if boundary is None:
            return _bracket_in(spine(tree), label)
        if label < boundary:
            node, after = node.left, boundary
        else:
            node = node.right
    if isinstance(node, Labeled):
        if node.label == label:
            return (label,)
        if node.label > label:
            after = node.label
        else:
            before = node.label
    return tuple(side for side in (before, after) if side is not None)


def _bracket_in(nodes: list[Tree], label: bytes) -> tuple[bytes, ...]:
    if any(isinstance(node, Labeled) and node.label == label for node in nodes):
        return (label,)
    return tuple(side.label for side in _adjacent(nodes, label) if isinstance(side, Labeled))


def _cut(tree: Tree, shown: dict[bytes, _Wanted]) -> Tree:
    """Keep the labels of `shown` in a spine; forks with nothing to show become one pruned node."""
    if not shown:
        return tree if isinstance(tree, Empty) else Pruned(digest(tree))
    match tree:
        case Labeled():
            if tree.label not in shown:
                return Pruned(digest(tree))
            return Labeled(tree.label, _hide(tree.tree, shown[tree.label]))
        case Fork():
            left, right = _split(tree, shown)
            if isinstance(left, Pruned) and isinstance(right, Pruned):
                return Pruned(digest(tree))
            return Fork(left, right)
    return tree


def _hide(tree: Tree, wanted: _Wanted) -> Tree:
    """Content below a label: pruned when only the label was needed."""
    if wanted is not None and not wanted:
        return Pruned(digest(tree))
    return _reveal(tree, wanted)


def _split(tree: Fork, shown: dict[bytes, _Wanted]) -> tuple[Tree, Tree]:
    boundary = tree.right.low
    if boundary is None:
        return _cut(tree.left, shown), _cut(tree.right, shown)
    if max(shown) < boundary:
        return _cut(tree.left, shown), _cut(tree.right, {})
    if min(shown) >= boundary:
        return _cut(tree.left, {}), _cut(tree.right, shown)
    left = {label: below for label, below in shown.items() if label < boundary}
    right = {label: below for label, below in shown.items() if label >= boundary}
    return _cut(tree.left, left), _cut(tree.right, right)
