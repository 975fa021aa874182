"""HTTPS outcalls as a test says: refused, mocked, recorded, replayed; limits, transform, consensus, payment."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from ic_harness import candid
from ic_harness.agent import Management
from ic_harness.errors import OutcallError, ReplicaError
from ic_harness.networks import EmbeddedNetwork, embedded
from ic_harness.networks.outcalls.cassettes import Recording
from ic_harness.networks.outcalls.mocks import make_response
from ic_harness.principal import Principal
from ic_harness.replica import ImmediateOutcalls, ManualClock, OutcallResponse, Replica, ReplicaConfig
from ic_harness.replica.management.call import interface
from ic_harness.replica.state.fees import Fees
from ic_harness.units import SECOND
from tests.interop.httpbin import httpbin
from tests.replica.support import did, wasm

from .asker import Asker, Failed

URL = "https://api.example.com/price?of=icp"
POST = {"method": {"post": None}, "body": b"abc"}


@pytest.fixture
def asker(network):
    return Asker(network)


def test_refused_unless_a_test_says_otherwise(network, asker):
    """Nothing leaves the machine by default; the error has the URL and what to write."""
    failed = asker.ask(URL)
    assert failed.code == 1
    assert URL in failed.text
    assert "network.outcalls.when(method, url)" in failed.text
    network.outcalls.reset()  # the same when the test has asked for `outcalls`
    assert asker.ask(URL) == failed


def test_mocks(network, asker):
    """Rules answer by method, exact URL, pattern or function; the first that fits and is not used up does."""
    outcalls = network.outcalls
    outcalls.when("GET", URL).reply(json={"price": 42}).times(1)
    outcalls.when("get", re.compile("price")).reply(404, "gone", headers={"x-a": "b"})
    outcalls.when("POST").calls(lambda outcall: OutcallResponse(201, (), outcall.body[::-1]))
    outcalls.when(url="https://down.example/").fail("connection reset")
    outcalls.when(matching=lambda outcall: outcall.method == "HEAD").reply(204)
    first = asker.ask(URL)
    assert json.loads(first["body"]) == {"price": 42}
    assert first["headers"] == [{"name": "content-type", "value": "application/json"}]
    assert asker.ask(URL) == {"status": 404, "headers": [{"name": "x-a", "value": "b"}], "body": b"gone"}
    assert asker.ask("https://x.example/", **POST)["body"] == b"cba"
    assert asker.ask("https://x.example/", method={"head": None})["status"] == 204
    assert asker.ask("https://down.example/") == Failed(2, "connection reset")
    assert "refused" in asker.ask("https://x.example/").text
    assert [outcall.url for outcall in outcalls.unmatched] == ["https://x.example/"]
    assert len(outcalls.requests) == 6


def test_a_function_that_fails(network, asker):
    """What the test's own function raises reaches the canister as a failure and the test by its text."""
    prices: dict[str, OutcallResponse] = {}
    network.outcalls.when().calls(lambda _: prices["price"])
    assert asker.ask(URL) == Failed(2, f"the function that answers GET {URL} raised KeyError('price')")


def test_rules_end_with_their_block(network, asker):
    """What is said within `anchored`, as in one test, is forgotten after it; what was said before is not."""
    with network.anchored():
        network.outcalls.when().reply(200)
    assert isinstance(asker.ask(URL), Failed)
    network.outcalls.when().reply(201)
    with network.anchored():
        network.outcalls.when().reply(202)
        assert asker.ask(URL)["status"] == 201
    assert asker.ask(URL)["status"] == 201
    assert len(network.outcalls.requests) == 1


