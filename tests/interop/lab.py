"""A replica with a door of HTTP for the judges, and a short way to put canisters on it."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ic_harness import candid
from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity
from ic_harness.replica import Replica, ReplicaConfig, serve

CANISTERS = Path(__file__).resolve().parents[2] / "fixtures" / "canisters"
OWNER_SEED = b"owner of the fixtures".ljust(32)
OWNER = Ed25519Identity.from_seed(OWNER_SEED).principal
ABSENT = Principal(bytes.fromhex("00000000000ffff00101"))  # in the subnet's range, but never created
MAINNET_KEY = (
    "308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100"
    "814c0e6ec71fab583b08bd81373c255c3c371b2e84863c98a4f1e08b74235d14fb5d9c0cd546d9685f913a0c0b2cc534"
    "1583bf4b4392e467db96d65b9bb4cb717112f8472e0d5a4d14505ffd7484b01291091c5f87b98883463f98091a0baaae"
)
"""The root key of the Internet Computer: a valid key that is not the lab's."""

MANAGEMENT = candid.parse("""
type settings = record {
  controllers : opt vec principal; wasm_memory_limit : opt nat; freezing_threshold : opt nat;
  log_memory_limit : opt nat;
  environment_variables : opt vec record { name : text; value : text };
};
type mode = variant {
  install; reinstall;
  upgrade : opt record {
    skip_pre_upgrade : opt bool; wasm_memory_persistence : opt variant { keep; replace }
  };
};
type log = record { idx : nat64; timestamp_nanos : nat64; content : blob };
service : {
  provisional_create_canister_with_cycles : (record { amount : opt nat; settings : opt settings }) ->
    (record { canister_id : principal });
  install_code : (record { mode : mode; canister_id : principal; wasm_module : blob; arg : blob }) -> ();
  stop_canister : (record { canister_id : principal }) -> ();
  start_canister : (record { canister_id : principal }) -> ();
  fetch_canister_logs : (record { canister_id : principal }) ->
    (record { canister_log_records : vec log }) query;
}
""")


@dataclass(frozen=True)
class Fixture:
    """A module of fixtures/canisters and its interface."""

    name: str

    @property
    def path(self) -> Path:
        return CANISTERS / f"{self.name}.wasm.gz"

    @property
    def wasm(self) -> bytes:
        return gzip.decompress(self.path.read_bytes())

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.wasm).hexdigest()

    @property
    def service(self) -> candid.Service:
        did = CANISTERS / f"{self.name}.did"
        return (
            candid.parse(did.read_text(encoding="utf-8"), path=did)
            if did.exists()
            else candid.parse("service : {}")
        )


@dataclass(frozen=True)
class Deployed:
    """A canister of the lab; its methods are called by the replica's test API, shaped by its interface."""

    lab: Lab
    id: Principal
    service: candid.Service

    def call(self, name: str, *args: Any, sender: Principal = OWNER, update: bool = False) -> Any:
        """The reply: None, a value, or a tuple of several; queries as queries unless `update`."""
        method = self.service.methods[name]
        as_query = method.mode in ("query", "composite_query") and not update
        execute = self.lab.replica.execute_query if as_query else self.lab.replica.execute_update
        reply = execute(sender, self.id, name, candid.encode(args, method.arg_types))
        values = candid.decode(reply, method.return_types)
        return values if len(values) > 1 else (values[0] if values else None)

    def upgrade(self, fixture: Fixture, *args: Any, **flags: Any) -> Deployed:
        """The same canister with the code of another fixture; `flags` such as `wasm_memory_persistence`."""
        mode = {"upgrade": {"skip_pre_upgrade": None, "wasm_memory_persistence": None, **flags}}
        return self.lab.install(self.id, fixture, *args, mode=mode)


@dataclass(frozen=True)
class Lab:
    """One replica and its address."""

    replica: Replica
    url: str

    @property
    def subnet(self) -> Principal:
        """The root subnet: its id is its key's principal."""
        return Principal.self_authenticating(self.replica.root_key)

    @property
    def address(self) -> dict[str, str]:
        """What every judge has to be told."""
        root_key = self.replica.root_key.hex()
        return {"host": self.url, "root_key": root_key, "subnet": str(self.subnet), "absent": str(ABSENT)}

    def manage(self, method: str, argument: dict[str, Any]) -> Any:
        """A call to the management canister by the owner of the fixtures."""
        return Deployed(self, Principal.management(), MANAGEMENT).call(method, argument)

    def create(self, **settings: Any) -> Principal:
        """An empty canister of the owner."""
        names = ("controllers", "wasm_memory_limit", "freezing_threshold", "log_memory_limit")
        none = dict.fromkeys((*names, "environment_variables"))
        argument = {"amount": None, "settings": {**none, **settings}}
        created: Principal = self.manage("provisional_create_canister_with_cycles", argument)["canister_id"]
        return created

    def install(self, canister: Principal, fixture: Fixture, *args: Any, mode: Any = "install") -> Deployed:
        """Install a fixture with the arguments of its `init`."""
        service = fixture.service
        arg = candid.encode(args, service.init_args or ())
        code = {"mode": mode, "canister_id": canister, "wasm_module": fixture.wasm, "arg": arg}
        self.manage("install_code", code)
        return Deployed(self, canister, service)

    def deploy(self, name: str, *args: Any, **settings: Any) -> Deployed:
        """A new canister with the fixture `name`, such as `motoko/counter`."""
        return self.install(self.create(**settings), Fixture(name), *args)

    def logs(self, canister: Principal) -> list[str]:
        """What a canister has printed."""
        records = self.manage("fetch_canister_logs", {"canister_id": canister})["canister_log_records"]
        return [record["content"].decode() for record in records]

    @classmethod
    @contextmanager
    def opened(cls, **config: Any) -> Iterator[Self]:
        """A lab that is cleared away afterwards."""
        with Replica(ReplicaConfig(seed=b"interop", **config)) as replica:
            server = serve(replica)
            try:
                yield cls(replica, server.url)
            finally:
                server.stop()
