"""Every way to lie, for every kind of request: never a wrong result, always the typed error."""

import pytest

from ic_harness.agent import NO_RETRIES, Response
from ic_harness.errors import CallError, CallTimeoutError, CertificateError, ProtocolError, TransportError
from ic_harness.principal import Principal
from ic_harness.protocol import (
    Certificate,
    Ed25519Identity,
    bls,
    build,
    cbor,
    leb128_encode,
    sign_certificate,
)

from .standin import CANISTER, METADATA, ROOT, SECOND, START, StandIn, ok

OTHER = Principal(bytes.fromhex("00000000000000060101"))
HTML = Response(200, {"content-type": "text/html"}, b"<!doctype html><title>Wi-Fi login</title>")

ASK = {
    "update": lambda agent: agent.update(CANISTER, "greet", b"mine"),
    "query": lambda agent: agent.query(CANISTER, "get", b"mine"),
    "state": lambda agent: agent.read_state([[b"time"]], CANISTER).time_ns,
    "metadata": lambda agent: agent.read_metadata(CANISTER, "candid:service"),
    "nodes": lambda agent: list(agent.read_subnet(CANISTER).node_keys),
    "subnet": lambda agent: (
        agent.read_subnet_state([[b"time"]], Principal.self_authenticating(ROOT.public_der)).time_ns
    ),
}
KINDS = list(ASK)


def fails(net, kind, *errors, **options):
    """Assert that a request fails as it may; gives the error."""
    with pytest.raises(errors or (CallError, ProtocolError)) as caught:
        ASK[kind](net.agent(retry=NO_RETRIES, **options))
    assert "Error" in type(caught.value).__name__
    return caught.value


def every(answer):
    """A fault for every request but the status."""
    return lambda request: None if request.path.endswith("status") else answer(request)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [200, 202, 403, 500])
def test_html_instead_of_cbor(kind, status):
    """The page of a hotel, a proxy or a gateway is no answer, whatever its status."""
    page = Response(status, HTML.headers, HTML.body)
    fails(StandIn(faults=[every(lambda _: page)]), kind, CallError)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_body_that_ends_early(kind, part):
    """What is cut off anywhere is no answer."""
    net = StandIn()

    def cut(request):
        body = net.serve(request).body
        return Response(200, {}, body[: int(len(body) * part)])

    net.faults.append(every(cut))
    fails(net, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_silence(kind):
    """A network that does not answer is a transport error."""

    def silent(_request):
        raise TransportError("timed out")

    fails(StandIn(faults=[every(silent)]), kind, TransportError)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("skew", [-3600, -301, 301, 3600])
def test_another_time(kind, skew):
    """Answers of the past and of the future are refused."""
    fails(StandIn(skew=skew * SECOND), kind, CertificateError)


@pytest.mark.parametrize("kind", KINDS)
def test_another_root(kind):
    """A network that signs with its own key is not the one whose root key is known."""
    liar = bls.keypair(b"liar" * 8)
    fails(StandIn(), kind, CertificateError, root_key=liar.public_der)


@pytest.mark.parametrize("kind", KINDS)
def test_a_lie_about_the_root_key(kind):
    """Who tells another root key than the one that signs proves nothing by what it signs."""
    liar = bls.keypair(b"liar" * 8)
    told = ok({"root_key": liar.public_der})
    net = StandIn(faults=[lambda request: told if request.path.endswith("status") else None])
    fails(net, kind, CertificateError, root_key=None)


def swapped(net, kind):
    """A fault that answers with what was true for another request of the same kind."""
    another = {
        "update": lambda agent: agent.update(CANISTER, "greet", b"another's"),
        "query": lambda agent: agent.query(CANISTER, "get", b"another's"),
    }.get(kind, lambda agent: agent.read_state([[b"nothing"]], CANISTER))
    kept = []

    def keep(request):
        response = net.serve(request)
        kept.append((request.path.rsplit("/", 1)[1], response))
        return response

    net.faults.append(keep)
    another(net.agent(clock=lambda: net.now))
    net.faults.clear()
    path, response = kept[0]
    return lambda request: response if request.path.endswith(path) else None


@pytest.mark.parametrize("kind", ["update", "query", "metadata", "nodes"])
def test_a_swapped_reply(kind):
    """A true answer to another request is none to this one."""
    net = StandIn()
    net.faults.append(swapped(net, kind))
    fails(net, kind, CertificateError, CallTimeoutError)


def forged(tree, key=ROOT):
    """An answer with a certificate of its own."""
    return ok(
        {"certificate": sign_certificate(build({b"time": leb128_encode(START), **tree}), key).to_cbor()}
    )


@pytest.mark.parametrize("kind", ["metadata", "nodes"])
def test_a_certificate_of_another_canister(kind):
    """What is proven of another canister proves nothing of this one."""
    about_another = {
        b"canister": {OTHER.raw: {b"metadata": {b"candid:service": b"service : { evil : () -> () }"}}}
    }
    net = StandIn(faults=[lambda request: forged(about_another) if "read_state" in request.path else None])
    if kind == "metadata":
        # The tree proves that there is no such canister: absent, which is not the other one's interface.
        assert ASK[kind](net.agent()) is None
    else:
        fails(net, kind, CertificateError)


@pytest.mark.parametrize("kind", ["update", "state", "metadata", "nodes"])
def test_a_subnet_outside_its_range(monkeypatch, kind):
    """A subnet whose delegation does not name the canister cannot speak for it."""
    net = StandIn(delegated=True)
    grant = net.delegation()
    inner = Certificate.from_cbor(grant.certificate)
    subnet = b"subnet", grant.subnet_id
    elsewhere = {
        b"time": leb128_encode(START),
        b"subnet": {
            grant.subnet_id: {
                b"public_key": inner.lookup_value((*subnet, b"public_key")),
                b"canister_ranges": cbor.encode([[OTHER.raw, OTHER.raw]]),
            }
        },
    }
    moved = sign_certificate(build(elsewhere), ROOT).to_cbor()
    monkeypatch.setattr(net, "delegation", lambda: type(grant)(grant.subnet_id, moved))
    fails(net, kind, CertificateError)


def test_a_query_signed_by_a_stranger():
    """An answer that is signed by who is no node of the subnet is refused."""
    fails(StandIn(signer=Ed25519Identity.from_seed(b"\x31" * 32)), "query", CertificateError)


@pytest.mark.parametrize("kind", KINDS)
def test_the_honest_network(kind):
    """The same requests succeed where nobody lies, so that the tests above fail for the lie alone."""
    honest = StandIn()
    expected = {"update": b"reply", "query": b"answer", "metadata": METADATA, "state": START, "subnet": START}
    seen = ASK[kind](honest.agent())
    assert seen == expected.get(kind, [honest.signer.principal.raw])
