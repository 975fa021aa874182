"""Brings together what the parts of the plugin measured in a run, for its report."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from ic_harness.testing.measured import Measured, RunOutcome, SearchResult

from .plugin_names import COMPARE_PLUGIN, GAS_PLUGIN, GROWTH_PLUGIN, TRACES_PLUGIN

if TYPE_CHECKING:
    from .compare_summary import CompareSummary
    from .gas_recorder import GasRecorder
    from .growth_recorder import GrowthRecorder
    from .trace_recorder import TraceRecorder

_SEARCHES: Final = 200


def measured_by(
    manager: pytest.PytestPluginManager,
    folder: Path,
    run: RunOutcome,
    searches: list[SearchResult],
    notes: list[str],
) -> Measured:
    """Return what was measured; `folder` is that of the report, `notes` what the caller itself left out."""
    traces: TraceRecorder | None = manager.get_plugin(TRACES_PLUGIN)
    growth: GrowthRecorder | None = manager.get_plugin(GROWTH_PLUGIN)
    gas: GasRecorder | None = manager.get_plugin(GAS_PLUGIN)
    compare: CompareSummary | None = manager.get_plugin(COMPARE_PLUGIN)
    coverage, flames, page, missing = traces.measured() if traces is not None else ((), (), None, ())
    growths, others = growth.measured() if growth is not None else ((), ())
    found = sorted(searches, key=lambda it: (not it.findings, it.test))
    if len(found) > _SEARCHES:
        notes = [*notes, f"{len(found) - _SEARCHES:,} more searches were made."]
    return Measured(
        run=run,
        coverage=coverage,
        coverage_page=_address(page, folder),
        flames=flames,
        growth=growths,
        gas=gas.measured() if gas is not None else None,
        compared=compare.measured() if compare is not None else None,
        searches=tuple(found[:_SEARCHES]),
        notes=(*notes, *missing, *others),
    )


def is_empty(measured: Measured) -> bool:
    """Whether nothing was measured: the outcomes of tests alone are no measurement."""
    parts = (measured.coverage, measured.flames, measured.growth, measured.searches, measured.gas)
    return not any(parts) and (measured.compared is None or not measured.compared.calls)


def _address(page: Path | None, folder: Path) -> str:
    """Return where a page is from the report; "" where it is on another drive, or there is none."""
    if page is None:
        return ""
    try:
        return Path(os.path.relpath(page, folder)).as_posix()
    except ValueError:  # Windows: on another drive
        return ""
