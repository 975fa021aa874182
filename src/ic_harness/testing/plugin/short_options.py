"""The options under their short names, which give way to options of the project and of other plugins.

`--network` is `--ic-network`, unless a `conftest.py` or another plugin defines `--network`. Only the long names are
registered with pytest; the short ones are replaced on the command line when all options are known.
"""

from __future__ import annotations

import copy
from collections.abc import Generator, Iterable, Mapping
from contextlib import suppress
from typing import Final

import pytest

SHORT: Final[Mapping[str, str]] = {
    f"--{name}": f"--ic-{name}"
    for name in (
        "network",
        "subnets",
        "icp",
        "wasm",
        "candid",
        "canister-id",
        "compare",
        "compare-wasm",
        "soak",
        "soak-seed",
    )
}


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(
    early_config: pytest.Config, parser: pytest.Parser, args: list[str]
) -> Generator[None, object, object]:
    """Replace the short names after the first `conftest.py` files have added their options."""
    with suppress(pytest.UsageError):  # an option of a conftest.py that takes another number of values
        # Before, so that the value of a short name is not taken for a folder with tests.
        options = copy.copy(early_config.option)
        known = parser.parse_known_args(expand(args, unclaimed(parser)), namespace=options)
        early_config.known_args_namespace.file_or_dir = known.file_or_dir
    result = yield
    args[:] = expand(args, unclaimed(parser))
    return result


def unclaimed(parser: pytest.Parser) -> dict[str, str]:
    """Return the short names that no other plugin and no `conftest.py` has defined, each with its long name."""
    return {short: long for short, long in SHORT.items() if not _is_defined(parser, short)}


def _is_defined(parser: pytest.Parser, option: str) -> bool:
    probe = f"{option}=value"
    try:
        return probe not in parser.parse_known_and_unknown_args([probe])[1]
    except pytest.UsageError:  # it is defined, and the value does not suit it
        return True


def expand(args: Iterable[str], names: Mapping[str, str]) -> list[str]:
    """Replace short names by long ones, up to `--`."""
    expanded, done = [], False
    for argument in map(str, args):
        done = done or argument == "--"
        option, equals, value = argument.partition("=")
        expanded.append(argument if done or option not in names else f"{names[option]}{equals}{value}")
    return expanded
