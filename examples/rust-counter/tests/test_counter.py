"""Tests of the counter: state, time, HTTP and access."""

from ic_harness.testing import reverts, trapped


def test_it_adds(counter):
    assert counter.add(2) == 42


def test_each_test_starts_from_forty(counter):
    assert counter.get() == 40


def test_an_interval(counter, clock):
    counter.every(3_600_000)
    clock.advance(3 * 3600, step=3600)
    assert counter.state().ticks == 3


def test_stable_structures_survive(counter):
    counter.put("key", b"value")
    counter.upgrade()
    assert counter.fetch("key") == b"value"
    assert counter.get() == 40


def test_its_page(counter):
    page = counter.http_request({"method": "GET", "url": "/", "headers": [], "body": b""})
    assert (page.status_code, page.body) == (200, b"count 40")


def test_access(counter, identity):
    with reverts("rejected the message"):
        counter.as_(identity("eve")).guarded()


def test_a_panic(counter):
    with trapped("no more numbers"):
        counter.panic("no more numbers")
    assert counter.get() == 40
