"""Hash trees as values: immutable nodes that remember their digest.

Interface specification, "Certification", "Encoding of certificates". Nodes never change, so a replica shares
subtrees between rounds and pays only for the path that changed: `update` returns a tree with some labels
replaced, added or removed in time proportional to the logarithm of the tree.

Layout: below one label the children form a *spine* of forks with `Labeled` nodes as leaves, labels ascending
from left to right. A fork remembers how many labels hang below it and the smallest of them, which makes
descent and rebalancing cheap. Trees received from others have the same form with some parts `Pruned`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final, TypeAlias

from ic_harness.protocol.request_id import domain

_EMPTY: Final = sha256(domain(b"ic-hashtree-empty")).digest()
_FORK: Final = domain(b"ic-hashtree-fork")
_LABELED: Final = domain(b"ic-hashtree-labeled")
_LEAF: Final = domain(b"ic-hashtree-leaf")

# A spine whose heavier side holds more than this many times the lighter one is built anew. Amortised over the
# changes that made it so, that costs O(log n) a change (the argument of scapegoat trees).
_LOPSIDED: Final = 3


class _Node:
    """What all nodes share: equality by structure, immutability by convention.

    `size` is the number of labels side by side at the top of the tree, those of pruned parts not counted; `low`
    is the smallest of them, None where it is pruned or there is none.
    """

    __slots__ = ("cached_digest",)
    cached_digest: bytes | None
    size: int = 0
    low: bytes | None = None

    def _parts(self) -> tuple[Any, ...]:
        return ()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, _Node):
            return NotImplemented
        return type(self) is type(other) and digest(self) == digest(other) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(digest(self))


class Empty(_Node):
    """The tree without content."""

    __slots__ = ()

    def __init__(self) -> None:
        self.cached_digest = _EMPTY

    def __repr__(self) -> str:
        return "Empty()"


class Fork(_Node):
    """Two trees side by side; `left` and `right` must not be reassigned."""

    __slots__ = ("left", "low", "right", "size")

    def __init__(self, left: Tree, right: Tree) -> None:
        self.left = left
        self.right = right
        self.size = left.size + right.size
        self.low = left.low
        self.cached_digest = None

    def _parts(self) -> tuple[Any, ...]:
        return self.left, self.right

    def __repr__(self) -> str:
        return f"Fork({self.left!r}, {self.right!r})"


class Labeled(_Node):
    """A tree under a label."""

    __slots__ = ("label", "low", "tree")
    size = 1

    def __init__(self, label: bytes, tree: Tree) -> None:
        self.label = self.low = label
        self.tree = tree
        self.cached_digest = None

    def _parts(self) -> tuple[Any, ...]:
        return self.label, self.tree

    def __repr__(self) -> str:
        return f"Labeled({self.label!r}, {self.tree!r})"


class Leaf(_Node):
    """A value."""

    __slots__ = ("value",)

    def __init__(self, value: bytes) -> None:
        self.value = value
        self.cached_digest = None

    def _parts(self) -> tuple[Any, ...]:
        return (self.value,)

    def __repr__(self) -> str:
        return f"Leaf({self.value[:32]!r}{'…' if len(self.value) > 32 else ''})"


class Pruned(_Node):
    """A tree of which only the digest is known."""

    __slots__ = ()

    def __init__(self, digest: bytes) -> None:
        self.cached_digest = digest

    @property
    def digest(self) -> bytes:
        """The digest of the pruned tree, 32 bytes."""
        return self.cached_digest or b""

    def __repr__(self) -> str:
        return f"Pruned({self.digest.hex()[:16]}…)"


Tree: TypeAlias = Empty | Fork | Labeled | Leaf | Pruned
"""Any node."""

EMPTY: Final = Empty()
"""The empty tree; there is one object for all."""


def digest(tree: _Node) -> bytes:
    """The root hash of a tree, 32 bytes; computed once for each node."""
    known = tree.cached_digest
    return _compute_digest(tree) if known is None else known


def _compute_digest(tree: _Node) -> bytes:
    """Hash the nodes that have no digest yet, children before parents, all in one call."""
    pending, known = [tree], b""
    while pending:
        match node := pending[-1]:
            case Fork():
                left, right = node.left.cached_digest, node.right.cached_digest
                if left is None or right is None:
                    pending.append(node.left if left is None else node.right)
                    continue
                known = sha256(_FORK + left + right).digest()
            case Labeled():
                below = node.tree.cached_digest
                if below is None:
                    pending.append(node.tree)
                    continue
                known = sha256(_LABELED + node.label + below).digest()
            case Leaf():
                known = sha256(_LEAF + node.value).digest()
            case _:
                raise AssertionError(node)
        node.cached_digest = known
        pending.pop()
    return known


def spine(tree: Tree) -> list[Tree]:
    """The nodes side by side at the top of `tree`, left to right, forks dissolved and empties dropped."""
    out: list[Tree] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Fork):
            stack += (node.right, node.left)
        elif not isinstance(node, Empty):
            out.append(node)
    return out


def balanced(nodes: list[Tree]) -> Tree:
    """Join nodes, already in the order of their labels, into forks of equal height."""
    if len(nodes) <= 1:
        return nodes[0] if nodes else EMPTY
    if len(nodes) == 2:
        return Fork(nodes[0], nodes[1])
    middle = len(nodes) // 2
    return Fork(balanced(nodes[:middle]), balanced(nodes[middle:]))


def build(content: Mapping[bytes, Any] | bytes | Tree) -> Tree:
    """Build a tree from nested mappings of labels to mappings, values (bytes) or finished trees."""
    match content:
        case _Node():
            return content
        case Mapping():
            nodes: list[Tree] = []
            for label in sorted(content):
                below = content[label]
                nodes.append(Labeled(label, Leaf(below) if type(below) is bytes else build(below)))
            return balanced(nodes)
    return Leaf(bytes(content))


def update(tree: Tree, changes: Mapping[bytes, Tree | None]) -> Tree:
    """Return `tree` with the labels of `changes` set to the given trees, or removed where the value is None.

    Everything that does not change is shared with the old tree. `tree` must be a spine without pruned parts.
    """
    return _update(tree, sorted(changes.items()))


def _update(tree: Tree, changes: list[tuple[bytes, Tree | None]]) -> Tree:
    if not changes:
        return tree
    if not isinstance(tree, Fork):
        return _update_small(tree, changes)
    boundary = tree.right.low
    cut = next((i for i, (label, _) in enumerate(changes) if boundary is None or label >= boundary), None)
    cut = len(changes) if cut is None else cut
    return _join(_update(tree.left, changes[:cut]), _update(tree.right, changes[cut:]))


def _update_small(tree: Tree, changes: Iterable[tuple[bytes, Tree | None]]) -> Tree:
    merged: dict[bytes, Tree | None] = {tree.label: tree.tree} if isinstance(tree, Labeled) else {}
    merged.update(changes)
    return balanced([Labeled(label, below) for label, below in sorted(merged.items()) if below is not None])


def _join(left: Tree, right: Tree) -> Tree:
    if isinstance(left, Empty):
        return right
    if isinstance(right, Empty):
        return left
    light, heavy = sorted((left.size, right.size))
    if heavy > _LOPSIDED * light + 1:
        return balanced(spine(left) + spine(right))
    return Fork(left, right)
