"""Pages of canisters, and the check of what they certify."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.errors import CertificateError
from ic_harness.replica import HttpRequest
from ic_harness.replica.gateway import Gateway, Page, PageRequest, verify
from ic_harness.replica.gateway.expression import Certification, parse_expression
from ic_harness.replica.gateway.verification import request_hash
from tests.replica.support import Called, create, install, management, wasm

INIT = candid.parse("service : (opt variant { Init : record {}; Upgrade : record {} }) -> {}")
STORE = candid.parse(
    """service : { store : (record { key : text; content_type : text; content_encoding : text; content : blob;
                                     sha256 : opt blob }) -> ();
                   create_batch : (record {}) -> (record { batch_id : nat });
                   create_chunk : (record { batch_id : nat; content : blob }) -> (record { chunk_id : nat });
                   commit_batch : (record { batch_id : nat; operations : vec variant {
                     CreateAsset : record { key : text; content_type : text };
                     SetAssetContent : record { key : text; content_encoding : text; chunk_ids : vec nat;
                                                sha256 : opt blob } } }) -> () }"""
)
CERTIFIED = "x-ic-harness-certified"


@pytest.fixture
def assets(replica):
    canister = create(replica)
    assert INIT.init_args is not None
    install(replica, canister, wasm("rust/assets"), candid.encode((None,), INIT.init_args))
    filled = Called(replica, canister, STORE)
    page = {"key": "/index.html", "content_type": "text/html", "content_encoding": "identity", "sha256": None}
    filled.update("store", {**page, "content": b"<h1>hello</h1>"})
    return filled


def get(replica, canister, path="/", method="GET", body=b""):
    path, _, query = path.partition("?")
    headers = {"host": f"{canister}.localhost:8000"}
    request = HttpRequest(method=method, path=path, headers=headers, body=body, query=query)
    return Gateway(replica).handle(request)


@pytest.mark.parametrize("path", ["/", "/index.html", "/index.html?x=1", "/not/there"])
def test_pages_of_an_asset_canister_are_certified(replica, assets, path):
    """The asset canister of others serves pages whose certification (version 2) holds."""
    answer = get(replica, assets.id, path)
    assert (answer.status, answer.body) == (200, b"<h1>hello</h1>")
    assert answer.headers[CERTIFIED] == "v2"
    assert answer.headers["content-type"] == "text/html"


def test_a_streamed_body_is_put_together(replica, assets):
    """A body of several chunks comes whole, fetched through the streaming callback."""
    parts = [bytes([number]) * 1_000_000 for number in range(4)]
    batch = assets.update("create_batch", {})["batch_id"]
    chunks = [
        assets.update("create_chunk", {"batch_id": batch, "content": part})["chunk_id"] for part in parts
    ]
    content = {"key": "/big", "content_encoding": "identity", "chunk_ids": chunks, "sha256": None}
    operations = [
        {"CreateAsset": {"key": "/big", "content_type": "text/plain"}},
        {"SetAssetContent": content},
    ]
    assets.update("commit_batch", {"batch_id": batch, "operations": operations})
    answer = get(replica, assets.id, "/big")
    assert answer.body == b"".join(parts)


def test_canisters_by_query_parameter(replica, assets):
    """`?canisterId=` names the canister where the host does not."""
    request = HttpRequest(method="GET", path="/", query=f"canisterId={assets.id}")
    assert Gateway(replica).handle(request).body == b"<h1>hello</h1>"


def test_uncertified_pages_say_so(replica, rust):
    """A page without a certificate is shown and marked."""
    answer = get(replica, rust.id)
    assert answer.status == 200
    assert answer.headers[CERTIFIED].startswith("no: ")


def test_pages_made_by_updates(replica, rust):
    """A canister may ask for the request to be made as an update."""
    before = replica.canister(rust.id).version
    answer = get(replica, rust.id, "/", "POST", b"body")
    assert answer.status in {200, 404}
    assert replica.canister(rust.id).version >= before


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:80", 404), ("nonsense.localhost", 400), ("rrkah-fqaaa-aaaaa-aaaaq-cai.localhost", 404)],
)
def test_no_page(replica, host, status):
    """A host that names no canister gets a sentence that tells how to name one."""
    answer = Gateway(replica).handle(HttpRequest(method="GET", path="/", headers={"host": host}))
    assert answer.status == status
    assert answer.body


def test_a_stopped_canister_serves_nothing(replica, rust):
    """The reject of the canister is told with 503."""
    management(replica).update("stop_canister", {"canister_id": rust.id})
    assert get(replica, rust.id).status == 503


def checked(replica, assets, page):
    return verify(
        PageRequest(method="GET", url="/index.html"),
        page,
        assets.id,
        root_key=replica.root_key,
        now_ns=replica.clock.now_ns(),
    )


def test_what_was_changed_is_not_certified(replica, assets):
    """A changed body, status, header or certificate is found out."""
    answer = get(replica, assets.id, "/index.html")
    page = Page(status=200, headers=tuple(answer.headers.items()), body=answer.body)
    assert checked(replica, assets, page).version == 2
    changed_header = tuple(
        (name, "text/plain" if name == "content-type" else value) for name, value in page.headers
    )
    cut = tuple((name, value[:-40] if name == "ic-certificate" else value) for name, value in page.headers)
    for forged in (
        Page(status=200, headers=page.headers, body=b"<h1>evil</h1>"),
        Page(status=201, headers=page.headers, body=page.body),
        Page(status=200, headers=changed_header, body=page.body),
        Page(status=200, headers=cut, body=page.body),
        Page(status=200, headers=(), body=page.body),
        Page(status=200, headers=(("ic-certificate", "junk"),), body=page.body),
    ):
        assert checked(replica, assets, forged).version is None


ASKED_DIRECTLY = candid.parse(
    """service : { http_request : (record { method : text; url : text; headers : vec record { text; text };
                                            body : blob; certificate_version : opt nat16 }) ->
                 (record { status_code : nat16; headers : vec record { text; text }; body : blob }) query }"""
)


def test_version_1(replica, assets):
    """The older certification, of a path's body alone, holds for that body and for no other."""
    request = {"method": "GET", "url": "/index.html", "headers": [], "body": b"", "certificate_version": 1}
    answer = Called(replica, assets.id, ASKED_DIRECTLY).query("http_request", request)
    headers = tuple((name, value) for name, value in answer["headers"])
    assert checked(replica, assets, Page(status=200, headers=headers, body=answer["body"])).version == 1
    assert checked(replica, assets, Page(status=200, headers=headers, body=b"evil")).version is None