HEADER = [{"name": "n", "value": "v"}]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"max_response_bytes": 2_000_001}, "max_response_bytes expected to be in the range"),
        ({"headers": HEADER * 65}, "number of headers 65 exceeds 64"),
        ({"headers": [{"name": "n" * 8193, "value": ""}]}, "header name 8193 exceeds 8192"),
        ({"headers": [{"name": "n", "value": "v" * 8193}]}, "header value 8193 exceeds 8192"),
        ({"headers": [{"name": "n", "value": "v" * 8192}] * 6}, "all http headers 49158 exceeds 49152"),
        ({"body": bytes(2_000_001)}, "http body 2000001 exceeds 2000000"),
    ],
    ids=["response", "headers", "name", "value", "total", "body"],
)
def test_requests_that_the_network_does_not_make(network, asker, fields, text):
    """Requests beyond the limits are rejected before anything is paid or sent."""
    failed = asker.ask(URL, **fields)
    assert failed.code == 4
    assert text in failed.text
    assert not network.outcalls.requests
    assert (
        "exported by a requester canister"
        in asker.ask(URL, exporter=Principal.management(), transform="clean").text
    )
    assert "url size 8193" in asker.ask("https://x.example/".ljust(8193, "x")).text


@pytest.mark.parametrize(
    "url", ["http://x.example/", "https://x.example/안", "https:///x", "https://x y/", "", "https://x:99999/"]
)
def test_urls_that_no_node_asks_for(network, asker, url):
    """Only well-formed https URLs of ASCII are asked for."""
    assert asker.ask(url).code == 1
    assert not network.outcalls.requests


@pytest.mark.parametrize(
    ("response", "text"),
    [
        (make_response(body=bytes(1001)), "Http body exceeds size limit of 1000 bytes."),
        (make_response(headers={"n": "v" * 1000}), "Header size exceeds specified response size limit 1000"),
        (make_response(headers=[("n", "v")] * 65), "Number of headers in the response exceeds 64"),
        (make_response(headers={"n": "v" * 8193}), "name or value in the response exceeds 8192"),
        (make_response(headers=[("n", "v" * 8000)] * 7), "headers of the response exceed 49152 bytes"),
    ],
    ids=["body", "size", "headers", "value", "total"],
)
def test_responses_beyond_limits(network, asker, response, text):
    """A response that is larger than the canister or the network takes is a fatal failure."""
    network.outcalls.when().calls(lambda _: response)
    failed = asker.ask(URL, max_response_bytes=1000)
    assert failed.code == 1
    assert text in failed.text


def test_transform(network, asker):
    """The canister's query cleans the response; its caller is the management canister, which it checks."""
    network.outcalls.when().reply(200, "dirty")
    assert asker.ask(URL, transform="clean") == {"status": 299, "headers": [], "body": b"clean"}
    assert asker.ask(URL, transform="missing").code == 5
    assert asker.ask(URL, transform="nothing").code == 5
    trapped = asker.ask(URL, transform="trapping")
    assert (trapped.code, "unreachable" in trapped.text) == (5, True)
    assert (
        "Failed to decode what the transform function echo returned" in asker.ask(URL, transform="echo").text
    )


def test_nodes_that_disagree(network, asker):
    """Different responses end in no consensus, unless the transform function makes them equal."""
    network.outcalls.when().disagree(make_response(body="a"), make_response(body="b"))
    failed = asker.ask(URL)
    assert failed.code == 2
    assert failed.text.startswith("No consensus could be reached. Replicas had different responses.")
    assert asker.ask(URL, transform="clean")["body"] == b"clean"
    network.outcalls.reset()
    network.outcalls.when().disagree(*[make_response(body=body) for body in "aab"])
    assert asker.ask(URL)["body"] == b"a"


def test_payment(network, asker):
    """The price of a subnet of 13 nodes is taken from what is attached; less is rejected."""
    price = Fees().http_request(len(URL), 100_000)
    failed = asker.ask(URL, by="ask_for_nothing")
    assert failed == Failed(4, f"http_request request sent with 1 cycles, but {price} cycles are required.")
    network.outcalls.when().reply(200)
    before = network.replica.canister(asker.id).cycles
    asker.ask(URL)
    assert (
        price < before - network.replica.canister(asker.id).cycles < price + 10**8
    )  # the messages of the call


class Silent(ImmediateOutcalls):
    """Answers when it is told to."""

    def __init__(self):
        super().__init__(lambda _: (make_response(body="late"),))
        self.speaks = False

    def answered(self):
        return super().answered() if self.speaks else []


