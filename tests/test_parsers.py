"""Every parser of bytes or text from outside raises only its own errors, whatever it is given.

Canisters, clients, networks and files choose these inputs, and some are read inside a round: an unexpected
exception there would be a bug of ours that somebody else can trigger. The inputs are the same in every run: seeds
of each format, mutated by a generator with a fixed seed, and a few that are hostile on purpose.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import wasmtime

from ic_capsule.backend import locators
from ic_harness import candid
from ic_harness.agent import messages
from ic_harness.agent.transport import Response
from ic_harness.candid.primitive_writers import encode_signed, encode_unsigned
from ic_harness.cli import canister_registry, config, server_lock
from ic_harness.errors import (
    CallError,
    CandidError,
    CborError,
    CertificateError,
    EnvelopeError,
    IdentityError,
    InputError,
    LocatorError,
    PrincipalError,
    ProtocolError,
    StateError,
)
from ic_harness.networks import canister_ids, icp_yaml, projects, topology, wasm_metadata
from ic_harness.principal import Principal
from ic_harness.protocol import (
    Certificate,
    DelegatedIdentity,
    Ed25519Identity,
    Envelope,
    RequestId,
    bls,
    build,
    cbor,
    dump_pem,
    load_pem,
    seal,
    sign_certificate,
    tree_from_cbor,
    tree_to_cbor,
    verify_query_signatures,
)
from ic_harness.protocol.delegation import chain_from_json
from ic_harness.protocol.envelope import verify_envelope
from ic_harness.protocol.identity.der import ALGORITHMS, wrap_key
from ic_harness.protocol.identity.verify import Trust, verify_signature
from ic_harness.replica.execution import inspection
from ic_harness.replica.execution.demangle import demangle
from ic_harness.replica.execution.validation import ModuleInvalid
from ic_harness.replica.gateway import expression, verification
from ic_harness.replica.gateway.page import Page, PageRequest

ENDLESS = b"\xff" * 3_000 + b"\x01"
"""A LEB128 number of more than 4,300 decimal digits, which Python refuses to write."""

KEY = Ed25519Identity.from_seed(bytes(32))
NOW = 1_700_000_000_000_000_000
ROOT = bls.keypair(bytes(32))


@dataclass(frozen=True)
class Parser:
    """A parser, the errors that it may raise, inputs that it understands, and hostile ones."""

    run: Callable[[bytes], Any]
    errors: tuple[type[Exception], ...]
    seeds: tuple[bytes, ...]
    hostile: tuple[bytes, ...] = ()
    mutations: int = 250


def _text(function: Callable[[str], Any]) -> Callable[[bytes], Any]:
    return lambda data: function(data.decode("latin-1"))


DEEP = tuple(bracket * 5_000 for bracket in (b"[", b"{", b"(", b'{"a":', b"opt ", b"vec {", b"record {"))
NUMBERS = (b"9" * 5_000, b"-" + b"9" * 5_000, b"[" + b"9" * 5_000 + b"]", b"0x" + b"f" * 5_000, b"1e999999")

CANDID_TYPES = candid.parse_types(
    "(nat, opt text, vec record { a : nat8; b : variant { x; y : blob } }, principal, func () -> (), float64)"
)
CANDID_VALUES = (
    7,
    "text",
    [{"a": 1, "b": {"x": None}}, {"a": 2, "b": {"y": b"z"}}],
    Principal(b"\x01"),
    candid.FuncRef(Principal(b"\x02"), "m"),
    1.5,
)
CANDID = candid.encode(CANDID_VALUES, CANDID_TYPES)
DID = """
import "other.did"; // a comment
type list = opt record { head : nat; tail : list };
type blobs = vec blob; /* nested /* comments */ */
service : (text) -> { f : (list, record { nat; 4 : text }) -> (variant { Ok : blobs; Err : text }) query;
  "g h" : () -> () oneway; h : (func (nat8) -> (float32) composite_query, service { k : () -> () }) -> () }
