"""A report as SARIF 2.1.0 (OASIS), which code scanning and editors read: one rule a guarantee, one result a violation.

A canister has no lines of source that a black-box test could point at. Results are placed on the file that was
judged, with the check as their logical location and the calls as their thread flow.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import quote

from ic_harness import __version__
from ic_harness.testing.guarantees import Guarantee, Severity
from ic_harness.testing.report.model import Finding, ReportModel
from ic_harness.testing.report.words import SEVERITY_WORDS
from ic_harness.testing.results import Acceptance, CheckResult, Outcome, Report, StageResult, Violation
from ic_harness.text import clean, one_line

Json = dict[str, Any]
_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "note",
}
_SCORES: Final = {Severity.CRITICAL: "9.5", Severity.HIGH: "7.5", Severity.MEDIUM: "5.0", Severity.LOW: "2.0"}
"""What GitHub's code scanning sorts by ("security-severity", from 0 to 10)."""
_UNIQUE: Final = re.compile(r"0x[0-9a-f]+|\d{4,}|'[^']*'")
"""Parts of a sentence that differ from run to run: ids, hashes, texts of the canister."""


def to_sarif(report: Report) -> str:
    """Write a report as SARIF: ASCII, indented, critical violations first; the same text for the same report."""
    model = ReportModel(report)
    rules = [finding.guarantee for finding in model.all]
    places = {guarantee.id: index for index, guarantee in enumerate(rules)}
    results = [
        _result(check, violation, places[finding.guarantee.id], report)
        for finding in model.reported
        for check, violation in _violations(finding)
    ]
    run = {
        "tool": {"driver": _driver(rules)},
        "invocations": [_invocation(report, model)],
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {"verdict": report.verdict.value, "network": clean(report.subject.network)},
    }
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(document, indent=1, ensure_ascii=True, allow_nan=False) + "\n"


def _violations(finding: Finding) -> list[tuple[CheckResult, Violation]]:
    pairs = [(check, violation) for check in finding.checks for violation in check.reported]
    severities = list(Severity)
    return sorted(pairs, key=lambda pair: severities.index(pair[1].severity))


def _driver(rules: list[Guarantee]) -> Json:
    return {
        "name": "ic-harness",
        "version": __version__,
        "rules": [_rule(guarantee) for guarantee in rules],
    }


def _rule(guarantee: Guarantee) -> Json:
    places = f" The reference backend does it in {', '.join(guarantee.pattern)}." if guarantee.pattern else ""
    texts = {"fullDescription": guarantee.means, "help": f"{guarantee.fix}{places}" if guarantee.fix else ""}
    return {
        "id": clean(guarantee.id),
        "shortDescription": {"text": one_line(guarantee.text)},
        **{key: {"text": one_line(text)} for key, text in texts.items() if text},
        "defaultConfiguration": {"level": _LEVELS[guarantee.severity]},
        "properties": {
            "tags": ["security", one_line(guarantee.area)],
            "precision": "very-high",
            "security-severity": _SCORES[guarantee.severity],
        },
    }


def _result(check: CheckResult, violation: Violation, rule: int, report: Report) -> Json:
    result: Json = {
        "ruleId": clean(check.guarantee.id),
        "ruleIndex": rule,
        "level": _LEVELS[violation.severity],
        "message": {"text": _message(check, violation)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(report.subject.canister)},
                    "region": {"startLine": 1},
                },
                "logicalLocations": [{"fullyQualifiedName": one_line(check.check), "kind": "function"}],
            }
        ],
        "partialFingerprints": {"icHarness/v1": _fingerprint(check, violation)},
        "properties": {"severity": SEVERITY_WORDS[violation.severity]},
    }
    if check.story:
        steps = [{"location": {"message": {"text": one_line(str(step), 300)}}} for step in check.story]
        result["codeFlows"] = [{"threadFlows": [{"locations": steps}]}]
    if check.outcome is Outcome.ACCEPTED:
        result["suppressions"] = [_suppression(check.acceptance)]
    if check.reproduction:
        result["properties"]["reproduction"] = clean(check.reproduction)
    return result


def _message(check: CheckResult, violation: Violation) -> str:
    lines = [one_line(violation.what, 1000), one_line(violation.meaning, 1000)]
    if check.guarantee.fix:
        lines.append(f"How to fix it: {check.guarantee.fix}")
    return "\n".join(filter(None, lines)) or check.guarantee.id


def _fingerprint(check: CheckResult, violation: Violation) -> str:
    text = f"{check.check}\0{_UNIQUE.sub('', violation.what)}"
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _suppression(acceptance: Acceptance | None) -> Json:
    reason = acceptance.reason if acceptance else ""
    until = f" (until {acceptance.expires})" if acceptance and acceptance.expires else ""
    return {"kind": "external", "status": "accepted", "justification": f"{one_line(reason)}{until}"}


def _uri(name: str) -> str:
    """A relative reference (RFC 3986) to what was judged; GitHub shows nothing without one."""
    last = PurePath(one_line(name)).name
    return quote(last, safe="") or "canister"


def _invocation(report: Report, model: ReportModel) -> Json:
    broken = [
        _notification(f"{it.guarantee.id} could not be judged: {it.seen}") for it in model.of(Outcome.ERROR)
    ]
    broken += [_notification(_stage(it)) for it in report.stages if it.outcome is Outcome.ERROR]
    refused = [_notification(_stage(it)) for it in report.stages if it.outcome is Outcome.FAILED]
    invocation: Json = {
        "executionSuccessful": not broken,
        "toolExecutionNotifications": [*broken, *refused],
    }
    started = _utc(report.subject.started)
    return {**invocation, "startTimeUtc": started} if started else invocation


def _stage(stage: StageResult) -> str:
    return f"{stage.name}: {'; '.join(stage.findings[:5]) or stage.outcome.value}"


def _notification(text: str) -> Json:
    return {"level": "error", "message": {"text": one_line(text, 2000) or "error"}}


def _utc(iso: str) -> str:
    """Return a time in SARIF's form; empty for a text that is no time."""
    try:
        found = datetime.fromisoformat(iso)
    except ValueError:
        return ""
    return f"{found.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if found.tzinfo else ""
