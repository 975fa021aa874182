"""Whether what a canister answered is what it certified.

HTTP gateway protocol, "Response verification", versions 1 and 2. Version 1 certifies the body of a path;
version 2 says by an expression which parts of request and response it certifies, and for which paths.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import re
import zlib
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final
from urllib.parse import unquote

from ic_harness.errors import CborError, CertificateError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.principal import Principal
from ic_harness.protocol import (
    Certificate,
    Missing,
    Tree,
    cbor,
    digest,
    leb128_encode,
    lookup,
    lookup_value,
    tree_from_cbor,
)
from ic_harness.replica.gateway.expression import Certification, parse_expression
from ic_harness.replica.gateway.page import Headers, Page, PageRequest
from ic_harness.units import MIB

_FIELD: Final = re.compile(r"\s*([a-z_]+)=(?::([A-Za-z0-9+/=]*):|(\d+))\s*(?:,|$)")
_EXPRESSION: Final = "ic-certificateexpression"
_MAX_BODY: Final = 64 * MIB


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the check found: `version` 1 or 2 where the answer is certified, else None and the `reason`.

    `skipped` marks an answer of which the canister certified that it needs no certification.
    """

    version: int | None
    reason: str = ""
    skipped: bool = False

    def __str__(self) -> str:
        if self.version is None:
            return f"no: {self.reason}"
        return f"v{self.version}{' (certified to need none)' if self.skipped else ''}"


def verify(request: PageRequest, page: Page, canister: Principal, *, root_key: bytes, now_ns: int) -> Verdict:
    """Check an answer; anything that does not hold is a verdict with its reason, never an exception."""
    header = page.header("ic-certificate")
    if header is None:
        return Verdict(None, "the answer carries no IC-Certificate header")
    try:
        fields = _fields(header)
        tree = tree_from_cbor(fields["tree"])
        certificate = Certificate.from_cbor(fields["certificate"])
        certificate.verify(root_key, canister_id=canister, now_ns=now_ns)
        _check_tree(tree, certificate, canister)
        if "expr_path" in fields:
            return _version_2(request, page, tree, _path(fields["expr_path"]))
        return _version_1(request, page, tree)
    except (CertificateError, CborError) as problem:
        return Verdict(None, str(problem))


def _check_tree(tree: Tree, certificate: Certificate, canister: Principal) -> None:
    data = lookup_value(certificate.tree, (b"canister", canister.raw, b"certified_data"))
    if data != digest(tree):
        raise CertificateError("the tree is not the one that the canister certified")


def _fields(header: str) -> dict[str, bytes]:
    fields: dict[str, bytes] = {}
    position = 0
    while position < len(header):
        match = _FIELD.match(header, position)
        if match is None:
            raise CertificateError("the IC-Certificate header cannot be read")
        position = match.end()
        if match[2] is not None:
            try:
                fields[match[1]] = base64.b64decode(match[2], validate=True)
            except binascii.Error:
                raise CertificateError(f"{match[1]} in the IC-Certificate header is no base64") from None
    if "tree" not in fields or "certificate" not in fields:
        raise CertificateError("the IC-Certificate header lacks its certificate or tree")
    return fields


def _path(encoded: bytes) -> list[str]:
    path = cbor.decode(encoded)
    if not isinstance(path, list) or len(path) < 2 or not all(isinstance(part, str) for part in path):
        raise CertificateError("expr_path is no list of texts")
    return path


# --- version 1 ---------------------------------------------------------------------------------------------


def _version_1(request: PageRequest, page: Page, tree: Tree) -> Verdict:
    path = unquote(request.path).encode()
    expected = lookup_value(tree, (b"http_assets", path))
    if expected is None:
        expected = lookup_value(tree, (b"http_assets", b"/index.html"))
    if expected not in {sha256(page.body).digest(), sha256(_decoded(page)).digest()}:
        raise CertificateError("the body is not the one that the canister certified for this path")
    return Verdict(1)


