"""The door's main object: compiles modules and makes instances."""

from __future__ import annotations

from ic_harness.replica.state.memory_image import StateImage

from .compiler import Compiler
from .instance import Instance
from .memory import LinearMemory
from .module import Module


class Engine(Compiler):
    """Compiles modules and makes instances of them; one for a whole replica."""

    def instantiate(
        self, module: Module, *, stable: LinearMemory | None = None, heap: LinearMemory | None = None
    ) -> Instance:
        """A new instance of which nothing has run yet; raises ModuleInvalid when its data does not fit.

        An upgrade hands over the old instance's `stable`; one that keeps Wasm memory hands over its `heap`
        too. Both must be committed. The old instance must not run again unless the new one is closed without
        a commit.
        """
        new_image = self.strategy.new_image
        heap_image = heap.image if heap else new_image()
        return Instance(self, module, heap_image, stable.image if stable else new_image(), None)

    def load_state(self, module: Module, state: StateImage) -> Instance:
        """An instance with the content that `Instance.export_state` gave."""
        heap, stable = self.strategy.new_image(), self.strategy.new_image()
        heap.write(0, state.heap)
        stable.write(0, state.stable)
        return Instance(self, module, heap, stable, state.globals)
