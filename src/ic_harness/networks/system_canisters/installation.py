"""Installs the Internet Computer's own canisters into a replica, at their ids on mainnet.

They are created and installed without envelopes, as NNS root, which controls them on mainnet; controllers that a test
wants besides are added. A canister that exists already, as in a state folder, is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from ic_harness import candid
from ic_harness.errors import InputError, ReplicaError
from ic_harness.principal import Principal
from ic_harness.replica import Replica, SubnetKind, SubnetSpec

from .catalogue import CYCLES_LEDGER, CYCLES_MINTING, GOVERNANCE, PLENTY, ROOT
from .init_arguments import CYCLES, GATEWAY_PORT, Situation
from .selection import Selected

XDR_PERMYRIAD_PER_ICP: Final = 35_200
"""The price of an ICP at start, in 1/10,000 XDR: a top-up with one ICP mints 3.52 trillion cycles."""
MAINNET_IDS: Final = 1 << 32
"""Ids below this one may exist on mainnet: a network of one subnet leaves them to the canisters that belong there."""
_ANONYMOUS: Final = Principal.anonymous()
_MANAGEMENT: Final = Principal.management()
_CMC_METHODS: Final = """service : {
  set_icp_xdr_conversion_rate : (record {
    data_source : text; timestamp_seconds : nat64; xdr_permyriad_per_icp : nat64 }) -> (variant { Ok; Err : text });
  set_authorized_subnetwork_list : (record { who : opt principal; subnets : vec principal }) -> ();
  update_subnet_type : (variant { Add : text }) -> ();
  change_subnet_type_assignment : (variant { Add : record { subnets : vec principal; subnet_type : text } }) -> ();
  provisional_create_canister_with_cycles : (record {
    amount : opt nat; specified_id : opt principal; settings : opt record { controllers : opt vec principal } })
    -> (record { canister_id : principal });
  install_code : (record { mode : variant { install }; canister_id : principal; wasm_module : blob; arg : blob })
    -> ();
}"""
"""Methods that are called here, of the management canister and of the cycles minting canister."""
_FIDUCIARY: Final = "fiduciary"

Subnets = str | Mapping[str, int] | Sequence[SubnetSpec] | None


def with_kinds(subnets: Subnets, selected: Iterable[Selected]) -> Subnets:
    """Return the description of a network's subnets with those that the ids of these canisters need.

    A network of one subnet has all ids and stays as it is. A sequence of specifications says everything itself.
    """
    wanted = [canister.canister.kind.value for canister in selected]
    if isinstance(subnets, str):
        named = {part.partition("=")[0].strip().lower().replace("-", "_") for part in subnets.split(",")}
        return ",".join([subnets, *dict.fromkeys(kind for kind in wanted if kind not in named)])
    if isinstance(subnets, Mapping):
        named = {str(kind).lower().replace("-", "_") for kind in subnets}
        return {**subnets, **{kind: 1 for kind in wanted if kind not in named}}
    return subnets


def install_icp(
    replica: Replica,
    selected: Sequence[Selected],
    *,
    controllers: Iterable[Principal] = (),
    holders: Iterable[Principal] = (),
    cycles: int = CYCLES,
    gateway_port: int | None = None,
) -> dict[str, Principal]:
    """Install these canisters where they do not exist yet, and return their ids by name.

    They are controlled by NNS root and `controllers`. The anonymous principal and `holders` own 1,000,000,000 ICP and
    `cycles` on the cycles ledger each. The cycles minting canister learns the price of an ICP, and the subnets on which
    it creates canisters. Pages that call others find them at `gateway_port`, by default that of dfx.

    Raises `InputError` when no subnet has an id, `RejectError` when a module or its `init` is refused.
    """
    for one in selected:
        if replica.nodes.host(one.canister.id.raw) is None:
            raise InputError(
                f"no subnet of the network has the id of {one.canister.title}, {one.canister.id}: add a subnet of the "
                f"kind {one.canister.kind.value}"
            )
    if len(replica.nodes.all) == 1 and _has_id(replica, MAINNET_IDS) and not replica.canister_ids():
        replica.begin_ids(MAINNET_IDS)
    situation = Situation(
        holders=tuple(dict.fromkeys((_ANONYMOUS, *holders))),
        sns_subnets=_subnets(replica, SubnetKind.SNS),
        names=frozenset(one.canister.name for one in selected),
        now_ns=replica.clock.now_ns(),
        cycles=cycles,
        gateway_port=GATEWAY_PORT if gateway_port is None else gateway_port,
    )
    for one in selected:
        if not _exists(replica, one.canister.id):
            _install(replica, one, situation, [ROOT, *controllers])
    return {one.canister.name: one.canister.id for one in selected}


def _has_id(replica: Replica, index: int) -> bool:
    """Whether the network has the canister id with this number: one with ranges of its own need not."""
    return replica.nodes.host(index.to_bytes(8, "big") + b"\x01\x01") is not None


def _exists(replica: Replica, canister: Principal) -> bool:
    try:
        return replica.canister(canister).installed
    except ReplicaError:
        return False


def _install(replica: Replica, one: Selected, situation: Situation, controllers: list[Principal]) -> None:
    canister = one.canister
    call = _caller(replica)
    if not replica.has_canister(canister.id):  # an earlier installation may have ended before its module's
        settings = {"controllers": list(dict.fromkeys(controllers))}
        owned = situation.cycles * len(situation.holders) if canister.id == CYCLES_LEDGER else 0
        created = {"amount": max(PLENTY, owned), "specified_id": canister.id, "settings": settings}
        call(ROOT, _MANAGEMENT, "provisional_create_canister_with_cycles", created)
    arg = canister.init(situation) if one.arg is None else one.arg
    module = {"mode": {"install": None}, "canister_id": canister.id, "wasm_module": one.wasm, "arg": arg}
    call(ROOT, _MANAGEMENT, "install_code", module)
    if canister.id == CYCLES_MINTING:
        _teach(replica, situation, call)


def _teach(replica: Replica, situation: Situation, call: Callable[..., Any]) -> None:
    """Pass the cycles minting canister what NNS proposals pass it on mainnet: the price, and the subnets."""
    rate = {
        "data_source": "ic-harness",
        "timestamp_seconds": situation.now_ns // 10**9,
        "xdr_permyriad_per_icp": XDR_PERMYRIAD_PER_ICP,
    }
    call(GOVERNANCE, CYCLES_MINTING, "set_icp_xdr_conversion_rate", rate)
    default = _subnets(replica, SubnetKind.APPLICATION) or (Principal(replica.nodes.registry.default.id),)
    subnets = {"who": None, "subnets": list(default)}
    call(GOVERNANCE, CYCLES_MINTING, "set_authorized_subnetwork_list", subnets)
    fiduciary = _subnets(replica, SubnetKind.FIDUCIARY)
    if fiduciary:
        call(GOVERNANCE, CYCLES_MINTING, "update_subnet_type", {"Add": _FIDUCIARY})
        assigned = {"subnets": list(fiduciary), "subnet_type": _FIDUCIARY}
        call(GOVERNANCE, CYCLES_MINTING, "change_subnet_type_assignment", {"Add": assigned})


def _subnets(replica: Replica, kind: SubnetKind) -> tuple[Principal, ...]:
    return tuple(Principal(subnet.id) for subnet in replica.nodes.registry.subnets if subnet.kind is kind)


def _caller(replica: Replica) -> Callable[[Principal, Principal, str, dict[str, Any]], Any]:
    """Return a function that calls a method with one record and returns what it answers."""
    methods = candid.parse(_CMC_METHODS).methods

    def call(sender: Principal, canister: Principal, method: str, argument: dict[str, Any]) -> Any:
        known = methods[method]
        reply = replica.execute_update(sender, canister, method, candid.encode([argument], known.arg_types))
        values = candid.decode(reply, known.return_types)
        if values and isinstance(values[0], dict) and "Err" in values[0]:
            raise InputError(f"{method} of {canister} refused: {values[0]['Err']}")
        return values

    return call
