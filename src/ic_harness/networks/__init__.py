"""Running networks: the embedded one and those behind a URL, and their capabilities.

Names load on first access: the embedded network loads the Wasm engine, which clients of a URL do not need, and a
command that calls one method needs neither projects nor compilers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ic_harness.lazy_names import lazy_names

if TYPE_CHECKING:
    from ic_harness.agent import InstallMode

    from .async_canister import AsyncCanister
    from .canister import Canister, create_controlled, deploy_canister, install_new, lifecycle
    from .canister_lifecycle import Build, CanisterSnapshot, Lifecycle, Source, find_build
    from .capabilities import MEANINGS, Capability, MissingCapabilityError
    from .compilers import build_crate, build_motoko
    from .doctor import Finding, examine
    from .embedded_network import EmbeddedNetwork
    from .forks import fork_canister
    from .icp_canisters import IcpCanister, list_icp_project
    from .interfaces import encode_arguments, fetch_interface, find_method, interface_of, read_interface
    from .kinds import NAMES, SPECS, STARTED, NetworkKind, OpenOptions, network_names, open_network
    from .mainnet import MAINNET, MAINNET_URL, is_mainnet
    from .named_network import NamedNetwork
    from .network import Network, Snapshot
    from .openers import connect, dfx, embedded, ic, icp, pocket_ic
    from .pocket_ic_network import PocketIcNetwork
    from .projects import (
        Deployable,
        ProjectCanister,
        build_environment,
        list_project,
        read_env_file,
        read_project,
    )
    from .snapshot_files import download_snapshot, upload_snapshot
    from .subnets import SubnetInfo, SubnetName, find_subnet
    from .unsigned_identity import UnsignedIdentity, identity_of
    from .url_network import UrlNetwork
    from .wasm_metadata import published_interface

__all__ = [
    "MAINNET",
    "MAINNET_URL",
    "MEANINGS",
    "NAMES",
    "SPECS",
    "STARTED",
    "AsyncCanister",
    "Build",
    "Canister",
    "CanisterSnapshot",
    "Capability",
    "Deployable",
    "EmbeddedNetwork",
    "Finding",
    "IcpCanister",
    "InstallMode",
    "Lifecycle",
    "MissingCapabilityError",
    "NamedNetwork",
    "Network",
    "NetworkKind",
    "OpenOptions",
    "PocketIcNetwork",
    "ProjectCanister",
    "Snapshot",
    "Source",
    "SubnetInfo",
    "SubnetName",
    "UnsignedIdentity",
    "UrlNetwork",
    "build_crate",
    "build_environment",
    "build_motoko",
    "connect",
    "create_controlled",
    "deploy_canister",
    "dfx",
    "download_snapshot",
    "embedded",
    "encode_arguments",
    "examine",
    "fetch_interface",
    "find_build",
    "find_method",
    "find_subnet",
    "fork_canister",
    "ic",
    "icp",
    "identity_of",
    "install_new",
    "interface_of",
    "is_mainnet",
    "lifecycle",
    "list_icp_project",
    "list_project",
    "network_names",
    "open_network",
    "pocket_ic",
    "published_interface",
    "read_env_file",
    "read_interface",
    "read_project",
    "upload_snapshot",
]

_LAZY: Final = {
    "upload_snapshot": ".snapshot_files",
    "fork_canister": ".forks",
    "download_snapshot": ".snapshot_files",
    "MAINNET": ".mainnet",
    "MAINNET_URL": ".mainnet",
    "MEANINGS": ".capabilities",
    "NAMES": ".kinds",
    "SPECS": ".kinds",
    "STARTED": ".kinds",
    "AsyncCanister": ".async_canister",
    "Build": ".canister_lifecycle",
    "Canister": ".canister",
    "CanisterSnapshot": ".canister_lifecycle",
    "Capability": ".capabilities",
    "Deployable": ".projects",
    "EmbeddedNetwork": ".embedded_network",
    "Finding": ".doctor",
    "IcpCanister": ".icp_canisters",
    "InstallMode": "ic_harness.agent.management_calls",
    "Lifecycle": ".canister_lifecycle",
    "MissingCapabilityError": ".capabilities",
    "NamedNetwork": ".named_network",
    "Network": ".network",
    "NetworkKind": ".kinds",
    "OpenOptions": ".kinds",
    "PocketIcNetwork": ".pocket_ic_network",
    "ProjectCanister": ".projects",
    "Snapshot": ".network",
    "Source": ".canister_lifecycle",
    "SubnetInfo": ".subnets",
    "SubnetName": ".subnets",
    "find_subnet": ".subnets",
    "UnsignedIdentity": ".unsigned_identity",
    "UrlNetwork": ".url_network",
    "build_crate": ".compilers",
    "build_environment": ".projects",
    "build_motoko": ".compilers",
    "connect": ".openers",
    "create_controlled": ".canister",
    "deploy_canister": ".canister",
    "dfx": ".openers",
    "embedded": ".openers",
    "encode_arguments": ".interfaces",
    "examine": ".doctor",
    "fetch_interface": ".interfaces",
    "find_build": ".canister_lifecycle",
    "find_method": ".interfaces",
    "ic": ".openers",
    "icp": ".openers",
    "identity_of": ".unsigned_identity",
    "install_new": ".canister",
    "interface_of": ".interfaces",
    "is_mainnet": ".mainnet",
    "lifecycle": ".canister",
    "list_icp_project": ".icp_canisters",
    "list_project": ".projects",
    "network_names": ".kinds",
    "open_network": ".kinds",
    "pocket_ic": ".openers",
    "published_interface": ".wasm_metadata",
    "read_env_file": ".projects",
    "read_interface": ".interfaces",
    "read_project": ".projects",
}

__getattr__ = lazy_names(__name__, _LAZY)
