"""What a client asks for with `icp_features` and `icp_config`: ICP's own canisters, and switches of the replica.

The canisters are those of `ic_harness.networks.system_canisters`: a module of the folder that the operator of the
server names, or a stand-in. A feature adds the subnets that have the ids of its canisters, as PocketIC's server does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ic_harness.errors import HarnessError, InputError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.pocket_ic import fields
from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.pocket_ic.environment import ICP_VARIABLE
from ic_harness.replica import Replica, SubnetKind
from ic_harness.suggestions import suggest
from ic_harness.text import brief

if TYPE_CHECKING:
    from ic_harness.networks.system_canisters import Selected

INITIAL_CYCLES: Final = 1 << 127
"""What the anonymous principal has on the cycles ledger, as with PocketIC."""
_MINTING_GENESIS_NS: Final = 1_620_633_601_000_000_000
_ON: Final = "DefaultConfig"
_PAGE: Final = "nns_ui"
_OF_THE_PAGE: Final = ("cycles_minting", "icp_token", "nns_governance", "sns", "ii")
"""Features without which PocketIC's server refuses `nns_ui`."""
_FLAGS: Final = ("Enabled", "Disabled")
_NAME_LIMITS: Final = "function_name_length_limits"
_REFUSED_FLAGS: Final[Mapping[str, tuple[str | None, str]]] = {
    "beta_features": ("Enabled", "this server has the features of mainnet only"),
    "canister_backtrace": ("Disabled", "this server's rejects for traps have backtraces, as on mainnet"),
    _NAME_LIMITS: (None, ""),
    "canister_execution_rate_limiting": (None, ""),
}
"""The switches of `icp_config`: the value that this server cannot serve, and why.

The rates of canisters are not limited, whatever is asked for.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """The features of an instance: their `names`, and the canisters that are installed for them."""

    names: tuple[str, ...] = ()
    canisters: tuple[Selected, ...] = ()

    @property
    def kinds(self) -> tuple[SubnetKind, ...]:
        """The kinds of subnet on which PocketIC has the canisters of these features, each once."""
        if not self.names:
            return ()
        from ic_harness.networks.system_canisters import CATALOGUE, FEATURES  # lazy: start-up time  # noqa: PLC0415

        kinds = (CATALOGUE[canister].kind for name in self.names for canister in FEATURES[name])
        return tuple(dict.fromkeys(kinds))

    @property
    def earliest_ns(self) -> int:
        """The earliest time of the instance: the cycles minting canister refuses prices of before its genesis."""
        return _MINTING_GENESIS_NS if "cycles_minting" in self.names else 0

    def install(self, replica: Replica, gateway_port: int | None) -> None:
        """Install the canisters that do not exist yet, in rounds that run by themselves. Raises `ApiError`."""
        if not self.canisters:
            return
        from ic_harness.networks.system_canisters import install_icp  # lazy: start-up time  # noqa: PLC0415

        replica.release()
        try:
            install_icp(replica, self.canisters, cycles=INITIAL_CYCLES, gateway_port=gateway_port)
        except HarnessError as problem:
            raise ApiError(f"icp_features: {problem}") from problem
        finally:
            replica.hold()


def parse_features(request: Mapping[str, Any], folder: Path | None) -> Features:
    """Read `icp_features`; `folder` has the modules of the operator. Raises `ApiError` for what cannot be had."""
    given = _record(request, "icp_features")
    if not given:
        return Features()
    from ic_harness.networks.system_canisters import FEATURES, select_features  # lazy: start-up time  # noqa: PLC0415

    for name, value in given.items():
        if name not in FEATURES:
            raise ApiError(f"icp_features: no feature {brief(name)}; {suggest(name, FEATURES)}")
        if value is not None and value != _ON:
            raise ApiError(f'icp_features: `{name}` must be "{_ON}" or null, not {brief(value)}')
    names = tuple(name for name in FEATURES if given.get(name) is not None)
    if _PAGE in names:
        _check_page(names, request)
    try:
        return Features(names=names, canisters=select_features(names, folder))
    except InputError as problem:
        advice = f". `--icp FOLDER` of the server, or {ICP_VARIABLE}, names a folder with modules"
        raise ApiError(f"{problem}{advice if folder is None else ''}") from problem


def _check_page(names: tuple[str, ...], request: Mapping[str, Any]) -> None:
    absent = [name for name in _OF_THE_PAGE if name not in names]
    if absent:
        raise ApiError(f"icp_features: {_PAGE} needs these features, too: {', '.join(absent)}")
    if request.get("http_gateway_config") is None:
        raise ApiError(f"icp_features: {_PAGE} needs `http_gateway_config`, whose gateway serves the page")


def limits_method_names(request: Mapping[str, Any]) -> bool:
    """Return whether number and names of canisters' methods are limited, by an `icp_config` that was checked."""
    return _record(request, "icp_config").get(_NAME_LIMITS) != "Disabled"


def check_icp_config(request: Mapping[str, Any]) -> None:
    """Raise `ApiError` for an `icp_config` that this server cannot serve."""
    for name, value in _record(request, "icp_config").items():
        if name not in _REFUSED_FLAGS:
            raise ApiError(f"icp_config: no flag {brief(name)}; {suggest(name, _REFUSED_FLAGS)}")
        if value is not None and value not in _FLAGS:
            raise ApiError(f'icp_config: `{name}` must be "Enabled", "Disabled" or null, not {brief(value)}')
        refused, reason = _REFUSED_FLAGS[name]
        if value is not None and value == refused:
            raise ApiError(f"icp_config: `{name}` cannot be {value}: {reason}")


def _record(request: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = request.get(name)
    return {} if value is None else fields.record(value, f"`{name}`")
