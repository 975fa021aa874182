"""`--ic-cov` and `--ic-flame`: records what canisters execute in every process, and writes what came together.

Networks that are opened while the plugin is active record. Under pytest-xdist the workers send their records at their
end; one process merges and writes them, each file as a whole or not at all.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import pytest

from ic_harness.errors import HarnessError
from ic_harness.files import write_atomically
from ic_harness.replica.execution.recorder import Recorder, record
from ic_harness.testing.measured import FlameGraph, ModuleCounts
from ic_harness.testing.traces.coverage import ModuleCoverage, measure_coverage, never_executed
from ic_harness.testing.traces.coverage_counts import counts_of
from ic_harness.testing.traces.coverage_files import listing, listing_name, to_cobertura, to_lcov
from ic_harness.testing.traces.coverage_page import to_page
from ic_harness.testing.traces.flame import FlameNode, by_function, flame_graph, flame_of
from ic_harness.testing.traces.flame_files import to_speedscope, to_svg
from ic_harness.testing.traces.records import ModuleTrace, merge, to_plain
from ic_harness.text import for_log, one_line, read_text, readable

from .profile import table

KEY: Final = "ic_traces"
"""The key of a worker's records in its `workeroutput`."""
_SHOWN: Final = 15
"""Functions that are listed for each module; `-v` lists all."""
_NAME: Final = 90
_MODULES: Final = 24
"""Modules in the report of a run; of each so many functions of a kind, files, frames, and functions by cost."""
_FUNCTIONS: Final = 200
_FILES: Final = 300
_FRAMES: Final = 1_500
_COSTS: Final = 50


