"""Remedies for an upgrade that the network refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ic_harness.replica import ModuleInvalid, inspect_module
from ic_harness.testing.gate.build import Build

_PRE: Final = "pre_upgrade"
_POST: Final = "post_upgrade"
_REMEDIES: Final[Mapping[str, str]] = {
    _PRE: (
        "If the old build traps in pre_upgrade, no later build can be installed over it in this way: release builds "
        "that keep their state in stable structures and need no pre_upgrade. A canister that is stuck is upgraded with "
        "skip_pre_upgrade, which loses what pre_upgrade would have written."
    ),
    _POST: (
        "If the new build traps in post_upgrade, mostly it cannot read what the old build left: accept the old layout "
        "there. Where post_upgrade takes other arguments than init, give them with --upgrade-argument."
    ),
}
_INCOMPATIBLE: Final = "Memory-incompatible"
"""What Motoko's runtime says of stable variables that it cannot take over."""
_MOTOKO: Final = (
    "The stable variables of the new build do not fit those of the old one: keep the types of old variables, or "
    "migrate them with a migration expression."
)
_NO_HOOK: Final = "Neither build runs code of its own at an upgrade: the message says what does not fit."


def remedy(message: str, before: Build, after: Build) -> str:
    """Return what to do about a refused upgrade from `before` to `after`.

    The hook that trapped is the one that the `message` names in its backtrace; else every hook that could have run.
    """
    if _INCOMPATIBLE in message:
        return _MOTOKO
    named = [word for word in _REMEDIES if word in message]
    possible = [*_hook(before, _PRE), *_hook(after, _POST)]
    return " ".join(_REMEDIES[hook] for hook in named or possible) or _NO_HOOK


def _hook(build: Build, hook: str) -> list[str]:
    try:
        return [hook] if build.wasm is not None and hook in inspect_module(build.wasm).hooks else []
    except ModuleInvalid:
        return []
