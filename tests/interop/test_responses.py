"""What the reference backend certifies of its HTTP answers, judged by the library that service workers use."""

from __future__ import annotations

import pytest

from ic_capsule.backend import HttpRequest

from .conftest import have

pytestmark = pytest.mark.interop

FIXED = {
    ("GET", "/health"): 200,
    ("GET", "/health?x=1"): 200,
    ("POST", "/health"): 404,
    ("GET", "/"): 404,
    ("GET", "/nothing/here"): 404,
    ("GET", "/" + "a" * 17_000): 400,
}
OPENED_BY_TOKEN = {
    ("GET", "/asset/x/thumbnail?token=a"): 400,
    ("GET", "/asset/x/thumbnail"): 401,
    ("GET", "/asset"): 404,
}


@pytest.fixture
def verdicts(backend, network, canister_id):
    """Ask the reference, then the judge: the status, and the verdicts on the true and a forged answer."""

    def of(requests):
        answers = []
        for method, url in requests:
            request = HttpRequest(method=method, url=url, headers=[], body=b"", certificate_version=2)
            got = backend.http_request(request)
            headers = [list(pair) for pair in got.headers]
            answers.append(
                {
                    "method": method,
                    "url": url,
                    "status": got.status_code,
                    "headers": headers,
                    "body": got.body.hex(),
                }
            )
        said = have("responses").ask(
            "responses",
            canister=canister_id.raw.hex(),
            root_key=network.root_key.hex(),
            now=str(network.time_ns()),
            answers=answers,
        )
        return [(answer["status"], seen) for answer, seen in zip(answers, said["seen"], strict=True)]

    return of


def test_fixed_answers_are_certified(verdicts):
    """Health, unknown paths and addresses that are too long verify, and not with one other byte."""
    for (status, seen), expected in zip(verdicts(FIXED), FIXED.values(), strict=True):
        assert status == expected
        assert seen["right"] == {"version": 2, "status": expected}
        assert "error" in seen["forged"]


def test_assets_are_let_through_by_certificate(verdicts):
    """Below /asset the certificate says that nothing is certified, so that gateways let the answers through."""
    for (status, seen), expected in zip(verdicts(OPENED_BY_TOKEN), OPENED_BY_TOKEN.values(), strict=True):
        assert status == expected
        assert seen["right"] == {"version": 2, "status": None}
