"""What a client may ask of a new instance: the body of `POST /instances`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ic_harness.pocket_ic import fields
from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.pocket_ic.subnets import parse_subnet_config
from ic_harness.replica import SubnetSpec

GENESIS_NS: Final = 1_620_328_630_000_000_000
"""The time of a new instance, in May 2021, and the earliest that a client may ask for; ns since 1970."""
_LOG_LEVELS: Final = {"critical", "error", "warning", "warn", "info", "debug", "trace"}
_BITCOIN: Final = ("bitcoind_addr", "dogecoind_addr")


@dataclass(frozen=True, kw_only=True)
class InstanceSettings:
    """A request for an instance, checked as far as it can be before there is one."""

    wanted_subnets: Any = field(repr=False)
    start_ns: int = GENESIS_NS
    live: Mapping[str, Any] | None = None
    state_dir: Path | None = None
    gateway: Mapping[str, Any] | None = None

    @classmethod
    def parse(cls, body: Any) -> InstanceSettings:
        """Read the JSON form. Raises `ApiError` for what this server cannot do."""
        request = fields.record(body)
        _refuse_features(request)
        _check_log_level(request.get("log_level"))
        start_ns, live = _initial_time(request.get("initial_time"))
        folder = request.get("state_dir")
        gateway = request.get("http_gateway_config")
        settings = cls(
            # Clients before version 3 of the server send the set of subnets alone.
            wanted_subnets=request.get("subnet_config_set", request),
            start_ns=start_ns,
            live=live,
            state_dir=None if folder is None else Path(fields.text(request, "state_dir")),
            gateway=None if gateway is None else fields.record(gateway, "`http_gateway_config`"),
        )
        if settings.state_dir is None:
            settings.subnets()  # refused before anything is made
        return settings

    def subnets(self) -> tuple[SubnetSpec, ...]:
        """Return the subnets that are asked for. Raises `ApiError`."""
        return parse_subnet_config(self.wanted_subnets)


def _refuse_features(request: Mapping[str, Any]) -> None:
    features = fields.record(request.get("icp_features") or {}, "`icp_features`")
    asked = sorted(name for name, value in features.items() if value is not None)
    if asked:
        raise ApiError(
            f"icp_features: {', '.join(asked)} cannot be set up, because the Wasm modules of these system canisters "
            "are not part of this server. Install the module that you have (for example ledger-canister.wasm.gz) as a "
            "canister at its mainnet id with `specified_id`"
        )
    for name in _BITCOIN:
        if request.get(name):
            raise ApiError(f"{name}: this server has no Bitcoin or Dogecoin integration")


def _check_log_level(level: Any) -> None:
    if level is not None and (not isinstance(level, str) or level.lower() not in _LOG_LEVELS):
        raise ApiError(f"Failed to parse log level: `{level}`")


def _initial_time(value: Any) -> tuple[int, Mapping[str, Any] | None]:
    if value is None:
        return GENESIS_NS, None
    time = fields.record(value, "`initial_time`")
    if "AutoProgress" in time:
        return GENESIS_NS, fields.record(time["AutoProgress"] or {}, "`AutoProgress`")
    wanted = fields.natural(fields.record(time.get("Timestamp"), "`Timestamp`"), "nanos_since_epoch")
    if wanted < GENESIS_NS:
        raise ApiError(
            "The initial timestamp (unix timestamp in nanoseconds) must be no earlier than "
            f"{GENESIS_NS} (provided {wanted})."
        )
    return wanted, None
