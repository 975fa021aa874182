"""Hash trees: the specification's example, and what pruning, lookup and updates must keep."""

import re

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ic_harness.errors import CborError, CertificateError
from ic_harness.protocol.hash_tree import (
    EMPTY,
    Fork,
    Labeled,
    Leaf,
    Pruned,
    Tree,
    balanced,
    build,
    digest,
    spine,
    update,
)
from ic_harness.protocol.tree_cbor import tree_from_cbor, tree_to_cbor
from ic_harness.protocol.tree_paths import (
    Absent,
    Found,
    Subtree,
    Unknown,
    list_children,
    lookup,
    lookup_value,
    prune,
)

EXAMPLE = Fork(
    Fork(
        Labeled(
            b"a",
            Fork(
                Fork(Labeled(b"x", Leaf(b"hello")), EMPTY),
                Labeled(b"y", Leaf(b"world")),
            ),
        ),
        Labeled(b"b", Leaf(b"good")),
    ),
    Fork(Labeled(b"c", EMPTY), Labeled(b"d", Leaf(b"morning"))),
)
ROOT = "eb5c5b2195e62d996b84c9bcc8259d19a83786a2f59e0878cec84c811f669aa0"
ENCODED = (
    "8301830183024161830183018302417882034568656c6c6f810083024179820345776f726c6483024162820344676f6f64"
    "8301830241638100830241648203476d6f726e696e67"
)
# The same example with a/x, c and the value of b pruned, as the specification shows it.
PRUNED = (
    "83018301830241618301820458201b4feff9bef8131788b0c9dc6dbad6e81e524249c879e9f10f71ce3749f5a638"
    "83024179820345776f726c6483024162820458207b32ac0c6ba8ce35ac82c255fc7906f7fc130dab2a090f80fe12f9c2cae83ba6"
    "830182045820ec8324b8a1f1ac16bd2e806edba78006479c9877fed4eb464a25485465af601d830241648203476d6f726e696e67"
)

labels = st.binary(min_size=1, max_size=3)
contents = st.recursive(
    st.binary(max_size=5), lambda inner: st.dictionaries(labels, inner, max_size=6), max_leaves=25
).filter(lambda value: isinstance(value, dict))
paths = st.lists(st.lists(labels, min_size=1, max_size=4).map(tuple), max_size=5)


def test_example_of_the_specification():
    """The example has the root hash and the encoding that the specification gives."""
    assert digest(EXAMPLE).hex() == ROOT
    assert tree_to_cbor(EXAMPLE).hex() == ENCODED
    assert digest(tree_from_cbor(bytes.fromhex(ENCODED))).hex() == ROOT


@pytest.mark.parametrize("size", [0, 1, 23, 24, 255, 256, 257, 65535, 65536])
def test_labels_and_values_of_any_length(size):
    """Labels and values are written with shortest lengths, on both sides of every limit, and read back."""
    tree = Labeled(b"l" * size, Leaf(b"v" * size))
    encoded = tree_to_cbor(tree)
    assert encoded == cbor2.dumps([2, b"l" * size, [3, b"v" * size]])
    assert tree_from_cbor(encoded) == tree


def test_pruned_example_of_the_specification():
    """The pruned example has the same root hash and answers as the specification says."""
    tree = tree_from_cbor(bytes.fromhex(PRUNED))
    assert digest(tree).hex() == ROOT
    expected = {
        (b"a", b"a"): Unknown,
        (b"a", b"y"): Found(b"world"),
        (b"aa",): Absent,
        (b"ax",): Absent,
        (b"b",): Unknown,
        (b"bb",): Unknown,
        (b"d",): Found(b"morning"),
        (b"e",): Absent,
    }
    assert {path: lookup(tree, path) for path in expected} == expected


def test_lookups_in_the_whole_example():
    """Empty subtrees and labels that are not there are absent, inner labels are subtrees."""
    assert isinstance(lookup(EXAMPLE, (b"a",)), Subtree)
    assert lookup(EXAMPLE, (b"c",)) is Absent
    assert lookup(EXAMPLE, (b"d", b"below")) is Absent
    assert lookup_value(EXAMPLE, (b"b",)) == b"good"
    assert lookup_value(EXAMPLE, (b"q",)) is None
    assert list_children(EXAMPLE, ()) == [b"a", b"b", b"c", b"d"]


def walk(content, path):
    """The dumb model of a lookup: indexing nested dicts."""
    for label in path:
        if not isinstance(content, dict) or label not in content:
            return None
        content = content[label]
    return content


