"""ic-harness: test Internet Computer canisters from Python."""

import sys

from ic_harness.moved import MovedModules

__version__ = "0.1.0"

sys.meta_path.insert(0, MovedModules())
