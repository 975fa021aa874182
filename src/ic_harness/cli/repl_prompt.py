"""Runs Python code with the variables of a session: one piece of it, or a prompt (IPython's, or Python's own).

`await` works at top level everywhere. All pieces of a prompt run in one event loop, so that asynchronous clients can
be kept in variables.
"""

from __future__ import annotations

import ast
import asyncio
import builtins
import code
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import CodeType
from typing import Any, Final

import click

from ic_harness.displays import Displayed
from ic_harness.errors import HarnessError
from ic_harness.text import clean
from ic_harness.tracebacks import own_traceback

from .errors import BadInput, Interrupted

_FLAGS: Final = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_FAILED: Final = 1


def run_code(text: str, variables: dict[str, Any]) -> int:
    """Run `text` and print the value of its last expression unless it is None; return the exit status.

    Raises `BadInput` for a text that is no Python, `Interrupted` for Ctrl-C.
    """
    try:
        body, last = _compiled(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInput(f"--command is no Python: {error}") from error
    namespace = {"__name__": "__main__", "__builtins__": __builtins__, **variables}
    try:
        with asyncio.Runner() as runner:
            if body is not None:
                _evaluate(body, namespace, runner)
            if last is not None:
                show(_evaluate(last, namespace, runner))
    except KeyboardInterrupt as error:
        raise Interrupted from error
    except SystemExit as error:
        return _status(error)
    except Exception as error:  # noqa: BLE001 - an error of the user's code ends the command, with its story
        click.echo("\n".join(explain(error)), err=True)
        return _FAILED
    return 0


def _compiled(text: str) -> tuple[CodeType | None, CodeType | None]:
    """Compile the statements, and the expression at the end."""
    tree = ast.parse(text, "<command>")
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    body = compile(tree, "<command>", "exec", flags=_FLAGS) if tree.body else None
    if last is None:
        return body, None
    assert isinstance(last, ast.Expr)
    return body, compile(ast.Expression(last.value), "<command>", "eval", flags=_FLAGS)


def _evaluate(compiled: CodeType, namespace: dict[str, Any], runner: asyncio.Runner) -> Any:
    """Run compiled code; code with `await` is a coroutine, which runs in the event loop."""
    found = eval(compiled, namespace)  # noqa: S307 - the purpose of the command
    return runner.run(found) if compiled.co_flags & inspect.CO_COROUTINE else found


def show(value: Any) -> None:
    """Print a value as a prompt does; canisters and networks with what they have."""
    if value is not None:
        text = value._display().text() if isinstance(value, Displayed) else clean(repr(value))  # noqa: SLF001
        click.echo(text)


def explain(error: BaseException) -> list[str]:
    """Return the lines that explain an error of the user's code, without the frames of this package."""
    if isinstance(error, HarnessError):
        return error._render_traceback_()
    shown = error.with_traceback(own_traceback(error.__traceback__) or error.__traceback__)
    return clean("".join(traceback.format_exception(shown))).splitlines()


def _status(error: SystemExit) -> int:
    """Return the exit status that Python gives `SystemExit`."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    click.echo(clean(str(error.code)), err=True)
    return _FAILED


def open_prompt(variables: dict[str, Any], banner: str, *, plain: bool) -> int:
    """Open a prompt until its end (Ctrl-D, `exit()`); return the exit status."""
    if not plain and importlib.util.find_spec("IPython") is not None:
        return _ipython(variables, banner)
    return _python(variables, banner)


def _ipython(variables: dict[str, Any], banner: str) -> int:
    import IPython  # lazy: an extra  # noqa: PLC0415
    from traitlets.config import Config  # lazy: an extra  # noqa: PLC0415

    config = Config()
    config.TerminalInteractiveShell.banner1 = f"{banner}\n"
    config.TerminalInteractiveShell.banner2 = ""
    config.TerminalInteractiveShell.confirm_exit = False
    try:
        IPython.start_ipython(argv=[], user_ns=dict(variables), config=config)
    except SystemExit as error:
        return _status(error)
    return 0


def _python(variables: dict[str, Any], banner: str) -> int:
    namespace = {"__name__": "__console__", **variables}
    with _completion(namespace), _display_hook(), asyncio.Runner() as runner:
        console = Console(namespace, runner)
        try:
            console.interact(banner=banner, exitmsg="")
        except SystemExit as error:
            return _status(error)
    return 0


class Console(code.InteractiveConsole):
    """Python's prompt with `await`, and errors of this package without its frames."""

    def __init__(self, namespace: dict[str, Any], runner: asyncio.Runner) -> None:
        super().__init__(namespace)
        self._runner = runner
        self.compile.compiler.flags |= _FLAGS

    def runcode(self, code: CodeType) -> None:
        """Run one input; print an error and go on."""
        try:
            _evaluate(code, self.locals, self._runner)
        except SystemExit:
            raise
        except KeyboardInterrupt:
            self.write("\nKeyboardInterrupt\n")
        except BaseException as error:  # noqa: BLE001 - errors of the user's code are shown
            self.write("\n".join(explain(error)) + "\n")


def _show_and_keep(value: Any) -> None:
    """Print a value, and keep it in the variable `_` as Python's prompt does."""
    show(value)
    if value is not None:
        vars(builtins)["_"] = value


@contextmanager
def _display_hook() -> Iterator[None]:
    before: Callable[[Any], object] = sys.displayhook
    sys.displayhook = _show_and_keep
    try:
        yield
    finally:
        sys.displayhook = before
        vars(builtins).pop("_", None)


@contextmanager
def _completion(namespace: dict[str, Any]) -> Iterator[None]:
    """Complete names by Tab where Python has `readline` (not on Windows)."""
    with suppress(ImportError):
        import readline  # lazy: prompts only  # noqa: PLC0415
        import rlcompleter  # lazy: prompts only  # noqa: PLC0415

        before = readline.get_completer()
        readline.set_completer(rlcompleter.Completer(namespace).complete)
        readline.parse_and_bind("tab: complete")
        try:
            yield
        finally:
            readline.set_completer(before)
        return
    yield
