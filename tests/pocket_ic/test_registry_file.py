"""`registry.proto`: what tools find about the subnets in a state folder."""

from __future__ import annotations

import pytest

from ic_harness.principal import Principal

from .test_instances import NNS, create_payload


def number(raw, at):
    """A variable-length number, and where it ends."""
    value = shift = 0
    while True:
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def message(raw):
    """The fields of a message in Protocol Buffers: number and value, in their order."""
    found, at = [], 0
    while at < len(raw):
        tag, at = number(raw, at)
        value, at = number(raw, at)
        if tag & 7 == 2:
            assert at + value <= len(raw)
            value, at = raw[at : at + value], at + value
        else:
            assert tag & 7 == 0
        found.append((tag >> 3, value))
    return found


def records(path):
    """The records of the file: key, version and the fields of the content."""
    found = []
    for field, raw in message(path.read_bytes()):
        assert field == 1
        record = dict(message(raw))
        found.append((record[1].decode(), record[2], message(dict(message(record[3]))[1])))
    return found


def raw_id(text):
    """The bytes of an id."""
    return Principal.from_text(text).raw


def test_every_subnet_has_a_record(client, tmp_path):
    """Each creation of a subnet is a version, with the list of the subnets until then and the new one's record."""
    made = client.create(
        {**NNS, "cloud_engine": [{"cost_schedule": "Free"}]}, state_dir=str(tmp_path / "state")
    )
    kinds = {one["subnet_kind"]: raw_id(text) for text, one in made.topology["subnet_configs"].items()}
    order = [kinds["NNS"], kinds["Application"], kinds["CloudEngine"]]
    found = records(tmp_path / "state" / "registry.proto")
    assert [(key, version) for key, version, _ in found] == [
        entry
        for version, subnet in enumerate(order, start=1)
        for entry in (("subnet_list", version), (f"subnet_record_{Principal(subnet)}", version))
    ]
    lists = [content for key, _, content in found if key == "subnet_list"]
    assert lists == [[(2, subnet) for subnet in order[:count]] for count in (1, 2, 3)]
    subnets = [dict(content) for key, _, content in found if key != "subnet_list"]
    assert [(one[15], one[30]) for one in subnets] == [(2, 1), (1, 1), (5, 2)]
    assert all(len(one[3]) == 29 for one in subnets)
    payload = create_payload(Principal.from_text("mxzaz-hqaaa-aaaar-qaada-cai"))
    made.call(b"", "provisional_create_canister_with_cycles", payload)
    later = records(tmp_path / "state" / "registry.proto")
    assert later[: len(found)] == found
    assert [version for _, version, _ in later[len(found) :]] == [4, 4]


@pytest.mark.parametrize("name", ["registry.proto", "topology.json"])
def test_files_are_the_same_in_every_run(client, tmp_path, name):
    """Ids and keys of a new state folder do not differ from those of another; an older folder keeps its own."""
    first, second = (client.create(NNS, state_dir=str(tmp_path / folder)) for folder in "ab")
    assert first.topology == second.topology
    content = (tmp_path / "a" / name).read_bytes()
    assert (tmp_path / "b" / name).read_bytes() == content
    client.http.delete(first.path)
    again = client.create({}, state_dir=str(tmp_path / "a"))
    assert again.topology == first.topology
    assert (tmp_path / "a" / name).read_bytes() == content
