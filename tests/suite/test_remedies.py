"""Every guarantee says what a violation means, how to repair it, and where the reference backend does it."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files

import pytest

from ic_capsule.suite.guarantees import GUARANTEES
from ic_harness.testing.assertions import require
from ic_harness.testing.runner import run_check
from tests.testing.fake import check, context

from .mutants import ROOT

REMEDIES = tomllib.loads(files("ic_capsule.suite").joinpath("remedies.toml").read_text(encoding="utf-8"))


def test_remedies_are_those_of_the_catalogue():
    """No guarantee lacks a remedy, and no remedy a guarantee."""
    assert set(REMEDIES) == set(GUARANTEES)


@pytest.mark.parametrize("guarantee", GUARANTEES.values(), ids=list(GUARANTEES))
def test_a_remedy_is_whole(guarantee):
    """Meaning and repair are sentences."""
    for text in (guarantee.means, guarantee.fix):
        assert len(text) > 20
        assert text.endswith(".")
    assert guarantee.pattern


@pytest.mark.parametrize("guarantee", GUARANTEES.values(), ids=list(GUARANTEES))
def test_patterns_exist(guarantee):
    """The file is in the sources of the reference backend, and has the function."""
    for place in guarantee.pattern:
        path, _, function = place.partition("::")
        source = (ROOT / path).read_text(encoding="utf-8")
        assert re.search(rf"\bfn {re.escape(function)}\b", source), place


def test_every_violation_says_what_it_means():
    """A violation without a meaning of its own has that of its guarantee."""

    def run(_):
        require(holds=False, what="seen")

    (violation,) = run_check(check(run, "UC6"), context()).violations
    assert violation.meaning == GUARANTEES["UC6"].means
