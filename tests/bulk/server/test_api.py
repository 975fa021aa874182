"""What the page's server answers: counts, lists, retries, events, figures; and whom it refuses."""

from __future__ import annotations

import json

import pytest

from ic_capsule.bulk import FailureClass, Stage

from .conftest import advance, finish, new_file


def fail(book, text="is broken"):
    """Let one upload fail for good."""
    (lease,) = book.lease(Stage.UPLOAD, 1)
    book.dead(lease, FailureClass.INVALID, f"/photos/{lease.file.name} {text}")
    return lease.file.id


def messages(client, path="/api/sse/processing-updates", **headers):
    """The events of a stream that ends by itself, as pairs of id and message."""
    found, lines = [], client.get(path, headers=headers).text.splitlines()
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            found.append([int(value)])
        elif name == "data":
            found[-1].append(json.loads(value))
    return found


def test_counts(web, book):
    """Totals by phase, duplicates counted as uploaded."""
    book.add([new_file(number) for number in range(5)] + [new_file(9, sha256=new_file(0).sha256)])
    finish(book, 2)
    fail(book)
    stats = web().get("/api/processing-stats").json()["stats"]
    wanted = {
        "total": 6,
        "uploaded": 3,
        "processed": 2,
        "embedded": 2,
        "failed": 1,
        "images": 5,
        "duplicates": 1,
    }
    assert {name: stats[name] for name in wanted} == wanted
    assert stats["failures"] == {"invalid": 1}


def test_a_window_of_the_list(web, book):
    """Failures come first; only the rows asked for are sent; an error is without the path of its file."""
    book.add([new_file(number) for number in range(30)])
    failed = fail(book, "is no picture")
    client = web()
    page = client.get("/api/files?offset=0&limit=10").json()
    assert (page["total"], len(page["rows"])) == (30, 10)
    assert (page["rows"][0]["id"], page["rows"][0]["status"]) == (failed, "failed")
    assert page["rows"][0]["error"] == "is no picture"
    last = client.get("/api/files?offset=25&limit=10").json()["rows"]
    assert [row["name"] for row in last] == [f"IMG_{number:04}.jpg" for number in range(25, 30)]
    only = client.get("/api/files?failed=1").json()
    assert (only["total"], [row["id"] for row in only["rows"]]) == (1, [failed])
    assert client.get("/api/files?limit=x").status_code == 400


def test_one_dead_letter_is_retried(web, book):
    """It becomes urgent; what is not there is 404."""
    book.add([new_file(1), new_file(2)])
    failed = fail(book)
    client = web()
    assert client.get("/api/dead-letters").json()["items"][0]["class"] == "invalid"
    assert client.post(f"/api/assets/{failed}/retry-processing").json() == {"success": True, "retried": 1}
    (lease,) = book.lease(Stage.UPLOAD, 1)
    assert (lease.file.id, lease.priority) == (failed, 10)
    assert client.post("/api/assets/99/retry-processing").status_code == 404


def test_dead_letters_are_retried_by_class_and_all(web, book):
    """Only those that were named; a request that names none is refused."""
    book.add([new_file(number) for number in range(3)])
    failed = [fail(book), fail(book)]
    client = web()
    retry = "/api/dead-letters/retry"
    assert client.post(retry, json={"class": "network"}).json()["retried"] == 0
    assert client.post(retry, json={"ids": failed[:1]}).json()["retried"] == 1
    assert client.post(retry, json={"all": True}).json()["retried"] == 1
    for told in ({}, {"class": "bad luck"}, {"ids": ["1"]}, {"ids": 5}, [1]):
        assert client.post(retry, json=told).status_code == 400, told
    assert client.post(retry, content=b"[" * 10_000).status_code == 400
    assert client.post(retry, content=b" " * 20_000).status_code == 413


def test_the_stream_tells_what_was_missed(web, book):
    """The id of an event is the ledger's number: with Last-Event-ID a page is told the files that changed since."""
    book.add([new_file(number) for number in range(4)])
    client = web(idle_s=-1)
    ((first, message),) = messages(client)
    assert (message["type"], message["changed"], message["stats"]["total"]) == ("progress", [], 4)
    done = advance(book, Stage.UPLOAD, 2)
    ((second, missed),) = messages(client, **{"Last-Event-ID": str(first)})
    assert sorted(missed["changed"]) == sorted(done)
    assert second > first
    assert missed["stats"]["uploaded"] == 2
    ((_, again),) = messages(client, f"/api/sse/processing-updates?after={second}")
    assert again["changed"] == []


