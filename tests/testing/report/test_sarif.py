"""SARIF 2.1.0, held against the part of its form that is written, with nothing else allowed.

The form below follows the specification (OASIS, sections 3.13 to 3.58): names, required members, enumerations.
"""

from __future__ import annotations

import json

import fastjsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.report import to_sarif
from ic_harness.testing.report.sarif import _uri

from . import samples


def obj(required, **members):
    """An object with these members and no others."""
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required.split(),
        "properties": members,
    }


def many(item, **more):
    return {"type": "array", "items": item, **more}


TEXT = {"type": "string"}
MESSAGE = obj("text", text={"type": "string", "minLength": 1})
LEVEL = {"enum": ["none", "note", "warning", "error"]}
BAG = {"type": "object", "properties": {"tags": many(TEXT, uniqueItems=True)}}
LOCATION = obj(
    "",
    message=MESSAGE,
    physicalLocation=obj(
        "artifactLocation",
        artifactLocation=obj("uri", uri={"type": "string", "pattern": r"^[A-Za-z0-9._~%-]+$"}),
        region=obj("startLine", startLine={"type": "integer", "minimum": 1}),
    ),
    logicalLocations=many(obj("fullyQualifiedName", fullyQualifiedName=TEXT, kind=TEXT)),
)
RESULT = obj(
    "message ruleId ruleIndex level locations",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=many(LOCATION, minItems=1),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    codeFlows=many(
        obj(
            "threadFlows",
            threadFlows=many(
                obj("locations", locations=many(obj("location", location=LOCATION), minItems=1)), minItems=1
            ),
        )
    ),
    suppressions=many(
        obj(
            "kind",
            kind={"enum": ["inSource", "external"]},
            status={"enum": ["accepted", "underReview", "rejected"]},
            justification=TEXT,
        )
    ),
    properties=BAG,
)
RULE = obj(
    "id",
    id=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=obj("level", level=LEVEL),
    properties=BAG,
)
INVOCATION = obj(
    "executionSuccessful",
    executionSuccessful={"type": "boolean"},
    startTimeUtc={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
    toolExecutionNotifications=many(obj("message", message=MESSAGE, level=LEVEL)),
)
RUN = obj(
    "tool results",
    tool=obj("driver", driver=obj("name", name=TEXT, version=TEXT, rules=many(RULE, uniqueItems=True))),
    invocations=many(INVOCATION),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=many(RESULT),
    properties=BAG,
)
FORM = obj(
    "version runs $schema",
    **{"$schema": {"type": "string", "pattern": "^https://"}},
    version={"const": "2.1.0"},
    runs=many(RUN, minItems=1, maxItems=1),
)
fits = fastjsonschema.compile(FORM)


def written(report):
    document = json.loads(to_sarif(report))
    fits(document)
    return document["runs"][0]


@pytest.mark.parametrize("name", ["refused", "passing", "could_not_run", "hostile"])
def test_form(name):
    """Only members of the form occur, each of its type, and each result names its rule."""
    run = written(getattr(samples, name)())
    rules = run["tool"]["driver"]["rules"]
    assert {rule["id"] for rule in rules} >= set(GUARANTEES)
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]


def test_the_form_can_fail():
    """The form refuses what SARIF does not know."""
    document = json.loads(to_sarif(samples.refused()))
    document["runs"][0]["results"][0]["level"] = "critical"
    with pytest.raises(fastjsonschema.JsonSchemaException):
        fits(document)


def test_critical_first():
    """Violations come worst first; what is accepted is suppressed and not left out."""
    results = written(samples.refused())["results"]
    assert [result["ruleId"] for result in results] == ["UC6", "UC6", "UC9", "BL4", "MR2", "UF4"]
    assert [result["level"] for result in results] == [
        "error",
        "warning",
        "error",
        "error",
        "warning",
        "warning",
    ]
    (suppression,) = results[-1]["suppressions"]
    assert suppression["status"] == "accepted"
    assert suppression["justification"] == "clients check the length; repaired in 1.4 (until 2027-01-31)"


def test_a_result_tells_what_to_do():
    """The message has what was seen, what it means and how to fix it; the calls are its thread flow."""
    first = written(samples.refused())["results"][0]
    seen, means, fix = first["message"]["text"].split("\n")
    assert seen.startswith("the owner's finish with the true hash was refused")
    assert means.startswith("Another caller's chunk changed the hash")
    assert fix == f"How to fix it: {GUARANTEES['UC6'].fix}"
    (flow,) = first["codeFlows"][0]["threadFlows"]
    assert "uploads_finish" in flow["locations"][-1]["location"]["message"]["text"]
    assert "scene(" in first["properties"]["reproduction"]


def test_what_could_not_be_judged_is_no_result():
    """A check that went wrong is a notification, and the run then was not successful."""
    (invocation,) = written(samples.refused())["invocations"]
    assert invocation["executionSuccessful"] is False
    assert any("HT2" in it["message"]["text"] for it in invocation["toolExecutionNotifications"])
    assert written(samples.passing())["invocations"][0]["executionSuccessful"] is True


def test_fingerprints_outlive_a_run():
    """Ids and numbers of one run do not make another fingerprint; another sentence does."""
    prints = [
        result["partialFingerprints"]["icHarness/v1"] for result in written(samples.refused())["results"]
    ]
    assert len(set(prints)) == len(prints)


@settings(deadline=None, max_examples=30)
@given(st.text() | st.just(samples.ENEMY))
def test_any_text_fits(text):
    """Whatever a canister says, the form is kept and the file is ASCII."""
    written(samples.hostile(text or "-"))
    assert to_sarif(samples.hostile(text or "-")).isascii()


@given(st.text())
def test_places_are_relative(name):
    """The judged file is named by a relative reference without a scheme or a folder."""
    assert _uri(name)
    assert not set(_uri(name)) & set(":/\\?# ")
