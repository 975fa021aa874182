"""A cursor over tokens, shared by the parsers of interfaces and of values."""

from __future__ import annotations

from typing import Final, NoReturn

from ic_harness.candid.lexer import Token, literal_text, tokenize
from ic_harness.candid.types import BY_NAME, KEYWORDS, MAX_FIELD_ID
from ic_harness.errors import CandidError

MAX_NESTING: Final = 200
"""Deepest nesting of types or values in text; parsing is recursive."""


class Cursor:
    """The tokens of one text, and the current position."""

    def __init__(self, source: str) -> None:
        self._tokens = tokenize(source)
        self._index = 0
        self._depth = 0

    @property
    def here(self) -> Token:
        """The next token, not yet taken."""
        return self._tokens[self._index]

    @property
    def following(self) -> Token:
        """The token after the next one."""
        return self._tokens[min(self._index + 1, len(self._tokens) - 1)]

    @property
    def at_end(self) -> bool:
        """Whether all tokens are consumed."""
        return self.here.kind == "end"

    def take(self) -> Token:
        """Consume and return the next token; the end token is never consumed."""
        token = self._tokens[self._index]
        if token.kind != "end":
            self._index += 1
        return token

    def sees(self, *texts: str) -> bool:
        """Whether the next token is one of these symbols or words (a text literal never is)."""
        token = self._tokens[self._index]
        return token.text in texts and token.kind in ("symbol", "name")

    def takes(self, text: str) -> bool:
        """Consume the next token if it is this symbol or word; return whether it was."""
        if self.sees(text):
            self.take()
            return True
        return False

    def expect(self, text: str) -> Token:
        """Consume this symbol or word. Raises `CandidError` for any other token."""
        if not self.sees(text):
            self.fail(text)
        return self.take()

    def expect_end(self) -> None:
        """Raise `CandidError` unless all tokens are consumed."""
        if self.here.kind != "end":
            self.fail("the end")

    def fail(self, expected: str) -> NoReturn:
        """Raise `CandidError` for the next token."""
        raise CandidError(f"found {self.here}", offset=self.here.offset, expected=expected)

    def enter(self) -> None:
        """Enter a nested type or value. Raises `CandidError` when it is too deep for a recursive parser."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise CandidError(f"text is nested more than {MAX_NESTING} levels deep", offset=self.here.offset)

    def leave(self) -> None:
        """Leave a nested type or value."""
        self._depth -= 1

    def text(self) -> str:
        """Consume a text literal and return its text."""
        if self.here.kind != "text":
            self.fail("a text in quotes")
        return literal_text(self.take())

    def name(self) -> str:
        """Consume a name: an identifier that is not a keyword, or a text literal."""
        if self.here.kind == "name" and self.here.text not in KEYWORDS:
            return self.take().text
        if self.here.kind != "text":
            self.fail("a name")
        return literal_text(self.take())

    def member(self) -> str:
        """Consume the name of a field, a case or a method, which may be that of a primitive type.

        The grammar has these names in quotes, but other parsers read `record { text : text }`, and such files exist.
        """
        if self.here.kind == "name" and self.here.text in BY_NAME:
            return self.take().text
        return self.name()

    def at_name(self) -> bool:
        """Return whether the next token is a name."""
        return self.here.kind == "text" or (self.here.kind == "name" and self.here.text not in KEYWORDS)

    def label(self) -> int:
        """Consume a numeric field label, which must fit 32 bits."""
        token = self.take()
        value = natural(token)
        if value > MAX_FIELD_ID:
            raise CandidError(f"field label {token.text} does not fit 32 bits", offset=token.offset)
        return value


def natural(token: Token) -> int:
    """Return the value of a number without sign or point. Raises `CandidError` for any other token."""
    if not token.text[:1].isdigit():
        raise CandidError(f"found {token}", offset=token.offset, expected="a number without sign")
    return integer(token)


def integer(token: Token) -> int:
    """Return the value of a whole number, decimal or hexadecimal. Raises `CandidError` for any other token."""
    digits = token.text.replace("_", "")
    try:
        return int(digits, 16 if "x" in digits.lower() else 10)
    except ValueError:
        reason = (
            "has too many decimal digits; write it in hexadecimal" if len(digits) > 4000 else "is not whole"
        )
        shown = token.text if len(token.text) < 40 else f"{token.text[:36]}…"
        raise CandidError(f"the number {shown} {reason}", offset=token.offset) from None