def test_outcalls_survive_a_restart(tmp_path):
    """An outcall under way is in the state: after a restart from disk it is made again and answered."""
    source = Silent()
    with Replica(ReplicaConfig(state_dir=tmp_path / "state", clock=ManualClock())) as replica:
        replica.answer_outcalls(source)
        asker = Asker(EmbeddedNetwork(replica))
        finish = replica.submit_update(Principal.anonymous(), asker.id, "ask", asker.argument(URL))
        replica.tick()
        assert len(replica.node.state.outcalls) == 1
        replica.restart()
        assert len(replica.node.state.outcalls) == 1
        source.speaks = True
        replica.tick()
        assert not replica.node.state.outcalls
        with pytest.raises(ReplicaError, match="closed"):
            finish()


def test_an_outcall_that_is_never_answered():
    """After a minute of the network's time the canister gets a transient failure."""
    with Replica(ReplicaConfig(clock=ManualClock())) as replica:
        replica.answer_outcalls(Silent())
        asker = Asker(EmbeddedNetwork(replica))
        finish = replica.submit_update(Principal.anonymous(), asker.id, "ask", asker.argument(URL))
        replica.tick()
        replica.advance_time(61 * SECOND)
        replica.tick()
        assert finish() == b"!2Canister http request timed out"


def test_put_back_while_an_outcall_is_under_way(network, asker):
    """A snapshot holds outcalls under way; restoring it makes them again."""
    source = Silent()
    network.replica.answer_outcalls(source)
    network.replica.submit_update(Principal.anonymous(), asker.id, "ask", asker.argument(URL))
    network.replica.tick()
    with network.replica.held():
        before = network.snapshot()
    source.speaks = True
    network.tick()
    assert not network.replica.node.state.outcalls
    source.speaks = False
    network.restore(before)
    assert [outcall.url for outcall in network.replica.node.state.outcalls.values()] == [URL]
    before.close()


def test_record_and_replay(network, asker, tmp_path):
    """What was recorded answers later without a network; secret headers are not in the file."""
    path = tmp_path / "outcalls.json"
    made = ImmediateOutcalls(
        lambda outcall: (make_response(body=outcall.url, headers={"Set-Cookie": "s3cret"}),)
    )
    recording = Recording(made, path, ["Authorization", "set-cookie"])
    network.replica.answer_outcalls(recording)
    headers = [{"name": "authorization", "value": "s3cret"}]
    assert asker.ask(URL, headers=headers)["body"] == URL.encode()
    assert "s3cret" not in path.read_text()
    network.outcalls.replay(path)
    assert asker.ask(URL, headers=headers)["body"] == URL.encode()
    assert asker.ask(URL)["body"] == URL.encode()  # the last entry again and again
    missing = asker.ask("https://other.example/")
    assert missing.text == f"GET https://other.example/ is not in the recording {path}: record it again"


@pytest.mark.parametrize("content", ["", "{", "[1]", '[{"request": {}}]', '[{"request": 5}]', "[" * 100_000])
def test_files_that_are_no_recordings(network, tmp_path, content):
    """A file that is missing or no recording is named."""
    path = tmp_path / "cassette.json"
    with pytest.raises(OutcallError, match=re.escape(str(path))):
        network.outcalls.replay(path)
    path.write_text(content)
    with pytest.raises(OutcallError, match=f"{re.escape(str(path))} is no recording"):
        network.outcalls.replay(path)


def test_nodes_disagree_over_two():
    """Nodes disagree over two responses at least; a rule that is told nothing answers nothing."""
    with embedded() as network, pytest.raises(ValueError, match="two or more"):
        network.outcalls.when().disagree(make_response())


@pytest.fixture(scope="module")
def web(tmp_path_factory):
    """A web server with HTTPS on loopback: its address and its certificate."""
    with httpbin(tmp_path_factory.mktemp("web")) as served:
        yield served


