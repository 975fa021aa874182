"""Messages decoded without knowing their interface."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.candid import CandidError

TYPES = candid.parse_types("(record { id : nat; tags : vec text }, variant { Ok : nat8; Err }, opt opt bool)")
VALUES = ({"id": 5, "tags": ["a"]}, {"Ok": 7}, candid.Some(None))


def test_values_have_numbers_for_names():
    """Without types the message's own serve: values are the same, but for the names of fields."""
    message = candid.encode(VALUES, TYPES)
    label = candid.field_hash
    assert candid.decode(message) == (
        {label("id"): 5, label("tags"): ["a"]},
        {label("Ok"): 7},
        candid.Some(None),
    )


def test_own_types_can_be_printed_and_encoded():
    """The message's own types print its values and encode them to the same bytes."""
    message = candid.encode(VALUES, TYPES)
    types = candid.message_types(message)
    values = candid.decode(message, types)
    assert candid.encode(values, types) == message
    assert candid.format_values(values, types).startswith("(record { 23_515 = 5;".replace("_", ""))


def test_recursive_messages():
    """A message of a recursive type is decoded at its own type."""
    types = candid.parse("type L = opt record { nat; L }; service : { f : (L) -> () }").methods["f"].arg_types
    message = candid.encode([(1, (2, None))], types)
    assert candid.decode(message) == ((1, (2, None)),)


def test_values_of_the_future_are_none():
    """A value of a type that is not known yet is skipped."""
    assert candid.decode(b"DIDL\x01\x67\x00\x02\x00\x7e\x00\x00\x01") == (None, True)


def test_malformed_heads():
    """What is no message has no types."""
    with pytest.raises(CandidError, match="DIDL"):
        candid.message_types(b"hello")
