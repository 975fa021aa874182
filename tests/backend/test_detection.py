"""The generation of a backend is found by its interface, or by signs, and never by changing anything."""

from __future__ import annotations

import asyncio

import pytest

from ic_capsule.backend import (
    AsyncBackend,
    Backend,
    Generation,
    open_backend,
    open_backend_async,
    reference_did,
)
from ic_capsule.backend.detection import read_interface
from ic_capsule.backend.generations import GENERATIONS, generations_with, interface, interface_did
from ic_harness.errors import CallTimeoutError, UnknownBackendError

from .older import CANISTER, OldCanister

LETTERS = "abch"


@pytest.mark.parametrize("letter", LETTERS)
@pytest.mark.parametrize(
    ("publishes", "source"),
    [
        ("metadata", "candid:service"),
        ("query", "__get_candid_interface_tmp_hack"),
        ("nothing", "probe"),
        ("forbidden", "probe"),
    ],
)
def test_every_generation_is_found(letter, publishes, source):
    """By metadata, by the query that returns the interface, or by probing: the same generation and methods."""
    canister = OldCanister(letter, publishes=publishes)
    profile = open_backend(canister, CANISTER).profile
    assert profile is not None
    assert (profile.generation, profile.source) == (letter.upper(), source)
    assert profile.methods == frozenset(interface(profile.generation).methods)
    assert not profile.supports_resumable_uploads
    assert str(profile) == f"generation {letter.upper()}"


@pytest.mark.parametrize("letter", LETTERS)
def test_nothing_is_changed(letter):
    """Probing makes only queries."""
    canister = OldCanister(letter, publishes="nothing")
    open_backend(canister, CANISTER)
    methods = canister.service.methods
    assert {methods[name].mode for name, _ in canister.asked} == {"query"}


class Awaited:
    """A canister whose calls are awaited."""

    def __init__(self, canister):
        self._canister = canister

    def __getattr__(self, name):
        async def call(*args):
            return getattr(self._canister, name)(*args)

        return call


def test_asynchronous_client():
    """The asynchronous client finds the same."""
    backend = asyncio.run(open_backend_async(Awaited(OldCanister("b", publishes="nothing")), CANISTER))
    assert backend.profile is not None
    assert backend.profile.generation == Generation.B


def test_reference_is_h_with_more(network, canister_id, identity):
    """The reference backend is of generation H, and its extra methods show that it supports resumable uploads."""
    profile = open_backend(network.agent(identity()), canister_id).profile
    assert profile is not None
    assert profile.generation == Generation.H
    assert profile.supports_resumable_uploads
    assert profile.has("quotas")
    assert str(profile) == "generation H (extended, as the reference backend)"


def test_a_client_that_was_not_told_to_look_knows_nothing():
    """A plain client calls the current interface and detects nothing."""
    canister = OldCanister("a")
    assert Backend(canister, CANISTER).profile is None
    assert canister.asked == []


def test_detection_runs_once():
    """A client that knows the generation does not detect it again."""
    canister = OldCanister("b", publishes="nothing")
    backend = open_backend(canister, CANISTER)
    asked = len(canister.asked)
    assert backend.detect_generation() is backend.profile
    assert len(canister.asked) == asked


def test_the_former_name_of_detection_warns():
    """`recognize` still detects the generation, and names its successor."""
    backend = Backend(OldCanister("b"), CANISTER)
    with pytest.warns(DeprecationWarning, match="detect_generation"):
        assert backend.recognize().generation == Generation.B

    async def main():
        awaited = AsyncBackend(Awaited(OldCanister("b")), CANISTER)
        with pytest.warns(DeprecationWarning, match="detect_generation"):
            return await awaited.recognize()

    assert asyncio.run(main()).generation == Generation.B


def test_generation_z_is_refused_by_name():
    """The oldest generation is refused, and the text says which it is."""
    did = """service : {
        uploads_begin : (text, record { name : text }, nat32, text) -> (variant { Ok : nat64; Err : text });
        uploads_finish : (nat64, blob, nat64) -> (variant { Ok : text; Err : text });
        memories_create : (text, record { name : text }, text) -> (variant { Ok : text; Err : text });
    }"""
    with pytest.raises(UnknownBackendError, match=f"{CANISTER}.*generation Z"):
        open_backend(OldCanister("a", did=did), CANISTER)


@pytest.mark.parametrize(
    ("did", "text"),
    [
        ("service : { greet : (text) -> (text) query }", "no uploads_begin and no uploads_finish"),
        ("service : { uploads_begin : () -> (); uploads_finish : () -> () }", "takes 0 arguments"),
        ("no Candid at all", "cannot be read"),
    ],
)
def test_what_is_no_backend_is_refused(did, text):
    """A canister with another interface, or an unreadable one, is refused with the reason."""
    with pytest.raises(UnknownBackendError, match=text):
        open_backend(OldCanister("a", did=did), CANISTER)


def test_without_interface_and_upload_config():
    """A canister that publishes no interface and has no upload_config is refused."""
    canister = OldCanister("a", publishes="nothing")
    canister.service = interface(Generation.A).__class__(types={}, methods={})
    with pytest.raises(UnknownBackendError, match="no upload_config"):
        open_backend(canister, CANISTER)


def test_a_network_failure_is_raised():
    """A network failure is raised; no generation is concluded from it."""

    class Silent(OldCanister):
        def read_metadata(self, _canister, _name):
            raise CallTimeoutError("no verdict")

    with pytest.raises(CallTimeoutError):
        open_backend(Silent("a"), CANISTER)


def test_marks_tell_the_generations_apart():
    """Each committed interface has the marks of its own generation, the reference those of H."""
    texts = {generation: interface_did(generation) for generation in GENERATIONS}
    assert {key: read_interface(text)[0] for key, text in texts.items()} == {key: key for key in texts}
    assert read_interface(reference_did())[0] == Generation.H


@pytest.mark.parametrize(
    ("method", "letters"),
    [
        ("uploads_begin", "ABCH"),
        ("memories_read_with_assets", "AB"),
        ("sessions_list", "BCH"),
        ("blob_delete", "CH"),
        ("memories_add_asset", "H"),
        ("uploads_status", ""),
    ],
)
def test_which_generations_are_able(method, letters):
    """The table knows which generations have a method."""
    assert generations_with(method) == tuple(map(Generation, letters))
