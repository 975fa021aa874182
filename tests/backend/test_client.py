"""Results of the typed client: `Ok` is unwrapped, `Err` is raised."""

from __future__ import annotations

import pytest

from ic_capsule.backend import ErrorConflict, ErrorNotFound
from ic_capsule.backend.client import unwrap
from ic_harness.candid import runtime as rt
from ic_harness.errors import BackendError
from ic_harness.principal import Principal

CANISTER = Principal.from_text("aaaaa-aa")


@pytest.mark.parametrize("value", [None, 7, "text", b"bytes"])
def test_ok_and_no_result(value):
    """The value of an `Ok`, and a value that is no result, come as they are."""
    assert unwrap(rt.Ok(value), "f", CANISTER) == value
    assert unwrap(value, "f", CANISTER) == value


@pytest.mark.parametrize(
    ("error", "tag", "detail"),
    [(ErrorNotFound(), "NotFound", None), (ErrorConflict(value="twice"), "Conflict", "twice")],
)
def test_err(error, tag, detail):
    """An `Err` says its tag and detail, the method and the canister."""
    with pytest.raises(BackendError) as caught:
        unwrap(rt.Err(error), "blob_read", CANISTER)
    assert (caught.value.tag, caught.value.detail) == (tag, detail)
    assert (caught.value.method, caught.value.canister) == ("blob_read", "aaaaa-aa")


def test_on_the_canister(backend):
    """The `Err` of a real canister is raised by the method that was called."""
    with pytest.raises(BackendError, match="blob_get_meta") as caught:
        backend.blob_get_meta("blob_1")
    assert caught.value.tag == "NotFound"