"""
VALUE = """(42 : nat8, vec { opt "a\\u{1F600}\\n" }, record { a = 1_000; 5 = principal "aaaaa-aa" },
  variant { x }, -1.5e3)"""


def _headers_with_endless_numbers() -> Iterator[bytes]:
    yield b"DIDL" + ENDLESS
    for opcode in (-18, -19, -20, -21, -22, -23, -30):
        yield b"DIDL\x01" + encode_signed(opcode) + ENDLESS
        yield b"DIDL\x01" + encode_signed(opcode) + b"\x01" + ENDLESS
        yield b"DIDL\x01" + encode_signed(opcode) + b"\x01\x00" + ENDLESS
    yield b"DIDL\x01" + ENDLESS
    yield b"DIDL\x00" + ENDLESS
    yield b"DIDL\x00\x01" + ENDLESS
    yield b"DIDL\x00\x01\x80" + ENDLESS
    for type_ in (b"\x71", b"\x68", b"\x7d", b"\x7c"):
        yield b"DIDL\x00\x01" + type_ + ENDLESS
        yield b"DIDL\x00\x01" + type_ + b"\x01" + ENDLESS
    for table in (
        b"\x6d\x7d",
        b"\x6d\x7f",
        b"\x6d\x7b",
        b"\x6d\x00",
        b"\x6e\x7d",
        b"\x6b\x01\x00\x7f",
        b"\x6a\x00\x00\x00",
    ):
        yield b"DIDL\x01" + table + b"\x01\x00" + ENDLESS
        yield b"DIDL\x01" + table + b"\x01\x00\x01" + ENDLESS
        yield b"DIDL\x01" + table + b"\x01\x00\x01\x01" + ENDLESS


ALIASES = "".join(f"type a{n} = a{n + 1};" for n in range(5_000)).encode() + b"type a5000 = nat; service : {}"
"""A chain of names, each for the next one; following it for each of them takes quadratic time."""

CERTIFICATE = sign_certificate(
    build({b"time": bytes(encode_unsigned(NOW)), b"canister": {b"\x01": {b"certified_data": bytes(32)}}}),
    ROOT,
)
CONTENT = {
    "request_type": "call",
    "canister_id": b"\x01",
    "method_name": "m",
    "arg": b"DIDL\x00\x00",
    "sender": KEY.principal.raw,
    "ingress_expiry": NOW,
    "nonce": b"1",
}
DELEGATED = DelegatedIdentity.delegate(
    KEY, Ed25519Identity.from_seed(b"\x01" * 32), expiration_ns=NOW + 10**15
)
ENVELOPES = (
    seal(CONTENT, KEY).to_cbor(),
    seal(CONTENT, DELEGATED).to_cbor(),
    seal(
        {
            "request_type": "read_state",
            "paths": [[b"time"]],
            "sender": KEY.principal.raw,
            "ingress_expiry": 1,
        },
        KEY,
    ).to_cbor(),
)
WASM = bytes(
    wasmtime.wat2wasm(
        """(module (import "ic0" "msg_reply" (func $r)) (table 4 funcref) (memory 1) (global (mut i64) (i64.const 5))
        (func $f (export "canister_update f") (local i32) call $r) (elem (i32.const 0) $f) (data (i32.const 0) "x"))"""
    )
)
EXPRESSION = b"""default_certification(ValidationArgs{certification:Certification{
  no_request_certification:Empty{}, response_certification:ResponseCertification{
  certified_response_headers:ResponseHeaderList{headers:["a"]}}}})"""
CBOR_BOMBS = (
    b"\x9a\x00\xff\xff\xff" + b"\x80" * 0xFFFFFF,
    b"\x9f" + b"\x80" * 2_000_000 + b"\xff",
    b"\x5f" + b"\x40" * 2_000_000 + b"\xff",
    b"\xbf" + b"".join(b"\x1a%c%c%c%c\xa0" % (0, *n.to_bytes(3)) for n in range(300_000)),
    b"\x81" * 200_000,
    b"\xa1\x01" * 200_000,
    b"\xd9\xd9\xf7" * 200_000,
    b"\xc2\x5a\x7f\xff\xff\xff",
    b"\x9b" + b"\xff" * 8,
    b"\xbb" + b"\xff" * 8,
    b"\x5b" + b"\xff" * 8,
    b"\x82\x83" * 100_000,
)


def _module_of(section: int, content: bytes) -> bytes:
    return b"\0asm\x01\0\0\0" + bytes([section]) + encode_unsigned(len(content)) + content


def _in_folder(name: str, read: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    """A parser of a file: the test gives it a folder by `Path.cwd`."""

    def run(data: bytes) -> Any:
        Path(name).write_bytes(data)
        return read(Path.cwd())

    return run


def _read_ids(folder: Path) -> None:
    path = folder / "ids.json"
    for read in (
        lambda: canister_ids.dfx_id(path, "a", "ic"),
        lambda: canister_ids.icp_id(path, "a"),
        lambda: canister_ids.remote_id(path, "a", "ic"),
    ):
        try:
            read()
        except InputError:
            continue


def _read_project(folder: Path) -> None:
    for canister in projects.list_project(folder):
        assert canister.commands is not None
        canister.load()


def _query_answer(data: bytes) -> None:
    answer = messages.read_query_answer(Response(200, {}, data))
    verify_query_signatures(
        answer, RequestId(bytes(32)), {KEY.principal.raw: KEY.public_key_der or b""}, now_ns=NOW
    )
    messages.query_reply(answer)


def _page(data: bytes) -> verification.Verdict:
    text = data.decode("latin-1")
    headers = (("IC-Certificate", text), ("IC-CertificateExpression", text), ("Content-Encoding", "gzip"))
    page = Page(status=200, headers=headers, body=data)
    key = ROOT.public_der
    return verification.verify(
        PageRequest(method="GET", url="/%ff?a"), page, Principal(b"\x01"), root_key=key, now_ns=NOW
    )


def _signature(data: bytes) -> None:
    for name in ALGORITHMS:
        for key, signature in (
            (wrap_key(name, data), bytes(64)),
            (wrap_key(name, b"\x00"), data),
            (data, data),
        ):
            try:
                verify_signature(key, b"payload", signature, Trust(ROOT.public_der, NOW))
            except EnvelopeError:
                continue


PARSERS = {
    "candid": Parser(
        lambda data: candid.decode(data, CANDID_TYPES),
        (CandidError,),
        (CANDID,),
        (*_headers_with_endless_numbers(),),
        1500,
    ),
    "candid, own types": Parser(
        candid.decode, (CandidError,), (CANDID,), (*_headers_with_endless_numbers(),), 1000
    ),
    "candid, skipped": Parser(
        lambda data: candid.decode(data, candid.parse_types("(reserved)")),
        (CandidError,),
        (CANDID,),
        (*_headers_with_endless_numbers(),),
        700,
    ),
    "did": Parser(
        _text(candid.parse),
        (CandidError,),
        (DID.replace('import "other.did";', "").encode(),),
        (*DEEP, *NUMBERS, ALIASES),
    ),
    "candid text": Parser(_text(candid.parse_values), (CandidError,), (VALUE.encode(),), (*DEEP, *NUMBERS)),
    "candid text, typed": Parser(
        _text(lambda text: candid.parse_values(text, CANDID_TYPES)),
        (CandidError,),
        (VALUE.encode(),),
        (*DEEP, *NUMBERS),
    ),
    "cbor": Parser(cbor.decode, (CborError,), (*ENVELOPES, CERTIFICATE.to_cbor()), CBOR_BOMBS, 1500),
    "hash tree": Parser(
        tree_from_cbor, (CborError, CertificateError), (tree_to_cbor(CERTIFICATE.tree),), CBOR_BOMBS[4:]
    ),
    "certificate": Parser(
        lambda data: Certificate.from_cbor(data).verify(
            ROOT.public_der, canister_id=Principal(b"\x01"), now_ns=NOW
        ),
        (CborError, CertificateError),
        (CERTIFICATE.to_cbor(),),
        CBOR_BOMBS[4:],
        100,
    ),
    "envelope": Parser(
        lambda data: verify_envelope(Envelope.from_cbor(data), now_ns=NOW),
        (CborError, EnvelopeError),
        ENVELOPES,
        CBOR_BOMBS,
        1500,
    ),
    "query answer": Parser(
        _query_answer,
        (CallError, CertificateError),
        (
            cbor.encode(
                {
                    "status": "replied",
                    "reply": {"arg": b"x"},
                    "signatures": [{"timestamp": NOW, "signature": bytes(64), "identity": KEY.principal.raw}],
                }
            ),
            cbor.encode({"status": b"rejected", "reject_code": 4, "reject_message": "no"}),
        ),
        CBOR_BOMBS,
    ),
    "signature": Parser(
        _signature,
        (),
        (
            KEY.public_key_der or b"",
            cbor.encode({1: 2, 3: -7, -1: 1, -2: bytes(32), -3: bytes(32)}),
            cbor.encode({"certificate": CERTIFICATE.to_cbor(), "tree": [0]}),
            cbor.encode(
                {"authenticator_data": b"", "client_data_json": '{"challenge":"YQ"}', "signature": b""}
            ),
        ),
        (
            cbor.encode({"authenticator_data": b"", "client_data_json": b"[" * 100_000, "signature": b""}),
            cbor.encode(
                {
                    "authenticator_data": b"",
                    "client_data_json": b'{"challenge":' + b"9" * 5000 + b"}",
                    "signature": b"",
                }
            ),
        ),
    ),
    "delegation chain": Parser(
        _text(chain_from_json),
        (IdentityError,),
        (DELEGATED.to_json().encode(),),
        (
            *DEEP,
            *NUMBERS,
            DELEGATED.to_json().encode().replace(b'"expiration": "', b'"expiration": "' + b"f" * 20),
        ),
    ),
    "pem": Parser(
        load_pem,
        (IdentityError,),
        (
            dump_pem(KEY),
            b"-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nMC4CAQ\n-----END EC PRIVATE KEY-----",
        ),
        (b"-----BEGIN PRIVATE KEY-----\n" * 20_000,),
        500,
    ),
    "wasm": Parser(
        inspection.inspect_module,
        (ModuleInvalid,),
        (WASM, gzip.compress(WASM)),
        (
            *(_module_of(section, encode_unsigned(2**32 - 1) + bytes(1000)) for section in range(1, 12)),
            *(_module_of(section, ENDLESS) for section in range(13)),
            *(
                gzip.compress(_module_of(section, encode_unsigned(30_000_000) + b"\x60\0\0" * 30_000_000), 1)
                for section in (1, 3)
            ),
            b"\0asm\x01\0\0\0" + b"\0" * 100_000,
        ),
    ),
    "wasm sections": Parser(
        wasm_metadata.custom_sections,
        (),
        (WASM, gzip.compress(WASM), _module_of(0, b"\x0bicp:public ax")),
        (
            _module_of(0, ENDLESS),
            b"\0asm\x01\0\0\0\0" + b"\x80" * 1_000_000,
            gzip.compress(bytes(300 << 20), 1),
        ),
    ),
    "symbol": Parser(
        _text(demangle),
        (),
        (
            b"_ZN60_$LT$alloc..String$u20$as$u110000$fmt17h0123456789abcdefE.llvm.123",
            b"_RNvMs_Cs1_3appINtB4_5StackTyhEKj4_E4push",
        ),
        (
            b"_ZN" + b"1a" * 400 + b"E.llvm.12x",
            b"_ZN" + b"9" * 5000 + b"E",
            b"_RC" + b"9" * 5000,
            b"_RIC1aK" + b"j" + b"f" * 1500 + b"_E",
            b"_RCs" + b"z" * 1900,
            b"_RIC1a" + b"T" * 1900,
        ),
        1500,
    ),
    "expression": Parser(
        _text(expression.parse_expression),
        (CertificateError,),
        (EXPRESSION,),
        (b"f(" * 50_000, b"[" * 50_000, b" " * 200_000 + b"x", b"f(" + b"[]," * 20_000),
        700,
    ),
    "certified page": Parser(
        _page,
        (),
        (b"certificate=:YQ==:, tree=:YQ==:, expr_path=:YQ==:, version=2",),
        (b" " * 200_000 + b"=", b"a=:" * 50_000),
    ),
    "ids": Parser(
        _in_folder("ids.json", _read_ids),
        (),
        (b'{"a": {"ic": "aaaaa-aa"}}', b'{"a": "aaaaa-aa"}'),
        (*DEEP, *NUMBERS),
        150,
    ),
    "dfx.json": Parser(
        _in_folder("dfx.json", _read_project),
        (InputError,),
        (
            b'{"canisters": {"a": {"type": "custom", "build": ["x"], "wasm": "a", "dependencies": ["b"]}, "b": {}}}',
        ),
        (
            *DEEP,
            *NUMBERS,
            b'{"canisters": {"a": {"dependencies": 5}}}',
            b'{"canisters": {"a": {"dependencies": [[]]}}}',
            b'{"canisters": {"a": {"type": "custom", "build": 5, "wasm": "a"}}}',
            b'{"canisters": {'
            + b",".join(b'"%d": {"dependencies": ["%d"]}' % (n, n + 1) for n in range(5_000))
            + b"}}",
        ),
        300,
    ),
    "icp.yaml": Parser(
        _in_folder("icp.yaml", lambda folder: icp_yaml.read_network(folder, "local")),
        (InputError,),
        (b"networks:\n- name: local\n  mode: connected\n  url: http://localhost:1\n  root-key: fetch\n",),
        (
            *DEEP[:2],
            *NUMBERS,
            b"a: 2024-99-99",
            b"networks:\n- name: local\n  mode: 0x" + b"f" * 5_000,
            b"networks:\n- name: local\n  mode: connected\n  url: a\n  root-key: 0x" + b"f" * 5_000,
            b"? [a]\n: b\n? {c: d}\n: e",
        ),
        200,
    ),
    "ic-harness.toml": Parser(
        _in_folder("ic-harness.toml", lambda folder: config.load_defaults({"upload": ()}, folder)),
        (InputError,),
        (b'network = "x"\n[upload]\ncapsule = 1\n',),
        (b"a = " + b"[" * 5_000, b"a = " + b"9" * 5_000, b"a." * 5_000 + b"b = 1"),
        200,
    ),
    "canisters.json": Parser(
        _in_folder(
            "canisters.json",
            lambda folder: (canister_registry.names(folder), canister_registry.lookup(folder, b"", "a")),
        ),
        (StateError, PrincipalError),
        (b'{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": {"a": "aaaaa-aa"}}',),
        (*DEEP, *NUMBERS, b'{"a": 5}', b'{"a": {"b": 5}}'),
        150,
    ),
    "server.json": Parser(
        _in_folder("server.json", server_lock.running_server),
        (),
        (b'{"pid": 1, "url": "http://x"}',),
        (*DEEP, *NUMBERS, b'{"pid": 1e400, "url": 1}', b'{"pid": 99999999999999999999, "url": ""}'),
        100,
    ),
    "topology": Parser(
        topology.default_canister_id,
        (),
        (b'{"default_effective_canister_id": {"canister_id": "AAAAAAAAAAEBAQ=="}}',),
        (*DEEP, *NUMBERS),
    ),
    "principal": Parser(
        _text(Principal.from_text), (PrincipalError,), (b"rwlgt-iiaaa-aaaaa-aaaaa-cai",), (b"a-" * 100_000,)
    ),
    "locator": Parser(
        _text(locators.BlobLocator.parse), (LocatorError,), (b"blob_5",), (b"blob_" + b"9" * 5_000,)
    ),
}


def mutated(seeds: tuple[bytes, ...], count: int) -> Iterator[bytes]:
    """Seeds with bytes changed, cut, doubled and put in, and random bytes; the same ones every time."""
    choice = random.Random(20240229)
    special = (b"\xff", b"\x80", b"\x00", b"\x7f", b"\xff" * 12, b"{", b"[", b'"', b"\xd9\xd9\xf7", b"9" * 40)
    for number in range(count):
        data = bytearray(seeds[number % len(seeds)])
        for _ in range(choice.randint(1, 4)):
            at = choice.randint(0, len(data))
            end = min(len(data), at + choice.choice((0, 1, 1, 1, 2, 8)))
            piece = choice.choice(
                (bytes([choice.randrange(256)]), choice.choice(special), data[at:end] * 2, b"")
            )
            data[at:end] = piece
        yield bytes(data)
        if number % 10 == 0:
            yield choice.randbytes(choice.randint(0, 60))


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", PARSERS)
def test_only_its_own_errors(name):
    """Seeds are understood; mutated and hostile inputs give a value or one of the parser's own errors."""
    parser = PARSERS[name]
    for data in (*parser.seeds, *parser.hostile, *mutated(parser.seeds, parser.mutations)):
        assert len(_problem(parser, data)) < 100_000, data[:100]


def _problem(parser: Parser, data: bytes) -> str:
    try:
        parser.run(data)
    except parser.errors as error:
        return str(error)
    return ""


def test_errors_are_the_documented_ones():
    """The errors above are errors of this package, but for the one of modules, which is the replica's."""
    for parser in PARSERS.values():
        assert all(
            issubclass(error, (InputError, CandidError, ProtocolError, CallError, StateError, ModuleInvalid))
            for error in parser.errors
        )
