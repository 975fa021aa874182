"""The Internet Computer's compliance suite (`ic-hs`), built as one program.

Its `run` script unpacks the program into TMPDIR and calls it; the results are read from the XML report of its test
runner (tasty), whose suites are nested: the names of a case's suites, joined by dots, are the case's name. The cases
for outcalls ask a web server on loopback (`tests/interop/httpbin.py`) whose certificate the replica is told to trust.
"""

from __future__ import annotations

import json
import sys
import urllib.request
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import two_subnets
from judge import Bench, Beside, BrokenOffError, Judge, Result, command, numbered
from tools import httpbin
from two_subnets import HALF

CASE_TIMEOUT = "300s"
SUITE_TIMEOUT_S = 1800
SOME_FAILED = 1
WHOLE = "Interface Spec acceptance tests"
"""The suite around all others, left out of names."""


def run(bench: Bench) -> Mapping[str, Result]:
    """Run the whole suite."""
    report = bench.work / "report.xml"
    printed = command(
        [bench.found / "run", bench.url, "--xml", report, "--quiet", *bench.words],
        folder=bench.work,
        timeout_s=SUITE_TIMEOUT_S,
        environment={
            "TMPDIR": str(bench.work), "PYTHON": sys.executable, "JOBS": str(bench.jobs), "TIMEOUT": CASE_TIMEOUT,
            **topology(bench.url),
        },
        good=(0, SOME_FAILED),
    )  # fmt: skip
    if not report.exists():
        raise BrokenOffError(f"no report was written: {printed[-2000:]}")
    return read(report)


def topology(url: str) -> dict[str, str]:
    """The suite's own subnet and its peer, as the script that starts the suite takes them."""
    with urllib.request.urlopen(f"{url}/_/topology") as answer:  # noqa: S310 - a replica on loopback
        _, peer = json.load(answer)["subnet_configs"]
    ids = f"({HALF},{2 * HALF - 1})"
    return {"LAST": str(HALF - 1), "PEER": f'("{peer}",application,1,[{ids}],[])'}


def read(report: Path) -> dict[str, Result]:
    """The results in a report, in its order."""
    tree = ET.parse(report)  # noqa: S314 - written by the suite that was just run
    return numbered(_cases(tree.getroot()))


def _cases(node: ET.Element) -> Iterator[tuple[str, Result]]:
    for case in node.iter("testcase"):
        problems = [*case.findall("failure"), *case.findall("error")]
        path = case.get("classname", "").removeprefix(WHOLE).removeprefix(".")
        name = ".".join(part for part in (path, case.get("name")) if part)
        yield name, Result(not problems, "\n".join(problem.text or "" for problem in problems))


@contextmanager
def beside(folder: Path) -> Iterator[Beside]:
    """The web server for outcalls, and two subnets of one node, as the suite pays for."""
    with httpbin(folder) as (address, certificate):
        words = ("--httpbin", address)
        yield Beside((), {"SSL_CERT_FILE": str(certificate)}, words, (two_subnets.__file__,))


JUDGE = Judge("ic-ref-test", "ic-ref-test", run, beside)
