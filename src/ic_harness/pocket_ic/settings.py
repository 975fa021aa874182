"""What a client may ask of a new instance: the body of `POST /instances`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any, Final

from ic_harness.lazy_dataclass import dataclass
from ic_harness.pocket_ic import fields
from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.pocket_ic.features import Features, check_icp_config, limits_method_names, parse_features
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
    features: Features = field(default_factory=Features)
    check_signatures: bool = True
    limit_method_names: bool = True

    @classmethod
    def parse(cls, body: Any, icp_folder: Path | None = None) -> InstanceSettings:
        """Read the JSON form; `icp_folder` has modules for `icp_features`.

        Raises `ApiError` for what this server cannot do.
        """
        request = fields.record(body)
        _refuse_daemons(request)
        _refuse_ids_of_mainnet(request)
        _check_incomplete_state(request.get("incomplete_state"))
        check_icp_config(request)
        _check_log_level(request.get("log_level"))
        features = parse_features(request, icp_folder)
        earliest_ns = max(GENESIS_NS, features.earliest_ns)
        start_ns, live = _initial_time(request.get("initial_time"), earliest_ns)
        folder = request.get("state_dir")
        gateway = request.get("http_gateway_config")
        settings = cls(
            # Clients before version 3 of the server send the set of subnets alone.
            wanted_subnets=request.get("subnet_config_set", request),
            start_ns=start_ns,
            live=live,
            state_dir=None if folder is None else Path(fields.text(request, "state_dir")),
            gateway=None if gateway is None else fields.record(gateway, "`http_gateway_config`"),
            features=features,
            check_signatures=not fields.optional_flag(request, "disable_ingress_validation"),
            limit_method_names=limits_method_names(request),
        )
        if settings.state_dir is None:
            settings.subnets()  # refused before anything is made
        return settings

    def subnets(self) -> tuple[SubnetSpec, ...]:
        """Return the subnets that are asked for, and those of the features. Raises `ApiError`."""
        return parse_subnet_config(self.wanted_subnets, self.features.kinds)


def _refuse_daemons(request: Mapping[str, Any]) -> None:
    for name in _BITCOIN:
        if request.get(name):
            raise ApiError(f"{name}: this server has no Bitcoin or Dogecoin integration")


def _refuse_ids_of_mainnet(request: Mapping[str, Any]) -> None:
    if fields.optional_flag(request, "mainnet_nns_subnet_id"):
        raise ApiError(
            "mainnet_nns_subnet_id: here the id of a subnet is that of its key, also of the NNS subnet"
        )


def _check_incomplete_state(value: Any) -> None:
    """Either value is fine: a state folder always has every round that was finished, also of a killed server."""
    if value not in (None, "Disabled", "Enabled"):
        raise ApiError("`incomplete_state` must be one of Disabled, Enabled")


def _check_log_level(level: Any) -> None:
    if level is not None and (not isinstance(level, str) or level.lower() not in _LOG_LEVELS):
        raise ApiError(f"Failed to parse log level: `{level}`")


def _initial_time(value: Any, earliest_ns: int) -> tuple[int, Mapping[str, Any] | None]:
    if value is None:
        return earliest_ns, None
    time = fields.record(value, "`initial_time`")
    if "AutoProgress" in time:
        return earliest_ns, fields.record(time["AutoProgress"] or {}, "`AutoProgress`")
    wanted = fields.natural(fields.record(time.get("Timestamp"), "`Timestamp`"), "nanos_since_epoch")
    if wanted < earliest_ns:
        raise ApiError(
            "The initial timestamp (unix timestamp in nanoseconds) must be no earlier than "
            f"{earliest_ns} (provided {wanted})."
        )
    return wanted, None
