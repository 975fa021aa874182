"""The names under which the parts of the plugin are registered that the report of a run asks for what they measured."""

from __future__ import annotations

from typing import Final

COMPARE_PLUGIN: Final = "ic-compare"
GAS_PLUGIN: Final = "ic-gas"
GROWTH_PLUGIN: Final = "ic-growth"
TRACES_PLUGIN: Final = "ic-traces"
