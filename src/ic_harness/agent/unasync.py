"""Generates the asynchronous classes from the synchronous ones, so that they cannot diverge.

`python -m ic_harness.agent.unasync` rewrites them; a test compares the committed files with the output.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

TWINS: Final = {
    "agent.py": "async_agent.py",
    "management.py": "async_management.py",
    "management_methods.py": "async_management_methods.py",
}

_BANNER: Final = "# Made from {source} by `python -m ic_harness.agent.unasync`; do not edit.\n"
_RULES: Final = (
    (r"`async_agent\.py` is made from this file by `unasync`\.", "The twin of `agent.py`."),
    (r"`async_management\.py` is made from this file by `unasync`\.", "The twin of `management.py`."),
    (
        r"`async_management_methods\.py` is made from this file by `unasync`\.",
        "The twin of `management_methods.py`.",
    ),
    (r"synchronous code", "asynchronous code"),
    (r"for use from any number of threads", "for use within one event loop"),
    (r"^import time$", "import asyncio"),
    (r"time\.sleep", "asyncio.sleep"),
    (r"Callable\[\[float\], None\]", "Callable[[float], Awaitable[None]]"),
    (r"import Callable,", "import Awaitable, Callable,"),
    (r"\b(Agent|Transport|Management|ManagementMethods|Limiter)\b", r"Async\1"),
    (r"ic_harness\.agent\.agent\b", "ic_harness.agent.async_agent"),
    (r"from \.management_methods\b", "from .async_management_methods"),
    (r"(effects import .*)\brun$", r"\1run_async"),
    (r"\bResponse, AsyncTransport\b", "AsyncTransport, Response"),
    (r"return run\(", "return await run_async("),
    (r"(?<=return )self\.(run|_call|_on|_ask|_upload|clear_chunk_store|upload_chunk)\(", r"await self.\1("),
    (r"(?<== )self\.(run|_call|_on|_ask|_upload|clear_chunk_store|upload_chunk)\(", r"await self.\1("),
    (r"^(\s+)self\.(run|_call|_on|_ask|_upload|clear_chunk_store|upload_chunk)\(", r"\1await self.\2("),
    (r"self\.agent\.(update|query)\(", r"await self.agent.\1("),
    (r": self\._upload\(", ": await self._upload("),
    (r"self\.transport\.(close|send)\(", r"await self.transport.\1("),
    (r"with self\._limiter\.", "async with self._limiter."),
    (r"self\._sleep\(", "await self._sleep("),
    (r"^(\s+)self\.close\(\)", r"\1await self.close()"),
    (r"def __enter__", "async def __aenter__"),
    (r"def __exit__", "async def __aexit__"),
    (r"^    def (?!__|principal)(\w+)", r"    async def \1"),
)


def asynchronous(source: str, name: str) -> str:
    """Return the asynchronous version of a synchronous module's source; `name` is its file."""
    for pattern, replacement in _RULES:
        source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    return _BANNER.format(source=name) + source


def write(folder: Path) -> None:
    """Generate all asynchronous modules in a folder."""
    for source, target in TWINS.items():
        text = (folder / source).read_text(encoding="utf-8")
        (folder / target).write_text(asynchronous(text, source), encoding="utf-8")


if __name__ == "__main__":
    write(Path(__file__).parent)
