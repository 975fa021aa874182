"""The door's main object: compiles modules and makes instances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from ic_harness.replica.state.memory_image import Piece, SparseBytes, StateImage

from .committed_memory import Image
from .compiler import Compiler
from .instance import Instance
from .module import Module

Segments: TypeAlias = "tuple[int, Iterable[Piece]]"


class Engine(Compiler):
    """Compiles modules and makes instances of them; one for a whole replica."""

    def instantiate(
        self, module: Module, *, stable: Image | None = None, heap: Image | None = None
    ) -> Instance:
        """A new instance of which nothing has run yet; raises ModuleInvalid when its data does not fit.

        An upgrade hands over the old instance's `stable`; one that keeps Wasm memory hands over its `heap`
        too (`Instance.hand_over`). The old instance must not run again unless the new one is closed without a commit.
        """
        new_image = self.strategy.new_image
        return Instance(self, module, heap or new_image(), stable or new_image(), None)

    def load_state(self, module: Module, state: StateImage) -> Instance:
        """An instance with the content that `Instance.export_state` gave."""
        heap, stable = self.strategy.new_image(), self.strategy.new_image()
        heap.fill(state.heap.size, state.heap.pieces)
        stable.fill(state.stable.size, state.stable.pieces)
        return Instance(self, module, heap, stable, state.globals)

    def load_segments(
        self, module: Module, heap: Segments, stable: Segments, globals_: tuple[int, ...]
    ) -> Instance:
        """An instance with content that comes in parts: size in bytes, then offsets with whole pages from there on."""
        images = []
        for size, parts in (heap, stable):
            image = self.strategy.new_image()
            image.fill(size, _without_zeros(parts))
            images.append(image)
        return Instance(self, module, images[0], images[1], globals_)


def _without_zeros(parts: Iterable[Piece]) -> Iterator[Piece]:
    for offset, content in parts:
        for at, piece in SparseBytes.of(content).pieces:
            yield offset + at, piece
