"""`reverts`, `trapped` and the values of calls: what a test asserts, and what it shows when that fails."""

from __future__ import annotations

import copy
import json
import pickle
import re

import pytest

from ic_harness.errors import InputError, RejectError
from ic_harness.networks import deploy_canister, embedded
from ic_harness.networks.values import RecordValue, short, with_fields
from ic_harness.testing import reverts, trapped
from tests.replica.support import CANISTERS, wasm


@pytest.fixture(scope="module")
def rust():
    with embedded() as network:
        yield deploy_canister(network, wasm("rust/rust"), (0,), interface=CANISTERS / "rust" / "rust.did")


@pytest.mark.parametrize("expected", [None, "because", re.compile("^bec.use$"), 4, "IC0406"])
def test_rejects_are_expected(rust, expected):
    """A reject is expected by a part of its message, a pattern, a reject code or an error code."""
    with reverts(expected) as caught:
        rust.reject("because")
    assert (caught.message, caught.error.method) == ("because", "reject")


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        ("nothing", "with 'nothing' in its message, got: reject on .*because"),
        (re.compile("^x"), "with a message that matches '\\^x', got: "),
        (5, "with reject code 5, got: "),
        ("IC0503", "with error code IC0503, got: "),
    ],
)
def test_other_rejects_fail(rust, expected, told):
    """Another reject than the expected one fails with what was said."""
    with pytest.raises(AssertionError, match=told) as failed, reverts(expected):
        rust.reject("because")
    assert isinstance(failed.value.__cause__, RejectError)


def test_success_fails(rust):
    """A block in which nothing is rejected fails; the outcome cannot be read inside of it."""
    with (
        pytest.raises(AssertionError, match="expected a reject with 'x' in its message, but every call"),
        reverts("x"),
    ):
        rust.get()
    with pytest.raises(AssertionError, match="has not ended"), reverts() as caught:
        caught.message  # noqa: B018 - it raises


def test_traps(rust):
    """Traps and panics are traps; a reject by the canister, or by the instruction limit, is none."""
    for method in (rust.trap, rust.panic):
        with trapped("because") as caught:
            method("because")
        assert caught.error.error_code == "IC0503"
    with pytest.raises(AssertionError, match="expected a trap, got: reject on"), trapped():
        rust.reject("because")
    with pytest.raises(AssertionError, match="every call of the block succeeded"), trapped():
        rust.get()


def test_other_errors_pass_through(rust):
    """Only rejects are caught: an argument that does not fit stays an error of the test."""
    with pytest.raises(InputError), reverts():
        rust.call("nothing")


def test_traps_without_error_codes():
    """Networks that send no error code are understood by the message."""
    with trapped():
        raise RejectError(5, "Canister rrkah trapped explicitly: x")
    with pytest.raises(AssertionError), trapped():
        raise RejectError(4, "trapped")


# --- values -----------------------------------------------------------------------------------------------------


def test_fields_are_attributes(rust):
    """Fields of records are attributes and keys, at every depth; the value equals a plain dictionary."""
    state = rust.state()
    assert state.count == state["count"] == 0
    assert state == dict(state)
    nested = with_fields({"rows": [{"a": ({"b": 1},)}], "items": 3, 7: 1, "numbers": [1, 2]})
    assert nested.rows[0].a[0].b == 1
    assert nested["items"] == 3
    assert next(iter(nested.items()))[0] == "rows"
    with pytest.raises(AttributeError, match="no field 'none'; there are: rows, items, 7, numbers"):
        nested.none  # noqa: B018 - it raises
    assert {"rows", "numbers"} <= set(dir(nested))


def test_values_are_plain_for_libraries(rust):
    """Values can be copied, pickled and written as JSON like dictionaries."""
    state = rust.state()
    assert json.loads(json.dumps({**state, "installer": None}))["count"] == 0
    for made in (copy.deepcopy(state), pickle.loads(pickle.dumps(state))):
        assert (made, type(made), made.count) == (state, RecordValue, 0)


def test_representations_are_short():
    """Long blobs, texts and vectors are cut, with their sizes."""
    value = with_fields(
        {"a": bytes(2000), "b": "x" * 500, "c": list(range(50)), "d": ({"e": None},), "f": b"ok"}
    )
    assert repr(value) == (
        "{a: <blob of 2.0 kB, 0x00000000000000000000000000000000…>, "
        f"b: '{'x' * 120}'… (500 characters), c: [0, 1, 2, 3, 4, 5, 6, 7, … (50 items)], d: ({{e: None}}), f: b'ok'}}"
    )
    assert short([1, "a"]) == "[1, 'a']"


def test_pytest_shows_differing_fields(pytester):
    """Pytest compares results by field: what differs is shown, what is equal is left out."""
    pytester.makepyfile("""
        from ic_harness.networks.values import with_fields
        def test():
            assert with_fields({"count": 1, "name": "a"}) == {"count": 2, "name": "a"}
        """)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler")
    result.stdout.fnmatch_lines(
        ["*Omitting 1 identical items*", "*Differing items:*", "*{'count': 1} != {'count': 2}*"]
    )


def test_failures_show_the_test_and_not_the_library(pytester):
    """A failed `reverts` shows the line of the test; frames of the library are hidden."""
    pytester.makepyfile("""
        from ic_harness.testing import reverts
        def test():
            with reverts("x"):
                pass
        """)
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:faulthandler")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*AssertionError: expected a reject with 'x' in its message, but every call*"]
    )
    assert "rejects.py" not in result.stdout.str().split("short test summary")[0]
