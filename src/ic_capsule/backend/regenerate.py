"""Generates `_generated.py` from `candid/backend.did`: the output of `ic-harness bindgen` with results unwrapped.

`python -m ic_capsule.backend.regenerate` writes the file; a test compares the committed file with the output.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from ic_capsule.reference import reference_did
from ic_harness.candid import bindgen

_RESULT: Final = re.compile(r"^(\w+): TypeAlias = rt\.Ok\[(.+)\] \| rt\.Err\[Error\]$", re.MULTILINE)
_NOTHING: Final = re.compile(r"\) -> None:\n(?:        \"\"\".*\n)?        return ")
"""The head of a method that returns None, up to its call, whose `return` is dropped."""


def generated() -> str:
    """Return the text of `_generated.py`."""
    text = bindgen.generate(did_text=reference_did(), source_name="candid/backend.did", class_name="Backend")
    for name, payload in _RESULT.findall(text):
        text = text.replace(f") -> {name}:", f") -> {payload}:")
        text = text.replace(f'    "{name}",\n', "")
        text = re.sub(rf"^{name}: TypeAlias = .*\n", "", text, flags=re.MULTILINE)
    text = text.replace("(rt.Client)", "(BackendClient)").replace("(rt.AsyncClient)", "(AsyncBackendClient)")
    text = text.replace(
        "from ic_harness.candid import runtime as rt\n",
        "from ic_capsule.backend.client import AsyncBackendClient, BackendClient\n"
        "from ic_harness.candid import runtime as rt\n",
    )
    text = _NOTHING.sub(lambda found: found.group().replace("return ", ""), text)
    return text.replace("`ic-harness bindgen`", "`python -m ic_capsule.backend.regenerate`")


if __name__ == "__main__":
    Path(__file__).with_name("_generated.py").write_text(generated(), encoding="utf-8")
