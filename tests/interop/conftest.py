"""The judges and the replica that they judge."""

from __future__ import annotations

import functools
import os
from typing import NoReturn

import pytest

from .build_canisters import compile_motoko
from .judges import MAKERS, Judge
from .lab import Lab
from .toolbox import ToolMissingError

REQUIRED = "IC_HARNESS_REQUIRE_INTEROP"


@functools.cache
def _judge(name: str) -> Judge | ToolMissingError:
    try:
        return MAKERS[name]()
    except ToolMissingError as missing:
        return missing


def have(name: str) -> Judge:
    """The judge `name`; without its tools the test is skipped by name, or fails where CI requires it."""
    judge = _judge(name)
    return judge if isinstance(judge, Judge) else unavailable(name, judge)


def unavailable(name: str, missing: ToolMissingError) -> NoReturn:
    """Skip a test by the name of what it lacks, or fail where everything is required."""
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"{name} is required ({REQUIRED}=1): {missing}")
    pytest.skip(f"{name} cannot be had here: {missing}")


@pytest.fixture(scope="session")
def lab():
    """One replica for all: its canisters do not know each other."""
    with Lab.opened() as opened:
        yield opened


@pytest.fixture(params=["motoko", "motoko-classical"])
def generation(request):
    """The folder of a generation of Motoko's compiler."""
    return request.param


@pytest.fixture
def counter(lab):
    """A fresh Motoko counter that begins at 40."""
    return lab.deploy("motoko/counter", 40)


@pytest.fixture
def compiled():
    """Compile one Motoko source by one compiler: (wasm, candid text)."""

    def compiling(compiler, name):
        try:
            return compile_motoko(compiler, name)
        except ToolMissingError as missing:
            return unavailable("motoko", missing)

    return compiling
