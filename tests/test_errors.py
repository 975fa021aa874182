"""The tree of errors: drawn as it is, and readable texts."""

from __future__ import annotations

import inspect
import re

from ic_harness import errors


def _leaves():
    return {
        name: item
        for name, item in vars(errors).items()
        if inspect.isclass(item) and issubclass(item, Exception)
    }


def test_the_drawing_is_true():
    """The tree at the top of the file names every error, below the right base."""
    stack: list[tuple[int, str]] = []
    drawn = {}
    for line in errors.__doc__.splitlines():
        found = re.match(r"^([\s│├└─]*)(\w+Error)\b", line)
        if found:
            depth = len(found.group(1))
            stack = [item for item in stack if item[0] < depth]
            drawn[found.group(2)] = stack[-1][1] if stack else None
            stack.append((depth, found.group(2)))
    bases = {name: item.__mro__[1].__name__ for name, item in _leaves().items() if name != "HarnessError"}
    assert drawn == {"HarnessError": None, **bases}


def test_candid_error_says_where():
    """A Candid error names path, byte offset and what was expected."""
    error = errors.CandidError("too short", offset=7, path="args[1].bytes", expected="blob")
    assert str(error) == "too short; expected blob (at args[1].bytes, byte 7)"
    assert str(errors.CandidError("too short")) == "too short"


def test_call_errors_say_method_and_canister():
    """A failed call names method, canister, reject code and error code."""
    error = errors.RejectError(5, "boom", "IC0503", method="go", canister="aaaaa-aa")
    assert str(error) == "go on aaaaa-aa: rejected (code 5, IC0503): boom"
    assert str(errors.BackendError("NotFound", method="go")) == "go on an unknown canister: NotFound"
    assert str(errors.HttpStatusError(503, "busy")) == "HTTP 503: busy"


def test_upload_error_names_leftovers():
    """What could not be cleaned up is named; nothing is said when nothing was left."""
    assert str(errors.UploadError("lane A failed.")) == "lane A failed."
    assert (
        str(errors.UploadError("lane A failed.", leftovers=("blob_1",)))
        == "lane A failed. Left behind: blob_1."
    )
