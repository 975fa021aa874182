"""The JSON of a report: nothing is lost, the schema is correct, and errors name the position."""

from __future__ import annotations

import dataclasses
import json

import fastjsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ic_harness.errors import InputError
from ic_harness.testing import measured, results
from ic_harness.testing.call_log import CallRecord
from ic_harness.testing.guarantees import Guarantee
from ic_harness.testing.report import from_json, schema, to_json
from ic_harness.testing.results import Report

from . import samples

SECONDS = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
SCHEMA = json.loads(schema())
fits = fastjsonschema.compile(SCHEMA)


def few(strategy):
    return st.lists(strategy, max_size=2).map(tuple)


def naturals(*names):
    return dict.fromkeys(names, st.integers(min_value=0))


REPORTS = st.builds(
    Report,
    subject=st.builds(results.Subject, wasm_size=st.none() | st.integers(min_value=0)),
    seconds=SECONDS,
    stages=few(st.builds(results.StageResult, seconds=SECONDS)),
    checks=few(st.builds(results.CheckResult, seconds=SECONDS)),
    costs=few(
        st.builds(
            results.MethodCost, **naturals("calls", "median", "dearest", "cycles", "baseline", "budget")
        )
    ),
    timelines=few(st.builds(results.Timeline, spans=few(st.builds(results.Span, **naturals("amount"))))),
    pictures=few(st.builds(results.Picture, **naturals("width", "height", "size"))),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(REPORTS)
def test_nothing_is_lost(report):
    """A report is read back as it was written, and what was written fits the schema."""
    text = to_json(report)
    assert from_json(text) == report
    fits(json.loads(text))


@pytest.mark.parametrize("name", ["refused", "passing", "could_not_run", "hostile"])
def test_samples_come_back(name):
    """Real reports and an enemy's come back, from a text that is plain ASCII."""
    report = getattr(samples, name)()
    text = to_json(report)
    assert text.isascii()
    assert from_json(text) == report
    fits(json.loads(text))


@pytest.mark.parametrize(
    "record",
    [
        *dict.fromkeys(
            item
            for module in (results, measured)
            for item in vars(module).values()
            if dataclasses.is_dataclass(item)
        ),
        Guarantee,
        CallRecord,
    ],
)
def test_schema_knows_every_field(record):
    """The schema has exactly the fields of the records; those without a default are required."""
    described = SCHEMA if record is Report else SCHEMA["definitions"][record.__name__]
    fields = {field.name: field.default is dataclasses.MISSING for field in dataclasses.fields(record)}
    head = {"format", "version"} if record is Report else set()
    assert set(described["properties"]) == {*fields, *head}
    assert set(described["required"]) == {*(name for name, required in fields.items() if required), *head}


def test_defaults_may_be_absent():
    """A report of nothing but subject and verdict is a report."""
    document = json.loads(to_json(samples.could_not_run()))
    short = {key: document[key] for key in ("format", "version", "subject", "verdict")}
    fits(short)
    assert from_json(json.dumps(short)).checks == ()


def _changed(path, value):
    document = json.loads(to_json(samples.refused()))
    *way, last = path
    place = document
    for part in way:
        place = place[part]
    place[last] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (["verdict"], "fine", 'report.verdict should be a Verdict, not "fine"'),
        (["seconds"], True, "report.seconds should be a float, not true"),
        (["checks", 3, "outcome"], 7, "report.checks[3].outcome should be a Outcome, not 7"),
        (["checks", 0, "guarantee", "needs"], ["x"], 'report.checks[0].guarantee.needs[0] should be a Need, not "x"'),
        (["checks"], {}, "report.checks should be a list, not {}"),
        (["subject"], [], "report.subject should be an object, not []"),
        (["subject", "colour"], "red", "report.subject has a field 'colour'"),
        (["pictures", 0, "data"], "%%%", 'report.pictures[0].data should be a bytes, not "%%%"'),
        (["version"], 2, "The report has version 2; this program reads version 1."),
        (["format"], "x", 'This JSON is no report: "format" is not "ic-harness-report".'),
    ],
)  # fmt: skip
def test_misfits_are_named_with_their_place(path, value, said):
    """What does not fit is refused with its place, as the schema refuses it."""
    text = _changed(path, value)
    with pytest.raises(InputError) as refused:
        from_json(text)
    assert str(refused.value).startswith(said)
    with pytest.raises(fastjsonschema.JsonSchemaException):
        fits(json.loads(text))


def test_missing_field_is_named():
    """A field without a default has to be there."""
    document = json.loads(to_json(samples.refused()))
    del document["stages"][1]["name"]
    with pytest.raises(InputError, match=r"report\.stages\[1\] lacks the field 'name'\."):
        from_json(json.dumps(document))


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '"report"'])
def test_no_report_at_all(text):
    """Anything else than a report is refused in a sentence."""
    with pytest.raises(InputError, match=r"^(The report is not JSON|This JSON is no report)"):
        from_json(text)
