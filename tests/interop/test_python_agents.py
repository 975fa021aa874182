"""ic-py and icp-py-core, each in a venv of its own."""

from __future__ import annotations

import time

import pytest

from .conftest import have
from .lab import MAINNET_KEY, OWNER, Fixture

pytestmark = pytest.mark.interop


@pytest.fixture
def ic_py():
    """ic-py, which verifies nothing and speaks version 2 of every endpoint."""
    return have("ic_py")


@pytest.fixture
def icp_py_core():
    """icp-py-core with its certificate check on, by a stand-in for its BLS module."""
    return have("icp_py_core")


def test_ic_py_update_and_query(ic_py, lab, counter):
    """ic-py's update by polling and its query agree with the canister."""
    seen = ic_py.ask("round_trip", canister=counter.id, **lab.address)
    assert seen == {"before": 40, "incremented": 41, "echoed": ["Grüße", -(10**30), [7], [0, 255, 1]]}


def test_ic_py_refusals(ic_py, lab, counter):
    """ic-py tells the reject texts of the specification."""
    seen = ic_py.ask("refusals", canister=counter.id, **lab.address)
    assert "assertion failed" in seen["by_assert"]
    assert seen["by_throw"] == "Rejected: thrown by the counter"
    assert "assertion failed" in seen["in_query"]
    assert "no_such_update" in seen["no_update"]
    assert "no_such_query" in seen["no_query"]


def test_ic_py_identities(ic_py, lab, counter):
    """ic-py's keys and its delegated identity arrive as the principals that they are."""
    for name, seen in ic_py.ask("callers", canister=counter.id, **lab.address).items():
        assert seen["query"] == seen["update"] == seen["expected"], name


def test_ic_py_same_request_twice(ic_py, lab, counter):
    """ic-py sends no nonce: the same call twice is one request, executed once and answered twice."""
    seen = ic_py.ask("same_second", canister=counter.id, **lab.address)
    assert seen == {"replies": [41, 41], "count": 41}


def test_ic_py_state(ic_py, lab, counter):
    """ic-py reads time, module hash and controllers from the certified state."""
    seen = ic_py.ask("state", canister=counter.id, **lab.address)
    assert abs(seen["time"] / 1e9 - time.time()) < 60
    assert seen["module_hash"] == Fixture("motoko/counter").hash
    assert seen["controllers"] == [str(OWNER)]


def test_icp_py_core_update_and_query(icp_py_core, lab, counter):
    """icp-py-core verifies the certificates and query signatures that it gets."""
    seen = icp_py_core.ask("round_trip", canister=counter.id, **lab.address)
    assert seen == {"before": 40, "incremented": 41, "added": 41 + 10**30, "after": 41 + 10**30}


def test_icp_py_core_refusals(icp_py_core, lab, counter):
    """A certified refusal arrives as such."""
    seen = icp_py_core.ask("refusals", canister=counter.id, **lab.address)
    assert "assertion failed" in seen["fail_by_assert"]["message"]
    assert "thrown by the counter" in seen["fail_by_throw"]["message"]
    assert "no_such_update" in seen["no_such_update"]["message"]


def test_icp_py_core_identities(icp_py_core, lab, counter):
    """icp-py-core's keys arrive as the principals that they are."""
    for name, seen in icp_py_core.ask("callers", canister=counter.id, **lab.address).items():
        assert seen["query"] == seen["update"] == seen["expected"], name


def test_icp_py_core_state(icp_py_core, lab, counter):
    """icp-py-core reads canister and subnet state by both endpoints."""
    seen = icp_py_core.ask("state", canister=counter.id, **lab.address)
    assert seen["module_hash"] == Fixture("motoko/counter").hash
    assert seen["controllers"] == [str(OWNER)]
    assert seen["subnet_key"] == seen["subnet_key_direct"] == lab.replica.root_key.hex()
    assert len(seen["ranges"]) >= 1


def test_icp_py_core_wrong_root_key(icp_py_core, lab, counter):
    """With another root key the same certificates are refused: the check is real."""
    request = {**lab.address, "canister": counter.id, "root_key": MAINNET_KEY}
    assert icp_py_core.ask("wrong_root_key", **request)["update"] is not None
