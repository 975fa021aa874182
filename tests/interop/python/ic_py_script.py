"""A script as users of ic-py write them. A test runs it with ic-py, and with its imports changed to ours.

python ic_py_script.py URL CANISTER: talks to the Motoko counter and prints what it saw as JSON.
"""

import asyncio
import json
import sys

from ic.agent import Agent
from ic.candid import Types, decode, encode
from ic.canister import Canister
from ic.certificate import lookup
from ic.client import Client
from ic.identity import Identity
from ic.principal import Principal
from ic.system_state import canister_controllers, canister_module_hash

INTERFACE = """
type State = record { count : nat; upgrades : nat; names : vec text };
service : {
  increment : () -> (nat);
  add : (nat) -> (nat);
  get : () -> (nat) query;
  state : () -> (State) query;
  remember : (text) -> ();
  whoami : () -> (principal) query;
  echo : (text, int, opt nat8, vec nat8) -> (text, int, opt nat8, vec nat8) query;
}
"""
KEY = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42"


def by_agent(agent, canister):
    """The calls of the README of ic-py: raw, with types and without."""
    name = agent.query_raw(canister, "get", encode([]))
    added = agent.update_raw(canister, "add", encode([{"type": Types.Nat, "value": 10**30}]))
    agent.update_raw(canister, "remember", encode([{"type": Types.Text, "value": "Ada"}]))
    fields = {"count": Types.Nat, "upgrades": Types.Nat, "names": Types.Vec(Types.Text)}
    state = agent.query_raw(canister, "state", encode([]), Types.Record(fields))
    untyped = agent.query_raw(canister, "state", encode([]))
    return [name, added, state[0]["value"], untyped[0]["value"]]


def by_canister(canister):
    """Methods as attributes, called and awaited."""

    async def at_once():
        return await asyncio.gather(canister.get_async(), canister.state_async())

    text, number, maybe, data = canister.echo("Grüße", -5, [7], [0, 255, 1])
    absent = canister.echo("", 0, [], [])[2]
    return {
        "increment": canister.increment(),
        "at_once": asyncio.run(at_once()),
        "echo": [text, number, maybe, list(data), absent],
        "whoami": [str(one) for one in canister.whoami()],
    }


def refused(agent, canister):
    """Whether an update that is refused raises."""
    try:
        agent.update_raw(canister, "no_such_method", encode([]))
    except Exception as error:  # noqa: BLE001 - ic-py raises bare exceptions
        return "no_such_method" in str(error)
    return False


def values():
    """Candid alone: every shape there and back, with types and without."""
    shape = Types.Record(
        {
            "tags": Types.Vec(Types.Text),
            "maybe": Types.Opt(Types.Opt(Types.Nat8)),
            "pair": Types.Tuple(Types.Int, Types.Bool),
            "either": Types.Variant({"ok": Types.Nat, "none": Types.Null}),
        }
    )
    value = {"tags": ["a", "b"], "maybe": [[3]], "pair": (-1, True), "either": {"ok": 5}}
    data = encode([{"type": shape, "value": value}, {"type": Types.Principal, "value": "aaaaa-aa"}])
    typed = decode(data, [shape, Types.Principal])
    return [typed[0]["value"], str(typed[1]["value"]), decode(data)[0]["value"]]


def keys():
    """Identities and principals."""
    identity, secp = Identity(KEY), Identity(KEY, type="secp256k1")
    phrase = Identity.from_seed("abandon " * 11 + "about")
    again = Identity.from_pem(secp.to_pem().decode())
    principal = Principal.from_str(str(identity.sender()))
    anonymous = Identity(anonymous=True)
    return {
        "senders": [str(one.sender()) for one in (identity, secp, phrase, again, anonymous)],
        "signature": identity.sign(b"message")[1].hex(),
        "key": [identity.der_pubkey.hex(), identity.privkey, secp.privkey],
        "account": principal.to_account_id(1).to_str(),
        "principal": [principal.len, principal.hex, Principal.from_hex(principal.hex).to_str()],
        "special": [str(Principal()), str(Principal.anonymous()), Principal(bytes=b"\x01").to_str()],
    }


def main(url, canister_id):
    agent = Agent(Identity(KEY), Client(url))
    certificate = agent.read_state_raw(canister_id, [[b"time"]])
    seen = {
        "agent": by_agent(agent, canister_id),
        "canister": by_canister(Canister(agent, canister_id, INTERFACE)),
        "refused": refused(agent, canister_id),
        "values": values(),
        "keys": keys(),
        "caller": str(agent.get_principal()),
        "module": canister_module_hash(agent, canister_id),
        "controllers": [str(one) for one in canister_controllers(agent, canister_id)],
        "time": len(lookup([b"time"], certificate)) > 5,
    }
    print(json.dumps(seen))  # noqa: T201 - what it saw


main(*sys.argv[1:])