def _decoded(page: Page) -> bytes:
    encoding = page.header("content-encoding")
    try:
        if encoding == "gzip":
            return zlib.decompressobj(wbits=31).decompress(page.body, _MAX_BODY)
        if encoding == "deflate":
            return zlib.decompressobj().decompress(page.body, _MAX_BODY)
    except (zlib.error, gzip.BadGzipFile):
        raise CertificateError(f"the body is not encoded as {encoding}") from None
    return page.body


# --- version 2 ---------------------------------------------------------------------------------------------


def _version_2(request: PageRequest, page: Page, tree: Tree, path: list[str]) -> Verdict:
    expression = page.header(_EXPRESSION)
    if expression is None:
        raise CertificateError("the answer carries no IC-CertificateExpression header")
    _check_path(request, tree, path)
    certification = parse_expression(expression)
    base = [*(part.encode() for part in path), sha256(expression.encode()).digest()]
    if certification is None:
        _must_exist(tree, base)
        return Verdict(2, skipped=True)
    asked = b"" if certification.request is None else request_hash(request, certification)
    _must_exist(tree, [*base, asked, response_hash(page, certification)])
    return Verdict(2)


def _must_exist(tree: Tree, path: Sequence[bytes]) -> None:
    if isinstance(lookup(tree, path), Missing):
        raise CertificateError("request and response are not those that the canister certified")


def _check_path(request: PageRequest, tree: Tree, path: list[str]) -> None:
    """The path of the expression must fit the URL, and the tree must hold nothing that fits better."""
    segments = unquote(request.path).split("/")[1:]
    kind = path[-1]
    inner = path[1:-1]
    exact = inner == segments
    prefix = segments[: len(inner)] == inner or inner == [""]
    if path[0] != "http_expr" or not (exact if kind == "<$>" else kind == "<*>" and prefix):
        raise CertificateError("expr_path does not fit the URL")
    if kind == "<$>":
        return
    better = [["http_expr", *segments, "<$>"]]
    better += [
        ["http_expr", *segments[:length], "<*>"] for length in range(len(inner) + 1, len(segments) + 1)
    ]
    for candidate in better:
        if lookup(tree, [part.encode() for part in candidate]) is not Missing.ABSENT:
            raise CertificateError("the tree does not rule out a certification that fits the URL better")


def _hash_pairs(pairs: Iterable[tuple[str, str | int]]) -> bytes:
    """The representation-independent hash of pairs, in which a name may occur several times."""
    hashed = sorted(
        sha256(name.encode()).digest()
        + sha256(value.encode() if isinstance(value, str) else leb128_encode(value)).digest()
        for name, value in pairs
    )
    return sha256(b"".join(hashed)).digest()


def request_hash(request: PageRequest, certification: Certification) -> bytes:
    """The hash of what is certified of a request: method, some headers and parameters, the body."""
    names, parameters = certification.request or ((), ())
    pairs: list[tuple[str, str | int]] = [*_chosen(request.headers, names, excluding=False)]
    pairs.append((":ic-cert-method", request.method))
    if "?" in request.url:
        wanted = [part for part in request.query.split("&") if part.partition("=")[0].lower() in parameters]
        pairs.append((":ic-cert-query", "&".join(wanted)))
    return sha256(_hash_pairs(pairs) + sha256(request.body).digest()).digest()


def response_hash(page: Page, certification: Certification) -> bytes:
    """The hash of what is certified of a response: status, some headers, the body."""
    headers = tuple(header for header in page.headers if header[0].lower() != "ic-certificate")
    if certification.excluding:
        chosen = _chosen(headers, certification.headers, excluding=True)
    else:
        chosen = _chosen(headers, (*certification.headers, _EXPRESSION), excluding=False)
    pairs: list[tuple[str, str | int]] = [*chosen, (":ic-cert-status", page.status)]
    return sha256(_hash_pairs(pairs) + sha256(page.body).digest()).digest()


def _chosen(headers: Headers, names: Sequence[str], *, excluding: bool) -> list[tuple[str, str]]:
    return [(name.lower(), value) for name, value in headers if (name.lower() in names) is not excluding]
