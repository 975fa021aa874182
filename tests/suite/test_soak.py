"""A small soak: it passes on the reference backend, returns its figures, and detects changed chunks."""

from __future__ import annotations

import pytest

from ic_capsule.suite.context import CheckContext
from ic_capsule.suite.soak import Soak
from ic_harness.testing.assertions import BrokenGuaranteeError


@pytest.fixture
def scene(network, canister_id, identity):
    """A context on the reference backend."""
    return CheckContext(network, canister_id, identity)


def test_every_session_is_read_back(scene):
    """Sessions of several callers, interleaved at random, result in figures and a span for every chunk."""
    soaked = Soak(scene, sessions=24, callers=4, seed=7).run()
    told = {figure.name: figure.value for figure in soaked.figures}
    assert told["Soak: Sessions at once"] == "24"
    assert told["Soak: Seed"] == "7"
    assert int(told["Soak: Instructions"].replace(",", "")) > 0
    assert {span.row for span in soaked.timeline.spans} == {f"caller-{number}" for number in range(4)}
    assert len(soaked.timeline.spans) == int(told["Soak: Chunks sent"])
    assert all(span.amount > 0 and span.end_ns > span.start_ns for span in soaked.timeline.spans)


def test_the_seed_decides_the_order(scene):
    """The same seed plans the same uploads in the same order, another one others."""

    def plan(seed):
        soak = Soak(scene, sessions=10, callers=3, seed=seed)
        return [session.sample.data for session in soak._shuffled(soak._sessions)]

    assert plan(1) == plan(1) != plan(2)


class Spoiling:
    """A client on whose way a byte of the second chunk of every session is changed."""

    def __init__(self, backend):
        self._backend = backend

    def __getattr__(self, name):
        return getattr(self._backend, name)

    def uploads_put_chunk(self, session, index, data):
        sent = bytes([data[0] ^ 1]) + data[1:] if index == 1 else data
        return self._backend.uploads_put_chunk(session, index, sent)


def test_spoiled_chunks_are_noticed(scene):
    """The soak can fail: a byte that changed under way breaks it, and the session is named."""
    caller = scene.caller("caller-1")
    caller.backend = Spoiling(caller.backend)
    with pytest.raises(BrokenGuaranteeError, match=r"session \d+"):
        Soak(scene, sessions=12, callers=3, seed=1).run()
