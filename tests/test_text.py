"""Text from outside: safe to show, short enough to quote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ic_harness.errors import BackendError, CandidError, InputError, RejectError
from ic_harness.text import MAX_LINE, brief, clean, for_log, one_line, parse_json, read_text
from ic_harness.urls import checked_host, public_url

ESCAPES = "\x1b]0;title\x07\x1b[2J\x9b31m\u202egnp.exe\u200b\r\x00\ud800\u2066"


def _is_safe(text: str) -> bool:
    return all(sign in "\n\t" or sign.isprintable() for sign in text) and text.encode() is not None


@given(st.text())
def test_what_is_cleaned_steers_nothing(text):
    """No control, format or surrogate character is left; line feeds and tabs are; cleaning twice changes nothing."""
    shown = clean(text + ESCAPES)
    assert not any(sign in shown for sign in ESCAPES if not sign.isprintable())
    assert "\x1b" not in shown
    shown.encode()
    assert clean(shown) == shown


def test_usual_text_stays():
    """Text of any language, with its lines and tabs, is not changed."""
    text = "a\tb\nÄ 漢字 🎉 é"
    assert clean(text) == text
    assert clean("plain") == "plain"
    assert clean("a\r\nb") == "a\nb"


def test_long_lines_are_cut():
    """A line of a megabyte is cut, and says so; the lines beside it stay."""
    shown = clean(f"first\n{'x' * 1_000_000}\nlast").split("\n")
    assert (shown[0], shown[2]) == ("first", "last")
    assert len(shown[1]) < MAX_LINE + 50
    assert "996,000 more characters" in shown[1]
    assert len(one_line("y" * 5_000, 100)) == 100


@pytest.mark.parametrize(
    "text", ["::error::x", "  ::add-mask::x", "a\n::stop-commands::x", "a ##[error]x", "\r::warning::"]
)
def test_no_text_is_a_command_of_a_ci_service(text):
    """A line that GitHub Actions would obey is not printed as one."""
    for line in for_log(text).split("\n"):
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


@pytest.mark.parametrize(
    "error",
    [
        InputError(ESCAPES),
        RejectError(4, ESCAPES, method=ESCAPES, canister="x"),
        RejectError(4, ESCAPES),
        BackendError(ESCAPES, ESCAPES),
        CandidError(ESCAPES, path=ESCAPES),
    ],
)
def test_errors_can_be_shown(error):
    """What an error prints is clean; what a canister said stays in its fields."""
    assert _is_safe(str(error))
    if isinstance(error, RejectError):
        assert error.reject_message == ESCAPES


def _nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [10**5000, -(10**5000), [10**5000], {"a": 10**5000}, b"x" * 10**6, "x" * 10**6, _nested(5000)],
    ids=range(7),
)
def test_any_value_can_be_quoted(value):
    """Values that `repr` refuses, or writes out for megabytes, are quoted in a line."""
    assert 0 < len(brief(value)) < 300


def test_small_values_are_quoted_whole():
    """Usual values look as `repr` has them."""
    for value in (5, -7, 2**127, "text", b"bytes", [1, 2], {"a": None}, True):
        assert brief(value) == repr(value)


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5_000, b"\xff", "{", '{"a":' * 50_000])
def test_json_raises_value_error_only(text):
    """Deep nesting and long numbers are no other error than bad syntax."""
    with pytest.raises(ValueError, match=r"."):
        parse_json(text)


def test_files_are_read_up_to_a_limit(tmp_path):
    """A file beyond the limit, or not UTF-8, is a `ValueError`."""
    path = tmp_path / "text"
    path.write_bytes(b"12345")
    assert read_text(path, 5) == "12345"
    with pytest.raises(ValueError, match="more than 4"):
        read_text(path, 4)
    path.write_bytes(b"\xff")
    with pytest.raises(ValueError, match="utf-8"):
        read_text(path)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://127.0.0.1:4943/", "http://127.0.0.1:4943/"),
        ("https://alice:pw@Host.example:8/p?q=pw#pw", "https://host.example:8/p"),
        ("http://[::1]:80", "http://[::1]:80"),
        ("embedded", "embedded"),
        ("alice:pw@host", "(not shown: no URL)"),
        ("abandon ability able about above absent", "(not shown: no URL)"),
        ("http://pw@[", "(not shown: no URL)"),
        ("http://alice:pw@h:port", "(not shown: no URL)"),
    ],
)
def test_urls_are_shown_without_secrets(url, shown):
    """User, password, query string and fragment are left out; what may be a secret as a whole is not shown."""
    assert public_url(url) == shown


@pytest.mark.parametrize(
    "url", ["", "http://", "ftp://h", "http://h:port", "http://[", "http://h:99999", "http://h\n"]
)
def test_bad_urls(url):
    """What is no HTTP address is bad input."""
    with pytest.raises(InputError, match="no address of a network"):
        checked_host(url)