def same(result, expected):
    """Whether a lookup agrees with the model."""
    if expected is None or expected == {}:
        return result is Absent
    return result == Found(expected) if isinstance(expected, bytes) else isinstance(result, Subtree)


@given(contents, paths)
def test_lookup_agrees_with_nested_dicts(content, wanted):
    """In a whole tree every path is found, or absent, exactly as in the mapping it was built from."""
    tree = build(content)
    for path in wanted:
        assert same(lookup(tree, path), walk(content, path))


@given(contents, paths, paths)
def test_pruning_keeps_digest_answers_and_nothing_else(content, wanted, others):
    """A pruned tree has the same digest, answers every wanted path as before, and never answers wrongly."""
    tree = build(content)
    small = prune(tree, wanted)
    assert digest(small) == digest(tree)
    for path in wanted:
        assert same(lookup(small, path), walk(content, path))
    for path in others:
        result = lookup(small, path)
        shown_label = isinstance(result, Subtree)
        assert result is Unknown or shown_label or same(result, walk(content, path))
    assert tree_from_cbor(tree_to_cbor(small)) == small


@given(contents, paths, paths)
def test_pruning_twice_is_pruning_to_what_both_want(content, wanted, fewer):
    """A pruned tree can be pruned again, also where neighbours are unknown."""
    small = prune(build(content), wanted)
    smaller = prune(small, fewer)
    assert digest(smaller) == digest(small)
    for path in set(fewer) & set(wanted):
        assert same(lookup(smaller, path), walk(content, path))


def test_unwanted_siblings_are_pruned():
    """A sibling whose label is a prefix of the wanted one must not show.

    JavaScript agents stumble over it.
    """
    tree = build({b"canister": {b"x": b"1"}, b"canister_ranges": b"2", b"time": b"3"})
    small = prune(tree, [(b"canister_ranges",), (b"time",)])
    assert list_children(small, ()) == [b"canister_ranges", b"time"]


def test_absence_is_proven_by_neighbours():
    """A wanted but absent label shows the labels beside it, without their content."""
    small = prune(build({b"a": b"1", b"c": b"2", b"e": b"3"}), [(b"d",)])
    assert list_children(small, ()) == [b"c", b"e"]
    assert lookup(small, (b"c",)) is Unknown
    assert lookup(small, (b"d",)) is Absent


@given(st.sets(labels, min_size=1, max_size=20), st.sets(labels, min_size=1, max_size=4), st.data())
def test_pruning_shows_no_label_more_than_the_proof_needs(held, asked, data):
    """Of a level are shown the wanted labels that exist, and the two beside the place of each that does not."""
    wanted = asked | data.draw(st.sets(st.sampled_from(sorted(held))))
    needed = wanted & held
    for label in wanted - held:
        needed.update(sorted(low for low in held if low < label)[-1:])
        needed.update(sorted(high for high in held if high > label)[:1])
    small = prune(build(dict.fromkeys(held, b"v")), [(label,) for label in wanted])
    assert list_children(small, ()) == sorted(needed)


def test_two_pruned_siblings_merge():
    """What nobody asked for is one digest, however large."""
    small = prune(build({bytes([n]): b"x" for n in range(64)}), [(bytes([0]),)])
    assert len(spine(small)) == 1 + 6


@given(st.lists(st.dictionaries(labels, st.none() | st.binary(max_size=3), max_size=8), max_size=12))
def test_updates_agree_with_a_dict(rounds):
    """After any changes the tree holds what a dict holds, in order and not too deep."""
    model: dict[bytes, bytes] = {}
    tree: Tree = EMPTY
    for changes in rounds:
        tree = update(tree, {k: None if v is None else Leaf(v) for k, v in changes.items()})
        model = {k: v for k, v in (model | changes).items() if v is not None}
        assert spine(tree) == [Labeled(k, Leaf(v)) for k, v in sorted(model.items())]


def depth(tree):
    """The height of a spine of forks."""
    return 1 + max(depth(tree.left), depth(tree.right)) if isinstance(tree, Fork) else 0


def test_updates_stay_balanced():
    """Labels added in ascending order, the worst case, give a tree of logarithmic depth."""
    tree: Tree = EMPTY
    for number in range(1000):
        tree = update(tree, {number.to_bytes(2, "big"): Leaf(b"")})
    assert depth(tree) < 26


