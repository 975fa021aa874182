"""Tests of the counter: one for each thing that it promises."""

from ic_harness.testing import reverts, trapped


def test_it_begins_as_the_project_says(deploy):
    assert deploy("counter").get() == 5


def test_it_counts(deploy):
    counter = deploy("counter", 0)
    assert [counter.increment() for _ in range(3)] == [1, 2, 3]


def test_an_upgrade_keeps_the_count(deploy):
    counter = deploy("counter")
    counter.increment()
    counter.upgrade("build/counter_v2.wasm.gz", 0)
    assert counter.double() == 12


def test_a_trap_changes_nothing(deploy):
    counter = deploy("counter")
    with trapped("assertion failed"):
        counter.fail_by_assert()
    assert counter.get() == 5


def test_only_controllers_stop_it(deploy, identity):
    counter = deploy("counter")
    with reverts("IC0512"):
        counter.as_(identity("eve")).stop()
