"""One instance of PocketIC: a replica whose rounds and time are in the hands of its clients.

Theory of operation. Rounds of the replica are held from the beginning: only `tick`, and waiting for a call, runs them.
The clock rests at the time that was set, which the next round takes; queries see the time of the last round. Operations
of one instance run one at a time, under `turn`; reading the topology and the interface of the Internet Computer below
`/api/` do not wait for it, because a call over that interface ends only when another operation runs a round.

Live (`auto_progress`), the clock follows real time, rounds run as calls arrive, and a thread runs one at each interval
for timers and heartbeats.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from ic_harness.errors import ReplicaError
from ic_harness.pocket_ic import api_calls, fields, outcall_json
from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.pocket_ic.blobs import BlobStore
from ic_harness.pocket_ic.environment import served_version
from ic_harness.pocket_ic.ingress import Ingress
from ic_harness.pocket_ic.instance_clock import InstanceClock
from ic_harness.pocket_ic.key_subnets import key_subnets
from ic_harness.pocket_ic.outcalls import PendingOutcalls
from ic_harness.pocket_ic.progress import Progress
from ic_harness.pocket_ic.settings import InstanceSettings
from ic_harness.pocket_ic.state_folder import StateFolder
from ic_harness.pocket_ic.subnets import Subnets
from ic_harness.principal import Principal
from ic_harness.replica import HttpRequest, HttpResponse, LogLine, Replica, ReplicaConfig, SubnetSpec

_SEED: Final = b"ic-harness instance of PocketIC"
"""Determines keys and random numbers of new instances: as with PocketIC, they are the same in every run."""


class Instance:
    """An instance and its operations, each of which takes the JSON body of a request and returns that of the answer.

    `print_line` receives what canisters print. Raises `ApiError` when the settings cannot be had.
    """

    def __init__(
        self, settings: InstanceSettings, blobs: BlobStore, print_line: Callable[[LogLine], None]
    ) -> None:
        self.turn = threading.RLock()
        self._blobs = blobs
        self._folder = StateFolder(settings.state_dir) if settings.state_dir is not None else None
        self.clock = InstanceClock(settings.start_ns)
        is_new = self._folder is None or self._folder.is_new
        try:
            self.replica = self._open_replica(settings, settings.subnets() if is_new else None)
        except (ReplicaError, OSError) as problem:
            raise ApiError(f"The instance cannot be created: {problem}") from problem
        self.subnets = Subnets(self.replica)
        try:
            self._begin(is_new=is_new)
        except BaseException:
            self.replica.close()
            raise
        self.replica.hold()
        self.replica.on_line(print_line)
        self.outcalls = PendingOutcalls(self.replica)
        self.replica.answer_outcalls(self.outcalls)
        self.ingress = Ingress(self.replica, self.subnets)
        self._progress: Progress | None = None
        self._features = settings.features

    def install_features(self, gateway_port: int | None) -> None:
        """Install the canisters of `icp_features`; `gateway_port` is that of the instance. Raises `ApiError`."""
        with self.turn:
            self._features.install(self.replica, gateway_port)

    def _open_replica(self, settings: InstanceSettings, subnets: tuple[SubnetSpec, ...] | None) -> Replica:
        return Replica(
            ReplicaConfig(
                clock=self.clock,
                background=False,
                ingress_bytes=api_calls.MAX_BODY,
                keys_by_kind=key_subnets(served_version()),
                round_time_queries=True,
                check_signatures=settings.check_signatures,
                limit_method_names=settings.limit_method_names,
                check_outcall_urls=False,  # as there: a mock may answer any URL
                seed=None if subnets is None else _SEED,  # a folder that is not new has its own
                state_dir=None if self._folder is None else self._folder.replica_dir,
                subnets=subnets,
            )
        )

    def _begin(self, *, is_new: bool) -> None:
        """Run the first round."""
        # As the server does: time moves on by a nanosecond with the creation of each subnet.
        now = max(self.clock.now_ns(), self.replica.round_time_ns) + (len(self.subnets.all) if is_new else 1)
        self._certify(now)
        self._save()

    def _save(self) -> None:
        if self._folder is not None:
            self._folder.save(self.subnets.to_json(), self.subnets.all)

    def close(self) -> None:
        """Stop live mode and the replica; a state folder is complete afterwards."""
        with self.turn:
            self._stop_progress()
            if self._folder is not None:
                with suppress(ReplicaError):  # a full disk, say: what is kept is the last whole round
                    self.replica.tick()  # as the server does, so that time goes on from one instance to the next
            self.replica.close()

    def handle_api(self, request: HttpRequest) -> HttpResponse:
        """Answer a request of the Internet Computer's own interface."""
        self._add_mainnet_subnet(request)
        return api_calls.refusal(request, self.subnets) or self.replica.handle(request)

    def _add_mainnet_subnet(self, request: HttpRequest) -> None:
        """Add the subnet of an id of mainnet, when a call wants to create a canister with it."""
        wanted = api_calls.id_to_create(request)
        if wanted is None or self.subnets.of_canister(wanted) is not None:
            return
        with suppress(ApiError):  # the replica refuses the call, because no subnet has the id
            self.ingress.subnet_for_new(wanted)
            self._save()

    # --- time and rounds --------------------------------------------------------------------------------------

    def _now_ns(self) -> int:
        return max(self.clock.now_ns(), self.replica.round_time_ns)

    def get_time(self, _: Any = None) -> dict[str, int]:
        """`read/get_time`: the time that was set, also before a round took it."""
        return {"nanos_since_epoch": self._now_ns()}

    def set_time(self, body: Any) -> None:
        """`update/set_time`: the time of the next round."""
        self._set_time(body)

    def set_certified_time(self, body: Any) -> None:
        """`update/set_certified_time`: the time of queries and certificates, from now on."""
        wanted = self._set_time(body)
        if wanted > self.replica.round_time_ns:
            self._certify(wanted)

    def _certify(self, now_ns: int) -> None:
        self.clock.set_ns(now_ns)
        self.replica.tick()

    def _set_time(self, body: Any) -> int:
        wanted = fields.natural(fields.record(body), "nanos_since_epoch")
        now = self._now_ns()
        if wanted < now:
            raise ApiError(f"SettingTimeIntoPast(({now}, {wanted}))")
        if wanted > now:
            try:
                self.replica.set_time(wanted)
            except ReplicaError as problem:
                raise ApiError(str(problem)) from None
        return wanted

    def tick(self, body: Any) -> None:
        """`update/tick`: one round."""
        request = fields.record({} if body is None else body)
        if fields.items(request.get("blockmakers"), "`blockmakers`"):
            raise ApiError("BlockmakerNotFound: this server has one node a subnet and no block makers")
        self.replica.tick()

    # --- live mode --------------------------------------------------------------------------------------------

    def auto_progress(self, body: Any) -> None:
        """`POST auto_progress`: follow real time, run rounds and make outcalls by itself."""
        request = fields.record({} if body is None else body)
        delay_ms = fields.optional_natural(request, "artificial_delay_ms", 3_600_000) or 0
        if self._progress is not None:
            raise ApiError("Auto progress mode has already been enabled.")
        self.clock.follow()
        self.outcalls.go_live()
        self.replica.tick()
        self.replica.release()
        self._progress = Progress(self.replica, delay_ms)

    def is_live(self, _: Any = None) -> bool:
        """`GET auto_progress`."""
        return self._progress is not None

    def stop_progress(self, _: Any = None) -> None:
        """`stop_progress`: rounds and time are in the hands of clients again."""
        self._stop_progress()

    def _stop_progress(self) -> None:
        progress, self._progress = self._progress, None
        if progress is not None:
            progress.stop()
            self.replica.hold()
            self.outcalls.rest()
            self.clock.rest()

    # --- calls ------------------------------------------------------------------------------------------------

    def submit(self, body: Any) -> dict[str, Any]:
        """`update/submit_ingress_message`: put a call into the next round."""
        before = len(self.subnets.all)
        answer = self.ingress.submit(body)
        if len(self.subnets.all) != before:
            self._save()
        return answer

    def await_call(self, body: Any) -> dict[str, Any]:
        """`update/await_ingress_message`: run rounds until a call is answered."""
        return self.ingress.wait(body)

    def call_status(self, body: Any) -> dict[str, Any] | None:
        """`read/ingress_status`: the answer to a call, if there is one."""
        return self.ingress.status(body)

    def query(self, body: Any) -> dict[str, Any]:
        """`read/query`."""
        return self.ingress.query(body)

    # --- HTTPS outcalls ---------------------------------------------------------------------------------------

    def pending_outcalls(self, _: Any = None) -> list[dict[str, Any]]:
        """`read/get_canister_http`: the outcalls that wait for an answer."""
        return outcall_json.pending(self.outcalls, self.subnets)

    def mock_outcall(self, body: Any) -> None:
        """`update/mock_canister_http`: answer an outcall and run the round that takes the answer."""
        outcall_json.mock(self.outcalls, self.subnets, body)
        self.replica.tick()

    # --- canisters --------------------------------------------------------------------------------------------

    def get_cycles(self, body: Any) -> dict[str, int]:
        """`read/get_cycles`."""
        return {"cycles": self.replica.canister(self._canister(body)).cycles}

    def add_cycles(self, body: Any) -> dict[str, int]:
        """`update/add_cycles`: the new balance."""
        amount = fields.natural(fields.record(body), "amount", fields.U128)
        return {"cycles": self.replica.add_cycles(self._canister(body), amount)}

    def get_controllers(self, body: Any) -> list[dict[str, str]]:
        """`read/get_controllers`."""
        controllers = self.replica.canister(self._canister(body)).settings.controllers
        return [{"principal_id": fields.to_base64(one)} for one in controllers]

    def get_stable_memory(self, body: Any) -> dict[str, str]:
        """`read/get_stable_memory`: whole pages."""
        canister_id = self._installed(body)
        return {"blob": fields.to_base64(self.replica.stable_memory(canister_id))}

    def set_stable_memory(self, body: Any) -> None:
        """`update/set_stable_memory`: the content is a blob of the server."""
        canister_id = self._installed(body)
        blob = self._blobs.get(fields.blob(fields.record(body), "blob_id"))
        if blob is None:
            raise ApiError("Bad blob id: the blob store has no such blob")
        try:
            self.replica.set_stable_memory(canister_id, blob.unpacked())
        except ReplicaError as problem:
            raise ApiError(str(problem)) from None

    def get_subnet(self, body: Any) -> dict[str, str] | None:
        """`read/get_subnet`: the subnet of a canister that exists, else null."""
        canister_id = fields.principal(fields.record(body), "canister_id")
        subnet = self.subnets.of_canister(canister_id)
        if subnet is None or not self.replica.has_canister(canister_id):
            return None
        return {"subnet_id": fields.to_base64(subnet.id)}

    def pub_key(self, body: Any) -> list[int]:
        """`read/pub_key`: the DER key of a subnet as an array of numbers."""
        subnet_id = fields.principal(fields.record(body), "subnet_id")
        subnet = self.subnets.find(subnet_id)
        if subnet is None:
            raise ApiError(f"SubnetNotFound({fields.principal_text(subnet_id)})")
        return list(subnet.public_key)

    def topology(self, _: Any = None) -> dict[str, Any]:
        """`read/topology` and `_/topology`."""
        return self.subnets.to_json()

    def _canister(self, body: Any) -> bytes:
        canister_id = fields.principal(fields.record(body), "canister_id")
        if not self.replica.has_canister(canister_id):
            raise ApiError(f"CanisterNotFound(CanisterId({Principal(canister_id)}))")
        return canister_id

    def _installed(self, body: Any) -> bytes:
        canister_id = self._canister(body)
        if not self.replica.canister(canister_id).installed:
            raise ApiError(f"CanisterIsEmpty(CanisterId({Principal(canister_id)}))")
        return canister_id
