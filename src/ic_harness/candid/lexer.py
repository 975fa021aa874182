"""Splits Candid text, interfaces and values, into tokens (Candid specification, "Values", "Comments")."""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple, cast

from ic_harness.errors import CandidError

Kind = Literal["name", "text", "number", "symbol", "end"]

MAX_TOKENS: Final = 2_000_000
"""Most tokens of a text: about 300 MB. A vector of a million numbers has as many; a blob is one token."""

_TOKEN: Final = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<line>//[^\n]*)
  | (?P<block>/\*)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<number>[+-]?(?:
        0[xX][0-9a-fA-F](?:_?[0-9a-fA-F])*(?:\.(?:[0-9a-fA-F](?:_?[0-9a-fA-F])*)?)?(?:[pP][+-]?[0-9](?:_?[0-9])*)?
      | [0-9](?:_?[0-9])*(?:\.(?:[0-9](?:_?[0-9])*)?)?(?:[eE][+-]?[0-9](?:_?[0-9])*)?
    )(?![A-Za-z0-9_]))
  | (?P<symbol>->|==|!=|!:|[(){}:;,=.])
  | (?P<text>")
    """,
    re.VERBOSE,
)
_PLAIN: Final = re.compile(r'[^"\\\x00-\x1f\x7f]+')
_UNICODE: Final = re.compile(r"u\{([0-9a-fA-F](?:_?[0-9a-fA-F])*)\}")
_BYTE: Final = re.compile(r"[0-9a-fA-F]{2}")
_SIMPLE: Final = {"n": b"\n", "r": b"\r", "t": b"\t", "\\": b"\\", '"': b'"', "'": b"'"}
_BLOCK_EDGE: Final = re.compile(r"/\*|\*/")


class Token(NamedTuple):
    """One token. `doc` are the comment lines directly above it; `data` the bytes of a text literal."""

    kind: Kind
    text: str
    offset: int
    doc: str = ""
    data: bytes = b""

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text)


def tokenize(source: str) -> list[Token]:
    """Split Candid text into tokens, the last of kind `end`. Raises `CandidError` with the character offset."""
    return _Lexer(source).run()


class _Lexer:
    """One pass over the text; comments are kept until the token that they document."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.pos = 0
        self.tokens: list[Token] = []
        self.comments: list[str] = []

    def run(self) -> list[Token]:
        while self.pos < len(self.source):
            found = _TOKEN.match(self.source, self.pos)
            if found is None:
                shown = self.source[self.pos : self.pos + 10]
                raise CandidError(f"unexpected text {shown!r}", offset=self.pos)
            if len(self.tokens) >= MAX_TOKENS:
                raise CandidError(f"the text has more than {MAX_TOKENS} tokens", offset=self.pos)
            self.take(found)
        self.add("end", "", self.pos)
        return self.tokens

    def take(self, found: re.Match[str]) -> None:
        start, self.pos = found.span()
        match found.lastgroup:
            case "space":
                if self.comments:
                    self.blank_line(found.group())
            case "line":
                self.line_comment(found.group())
            case "block":
                self.block_comment(start)
            case "text":
                self.literal(start)
            case kind:
                self.add(cast("Kind", kind), found.group(), start)

    def add(self, kind: Kind, text: str, offset: int, data: bytes = b"") -> None:
        if self.comments:
            doc = "\n".join(self.comments).strip("\n")
            self.comments = []
        else:
            doc = ""
        self.tokens.append(Token(kind, text, offset, doc, data))

    def blank_line(self, space: str) -> None:
        """Drop comments that are followed by an empty line: they do not document the next token."""
        if space.count("\n") > 1:
            self.comments = []

    def line_comment(self, text: str) -> None:
        """Keep a comment for the next token, unless it follows a token on its own line."""
        before = self.source[self.source.rfind("\n", 0, self.pos - len(text)) + 1 : self.pos - len(text)]
        if not before.strip():
            self.comments.append(text.lstrip("/").removeprefix(" ").rstrip())

    def block_comment(self, start: int) -> None:
        """Read a block comment; block comments nest."""
        depth = 1
        while depth:
            edge = _BLOCK_EDGE.search(self.source, self.pos)
            if edge is None:
                raise CandidError("a comment is not closed", offset=start, expected="*/")
            depth += 1 if edge.group() == "/*" else -1
            self.pos = edge.end()
        lines = self.source[start + 2 : self.pos - 2].strip("*\n ").splitlines()
        self.comments.extend(line.strip().removeprefix("*").strip() for line in lines)

    def literal(self, start: int) -> None:
        """Read a text literal. Escapes may spell any bytes; `literal_text` checks that they are UTF-8."""
        data = bytearray()
        while True:
            plain = _PLAIN.match(self.source, self.pos)
            if plain is not None:
                data += plain.group().encode("utf-8", "surrogatepass")
                self.pos = plain.end()
            char = self.source[self.pos : self.pos + 1]
            if char == '"':
                break
            if char != "\\":
                raise CandidError("a text is not closed", offset=start, expected='"')
            data += self.escape()
        self.pos += 1
        self.add("text", self.source[start : self.pos], start, bytes(data))

    def escape(self) -> bytes:
        start = self.pos
        self.pos += 2
        simple = _SIMPLE.get(self.source[start + 1 : start + 2])
        if simple is not None:
            return simple
        if found := _BYTE.match(self.source, start + 1):
            self.pos = found.end()
            return bytes.fromhex(found.group())
        if found := _UNICODE.match(self.source, start + 1):
            self.pos = found.end()
            return _scalar(found.group(1), start)
        raise CandidError(
            "unknown escape in a text", offset=start, expected=r"\n \r \t \\ \" \' \hh or \u{…}"
        )


def _scalar(digits: str, offset: int) -> bytes:
    digits = digits.replace("_", "").lstrip("0")
    value = int(digits or "0", 16) if len(digits) <= 6 else 0x110000
    if value > 0x10FFFF or 0xD800 <= value <= 0xDFFF:
        raise CandidError("an escape names no Unicode scalar value", offset=offset)
    return chr(value).encode()


def literal_text(token: Token) -> str:
    """Return the text of a literal. Raises `CandidError` when it is not UTF-8."""
    try:
        return token.data.decode()
    except UnicodeDecodeError:
        raise CandidError("a text is not UTF-8", offset=token.offset) from None
