"""Canisters that installed packages bring along."""

from __future__ import annotations

import importlib.metadata
from importlib.metadata import EntryPoint

import pytest

from ic_capsule.reference import REFERENCE, reference_did, reference_wasm
from ic_harness import bundled
from ic_harness.errors import InputError

BAD = {
    "ic_harness.nothing:REFERENCE": "cannot be loaded: ModuleNotFoundError",
    "ic_harness.bundled:NOTHING": "cannot be loaded: AttributeError",
    "ic_harness.bundled:GROUP": "must be an instance of ic_harness.bundled.BundledCanister, not of str",
}


@pytest.fixture
def installed(monkeypatch):
    """Install packages with these entry points, for the test."""

    def install(*values):
        points = [EntryPoint(f"c{number}", value, bundled.GROUP) for number, value in enumerate(values)]
        monkeypatch.setattr(
            importlib.metadata, "entry_points", lambda group: points if group == bundled.GROUP else []
        )
        bundled.bundled_canisters.cache_clear()

    yield install
    bundled.bundled_canisters.cache_clear()


def test_the_reference_backend_is_bundled():
    """The reference backend is found by its name, with its module and interface."""
    found = bundled.default_canister()
    assert found is REFERENCE
    assert (found.wasm(), found.did()) == (reference_wasm(), reference_did())


def test_nothing_is_bundled(installed):
    """Without any package there is no default."""
    installed()
    assert bundled.default_canister() is None


@pytest.mark.parametrize(("value", "words"), BAD.items())
def test_a_bad_entry_point_is_named(installed, value, words):
    """An entry point that is no canister is told by its name and value."""
    installed(value)
    with pytest.raises(InputError, match="'c0'") as caught:
        bundled.default_canister()
    assert words in str(caught.value)
    assert value in str(caught.value)


def test_several_canisters_need_a_choice(installed, monkeypatch):
    """With two bundled canisters none is the default."""
    monkeypatch.setattr(
        bundled,
        "OTHER",
        bundled.BundledCanister(name="o", title="o", place="o", wasm=bytes, did=str),
        raising=False,
    )
    installed("ic_capsule.reference:REFERENCE", "ic_harness.bundled:OTHER")
    with pytest.raises(InputError, match=r"\(backend, o\): name a Wasm"):
        bundled.default_canister()
