"""Checks of FL1 to FL4: whole photos, in two lanes, alone and in company."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ic_capsule.assets import ASSETS, name_of
from ic_capsule.suite.checks.registry import check
from ic_capsule.suite.context import Caller, CheckContext
from ic_capsule.suite.sample_data import Content, blob_asset, content, memory_metadata
from ic_capsule.uploads import UploadedPhoto, make_large_jpeg, sample_photo, upload_photo
from ic_harness.errors import BackendError
from ic_harness.networks import Capability
from ic_harness.testing.assertions import NotApplicableError, accepted, equal, refused, require


def _upload(caller: Caller, path: Path) -> UploadedPhoto:
    return accepted(
        f"the upload of {path.name} by {caller.name}",
        lambda: upload_photo(caller.backend, path, caller.capsule),
    )


def _complete(caller: Caller, photo: UploadedPhoto, path: Path) -> None:
    """Require four assets, in one memory where the generation has such, and an original that is the file."""
    kinds = sorted(name_of(asset.asset_type, asset.mime_type) for asset in photo.assets)
    if _keeps_several_assets(caller):
        memory = caller.backend.memories_read(photo.memory_id)
        assets = [*memory.blob_internal_assets, *memory.inline_assets]
        bases = [asset.metadata.value.base for asset in assets]
        kinds = sorted(name_of(base.asset_type.value, base.mime_type) for base in bases)
    equal(kinds, sorted(ASSETS), f"the assets of {path.name}")
    require(photo.verified, f"{path.name} was not read back equal")
    original = next(asset for asset in photo.assets if asset.asset_type == "Original")
    require(original.locator, "the original is no blob", fatal=True)
    equal(caller.read(str(original.locator)), path.read_bytes(), f"the original of {path.name}")


def _keeps_several_assets(caller: Caller) -> bool:
    return caller.can("memories_create_with_internal_blobs")


@check("FL1")
def both_lanes_make_one_memory(context: CheckContext) -> None:
    """Original and derivatives go up at once and become one memory with four assets."""
    alice = context.caller()
    if not _keeps_several_assets(alice):
        raise NotApplicableError(
            f"a memory of generation {context.generation} has one asset, four cannot be one"
        )
    with TemporaryDirectory() as folder:
        path = Path(folder) / "photo.jpg"
        path.write_bytes(sample_photo())
        _complete(alice, _upload(alice, path), path)


@check("FL2")
def four_files_at_once(context: CheckContext) -> None:
    """Four photos at the same time, by one caller and by four callers, are all there and equal.

    Where several messages can be put into one round, that is asked first: whether parallel uploads meet is chance.
    """
    if Capability.SINGLE_ROUND in context.network.capabilities:
        _memories_of_one_round(context)
    count = context.sizes.photos
    for callers in (
        [context.caller("alice")] * count,
        [context.caller(name) for name in ("alice", "bob", "carol", "dan")][:count],
    ):
        with TemporaryDirectory() as folder:
            paths = [Path(folder) / f"photo-{number}.jpg" for number in range(count)]
            for number, path in enumerate(paths):
                path.write_bytes(sample_photo() + bytes([number]) * (number + 1))
            pairs = list(zip(callers, paths, strict=True))
            photos = context.at_once([partial(_upload, caller, path) for caller, path in pairs])
            for (caller, path), photo in zip(pairs, photos, strict=True):
                _complete(caller, photo, path)


def _memories_of_one_round(context: CheckContext) -> None:
    """Photos that are remembered in one round must become memories of their own; ends the check when they do not."""
    people = [context.caller("alice"), context.caller("alice"), context.caller("bob")]
    samples = [content(100, number) for number in range(len(people))]
    pairs = list(zip(people, samples, strict=True))
    made = context.in_one_round([_last_call(caller, sample) for caller, sample in pairs])
    require(
        len(set(made)) == len(made),
        f"{len(made)} photos of one round became {len(set(made))} memories",
        "Ids come from the clock: one user's photo replaces another's.",
        fatal=True,
    )
    for (caller, sample), memory in zip(pairs, made, strict=True):
        (asset,) = caller.backend.memories_read(memory).blob_internal_assets
        equal(caller.read(asset.blob_ref.locator), sample.data, f"the photo of {caller.name}")


def _last_call(caller: Caller, sample: Content) -> Callable[[], str]:
    """Prepare a memory up to the call that makes it."""
    if not caller.memory_at_finish:
        return partial(caller.remember_blob, caller.upload(sample), sample)
    session = caller.begin(1)
    caller.put(session, [sample.data])
    return lambda: str(caller.finish(session, sample).memory_id)


@check("FL3")
def a_large_original(context: CheckContext) -> None:
    """An original of 21 MB goes through in chunks, with its derivatives beside it."""
    alice = context.caller()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "large.jpg"
        path.write_bytes(make_large_jpeg(context.sizes.original))
        _complete(alice, _upload(alice, path), path)


@check("FL4")
def a_failed_lane_leaves_nothing(context: CheckContext) -> None:
    """When a lane fails after the other succeeded, what it leaves can be taken away without a trace."""
    alice = context.caller()
    sample, half = content(2000, "done"), content(2000, "half")
    done = alice.upload(sample)
    session = alice.begin(2)
    alice.put(session, half.chunks(1000), [0])
    with refused(
        "a memory of a blob whose upload never ended", "NotFound", "InvalidArgument", "Unauthorized"
    ):
        alice.backend.memories_create_with_internal_blobs(
            alice.capsule,
            memory_metadata(),
            [blob_asset(done, sample), blob_asset("blob_18446744073709551557", half)],
            alice.idem(),
        )
    equal(
        alice.backend.memories_list(alice.capsule, None, None).items, [], "memories after the failed creation"
    )
    accepted("aborting the open lane", lambda: alice.backend.uploads_abort(session))
    accepted("deleting the blob of the finished lane", lambda: alice.backend.blob_delete(done))
    for what, call in (
        ("the deleted blob", lambda: alice.backend.blob_get_meta(done)),
        ("the aborted session", lambda: alice.put(session, half.chunks(1000), [1])),
    ):
        try:
            call()
        except BackendError as error:
            equal(error.tag, "NotFound", what)
        else:
            require(holds=False, what=f"{what} is still there", meaning="Failed uploads fill the canister.")
