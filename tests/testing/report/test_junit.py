"""JUnit XML, read by a strict parser and held against the form that Jenkins and others read."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from ic_harness.testing.report import to_junit
from ic_harness.text import one_line

from . import samples

# junit-10.xsd of Jenkins: element -> (its attributes, its children in their order)
FORM = {
    "testsuites": ({"name", "time", "tests", "failures", "errors"}, ["testsuite"]),
    "testsuite": (
        {"name", "tests", "failures", "errors", "time", "skipped", "timestamp"},
        ["properties", "testcase"],
    ),
    "properties": (set(), ["property"]),
    "property": ({"name", "value"}, []),
    "testcase": ({"name", "classname", "time"}, ["skipped", "error", "failure", "system-out"]),
    "skipped": ({"message"}, []),
    "error": ({"type", "message"}, []),
    "failure": ({"type", "message"}, []),
    "system-out": (set(), []),
}


def parsed(report):
    return ET.fromstring(to_junit(report).encode("utf-8"))


@pytest.mark.parametrize("name", ["refused", "passing", "could_not_run", "hostile"])
def test_form(name):
    """Only elements and attributes of the form occur, in its order, and the required ones are there."""
    for element in parsed(getattr(samples, name)()).iter():
        attributes, children = FORM[element.tag]
        assert set(element.attrib) <= attributes, element.tag
        places = [children.index(child.tag) for child in element]
        assert places == sorted(places), element.tag
        if element.tag in ("testsuite", "testcase"):
            assert element.attrib["name"]


def test_counts_are_of_the_cases():
    """The totals of a suite and of the whole are those of the cases in it."""
    root = parsed(samples.refused())
    for holder in [root, *root.findall("testsuite")]:
        for attribute, tag in [("tests", "testcase"), ("failures", "failure"), ("errors", "error")]:
            assert int(holder.get(attribute)) == len(list(holder.iter(tag))), (holder.get("name"), attribute)
    for suite in root.findall("testsuite"):
        assert int(suite.get("skipped")) == len(list(suite.iter("skipped")))


def test_what_a_reader_sees():
    """A broken guarantee is a failure with its calls and logs; an accepted one is skipped, never passed."""
    cases = {case.get("name"): case for case in parsed(samples.refused()).iter("testcase")}
    stolen = cases["UC6-stranger_cannot_spoil_a_session"]
    assert (
        stolen.find("failure").get("message").startswith("the owner's finish with the true hash was refused")
    )
    assert (
        "4. mallory: uploads_put_chunk(1, 1, 1800000 bytes 00000000…) -> Unauthorized"
        in stolen.find("failure").text
    )
    assert "caller is not the owner" in stolen.find("system-out").text
    accepted = cases["UF4-hash_of_wrong_length"].find("skipped").get("message")
    assert accepted.startswith(
        "accepted until 2027-01-31 (clients check the length; repaired in 1.4): a hash of 33"
    )
    assert cases["HT1-holds"].find("skipped").get("message").startswith("not applicable: the canister has no")
    assert cases["HT2-asset_is_served"].find("error") is not None
    assert list(cases["UC1-holds"]) == []


def test_stages_are_a_suite():
    """The stages of the gate are cases too, so that a refused stage turns the job's table red."""
    gate = parsed(samples.refused()).find("testsuite[@name='Gate']")
    assert [case.get("name") for case in gate.iter("testcase") if case.find("failure") is not None] == [
        "Upgrade rehearsal", "Conformance", "Budgets",
    ]  # fmt: skip


def test_enemy_is_quoted():
    """Ends of CDATA, controls and tags in texts arrive as visible text, in attributes and in content."""
    root = parsed(samples.hostile())
    shown = one_line(samples.ENEMY)
    assert "]]>" in shown
    assert "␀" in shown
    failure = next(root.iter("failure"))
    assert failure.get("message") in shown
    assert shown in next(iter(root.iter("system-out"))).text