@pytest.mark.parametrize("told", ["999999", "-1", "x", "1" * 50])
def test_an_impossible_event_id(web, book, told):
    """An id of another ledger, or none at all, is answered with the present state and never an error."""
    book.add([new_file(1)])
    ((number, message),) = messages(web(idle_s=-1), **{"Last-Event-ID": told})
    assert number == book.last_event()
    assert message["changed"] in ([], None)


def test_figures(web, book, clock):
    """Latencies by stage, depth of queues, failures; the same for Prometheus."""
    book.add([new_file(number) for number in range(4)])
    fail(book)
    (lease,) = book.lease(Stage.UPLOAD, 1)
    book.first_byte(lease.file.id)
    clock.now += 2.5
    book.done(lease.file.id, Stage.UPLOAD)
    client = web()
    told = client.get("/api/telemetry").json()
    assert told["uploadLatency"] == {"p50": 2.5, "p95": 2.5, "p99": 2.5}
    assert told["queues"] == {"upload": 2, "process": 1, "embed": 0}
    assert told["retries"] == {"invalid": 1}
    lines = client.get("/metrics").text.splitlines()
    for line in (
        'ic_bulk_files{stage="upload",state="ready"} 2',
        'ic_bulk_dead_letters{class="invalid"} 1',
        'ic_bulk_upload_seconds{quantile="0.95"} 2.5',
        "ic_bulk_upload_seconds_count 1",
    ):
        assert line in lines


def test_previews(web, book):
    """A thumbnail is sent once and then known by its hash; a file without one is 404."""
    book.add([new_file(1), new_file(2)])
    book.set_preview(new_file(1).sha256, 1, 1, b"webp")
    client = web()
    picture = client.get("/api/files/1/preview")
    assert (picture.content, picture.headers["content-type"]) == (b"webp", "image/webp")
    tag = {"If-None-Match": picture.headers["etag"]}
    assert client.get("/api/files/1/preview", headers=tag).status_code == 304
    assert client.get("/api/files/2/preview").status_code == 404
    assert [item["id"] for item in client.get("/api/gallery").json()["items"]] == [1]


def test_the_page_without_scripts(web, book):
    """All rows are in tables of a hundred, failures first with a button each; names are text, never markup."""
    book.add([new_file(number) for number in range(150)])
    book.add([new_file(999, name="<script>alert(1)</script>")])
    failed = fail(book)
    client = web()
    page = client.get("/").text
    assert page.count("<tr>") == 101
    assert f'action="/files/{failed}/retry"' in page
    assert "Page 1 of 2" in page
    second = client.get("/?page=2").text
    assert "&lt;script&gt;alert(1)" in second
    assert "<script>alert" not in second
    assert client.get("/?page=99999999999").status_code == 200
    answer = client.post(f"/files/{failed}/retry")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert book.dead_letters() == []


def test_other_names_are_refused(web):
    """A site whose name leads to this machine does not reach the page."""
    client = web()
    for host in ("evil.example", "192.168.1.7", "127.0.0.1.evil.example", "evil@[", ""):
        assert client.get("/", headers={"Host": host}).status_code == 421, host
    for host in ("localhost", "127.0.0.1:80", "[::1]:8765"):
        assert client.get("/", headers={"Host": host}).status_code == 200, host


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_other_sites_change_nothing(web, book, headers):
    """A form or script of another site is refused before anything happens."""
    book.add([new_file(1)])
    failed = fail(book)
    client = web()
    assert client.post("/retry", headers=headers).status_code == 403
    assert [letter.file for letter in book.dead_letters()] == [failed]
    own = {"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert client.post("/retry", headers=own).status_code == 303


def test_a_token_is_needed(web):
    """With a token nothing is answered without it; the printed address leaves a cookie that scripts cannot read."""
    client = web(token="secret", capacity=1)
    for path in ("/", "/metrics", "/api/files", "/page/app.js", "/?token=wrong"):
        assert client.get(path).status_code == 401
    assert client.get("/metrics", headers={"Authorization": "Bearer secret"}).status_code == 200
    login = client.get("/?token=secret")
    assert (login.status_code, login.headers["location"]) == (303, "/")
    assert "HttpOnly" in login.headers["set-cookie"]
    assert "SameSite=strict" in login.headers["set-cookie"]
    assert client.get("/").status_code == 200


def test_headers_keep_the_page_to_itself(web):
    """No script, style or picture of others, no frame."""
    policy = web().get("/").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_unknown_addresses(web):
    """They are 404 with a reason."""
    client = web()
    for path in ("/nothing", "/page/../app.py", "/page/secret.txt", "/api/files/x"):
        assert client.get(path).status_code in {400, 404}
