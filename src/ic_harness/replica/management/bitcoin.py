"""The Bitcoin interface, answered by the chains in memory (`bitcoin/`).

Interface specification, "Bitcoin API"; texts and fees are those of the Bitcoin canister, whose methods have the same
names: calls to its ids (`bitcoin_canisters.py`) come here where no canister is installed at them. A caller attaches the
maximum; what is not charged is returned. On regtest nothing is charged.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from ic_harness.replica.bitcoin import (
    AddressError,
    Chain,
    Network,
    RefusedError,
    TransactionError,
    Utxo,
    parse_transaction,
)
from ic_harness.replica.management import refusals
from ic_harness.replica.management.call import Call, ManagementReject

PAGE_UTXOS: Final = 1_000
"""Outputs in one answer of `bitcoin_get_utxos`."""
MAX_HEADERS: Final = 100
"""Headers in one answer of `bitcoin_get_block_headers`."""


class Fee(NamedTuple):
    """What must be attached, and what is charged, in cycles."""

    attached: int
    charged: int


_READ: Final = {
    Network.MAINNET: Fee(10_000_000_000, 50_000_000),
    Network.TESTNET: Fee(4_000_000_000, 20_000_000),
}
_SMALL: Final = {
    Network.MAINNET: Fee(100_000_000, 10_000_000),
    Network.TESTNET: Fee(40_000_000, 4_000_000),
}
_SEND: Final = {
    Network.MAINNET: (5_000_000_000, 20_000_000),
    Network.TESTNET: (2_000_000_000, 8_000_000),
}
_FREE: Final = Fee(0, 0)


def _network(call: Call) -> Network:
    return Network(next(iter(call.argument["network"])))


def _chain(call: Call) -> Chain:
    return call.view.bitcoin[_network(call)]


def _pay(call: Call, fee: Fee) -> None:
    """Charge a fee. Raises `ManagementReject` when less than its maximum is attached."""
    if call.cycles < fee.attached:
        raise ManagementReject(refusals.fee_not_attached(call.request.method, call.cycles, fee.attached))
    call.pay(fee.charged)


def _refuse(problem: str) -> ManagementReject:
    return ManagementReject(refusals.rejected(problem))


def _utxos(call: Call, confirmations: int, tip: int | None = None) -> list[Utxo]:
    """Return the unspent outputs of the address in the argument. Raises `ManagementReject`."""
    chain = _chain(call)
    if confirmations > chain.height + 1:
        raise _refuse(
            f"The requested min_confirmations is too large. Given: {confirmations}, max supported: {chain.height + 1}"
        )
    try:
        return chain.utxos(call.argument["address"], confirmations, tip=tip)
    except AddressError:
        raise _refuse("Malformed address.") from None


def get_balance(call: Call) -> tuple[int]:
    """Return the satoshi of an address."""
    _pay(call, _SMALL.get(_network(call), _FREE))
    return (sum(one.value for one in _utxos(call, call.argument["min_confirmations"] or 0)),)


def get_utxos(call: Call) -> tuple[dict[str, Any]]:
    """Return unspent outputs of an address, the newest first, a page at a time."""
    _pay(call, _READ.get(_network(call), _FREE))
    chain, asked = _chain(call), call.argument["filter"] or {}
    tip, after = chain.height, 0
    if "page" in asked:
        tip, after = _page(chain, asked["page"])
    found = _utxos(call, asked.get("min_confirmations", 0), tip)
    shown, more = found[after : after + PAGE_UTXOS], len(found) > after + PAGE_UTXOS
    tip_hash = chain.blocks[tip].hash
    return (
        {
            "utxos": [_utxo(one) for one in shown],
            "tip_block_hash": tip_hash,
            "tip_height": tip,
            "next_page": tip_hash + (after + PAGE_UTXOS).to_bytes(8, "big") if more else None,
        },
    )


def _page(chain: Chain, page: bytes) -> tuple[int, int]:
    """Return the height of the tip at the first page, and how many outputs came before this one."""
    if len(page) != 40:
        raise _refuse("The provided page is malformed.")
    tip = chain.height_of(page[:32])
    if tip is None:
        raise _refuse("The provided tip block hash is unknown.")
    return tip, int.from_bytes(page[32:], "big")


def _utxo(one: Utxo) -> dict[str, Any]:
    txid, vout = one.outpoint
    return {"outpoint": {"txid": txid, "vout": vout}, "value": one.value, "height": one.height}


def get_fee_percentiles(call: Call) -> tuple[list[int]]:
    """Return the percentiles of recent fees."""
    _pay(call, _SMALL.get(_network(call), _FREE))
    return (_chain(call).fee_percentiles(),)


def get_block_headers(call: Call) -> tuple[dict[str, Any]]:
    """Return the headers of a range of blocks, at most a hundred."""
    _pay(call, _READ.get(_network(call), _FREE))
    chain, first = _chain(call), call.argument["start_height"]
    last = call.argument["end_height"]
    for name, height in (("start_height", first), ("end_height", first if last is None else last)):
        if height > chain.height:
            raise _refuse(
                f"The requested {name} is larger than the height of the chain. Requested: {height}, height of chain: "
                f"{chain.height}"
            )
    if last is not None and last < first:
        raise _refuse(
            f"The requested start_height is larger than the requested end_height. start_height: {first}, end_height: "
            f"{last}"
        )
    last = min(chain.height if last is None else last, first + MAX_HEADERS - 1)
    return ({"tip_height": chain.height, "block_headers": list(chain.headers(first, last))},)


def send_transaction(call: Call) -> tuple[()]:
    """Give a transaction to the network. One that is not valid is dropped, as by real nodes; tests see why."""
    content, network = call.argument["transaction"], _network(call)
    base, by_byte = _SEND.get(network, (0, 0))
    cost = base + by_byte * len(content)
    _pay(call, Fee(cost, cost))
    try:
        transaction = parse_transaction(content)
    except TransactionError:
        raise _refuse("Can't deserialize transaction because it's malformed.") from None
    try:
        call.view.bitcoin[network].send(transaction)
    except RefusedError as problem:
        call.view.bitcoin.refused.append((network, content, str(problem)))
    return ()
