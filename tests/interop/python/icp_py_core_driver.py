"""icp-py-core as the judge: reads {scenario, host, root_key, …} from standard input, prints JSON.

Runs in a venv of its own (icp_py_core.txt). Its certificate check needs the module `blst`, which no registry
has; `stand_in/blst.py` serves it by pyblst. It also insists on mainnet's root key, so the constant is
replaced by the key of the replica under test: the check itself (tree digest, BLS, time) stays its own.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "stand_in"))

import icp_certificate.certificate as certificates
from icp_agent import Agent, Client, system_state
from icp_candid.candid import Types, encode
from icp_core.errors import ICError
from icp_identity import Identity

EMPTY = encode([])


def agent_for(request, identity=None):
    """An agent that verifies certificates and query signatures with the replica's own root key."""
    certificates.IC_ROOT_KEY = bytes.fromhex(request["root_key"])
    identity = identity or Identity()
    return Agent(
        identity, Client(request["host"]), root_key=certificates.IC_ROOT_KEY, verify_query_signatures=True
    )


def first(values):
    """The first decoded value."""
    return values[0]["value"]


def refusal(call):
    """What the error of `call` tells, or None when it succeeds."""
    try:
        call()
    except (ICError, RuntimeError, ValueError) as error:
        return {"kind": type(error).__name__, "message": str(error)}
    return None


def _query(agent, request, method, arg=EMPTY):
    return agent.query(request["canister"], method, arg)


def _update(agent, request, method, arg=EMPTY):
    return agent.update(request["canister"], method, arg, verify_certificate=True, initial_delay=0.05)


def round_trip(request):
    agent = agent_for(request)
    before = first(_query(agent, request, "get"))
    incremented = first(_update(agent, request, "increment"))
    added = first(_update(agent, request, "add", [{"type": Types.Nat, "value": 10**30}]))
    return {
        "before": before,
        "incremented": incremented,
        "added": added,
        "after": first(_query(agent, request, "get")),
    }


def refusals(request):
    agent = agent_for(request)
    methods = ("fail_by_assert", "fail_by_throw", "no_such_update")
    return {method: refusal(lambda method=method: _update(agent, request, method)) for method in methods}


def callers(request):
    identities = {
        "anonymous": Identity(anonymous=True),
        "ed25519": Identity(),
        "secp256k1": Identity(type="secp256k1"),
    }
    seen = {}
    for name, identity in identities.items():
        agent = agent_for(request, identity)
        query, update = (
            first(_query(agent, request, "whoami")),
            first(_update(agent, request, "whoami_update")),
        )
        seen[name] = {"expected": str(identity.sender()), "query": str(query), "update": str(update)}
    return seen


def state(request):
    agent, canister = agent_for(request), request["canister"]
    return {
        "module_hash": system_state.canister_module_hash(agent, canister),
        "controllers": [str(one) for one in system_state.canister_controllers(agent, canister)],
        "subnet_key": system_state.subnet_public_key(agent, canister, request["subnet"]),
        "subnet_key_direct": system_state.subnet_public_key_direct(agent, request["subnet"]),
        "ranges": [
            [str(end) for end in one]
            for one in system_state.subnet_canister_ranges_direct(agent, request["subnet"])
        ],
    }


def wrong_root_key(request):
    agent = agent_for(request)
    return {"update": refusal(lambda: _update(agent, request, "increment"))}


SCENARIOS = {one.__name__: one for one in (round_trip, refusals, callers, state, wrong_root_key)}

if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump(SCENARIOS[asked["scenario"]](asked), sys.stdout, default=str)