def test_updates_share_what_did_not_change():
    """An update makes new nodes only on the way to the change."""
    tree = build({number.to_bytes(2, "big"): b"v" for number in range(512)})
    changed = update(tree, {b"\x00\x05": Leaf(b"w")})
    assert isinstance(tree, Fork)
    assert isinstance(changed, Fork)
    assert changed.right is tree.right
    assert digest(changed) != digest(tree)


BAD_TREES = {
    "not an array": "00",
    "unknown node": "8105",
    "fork of one": "82018100",
    "short digest": "820441aa",
    "text label": "83026161" + "8100",
    "descending labels": "8301" + "830241628100" + "830241618100",
    "same label twice": "8301" + "830241618100" + "830241618100",
    "value beside a label": "8301" + "8203" + "4161" + "830241628100",
    "too deep": "830241aa" * 500 + "8100",
}


@pytest.mark.parametrize("raw", BAD_TREES.values(), ids=BAD_TREES)
def test_malformed_trees_are_refused(raw):
    """A tree that is not well formed is an error, never a wrong answer."""
    with pytest.raises((CborError, CertificateError)):
        tree_from_cbor(bytes.fromhex(raw))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("82054161", "an array of 2: [5, bytes]"),
        ("00", "a int instead of an array"),
        ("80", "an array of 0: []"),
    ],
)
def test_the_error_shows_the_form_of_a_node(raw, text):
    """What is no node is shown by the types of its parts, for the content may be long."""
    with pytest.raises(CertificateError, match=re.escape(text)):
        tree_from_cbor(bytes.fromhex(raw))


def test_an_empty_tree_beside_a_value():
    """Only labels may not be beside a value."""
    tree = Fork(EMPTY, Leaf(b"v"))
    assert tree_from_cbor(tree_to_cbor(tree)) == tree


def test_trees_are_read_to_the_depth_of_128():
    """As many arrays may be in one another, and not one more."""
    tree_from_cbor(bytes.fromhex("830241aa" * 127 + "8100"))
    with pytest.raises(CborError, match="nested too deeply"):
        tree_from_cbor(bytes.fromhex("830241aa" * 128 + "8100"))


def test_equality_is_of_structure():
    """Trees are equal when they show the same; a pruned part has the digest of the tree, and still is another tree."""
    leaf, other = Leaf(b"a"), Leaf(b"b")
    pruned = Pruned(digest(leaf))
    different = [
        EMPTY,
        leaf,
        other,
        pruned,
        Labeled(b"a", leaf),
        Labeled(b"b", leaf),
        Labeled(b"a", pruned),
        Fork(leaf, other),
        Fork(other, leaf),
        Fork(pruned, other),
    ]
    for index, tree in enumerate(different):
        assert [tree == another for another in different] == [
            index == place for place in range(len(different))
        ]
    assert Fork(Labeled(b"a", Leaf(b"a")), EMPTY) == Fork(Labeled(b"a", leaf), EMPTY)
    assert leaf != b"a"
    assert len({leaf, Leaf(b"a"), other}) == 2


def test_a_pruned_part_is_its_digest():
    """The digest of a pruned part is the one it was made with."""
    assert digest(Pruned(b"\x07" * 32)) == Pruned(b"\x07" * 32).digest == b"\x07" * 32


def test_trees_are_shown_short():
    """A tree is written as the calls that make it; long values and digests are cut."""
    tree = Fork(Labeled(b"a", Leaf(b"x" * 33)), Labeled(b"b", Leaf(b"y" * 32)))
    assert repr(tree) == f"Fork(Labeled(b'a', Leaf({b'x' * 32!r}…)), Labeled(b'b', Leaf({b'y' * 32!r})))"
    assert repr(Fork(EMPTY, Pruned(b"\xab" * 32))) == f"Fork(Empty(), Pruned({'ab' * 8}…))"


def test_joining_nothing_is_empty():
    """A level without labels is the empty tree."""
    assert balanced([]) is EMPTY
    assert build({}) is EMPTY


def test_unknown_is_not_none():
    """A value that was pruned raises, for it must not be taken for absent."""
    with pytest.raises(CertificateError):
        lookup_value(Pruned(bytes(32)), (b"a",))
    with pytest.raises(CertificateError):
        list_children(Pruned(bytes(32)), (b"a",))


def test_a_path_is_shown_for_people():
    """An error names the path: printable ASCII labels as text, labels of any other bytes in hexadecimal."""
    path = (b"canister", b"\x00\xff", "é".encode(), b"a\nb", b"public_key")
    for ask in (lookup_value, list_children):
        with pytest.raises(CertificateError, match=r"/canister/00ff/c3a9/610a62/public_key$"):
            ask(Pruned(bytes(32)), path)