class TraceRecorder:
    """Records in this process and, unless it is a worker, writes the records of all."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._coverage = bool(config.getoption("ic_cov"))
        self._flame = bool(config.getoption("ic_flame"))
        self._recorder = Recorder(coverage=self._coverage, profile=self._flame)
        self._active = ExitStack()
        self._active.enter_context(record(self._recorder))
        self._parts: list[dict[str, list[Any]]] = []
        self._failures: dict[str, str] = {}
        self._silent: list[str] = []
        self._written: list[str] = []
        self._problem = ""
        self._modules: list[ModuleTrace] = []
        self._page: Path | None = None
        self._measured: list[ModuleCoverage] | None = None
        self._open: set[str] = set()

    def pytest_unconfigure(self) -> None:
        """Stop recording."""
        self._active.close()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodeready(self, node: Any) -> None:
        """Expect the records of a worker."""
        self._open.add(str(node.gateway.id))

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker recorded."""
        self._open.discard(str(node.gateway.id))
        sent = getattr(node, "workeroutput", {}).get(KEY)
        if sent is None:
            self._silent.append(str(node.gateway.id))
            return
        self._parts.append(sent[0])
        self._failures.update(sent[1])

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send the records of a worker; elsewhere write the files."""
        own = to_plain(self._recorder)
        failures = {key.hex(): reason for key, reason in self._recorder.failures.items()}
        output = vars(self._config).get("workeroutput")
        if output is not None:
            output[KEY] = [own, failures]
            return
        self._failures.update(failures)
        if self._config.getoption("collectonly", default=False):
            return
        self._silent.extend(sorted(self._open))  # an interrupted run does not wait for its workers
        self._modules = merge([*self._parts, own])
        try:
            self._write()
        except (HarnessError, OSError) as error:
            self._problem = f"the files cannot be written: {error}"
            if session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def measured(
        self,
    ) -> tuple[tuple[ModuleCounts, ...], tuple[FlameGraph, ...], Path | None, tuple[str, ...]]:
        """Return coverage, flame graphs, the page of the coverage, and what is missing, for the report of the run."""
        more = len(self._modules) - _MODULES
        notes = [*self._notes(), *([f"{more:,} more modules were recorded."] if more > 0 else [])]
        coverage = [counts_of(it, functions=_FUNCTIONS, files=_FILES) for it in self._covered()[:_MODULES]]
        flames = [
            flame_graph(
                it.title,
                flame_of(it),
                frames=_FRAMES,
                functions=_COSTS,
                name=_NAME,
                lost=it.tree.lost,
            )
            for it in (self._modules[:_MODULES] if self._flame else ())
        ]
        drawn = tuple(it for it in flames if it.instructions)
        return tuple(coverage if self._coverage else ()), drawn, self._page, tuple(notes)

    def _notes(self) -> list[str]:
        """Return what is missing in the records."""
        found = [f"Worker {name} ended without its records." for name in self._silent]
        reasons = (f"Module {key[:8]} was not recorded: {why}." for key, why in self._failures.items())
        return [*found, *reasons]

    def _write(self) -> None:
        if self._coverage:
            folder = self._folder("ic_cov_dir")
            modules = self._covered()
            files = {listing_name(it): listing(it) for it in modules}
            files |= {"lcov.info": to_lcov(modules), "cobertura.xml": to_cobertura(modules)}
            self._put(
                folder, files | {"index.html": to_page(modules, self._notes(), self._source)}, "index.html"
            )
            self._page = folder / "index.html"
        if self._flame:
            folder = self._folder("ic_flame_dir")
            for trace in self._modules:
                root, name = flame_of(trace), trace.file_name
                files = {f"{name}.svg": to_svg(trace.title, root)}
                files[f"{name}.speedscope.json"] = to_speedscope(trace.title, root)
                self._put(folder, files, *files)

    def _source(self, path: str) -> str | None:
        """Return a source file below the root folder. Paths are the canister's: no other file is read."""
        root = self._config.rootpath.resolve()
        for folder in (root, *(root / given for given in self._config.getoption("ic_cov_source"))):
            try:
                found = (folder / path).resolve()
                if found.is_relative_to(root) and found.is_file():
                    return read_text(found)
            except (OSError, ValueError):  # a name that cannot be one of a file, or content that is no text
                continue
        return None

    def _folder(self, option: str) -> Path:
        folder: Path = self._config.invocation_params.dir / self._config.getoption(option)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _put(self, folder: Path, files: dict[str, str], *shown: str) -> None:
        for name, text in files.items():
            write_atomically(folder / name, [text.encode("utf-8", "replace")])
        self._written.extend(readable(folder / name) for name in shown)

    def _covered(self) -> list[ModuleCoverage]:
        if self._measured is None:
            self._measured = [measure_coverage(trace) for trace in self._modules]
        return self._measured

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the tables, and where the files are."""
        if self._config.getoption("collectonly", default=False):
            return
        shown = None if terminalreporter.verbosity > 0 else _SHOWN
        lines: list[str] = []
        if self._coverage:
            terminalreporter.section("canister coverage")
            lines = _coverage_lines(self._covered(), shown)
        for line in lines:
            terminalreporter.write_line(for_log(line))
        if self._flame:
            terminalreporter.section("canister functions by instructions")
            for trace in self._modules:
                for line in _flame_lines(trace, flame_of(trace), shown):
                    terminalreporter.write_line(for_log(line))
        for line in [*self._notes(), *(f"written: {path}" for path in self._written)]:
            terminalreporter.write_line(for_log(line))
        if self._problem:
            terminalreporter.write_line(for_log(self._problem), red=True)


def _coverage_lines(modules: list[ModuleCoverage], shown: int | None) -> list[str]:
    if not modules:
        return ["No canister was installed on an embedded network."]
    rows = [
        (
            it.title,
            f"{it.counted.hit:,}/{it.counted.total:,}",
            it.counted.percent,
            it.blocks.percent,
            it.arms.percent,
            it.lines.percent,
        )
        for it in modules
    ]
    lines = table(("module", "functions", "executed", "blocks", "branches", "lines"), rows)
    for module in modules:
        found = never_executed(module)
        if found:
            lines += ["", f"{module.title}: never executed, the largest first:"]
            lines += [f"  {one_line(it.name, _NAME)}" for it in found[:shown]]
            if shown is not None and len(found) > shown:
                lines.append(f"  … and {len(found) - shown:,} more (-v shows all)")
    return lines


def _flame_lines(trace: ModuleTrace, root: FlameNode, shown: int | None) -> list[str]:
    costs = by_function(root)
    everything = max(root.total, 1)
    rows = [
        (one_line(it.name, _NAME), it.own, f"{100 * it.own / everything:.1f} %", it.calls)
        for it in costs[:shown]
    ]
    lines = [
        f"{trace.title}: {root.total:,} instructions",
        *table(("function", "own", "share", "calls"), rows),
    ]
    if shown is not None and len(costs) > shown:
        lines.append(f"… and {len(costs) - shown:,} functions that cost less (-v shows all)")
    if trace.tree.lost:
        lines.append(
            f"{trace.tree.lost:,} calls did not fit into the tree; their callers have the instructions"
        )
    return [*lines, ""]
