"""Options of the plugin that set up the embedded network: its size, the slices of long messages, further keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import pytest

from ic_harness.errors import InputError
from ic_harness.text import brief
from ic_harness.units import parse_instructions

_NODES: Final = 100


def add_options(group: pytest.OptionGroup) -> None:
    """Add the options."""
    group.addoption(
        "--ic-nodes",
        dest="ic_nodes",
        metavar="N",
        help="nodes of a subnet of the embedded network, by which everything is paid: 1 to 100 (default: 13)",
    )
    group.addoption(
        "--ic-slice-instructions",
        dest="ic_slice_instructions",
        metavar="N",
        help="instructions, such as 20M, after which a message of the embedded network goes on in the next round "
        "(default: 2B)",
    )
    group.addoption(
        "--ic-round-instructions",
        dest="ic_round_instructions",
        metavar="N",
        help="instructions, such as 1B, after which a canister of the embedded network begins no further message in a "
        "round (default: 4B)",
    )
    group.addoption(
        "--ic-threshold-key",
        dest="ic_threshold_keys",
        action="append",
        default=[],
        metavar="NAME",
        help="a further threshold key of the embedded network; repeatable",
    )


def read_options(config: pytest.Config, network: str) -> Mapping[str, Any]:
    """Return what was given, as arguments of `embedded`. Raises `pytest.UsageError` for what cannot be."""
    readers: Mapping[str, Callable[[Any], Any]] = {
        "nodes": _nodes,
        "slice_instructions": parse_instructions,
        "round_instructions": parse_instructions,
        "threshold_keys": tuple,
    }
    found: dict[str, Any] = {}
    for name, read in readers.items():
        value = config.getoption(f"ic_{name}")
        if value in (None, []):
            continue
        option = f"--ic-{name.removesuffix('s') if name == 'threshold_keys' else name}".replace("_", "-")
        if network != "embedded":
            raise pytest.UsageError(f"{option} is for the embedded network, not for --network {network}")
        try:
            found[name] = read(value)
        except ValueError as error:
            raise pytest.UsageError(f"{option} {brief(value)}: {error}") from error
    if found:
        _check(found)
    return found


def _nodes(value: str) -> int:
    if not (value.isascii() and value.isdecimal() and 1 <= int(value) <= _NODES):
        raise ValueError(f"a subnet has 1 to {_NODES} nodes")
    return int(value)


def _check(found: Mapping[str, Any]) -> None:
    from ic_harness.replica import ReplicaConfig, check_key_names, check_slices  # lazy  # noqa: PLC0415

    config = ReplicaConfig(**found)
    try:
        check_slices(config.slice_instructions, config.round_instructions)
        check_key_names(config.threshold_keys)
    except InputError as error:
        raise pytest.UsageError(str(error)) from error