# The expected hashes are the test vectors of the crate ic-http-certification (request_hash).
@pytest.mark.parametrize(
    ("url", "parameters", "expected"),
    [
        ("https://ic0.app", (), "10796453466efb3e333891136b8a5931269f77e40ead9d437fcee94a02fa833c"),
        (
            "https://ic0.app?q=hello+world&name=foo&name=bar&color=purple",
            ("q", "name"),
            "3ade1c9054f05bc8bcebd3fd7b884078a6e67c63e5ac4a639fa46a47f5a955c9",
        ),
    ],
)
def test_request_hashes(url, parameters, expected):
    """Hashes of requests are those of the reference implementation."""
    headers = (("Accept-Language", "en"), ("Accept-Language", "en-US"), ("Host", "https://ic0.app"))
    request = PageRequest(method="POST", url=url, headers=headers, body=bytes(range(7)))
    assert request_hash(request, Certification((("host",), parameters), (), False)).hex() == expected


NONE = "default_certification(ValidationArgs{no_certification: Empty{}})"
RESPONSE = """default_certification ( ValidationArgs { certification: Certification {
  no_request_certification: Empty {},
  response_certification: ResponseCertification {
    certified_response_headers: ResponseHeaderList { headers: ["Content-Type", "ETag"] } } } } )"""
FULL = """default_certification(ValidationArgs{certification:Certification{request_certification:RequestCertification{
  certified_request_headers:["host"],certified_query_parameters:["q"]},response_certification:ResponseCertification{
  response_header_exclusions:ResponseHeaderList{headers:[]}}}})"""


def test_expressions():
    """The forms of the protocol are read, names in lower case."""
    assert parse_expression(NONE) is None
    assert parse_expression(RESPONSE) == Certification(None, ("content-type", "etag"), False)
    assert parse_expression(FULL) == Certification((("host",), ("q",)), (), True)


@pytest.mark.parametrize("cut", range(0, len(RESPONSE), 23))
def test_broken_expressions(cut):
    """An expression that breaks off or goes on is refused."""
    with pytest.raises(CertificateError):
        parse_expression(RESPONSE[:cut])
    with pytest.raises(CertificateError):
        parse_expression(RESPONSE + RESPONSE[:cut] + "x")


def test_deep_expressions():
    """Nesting is bounded."""
    with pytest.raises(CertificateError, match="nested"):
        parse_expression("[" * 5000)
