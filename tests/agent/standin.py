"""A network for the agent's tests: a few lines that answer like a replica, and misbehave on request.

`StandIn` is a callable for `CallableTransport`. Its `faults` are functions that get each request before it is
answered and may return a response, raise, or return None to let it pass.
"""

from dataclasses import dataclass, field
from typing import Any

from ic_harness.agent import Agent, CallableTransport, Response
from ic_harness.errors import EnvelopeError
from ic_harness.principal import Principal
from ic_harness.protocol import (
    Certificate,
    Delegation,
    Ed25519Identity,
    Envelope,
    bls,
    build,
    cbor,
    check_expiry,
    leb128_encode,
    prune,
    sign_certificate,
    sign_query_response,
    verify_envelope,
)

START = 1_700_000_000 * 10**9
SECOND = 10**9
CANISTER = Principal(bytes.fromhex("00000000000000050101"))
LOW, HIGH = bytes.fromhex("00000000000000000101"), bytes.fromhex("0000000000ffffff0101")
ROOT = bls.keypair(b"root" * 8)
SUBNET = bls.keypair(b"subnet" * 8)
NODE = Ed25519Identity.from_seed(b"\x07" * 32)
METADATA = b"service : {}"


@dataclass
class Record:
    """What the network knows of a call."""

    state: dict
    polls_left: int = 0


@dataclass
class StandIn:
    """One subnet with one node. `versions` are the API versions it serves; `polls` delays each verdict."""

    versions: tuple = ("v2", "v3", "v4")
    polls: int = 0
    delegated: bool = False
    now: int = START
    skew: int = 0
    nodes: list = field(default_factory=lambda: [NODE])
    signer: Ed25519Identity = NODE
    faults: list = field(default_factory=list)
    calls: dict = field(default_factory=dict)
    executed: list = field(default_factory=list)
    paths: list = field(default_factory=list)
    sleeps: list = field(default_factory=list)
    verdict: dict = field(default_factory=lambda: {b"status": b"replied", b"reply": b"reply"})
    answer: dict = field(default_factory=lambda: {"status": "replied", "reply": {"arg": b"answer"}})
    direct: dict | None = None
    metadata: dict = field(default_factory=lambda: {b"candid:service": METADATA})

    def __call__(self, request):
        """Answer a request, unless a fault does."""
        self.paths.append(request.path)
        for fault in self.faults:
            answer = fault(request)
            if answer is not None:
                return answer
        return self.serve(request)

    def serve(self, request):
        """Answer a request as a well-behaved replica."""
        if request.path == "/api/v2/status":
            return ok({"root_key": ROOT.public_der, "replica_health_status": "healthy"})
        _, _, version, _, target, kind = request.path.split("/")
        if version not in self.versions:
            return Response(404, {}, b"not found")
        envelope = Envelope.from_cbor(request.body)
        sender = verify_envelope(envelope, now_ns=self.now)
        if kind == "call" or not sender.principal.is_anonymous:
            try:
                check_expiry(envelope.content["ingress_expiry"], self.now)
            except EnvelopeError as refusal:
                return Response(400, {}, str(refusal).encode())
        return getattr(self, kind)(envelope, Principal.from_text(target), version)

    def call(self, envelope, target, version):
        """Take a call; an id that is known runs no second time."""
        del target
        if envelope.request_id not in self.calls:
            if self.direct is not None:
                return ok(self.direct)
            self.executed.append(envelope.content)
            self.calls[envelope.request_id] = Record(dict(self.verdict), self.polls)
        if version == "v2" or self.calls[envelope.request_id].polls_left:
            return Response(202, {}, b"")
        certificate = self.certificate([(b"request_status", envelope.request_id)])
        return ok({"status": "replied", "certificate": certificate})

    def read_state(self, envelope, target, version):
        """Answer with a certificate for the wanted paths."""
        del target, version
        for path in envelope.content["paths"]:
            record = self.calls.get(path[1]) if path[0] == b"request_status" else None
            if record is not None:
                record.polls_left -= 1
        return ok({"certificate": self.certificate(envelope.content["paths"])})

    def query(self, envelope, target, version):
        """Answer a query, signed by the node."""
        del target, version
        stamp = self.now + self.skew
        return ok(sign_query_response(self.answer, envelope.request_id, stamp, self.signer))

    def certificate(self, paths):
        """A signed certificate that shows `paths` and the time."""
        tree = prune(build(self.state()), [*map(tuple, paths), (b"time",)])
        whole = sign_certificate(build(self.state()), SUBNET if self.delegated else ROOT)
        return Certificate(tree, whole.signature, self.delegation()).to_cbor()

    def state(self):
        """The state tree as nested mappings."""
        key = SUBNET if self.delegated else ROOT
        subnet_id = Principal.self_authenticating(key.public_der).raw
        calls = {
            identifier: {b"status": b"processing"} if record.polls_left > 0 else record.state
            for identifier, record in self.calls.items()
        }
        nodes = {n.principal.raw: {b"public_key": n.public_key_der} for n in self.nodes}
        subnet = {
            b"public_key": key.public_der,
            b"canister_ranges": cbor.encode([[LOW, HIGH]]),
            b"node": nodes,
        }
        return {
            b"time": leb128_encode(self.now + self.skew),
            b"request_status": calls,
            b"canister": {CANISTER.raw: {b"metadata": self.metadata}},
            b"subnet": {subnet_id: subnet},
        }

    def delegation(self):
        """The root's word for the subnet, when there is one."""
        if not self.delegated:
            return None
        subnet_id = Principal.self_authenticating(SUBNET.public_der).raw
        shown = {b"public_key": SUBNET.public_der, b"canister_ranges": cbor.encode([[LOW, HIGH]])}
        tree = build({b"time": leb128_encode(START), b"subnet": {subnet_id: shown}})
        return Delegation(subnet_id, sign_certificate(tree, ROOT).to_cbor())

    def sleep(self, seconds):
        """Let the time of this network pass instead of waiting."""
        self.sleeps.append(seconds)
        self.now += int(seconds * SECOND)

    def agent(self, **options):
        """An agent whose clock and sleep are this network's."""
        settings: dict[str, Any] = {
            "clock": lambda: self.now,
            "sleep": self.sleep,
            "root_key": ROOT.public_der,
            **options,
        }
        return Agent(CallableTransport(self), Ed25519Identity.from_seed(b"\x01" * 32), **settings)


def ok(value):
    """A successful answer."""
    return Response(200, {"content-type": "application/cbor"}, cbor.encode(value))


def times(count, make):
    """A fault for the first `count` requests: what `make(request)` returns or raises."""
    left = [count]

    def fault(request):
        if left[0] == 0:
            return None
        left[0] -= 1
        return make(request)

    return fault
