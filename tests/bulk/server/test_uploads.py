"""Direct upload: a slot, the bytes, their completion; and every way in which one of them is refused."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from ic_capsule.bulk import Stage
from ic_capsule.bulk.server.spool import safe_name

PNG = b"\x89PNG\r\n\x1a\n" + b"a picture"
HASH = hashlib.sha256(PNG).hexdigest()


def slot_of(client, name="photo.png", size=None):
    params = {"filename": name, "size": len(PNG) if size is None else size}
    answer = client.get("/api/upload-url", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def upload(client, name="photo.png", data=PNG, **more):
    slot = slot_of(client, name, len(data))
    assert client.put(slot["uploadUrl"], content=data).status_code == 200
    told = {"assetId": slot["assetId"], "filename": name, "size": len(data), **more}
    return client.post("/api/upload-complete", json=told)


def test_three_steps_store_a_file(web, book):
    """A slot, its bytes and their completion add the file to the run, with both flags false."""
    client = web()
    slot = slot_of(client, "my photo.png")
    assert slot["pathname"] == f"{slot['assetId']}/my photo.png"
    assert slot["expiresIn"] == 300
    sent = client.put(slot["uploadUrl"], content=PNG)
    assert sent.json() == {"sha256": HASH, "size": len(PNG)}
    done = client.post("/api/upload-complete", json={"assetId": slot["assetId"], "sha256": HASH}).json()
    assert done["success"]
    assert done["asset"]["needsProcessing"]
    file = book.file(done["asset"]["file"])
    assert (file.name, file.size, file.sha256.hex()) == ("my photo.png", len(PNG), HASH)
    assert [str(state) for state in file.states.values()].count("done") == 0


def test_a_repeated_completion_is_answered_as_the_first(web, book):
    """A page whose reply was lost asks again: the same answer, and the file is there once."""
    client = web()
    first = upload(client)
    again = client.post("/api/upload-complete", json={"assetId": first.json()["asset"]["id"]})
    assert again.json() == first.json()
    assert book.stats().total == 1


def test_completions_at_the_same_time(web, book):
    """Many completions of one slot at once, and of equal bytes: the file is there once, one answer says it is new."""
    client = web()
    slots = [slot_of(client, f"{number}.png") for number in range(4)]
    for slot in slots:
        assert client.put(slot["uploadUrl"], content=PNG).status_code == 200
    told = [{"assetId": slot["assetId"]} for slot in slots * 4]
    with ThreadPoolExecutor(8) as pool:
        done = list(
            pool.map(lambda body: client.post("/api/upload-complete", json=body).json()["asset"], told)
        )
    stats = book.stats()
    assert stats.total - stats.duplicates == 1
    assert all(done[at] == done[at % 4] for at in range(16))
    assert [asset["isDuplicate"] for asset in done[:4]].count(False) == 1


def test_equal_bytes_are_stored_once(web, book, tmp_path):
    """The same bytes under another name are a duplicate: the file that is there is named, the new bytes are removed."""
    client = web()
    first = upload(client).json()["asset"]
    second = upload(client, "copy.png").json()["asset"]
    assert (second["isDuplicate"], second["file"], second["needsProcessing"]) == (True, first["file"], False)
    assert [path.name for path in (tmp_path / "spool").rglob("*.png")] == ["photo.png"]
    assert book.stats().total == 1


def test_a_slot_expires(web, clock):
    """Five minutes after it was made a slot takes no bytes (403, which asks for a new one)."""
    client = web()
    slot = slot_of(client)
    clock.now += 299
    assert client.put(slot["uploadUrl"], content=PNG).status_code == 200
    clock.now += 1
    late = client.put(slot["uploadUrl"], content=PNG)
    assert (late.status_code, late.json()["code"]) == (403, "slot_expired")
    done = client.post("/api/upload-complete", json={"assetId": slot["assetId"]})
    assert done.status_code == 200


@pytest.mark.parametrize(
    ("told", "status", "code"),
    [
        ({"sha256": "0" * 64}, 422, "other_bytes"),
        ({"sha256": "xyz"}, 400, "refused"),
        ({"sha256": 7}, 400, "refused"),
        ({"size": 7}, 400, "refused"),
        ({"assetId": "no-such-slot"}, 404, "no_slot"),
    ],
)
def test_a_wrong_completion_is_refused(web, book, told, status, code):
    """A wrong hash, size or slot adds nothing, and the right completion is still taken."""
    client = web()
    slot = slot_of(client)
    client.put(slot["uploadUrl"], content=PNG)
    right = {"assetId": slot["assetId"], "size": len(PNG), "sha256": HASH}
    answer = client.post("/api/upload-complete", json=right | told)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert book.stats().total == 0
    assert client.post("/api/upload-complete", json=right).status_code == 200


def test_bytes_must_be_as_many_as_announced(web, tmp_path):
    """More or fewer bytes than announced are refused and leave nothing."""
    client = web()
    for data, status in ((PNG + b"!", 413), (PNG[:-1], 400)):
        answer = client.put(slot_of(client)["uploadUrl"], content=data)
        assert answer.status_code == status
    slot = slot_of(client)
    assert client.post("/api/upload-complete", json={"assetId": slot["assetId"]}).json()["code"] == "no_bytes"
    assert [path for path in (tmp_path / "spool").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    "query", ["", "filename=a.png", "size=5", "filename=a.png&size=-1", "filename=a&size=1e3"]
)
def test_a_slot_needs_name_and_size(web, query):
    """Without a name and a number of bytes there is no slot."""
    assert web().get(f"/api/upload-url?{query}").status_code == 400


def test_too_large_a_file_is_refused_at_once(web):
    """Before a byte is sent."""
    answer = web(max_file=10).get("/api/upload-url?filename=a.png&size=11")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_what_is_no_photo_becomes_a_dead_letter(web, book):
    """Bytes that are of no kind that is stored are listed as invalid, not lost."""
    upload(web(), "poison.png", b"this is no picture")
    (letter,) = book.dead_letters()
    assert (letter.name, str(letter.cls)) == ("poison.png", "invalid")


def test_a_user_is_limited(web, clock, caplog):
    """100 slots at once and 10 a minute: the 101st is told how long to wait, and 10 are allowed after a minute."""
    client = web(capacity=100, per_minute=10)
    asked = [client.get("/api/upload-url?filename=a.png&size=5").status_code for _ in range(150)]
    assert asked == [200] * 100 + [429] * 50
    refused = client.get("/api/upload-url?filename=a.png&size=5")
    assert refused.headers["Retry-After"] == "6"
    assert refused.json() == {
        "error": "Too many uploads. Please wait 6s and try again",
        "code": "rate_limited",
        "retryAfter": 6,
    }
    assert "[RateLimit] User local exceeded limit" in caplog.text
    clock.now += 60
    later = [client.get("/api/upload-url?filename=a.png&size=5").status_code for _ in range(11)]
    assert later == [200] * 10 + [429]


def test_slots_survive_a_new_server(web, book):
    """A server that is started anew takes the bytes of a slot that the old one gave, and their completion."""
    slot = slot_of(web())
    second, third = web(), web()
    assert second.put(slot["uploadUrl"], content=PNG).status_code == 200
    assert third.post("/api/upload-complete", json={"assetId": slot["assetId"]}).status_code == 200
    assert book.stats().total == 1


def test_bytes_are_freed_when_nobody_needs_them(web, book, clock, tmp_path):
    """A day after a slot ended its bytes go, but for files that are not done yet: those can still be retried."""
    client = web()
    done = upload(client, "done.png").json()["asset"]["file"]
    upload(client, "waiting.png", PNG + b"2")
    left = slot_of(client, "left.png")
    client.put(left["uploadUrl"], content=PNG)
    for stage in Stage:
        (lease,) = book.lease(stage, 1)
        assert lease.file.id == done
        book.done(done, stage)
    clock.now += 24 * 3600 + 301
    web()
    wait_until(lambda: [path.name for path in (tmp_path / "spool").rglob("*.png")] == ["waiting.png"])


def wait_until(holds, patience_s=30):
    """Wait for a condition; the event is only there to wait without using the processor."""
    end, never = time.monotonic() + patience_s, threading.Event()
    while not holds():
        assert time.monotonic() < end
        never.wait(0.01)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\a.jpg", "a.jpg"),
        ("..", "file"),
        ("", "file"),
        (".hidden.jpg", "hidden.jpg"),
        ("a\x00b\n.jpg", "a␀b_.jpg"),
        ("x" * 300 + ".jpeg", "x" * 175 + ".jpeg"),
        ("schön 🏔.png", "schön 🏔.png"),
    ],
)
def test_names_are_made_safe(told, kept):
    """A name leads nowhere else, is never hidden or empty, and fits a file system."""
    assert safe_name(told) == kept
