"""ic-py as the judge: reads {scenario, host, …} from standard input, prints the scenario's result as JSON.

Runs in a venv of its own (ic_py.txt); ic-py verifies nothing, so this judges wire format and semantics only.
"""

import hashlib
import json
import os
import sys
import time

import leb128
from ic.agent import Agent
from ic.candid import Types, encode
from ic.client import Client
from ic.constants import IC_REQUEST_DOMAIN_SEPARATOR
from ic.identity import DelegateIdentity, Identity
from ic.principal import Principal
from ic.system_state import canister_controllers, canister_module_hash
from ic.system_state import time as state_time
from ic.utils import to_request_id

EMPTY = encode([])


def agent_for(request, identity=None):
    """An agent for the replica under test; anonymous unless told otherwise."""
    return Agent(identity or Identity(anonymous=True), Client(request["host"]))


def first(values):
    """The first decoded value."""
    return values[0]["value"]


def refusal(call):
    """The text of the exception that `call` raises, or None."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 - ic-py raises bare Exception; the text is the result
        return str(error)
    return None


def round_trip(request):
    agent, canister = agent_for(request, Identity()), request["canister"]
    before = first(agent.query_raw(canister, "get", EMPTY))
    incremented = first(agent.update_raw(canister, "increment", EMPTY))
    echo = [
        {"type": Types.Text, "value": "Grüße"},
        {"type": Types.Int, "value": -(10**30)},
        {"type": Types.Opt(Types.Nat8), "value": [7]},
        {"type": Types.Vec(Types.Nat8), "value": [0, 255, 1]},
    ]
    echoed = [value["value"] for value in agent.query_raw(canister, "echo", encode(echo))]
    return {"before": before, "incremented": incremented, "echoed": echoed}


def refusals(request):
    agent, canister = agent_for(request, Identity()), request["canister"]
    return {
        "by_assert": refusal(lambda: agent.update_raw(canister, "fail_by_assert", EMPTY)),
        "by_throw": refusal(lambda: agent.update_raw(canister, "fail_by_throw", EMPTY)),
        "in_query": agent.query_raw(canister, "fail_in_query", EMPTY),
        "no_update": refusal(lambda: agent.update_raw(canister, "no_such_update", EMPTY)),
        "no_query": agent.query_raw(canister, "no_such_query", EMPTY),
    }


def _delegated(root, session, *, expires_s):
    """A session key that acts for `root`, in the JSON form that Internet Identity stores."""
    expiration = int((time.time() + expires_s) * 10**9)
    delegation = {"pubkey": session.der_pubkey, "expiration": expiration}
    payload = b"\x1aic-request-auth-delegation" + to_request_id(delegation)
    signed = {
        "delegation": {"pubkey": session.der_pubkey.hex(), "expiration": f"{expiration:x}"},
        "signature": root.sign(payload)[1].hex(),
    }
    return DelegateIdentity(session, {"delegations": [signed], "publicKey": root.der_pubkey.hex()})


def callers(request):
    root = Identity(type="secp256k1")
    identities = {
        "anonymous": Identity(anonymous=True),
        "ed25519": Identity(),
        "secp256k1": Identity(type="secp256k1"),
        "delegated": _delegated(root, Identity(), expires_s=3600),
    }
    seen = {}
    for name, identity in identities.items():
        agent = agent_for(request, identity)
        query = first(agent.query_raw(request["canister"], "whoami", EMPTY))
        update = first(agent.update_raw(request["canister"], "whoami_update", EMPTY))
        seen[name] = {"expected": str(identity.sender()), "query": str(query), "update": str(update)}
    return seen


def keys(request):
    """The principals of PEM texts, and the PEM texts of new keys with their principals."""
    made = [Identity(), Identity(type="secp256k1")]
    return {
        "pems": [str(Identity.from_pem(pem).sender()) for pem in request["pems"]],
        "phrases": [str(Identity.from_seed(phrase).sender()) for phrase in request["phrases"]],
        "made": [[one.to_pem().decode(), str(one.sender())] for one in made],
    }


def same_second(request):
    """Two identical calls are one request for ic-py (no nonce): executed once, answered twice."""
    agent = agent_for(request, Identity())
    fixed = agent.get_expiry_date()
    agent.get_expiry_date = lambda: fixed
    replies = [first(agent.update_raw(request["canister"], "increment", EMPTY)) for _ in range(2)]
    return {"replies": replies, "count": first(agent.query_raw(request["canister"], "get", EMPTY))}


def state(request):
    agent, canister = agent_for(request, Identity()), request["canister"]
    return {
        "time": state_time(agent, canister),
        "module_hash": canister_module_hash(agent, canister),
        "controllers": [str(one) for one in canister_controllers(agent, canister)],
        "separator": IC_REQUEST_DOMAIN_SEPARATOR.hex(),
        "anonymous": str(Principal.anonymous()),
    }


def _chunk_argument(session, index, chunk, *, pre_encoded):
    """The argument of uploads_put_chunk; `pre_encoded` spares ic-py its slow encoding of the bytes."""
    data = b"" if pre_encoded else chunk
    values = [(Types.Nat64, session), (Types.Nat32, index), (Types.Vec(Types.Nat8), data)]
    argument = encode([{"type": kind, "value": value} for kind, value in values])
    return argument[:-1] + leb128.u.encode(len(chunk)) + chunk if pre_encoded else argument


def upload(request):
    """The seconds of begin, each chunk and finish; at most `measured` chunks are sent, finish only after all."""
    agent, canister = agent_for(request, Identity()), request["canister"]
    size, chunk, measured = request["size"], request["chunk"], request["measured"]
    data, count = os.urandom(size), -(-size // chunk)
    none = {"type": Types.Opt(Types.Null), "value": []}
    capsule = agent.update_raw(canister, "capsules_create", encode([none]), CAPSULE)[0]["value"]["Ok"]["id"]
    timed = []

    def update(method, argument):
        began = time.perf_counter()
        reply = agent.update_raw(canister, method, argument())
        timed.append(time.perf_counter() - began)
        return next(iter(first(reply).values()))

    begin = [(Types.Text, capsule), (Types.Nat32, count), (Types.Text, data[:16].hex())]
    session = update(
        "uploads_begin", lambda: encode([{"type": kind, "value": value} for kind, value in begin])
    )
    for index in range(measured):
        part = data[index * chunk : (index + 1) * chunk]
        update(
            "uploads_put_chunk",
            lambda index=index, part=part: _chunk_argument(
                session, index, part, pre_encoded=request["pre_encoded"]
            ),
        )
    if measured == count:
        finish = [
            (Types.Nat64, session),
            (Types.Vec(Types.Nat8), hashlib.sha256(data).digest()),
            (Types.Nat64, size),
        ]
        finished = update(
            "uploads_finish", lambda: encode([{"type": kind, "value": value} for kind, value in finish])
        )
        return {"seconds": timed, "finished": str(finished)}
    return {"seconds": timed}


CAPSULE = [Types.Variant({"Ok": Types.Record({"id": Types.Text}), "Err": Types.Null})]

SCENARIOS = {one.__name__: one for one in (round_trip, refusals, callers, keys, same_second, state, upload)}

if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump(SCENARIOS[asked["scenario"]](asked), sys.stdout, default=str)
