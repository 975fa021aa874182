"""ic-harness: test Internet Computer canisters from Python.

For notebooks and scripts the names of `__all__` are here too; they load at their first use.
"""

import sys

from ic_harness.lazy_names import lazy_names
from ic_harness.moved import MovedModules

__version__ = "0.1.0"
__all__ = ["Canister", "__version__", "connect", "deploy_canister", "embedded", "open_network"]

sys.meta_path.insert(0, MovedModules())

# Types are in `__init__.pyi`.
__getattr__ = lazy_names(__name__, dict.fromkeys(set(__all__) - {"__version__"}, "ic_harness.networks"))


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
