"""The Internet Computer by name: its key, what it can do, and the canisters that a project has there."""

from __future__ import annotations

import json

import pytest

from ic_harness.errors import InputError
from ic_harness.networks import MAINNET_URL, Capability, MissingCapabilityError, ic
from ic_harness.principal import Principal
from ic_harness.protocol import MAINNET_ROOT_KEY

FIRST = "rwlgt-iiaaa-aaaaa-aaaaa-cai"
SECOND = "rrkah-fqaaa-aaaaa-aaaaq-cai"
THIRD = "ryjl3-tyaaa-aaaaa-aaaba-cai"


def write(path, value):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")


def test_it_is_itself():
    """It has a name, the address of its boundary nodes, and the built-in root key; nothing is asked."""
    with ic() as network:
        assert (network.name, network.url, network.root_key) == ("ic", MAINNET_URL, MAINNET_ROOT_KEY)
        assert network.capabilities == {Capability.UPGRADE, Capability.LOGS}


def test_canisters_cost_there():
    """A canister cannot be made for nothing, and the error says where it can."""
    with ic() as network, pytest.raises(MissingCapabilityError, match="cannot make canisters without paying"):
        network.create_canister()


def test_canisters_have_names(tmp_path):
    """Names are found in the files of dfx and icp-cli: `remote`, canister_ids.json, the data of icp."""
    with ic(tmp_path / "src") as network:
        assert network.canister_id("backend") is None
        write(tmp_path / "icp.yaml", "")
        write(tmp_path / ".icp/data/mappings/ic.ids.json", {"backend": FIRST})
        assert network.canister_id("backend") == Principal.from_text(FIRST)
        write(tmp_path / "canister_ids.json", {"backend": {"ic": SECOND, "local": FIRST}})
        assert network.canister_id("backend") == Principal.from_text(SECOND)
        write(tmp_path / "dfx.json", {"canisters": {"backend": {"remote": {"id": {"ic": THIRD}}}}})
        assert network.canister_id("backend") == Principal.from_text(THIRD)
        assert network.canister_id("frontend") is None


@pytest.mark.parametrize("value", ["{", {"backend": 1}, {"backend": {"ic": "nobody"}}])
def test_damaged_ids_are_told(tmp_path, value):
    """A file of ids of another shape is told by name."""
    write(tmp_path / "canister_ids.json", value)
    with ic(tmp_path) as network, pytest.raises(InputError, match=r"canister_ids\.json"):
        network.canister_id("backend")
