"""`ic-harness download --all`: the assets of all memories of a capsule become files of a folder."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ic_capsule.uploads import DownloadFolder, StoredAsset, stored_assets
from ic_harness.cli.errors import failure, report
from ic_harness.errors import HarnessError, InputError
from ic_harness.text import for_log, one_line, readable
from ic_harness.units import human_bytes

from .memories import own_capsule, pages

if TYPE_CHECKING:
    from ic_capsule.backend import Backend, MemoryHeader
    from ic_capsule.uploads import SavedAsset


@dataclass(slots=True)
class Totals:
    """What became of the files so far; `size` counts the bytes of those that were written."""

    memories: int
    written: int = 0
    present: int = 0
    failed: int = 0
    tried: int = 0
    size: int = 0

    def summary(self, seconds: float) -> str:
        """One line about all files."""
        present = f", {self.present} already there" if self.present else ""
        failed = f", {self.failed} failed" if self.failed else ""
        left = self.memories - self.tried
        untried = f", {left} memories not tried" if left else ""
        rate = human_bytes(round(self.size / max(seconds, 1e-3)))
        return (
            f"{self.memories} memories: {self.written} files written{present}{failed}{untried}: "
            f"{human_bytes(self.size)} in {seconds:.1f} s ({rate}/s)"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadAll:
    """One run: the folder, the kinds of assets, and how it is reported."""

    folder: Path
    kinds: tuple[str, ...]
    as_json: bool
    quiet: bool

    def run(self, backend: Backend, capsule: str | None) -> int:
        """Write all files; return the exit status: 0, or the one of the worst failure."""
        target = capsule or own_capsule(backend)
        with DownloadFolder(self.folder) as folder:
            memories = list(pages(backend, target))
            totals, began, statuses = Totals(len(memories)), time.monotonic(), set[int]()
            try:
                with self._bar(totals) as advance:
                    for memory in memories:
                        statuses.update(self._memory(backend, folder, memory, totals))
                        totals.tried += 1
                        advance()
            finally:  # an interrupted command says how far it came, too
                if not self.quiet:
                    click.echo(totals.summary(time.monotonic() - began), err=True)
        # A failure (1) is more important than a file that cannot be written (2).
        return min(statuses, default=0)

    def _bar(self, totals: Totals) -> AbstractContextManager[Callable[[], None]]:
        from .render import memories_bar  # lazy: start-up time  # noqa: PLC0415

        return memories_bar(totals.memories, quiet=self.quiet)

    def _memory(
        self, backend: Backend, folder: DownloadFolder, memory: MemoryHeader, totals: Totals
    ) -> Iterator[int]:
        """Write the assets of one memory; yield the exit status of each failure."""
        try:
            assets = stored_assets(backend.memories_read(memory.id), self.kinds)
            if not assets:
                raise InputError(f"memory {memory.id} has no asset {' or '.join(self.kinds)} on the canister")
        except (HarnessError, OSError) as error:
            yield self._failed(memory.id, None, error, totals)
            return
        for asset in assets:
            try:
                saved = folder.save(backend, asset)
            except (HarnessError, OSError) as error:
                yield self._failed(memory.id, asset, error, totals)
            else:
                self._saved(asset, saved, totals)

    def _failed(
        self, memory: str, asset: StoredAsset | None, error: HarnessError | OSError, totals: Totals
    ) -> int:
        totals.failed += 1
        ended = failure(error)
        if self.as_json:
            facts = {"memory_id": readable(memory), "asset": asset.asset_type if asset else None}
            text = one_line(for_log(ended.format_message()))
            click.echo(json.dumps({**facts, "error": text, "exit_status": ended.exit_code}))
        return report(type(ended)(f"memory {memory}: {ended.format_message()}"))

    def _saved(self, asset: StoredAsset, saved: SavedAsset, totals: Totals) -> None:
        if saved.present:
            totals.present += 1
        else:
            totals.written += 1
            totals.size += saved.size
        if self.as_json:
            click.echo(json.dumps(_facts(asset, saved)))
        elif not (self.quiet or saved.present):
            click.echo(f"{one_line(str(saved.path))}: {saved.size} bytes")


def _facts(asset: StoredAsset, saved: SavedAsset) -> dict[str, object]:
    return {
        "memory_id": readable(asset.memory_id),
        "asset": asset.asset_type,
        "path": readable(saved.path),
        "bytes": saved.size,
        "present": saved.present,
    }
