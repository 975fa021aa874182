"""Stages "Interface" and "Candid upgrade": the module matches its .did, and old clients still work."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ic_harness.candid import Service, check_upgrade
from ic_harness.errors import InputError
from ic_harness.networks import fetch_interface
from ic_harness.testing.assertions import UnmetNeedError

from .build import Build
from .run import GateRun
from .stage_log import StageLog

_EXPORTED_AS: Final = {
    "update": "update",
    "oneway": "update",
    "query": "query",
    "composite_query": "composite_query",
}
"""How the module exports a method of each mode of the interface."""
INTERNAL: Final = ("__", "<", "@")
"""Prefixes of methods that compilers and libraries export for themselves; Candid tools hide them too."""


def judge_interface(run: GateRun, log: StageLog) -> None:
    """Compare the .did, the interface that the canister publishes, and the methods that the module exports."""
    published = _published(run)
    _identify(run, log)
    given = run.request.subject.interface
    run.service = given or published
    if run.service is None:
        raise UnmetNeedError("no interface is known: give --candid, or publish it as candid:service")
    log.note(f"{len(run.service.methods)} methods in the interface")
    if given is not None and published is not None:
        for difference in _differences(given, published):
            log.fault(difference)
    if run.facts is None:
        log.note("what the module exports is not known without the Wasm")
        return
    for difference in _mismatches(run.service, run.facts.methods):
        log.fault(difference)


def _identify(run: GateRun, log: StageLog) -> None:
    """Let the suite identify the canister; one of another kind is not called any further."""
    if run.canister is not None:
        run.generation = run.suite.identify(run.target(run.canister, "interface"), log)


def _published(run: GateRun) -> Service | None:
    """Return the interface in the module, or the certified one that the running canister publishes."""
    if run.request.canister is None:
        return run.request.subject.published
    try:
        return fetch_interface(run.sandbox.network.agent(), run.request.canister)
    except InputError:  # it publishes none, which is its right
        return None


def _differences(given: Service, published: Service) -> Iterator[str]:
    """Yield the differences between the .did and the published interface, in both directions."""
    for change in check_upgrade(given, published):
        yield f"the canister publishes another interface than the .did: {change}"
    if more := [name for name in published.methods if name not in given.methods]:
        yield f"the canister publishes what the .did does not have: {', '.join(more)}"


def _mismatches(service: Service, exported: Mapping[str, str]) -> Iterator[str]:
    for name, method in service.methods.items():
        wanted = _EXPORTED_AS[method.mode]
        if name not in exported:
            yield f"{name} is in the .did, but the module exports no such method: every call would fail"
        elif exported[name] != wanted:
            yield f"{name} is {wanted} in the .did, but the module exports it as {exported[name]}"
    unlisted = [
        f"{kind} {name}"
        for name, kind in exported.items()
        if name not in service.methods and not name.startswith(INTERNAL)
    ]
    if unlisted:
        yield f"the module exports what the .did does not have, which no client can find: {', '.join(unlisted)}"


def judge_compatibility(run: GateRun, log: StageLog) -> None:
    """Check that clients of the baseline's interface still work after the upgrade."""
    baseline = run.request.baseline
    if baseline is None:
        raise UnmetNeedError("no --baseline to compare with")
    if run.service is None:
        raise UnmetNeedError("the interface of the new build is not known")
    old = _service_of(baseline)
    problems = check_upgrade(old, run.service)
    for problem in problems:
        log.fault(f"clients of {baseline.name} break: {problem}")
    added = [name for name in run.service.methods if name not in old.methods]
    if not problems:
        log.note(f"every client of {baseline.name} can go on")
    if added:
        log.note(f"new methods: {', '.join(added)}")


def _service_of(baseline: Build) -> Service:
    if baseline.service is None:
        raise UnmetNeedError(f"{baseline.name} publishes no interface: give --baseline-candid")
    return baseline.service
