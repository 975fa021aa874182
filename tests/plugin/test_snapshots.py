"""Snapshots of answers by syrupy: readable, stable, and different where the answer differs."""

from __future__ import annotations

from pathlib import Path

from .conftest import OPTIONS

TEST = """
from ic_harness.networks.values import with_fields
from ic_harness.principal import Principal

def test_answer(snapshot):
    assert with_fields({
        "name": "a", "count": COUNT, "owner": Principal.from_text("rrkah-fqaaa-aaaaa-aaaaq-cai"),
        "rows": [{"id": 1, "blob": bytes(40)}], "kind": {"Paid": {"fee": 1.5}}, "none": None,
    }) == snapshot
"""
EXPECTED = """\
  RecordValue({
    'count': 1,
    'kind': RecordValue({
      'Paid': RecordValue({
        'fee': 1.5,
      }),
    }),
    'name': 'a',
    'none': None,
    'owner': Principal('rrkah-fqaaa-aaaaa-aaaaq-cai'),
    'rows': list([
      RecordValue({
"""


def test_snapshots(user):
    """The file has a line for each field; the same answer passes, another one fails with the field that differs."""
    path = user.makepyfile(TEST.replace("COUNT", "1"))
    assert user.runpytest_subprocess(*OPTIONS, "--snapshot-update").ret == 0
    (file,) = Path(user.path).rglob("*.ambr")
    text = file.read_text()
    assert EXPECTED in text
    assert "'blob': b'\\x00" in text
    assert user.runpytest_subprocess(*OPTIONS).ret == 0
    path.write_text(TEST.replace("COUNT", "2"))
    failed = user.runpytest_subprocess(*OPTIONS)
    failed.assert_outcomes(failed=1)
    failed.stdout.fnmatch_lines(["*'count': 1,*", "*'count': 2,*"])
