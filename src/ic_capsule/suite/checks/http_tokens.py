"""Checks of HT4 and HT5: tokens need the canister's key, and open only the assets that they name."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from hmac import digest

from ic_capsule.backend import AssetType
from ic_capsule.suite.checks.http_requests import TTL_S, asset_url, get
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import blob_asset, content, memory_metadata
from ic_harness.testing.assertions import NotApplicableError, equal, require

_GUESSED_KEYS = {"a key of zeros": bytes(32), "an empty key": b""}
_REFUSED = (400, 401, 403)


@check("HT4")
def tokens_need_the_key(context: CheckContext) -> None:
    """A token that is signed with a key which everybody knows opens nothing, right after an upgrade neither."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    memory, _ = alice.remember(content(100))
    token = alice.backend.mint_http_token(memory, ["original"], None, TTL_S)
    forged = _forgeries(token)
    if not forged:
        msg = "tokens of this canister have a form that is not known here"
        raise NotApplicableError(msg)
    _opens_nothing(mallory, memory, forged, "")
    context.upgrade()
    _opens_nothing(mallory, memory, forged, " after an upgrade, before a token was minted,")


def _opens_nothing(caller: Caller, memory: str, forged: dict[str, str], when: str) -> None:
    for key, token in forged.items():
        status = get(caller, asset_url(memory, "original", token)).status_code
        require(
            status in _REFUSED,
            f"a token signed with {key}{when} is answered with {status}",
            "Everybody opens every photo whose memory they can name.",
        )


def _forgeries(token: str) -> dict[str, str]:
    """Sign a token's claims with guessed keys, in each known form of token; each comes with a name for its key."""
    claims, dot, _ = token.partition(".")
    if dot:
        return {
            f"{key}{words}": f"{claims}.{_base64(digest(secret, prefix + _unbase64(claims), sha256))}"
            for key, secret in _GUESSED_KEYS.items()
            for words, prefix in (("", b"http token"), (" over the claims alone", b""))
        }
    try:
        payload = json.loads(_unbase64(token))["p"]
    except (ValueError, KeyError, TypeError):
        return {}
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
    forged = {}
    for key, secret in _GUESSED_KEYS.items():
        signed = {"p": payload, "s": list(digest(secret, text, sha256))}
        forged[key] = _base64(json.dumps(signed, separators=(",", ":"), ensure_ascii=False).encode())
    return forged


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


def _unbase64(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


@check("HT5")
def tokens_open_their_assets(context: CheckContext) -> None:
    """asset_ids of a token hold with and without an id in the address, and an id opens no other variant."""
    alice = context.caller()
    kinds = {"first": AssetType.Thumbnail, "second": AssetType.Thumbnail, "original": AssetType.Original}
    samples = {name: content(300 + len(name), name) for name in kinds}
    assets = [blob_asset(alice.upload(samples[name]), samples[name], kind) for name, kind in kinds.items()]
    memory = alice.backend.memories_create_with_internal_blobs(
        alice.capsule, memory_metadata(), assets, alice.idem()
    )
    held = {
        row.blob_ref.locator: row.asset_id for row in alice.backend.memories_read(memory).blob_internal_assets
    }
    ids = {name: held[asset.blob_id] for name, asset in zip(kinds, assets, strict=True)}
    second = alice.backend.mint_http_token(memory, ["thumbnail"], [ids["second"]], TTL_S)
    thumbnails = alice.backend.mint_http_token(memory, ["thumbnail"], None, TTL_S)
    url = asset_url(memory, "thumbnail", second)
    meaning = "Who is shown one thumbnail can open the other photos of the memory."
    equal(
        get(alice, f"{url}&id={ids['second']}").body,
        samples["second"].data,
        "the asset that the token is for, by its id",
    )
    answered = get(alice, url)
    require(
        answered.status_code != 200 or answered.body == samples["second"].data,
        "without an id a token for one asset opens another of its variant",
        meaning,
    )
    for what, address in (
        ("a token for one asset opens another by its id", f"{url}&id={ids['first']}"),
        (
            "a token for thumbnails opens the original by its id",
            f"{asset_url(memory, 'thumbnail', thumbnails)}&id={ids['original']}",
        ),
    ):
        require(get(alice, address).status_code in (401, 403, 404), what, meaning)
