"""The test that made a finding, written again with the argument that shows this finding alone."""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from types import FrameType
from typing import Any, Final

_TOOLS: Final = frozenset({"crash_sweep", "explore", "find_order", "sweep"})
"""Functions and fixtures whose calls get the argument."""


def pasted_test(keyword: str, value: Any) -> str:
    """Return the calling test with `keyword=value` in its call of the tool; where there is no test the argument."""
    frame = _test_frame(sys._getframe(1))  # noqa: SLF001 - the caller's source is what is wanted
    if frame is not None:
        rewritten = _rewritten(frame, keyword, value)
        if rewritten:
            return rewritten
    return f"    {keyword}={value!r}"


def _test_frame(frame: FrameType | None) -> FrameType | None:
    while frame is not None and not frame.f_code.co_name.startswith("test"):
        frame = frame.f_back
    return frame


def _rewritten(frame: FrameType, keyword: str, value: Any) -> str:
    try:
        source = textwrap.dedent(inspect.getsource(frame.f_code))
        tree = ast.parse(source)
    except (OSError, TypeError, SyntaxError):
        return ""
    test = tree.body[0]
    if not isinstance(test, ast.FunctionDef):
        return ""
    nodes = (node for statement in test.body for node in ast.walk(statement))
    calls = [node for node in nodes if isinstance(node, ast.Call) and _name(node.func) in _TOOLS]
    if len(calls) != 1:
        return ""
    kept = [one for one in calls[0].keywords if one.arg != keyword]
    calls[0].keywords = [*kept, ast.keyword(arg=keyword, value=ast.Constant(value))]
    if not isinstance(value, str):
        calls[0].keywords[-1].value = ast.parse(repr(value), mode="eval").body
    test.name += "_again"
    test.decorator_list = [one for one in test.decorator_list if _name(one) != "xfail"]
    return ast.unparse(tree)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