def test_live(network, asker, web, unused_port):
    """By request outcalls leave: as the network makes them, with certificates verified and without redirects."""
    address, certificate = web
    network.outcalls.live(certificates=certificate)
    answer = asker.ask(f"https://{address}/ascii/hello", transform=None)
    assert (answer["status"], answer["body"]) == (200, b"hello")
    about = json.loads(asker.ask(f"https://{address}/anything", **POST)["body"])
    assert (about["method"], about["data"]) == ("POST", "abc")
    assert asker.ask(f"https://{address}/equal_bytes/100001") == Failed(
        1, "Http body exceeds size limit of 100000 bytes."
    )
    gone = asker.ask(f"https://127.0.0.1:{unused_port}/")
    assert gone.code == 2
    assert gone.text.startswith("Connecting to 127.0.0.1 failed")
    network.outcalls.live()  # the certificate is not trusted any more
    assert "CERTIFICATE_VERIFY_FAILED" in asker.ask(f"https://{address}/ascii/hello").text


def test_live_and_rules(network, asker, web):
    """Rules come before requests that leave; many canisters ask at once."""
    address, certificate = web
    network.outcalls.live(certificates=certificate)
    network.outcalls.when(url=URL).reply(200, "mocked")
    with ThreadPoolExecutor(8) as pool:
        urls = [URL, f"https://{address}/ascii/hello"] * 8
        bodies = [answer["body"] for answer in pool.map(asker.ask, urls)]
    assert bodies == [b"mocked", b"hello"] * 8


def test_one_node_asks_where_nothing_is_replicated(network, asker):
    """Nodes that would disagree do not matter when only one of them makes the request."""
    network.outcalls.when().disagree(make_response(200, "a"), make_response(200, "b"))
    assert "No consensus" in asker.ask(URL).text
    assert asker.ask(URL, is_replicated=False)["body"] == b"a"


def flexibly(network, rust, replication=None, cycles=1_000_000_000_000):
    """What a canister gets for a flexible outcall."""
    method = interface().methods["flexible_http_request"]
    request = {
        "url": URL,
        "max_response_bytes": 1000,
        "method": {"get": None},
        "headers": [],
        "body": None,
        "transform": None,
        "replication": replication,
    }
    arg = candid.encode((request,), method.arg_types)
    forward = rust_interface().methods["forward"]
    call = candid.encode(
        (Principal.management(), "flexible_http_request", arg, cycles, None), forward.arg_types
    )
    (reply,) = candid.decode(network.agent().update(rust, "forward", call), forward.return_types)
    if "Err" in reply:
        return reply["Err"]
    return candid.decode(reply["Ok"], method.return_types)[0]


@pytest.fixture
def rust(network):
    init = candid.encode((0,), rust_interface().init_args or ())
    return network.deploy(wasm("rust/rust"), init)


def rust_interface():
    return did("rust/rust")


def test_flexible_outcalls_return_what_each_node_got(network, rust):
    """Nodes need not agree: their responses come together, as many as were asked for."""
    network.outcalls.when().disagree(make_response(200, "a"), make_response(200, "b"))
    answers = flexibly(network, rust)["ok"]
    assert [answer["body"] for answer in answers] == [b"a"] * 7 + [b"b"] * 6
    counts = {"total_requests": 4, "min_responses": 1, "max_responses": 3}
    answers = flexibly(network, rust, counts)["ok"]
    assert [answer["body"] for answer in answers] == [b"a", b"a", b"b"]


def test_flexible_outcalls_fail_with_the_failure_of_each_node(network, rust):
    """Too few responses are an error with its cause by node; impossible counts are rejected."""
    network.outcalls.when().fail("connection reset")
    error = flexibly(network, rust, {"total_requests": 2, "min_responses": 1, "max_responses": 2})["err"]
    assert error["global_error"] == {"too_many_rejects": None}
    assert [detail["error"]["message"] for detail in error["node_details"]] == ["connection reset"] * 2
    assert len({detail["node_id"] for detail in error["node_details"]}) == 2
    rejected = flexibly(network, rust, {"total_requests": 14, "min_responses": 1, "max_responses": 2})
    assert "Invalid replication counts" in rejected["message"]


def test_flexible_outcalls_are_paid_by_node(network, rust):
    """Each node that is asked costs its share; `canister_metrics` counts what was paid."""
    network.outcalls.when().reply(200, "x")
    flexibly(network, rust, {"total_requests": 1, "min_responses": 1, "max_responses": 1})
    consumed = Management(network.agent(network.deployer)).canister_metrics(rust)
    assert consumed["http_outcalls"] == Fees(nodes=1).http_request(len(URL), 1000)
