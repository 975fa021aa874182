"""The catalogue of guarantees of a token ledger, read from `guarantees.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from ic_harness.testing.guarantees import Guarantee, load_catalogue

LEDGER_GUARANTEES: Final[Mapping[str, Guarantee]] = MappingProxyType(
    load_catalogue(Path(__file__).with_name("guarantees.toml"))
)
"""All guarantees by id, in the order of the catalogue."""
