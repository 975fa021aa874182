"""The suite fills the arguments of `init` by the names of their fields."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.icrc.arguments import FEE, ledger_arguments, upgrade_arguments
from ic_harness.principal import Principal

MINTER = Principal.anonymous()
ACCOUNT = "record { owner : principal; subaccount : opt blob }"


def filled(text):
    """The arguments for types such as `(nat, text)`, decoded again; None where the suite has none."""
    types = candid.parse_types(text)
    encoded = ledger_arguments(types, MINTER)
    return None if encoded is None else candid.decode(encoded, types)


def test_a_record_of_ones_own():
    """Minting account, fee, names and decimals are recognized, whatever else there is is empty."""
    (made,) = filled(
        f"(record {{ minting : {ACCOUNT}; fee : nat; token_name : text; token_symbol : text; decimals : nat8; "
        "initial : vec record { text; nat }; memo : opt nat16; paused : bool; controller : principal; salt : blob })"
    )
    assert made == {
        "minting": {"owner": MINTER, "subaccount": None},
        "fee": FEE,
        "token_name": "Test token",
        "token_symbol": "TEST",
        "decimals": 8,
        "initial": [],
        "memo": None,
        "paused": False,
        "controller": MINTER,
        "salt": b"",
    }


def test_a_variant_of_init_and_upgrade():
    """The case Init is chosen for init, with all features on, and Upgrade without changes for post_upgrade."""
    text = (
        f"(variant {{ Upgrade : opt record {{ fee : opt nat }}; Init : record {{ minting_account : opt {ACCOUNT}; "
        "feature_flags : opt record { icrc2 : bool } } })"
    )
    assert filled(text) == (
        {
            "Init": {
                "minting_account": {"owner": MINTER, "subaccount": None},
                "feature_flags": {"icrc2": True},
            }
        },
    )
    types = candid.parse_types(text)
    upgrade = upgrade_arguments(types)
    assert upgrade is not None
    assert candid.decode(upgrade, types) == ({"Upgrade": None},)


@pytest.mark.parametrize("text", ["()", "(func () -> ())", "(record { callback : func () -> () query })"])
def test_what_cannot_be_filled(text):
    """Without arguments, and for types that have no value to guess, the suite chooses none."""
    assert filled(text) is None


def test_no_arguments_for_upgrades_of_other_ledgers():
    """Ledgers without such a variant get the arguments of init again."""
    for text in ("()", "(nat)", "(variant { Init : nat })", "(variant { Upgrade : nat })"):
        assert upgrade_arguments(candid.parse_types(text)) is None
