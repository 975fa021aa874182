"""Checks of HT1 to HT3: what the canister serves over HTTP, to whom, and how long."""

from __future__ import annotations

from functools import partial

from ic_capsule.backend import AssetType, HttpResponse
from ic_capsule.suite.checks.http_requests import TTL_S, asset_url, get
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import Content, blob_asset, content, inline_asset, memory_metadata
from ic_harness.errors import RejectError
from ic_harness.testing.assertions import accepted, broken, equal, part, require
from ic_harness.testing.guarantees import Severity


def _served(caller: Caller, url: str) -> bytes:
    """Read a whole response, its streamed parts included."""
    response = get(caller, url)
    equal(response.status_code, 200, f"the status of {_path(url)}", fatal=True)
    body, strategy = response.body, response.streaming_strategy
    token = strategy.value.token if strategy else None
    while token is not None:
        part = caller.backend.http_request_streaming_callback(token)
        body, token = body + part.body, part.token
    return bytes(body)


def _path(url: str) -> str:
    """The last part of an address without its query, which has the token."""
    return url.partition("?")[0].rpartition("/")[2]


def _header(response: HttpResponse, name: str) -> str | None:
    return next((value for key, value in response.headers if key.lower() == name), None)


@check("HT1")
def paths_and_methods(context: CheckContext) -> None:
    """GET /health answers 200, everything else 404 or 400, and nothing traps."""
    anonymous = context.anonymous()
    equal(get(anonymous, "/health").status_code, 200, "GET /health")
    for method, url in (("GET", "/"), ("GET", "/nothing"), ("POST", "/health"), ("DELETE", "/asset/x/y")):
        equal(get(anonymous, url, method).status_code, 404, f"{method} {url}")
    for url in ("/asset/x/thumbnail?" + "a" * 20_000, "/asset/x/thumbnail?token=" + "t" * 9000):
        equal(get(anonymous, url).status_code, 400, f"GET with {len(url)} characters")
    many = "&".join(f"p{number}=1" for number in range(100))
    equal(get(anonymous, f"/asset/x/thumbnail?{many}").status_code, 400, "GET with a hundred parameters")


_SMALL = 1000
_LARGER_THAN_A_REPLY = 5_000_000


def _memory_with_variants(caller: Caller, original: int = _SMALL) -> tuple[str, dict[str, Content]]:
    variants = {"original": content(original, "original"), "thumbnail": content(900, "thumbnail")}
    kinds = {"original": AssetType.Original, "thumbnail": AssetType.Thumbnail}
    blobs = [blob_asset(caller.upload(sample), sample, kinds[name]) for name, sample in variants.items()]
    memory = caller.backend.memories_create_with_internal_blobs(
        caller.capsule, memory_metadata(), blobs, caller.idem()
    )
    small = content(120, "placeholder")
    caller.backend.memories_add_inline_asset(memory, inline_asset(small), caller.idem())
    return memory, {**variants, "placeholder": small}


@check("HT2")
def assets_are_served_whole(context: CheckContext) -> None:
    """An asset of any size comes with its type and all its bytes, and only with a valid token."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    memory, variants = _memory_with_variants(alice, _LARGER_THAN_A_REPLY)
    for variant, sample in variants.items():
        with part():
            _served_with_token_only(alice, mallory, memory, variant, sample)


def _served_with_token_only(owner: Caller, other: Caller, memory: str, variant: str, sample: Content) -> None:
    mint = partial(owner.backend.mint_http_token, memory, [variant], None, TTL_S)
    token = accepted("mint_http_token", mint)
    url = asset_url(memory, variant, token)
    for bad in (
        f"/asset/{memory}/{variant}",
        asset_url(memory, variant, "x"),
        asset_url(memory, variant, ""),
    ):
        require(get(other, bad).status_code in (400, 401, 403), f"{variant} is served without a valid token")
    equal(_served(other, url), sample.data, f"the bytes of {variant}", "Photos are served cut off.")
    equal(_header(get(other, url), "content-type"), "image/jpeg", f"the type of {variant}")


@check("HT2")
def strangers_cannot_mint(context: CheckContext) -> None:
    """Who may not see a memory gets no token for it."""
    alice, mallory = context.caller("alice"), context.caller("mallory")
    memory, _ = alice.remember(content(100))
    for other_caller in (mallory, context.anonymous()):
        try:
            other_caller.backend.mint_http_token(memory, ["original"], None, TTL_S)
        except RejectError:
            continue
        raise broken(
            f"{other_caller.name} minted a token for a memory of alice", "Any caller can open every photo."
        )


@check("HT3")
def tokens_open_one_thing(context: CheckContext) -> None:
    """A token opens only its memory and variants, only unchanged, and only until it expires."""
    alice = context.caller("alice")
    memory, _ = _memory_with_variants(alice)
    other, _ = alice.remember(content(100, "other"))
    token = alice.backend.mint_http_token(memory, ["thumbnail"], None, TTL_S)
    equal(
        get(alice, asset_url(memory, "thumbnail", token)).status_code,
        200,
        "the asset that the token is for",
    )
    for what, url in (
        ("another variant", asset_url(memory, "original", token)),
        ("another memory", asset_url(other, "thumbnail", token)),
    ):
        require(get(alice, url).status_code in (401, 403, 404), f"the token opens {what}")
    _changed_tokens_are_refused(alice, memory, token)
    with part():
        context.advance(TTL_S + 60)
        equal(
            get(alice, asset_url(memory, "thumbnail", token)).status_code,
            403,
            "the token after it expired",
        )


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _changed_tokens_are_refused(caller: Caller, memory: str, token: str) -> None:
    """Every character counts: each is replaced by the one whose highest bit differs, so that no change is padding."""
    for position, sign in enumerate(token):
        place = _ALPHABET.find(sign)
        changed = token[:position] + (_ALPHABET[place ^ 32] if place >= 0 else "A") + token[position + 1 :]
        status = get(caller, asset_url(memory, "thumbnail", changed)).status_code
        require(
            status != 200,
            f"a token with one character changed is accepted (number {position + 1} of {len(token)})",
            fatal=True,
        )


_MINTED = 40
"""Tokens that are minted at most until one has unused bits at its end: with random lengths, two of three have."""


@check("HT3")
def tokens_have_one_form(context: CheckContext) -> None:
    """A token in another form, with other bits in the unused end of its base64, is a changed token."""
    alice = context.caller("alice")
    memory, _ = _memory_with_variants(alice)
    for _ in range(_MINTED):
        token = alice.backend.mint_http_token(memory, ["thumbnail"], None, TTL_S)
        if len(token) % 4 not in (2, 3) or token[-1] not in _ALPHABET:
            continue
        changed = token[:-1] + _ALPHABET[_ALPHABET.index(token[-1]) ^ 1]
        require(
            get(alice, asset_url(memory, "thumbnail", changed)).status_code != 200,
            "a token that differs in the unused bits of its last character is accepted",
            "A token that was revoked or logged by its text works in another form.",
            severity=Severity.LOW,
        )
        return
