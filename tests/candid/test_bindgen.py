"""Typed Python from `.did` files: the modules type-check, are formatted, and carry values both ways."""

from __future__ import annotations

import asyncio
import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ic_harness import candid
from ic_harness.candid import CandidError, bindgen, runtime
from ic_harness.principal import Principal

from .strategies import is_inhabited, values_of

DATA = Path(__file__).parent / "data"
BACKEND = Path(__file__).resolve().parents[2] / "candid" / "backend.did"
INTERFACES = sorted([*DATA.glob("*.did"), BACKEND] if BACKEND.exists() else DATA.glob("*.did"))
INTERFACES = [path for path in INTERFACES if not path.name.endswith(".test.did")]
OPAQUE = Principal(b"\x01\x02")


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Generate a module from a `.did` file or text, and import it."""
    folder = tmp_path_factory.mktemp("generated")
    built: dict[str, ModuleType] = {}

    def make(source: Path | str, name: str | None = None):
        text = source if isinstance(source, str) else source.read_text(encoding="utf-8")
        name = name or f"made_{len(built)}"
        if text not in built:
            file = folder / f"{name}.py"
            file.write_text(bindgen.generate(did_text=text, source_name=f"{name}.did"), encoding="utf-8")
            spec = importlib.util.spec_from_file_location(name, file)
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            built[text] = module
        return built[text]

    return make


class Recorder:
    """An agent that records its calls and returns a prepared reply."""

    def __init__(self, reply: bytes) -> None:
        self.reply = reply
        self.calls: list[tuple[str, Principal, str, bytes]] = []

    def update(self, canister_id, method, arg):
        self.calls.append(("update", canister_id, method, arg))
        return self.reply

    def query(self, canister_id, method, arg):
        self.calls.append(("query", canister_id, method, arg))
        return self.reply


@pytest.mark.slow
def test_generated_modules_type_check(tmp_path):
    """What is generated passes `mypy --strict`, for well-known canisters and for nasty names."""
    files = []
    for path in INTERFACES:
        file = tmp_path / f"typed_{path.stem}.py"
        file.write_text(bindgen.generate(did_text=path.read_text(encoding="utf-8")), encoding="utf-8")
        files.append(str(file))
    mypy = pytest.importorskip("mypy.api")
    report, errors, status = mypy.run(
        ["--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache"), *files]
    )
    assert status == 0, report + errors


@pytest.mark.slow
@pytest.mark.parametrize("width", ["88", "110"])
def test_generated_modules_are_formatted(tmp_path, width):
    """What is generated is what `ruff format` would write, whatever the line length."""
    pytest.importorskip("ruff")
    for path in INTERFACES:
        file = tmp_path / f"{path.stem}.py"
        file.write_text(bindgen.generate(did_text=path.read_text(encoding="utf-8")), encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", width, "--diff"]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", INTERFACES, ids=lambda path: path.stem)
def test_values_go_through_models_unchanged(build, path):
    """For every method, arguments and results become models and come back as the same Candid values."""
    module = build(path, path.stem)
    service = module.INTERFACE.service
    sequences = [types for m in service.methods.values() for types in (m.arg_types, m.return_types) if types]
    sequences = [types for types in sequences if all(map(is_inhabited, types))]

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(sequences).flatmap(lambda types: st.tuples(st.just(types), *map(values_of, types)))
    )
    def check(case):
        types, *values = case
        data = candid.encode(values, types)
        lower, lift = module.INTERFACE.converters(types)
        models = _apply(lift, candid.decode(data, types))
        assert candid.decode(candid.encode(_apply(lower, models), types), types) == tuple(values)

    check()


def _apply(converters, values):
    return [v if c is None else c(v) for c, v in zip(converters, values, strict=True)]


SMALL = """
// A photo.
type Photo = record { id : nat32; title : opt text; bytes : blob; kind : Kind; class : nat8 };
type Kind = variant { Image; Video };
type Error = variant { NotFound; Invalid : text };
service photos : (owner : principal) -> {
  // Stores a photo.
  put : (photo : Photo, note : opt text) -> (variant { Ok : nat32; Err : Error });
  get : (id : nat32) -> (opt Photo) query;
  all : () -> (vec Photo, nat) query;
  ping : () -> () oneway;
}
"""


@pytest.fixture
def photos(build):
    return build(SMALL)


@pytest.fixture
def photo(photos):
    return photos.Photo(id=7, bytes=b"jpeg", kind=photos.Kind.Image, class_=1)


def test_update_encodes_models_and_decodes_results(photos, photo):
    """A call encodes its models, goes to the right method as an update, and returns a case to match."""
    method = photos.INTERFACE.service.methods["put"]
    agent = Recorder(candid.encode([{"Err": {"Invalid": "too big"}}], method.return_types))
    client = photos.Photos(agent, "aaaaa-aa")
    match client.put(photo, "hello"):
        case runtime.Err(photos.ErrorInvalid(text)):
            assert text == "too big"
        case other:
            pytest.fail(str(other))
    ((kind, canister, name, arg),) = agent.calls
    assert (kind, canister, name) == ("update", Principal.management(), "put")
    assert candid.decode(arg, method.arg_types) == (
        {"id": 7, "title": None, "bytes": b"jpeg", "kind": {"Image": None}, "class": 1},
        "hello",
    )


def test_query_goes_to_query(photos, photo):
    """A query method asks the agent to query; its option of a record is a model or None."""
    method = photos.INTERFACE.service.methods["get"]
    value = {"id": 7, "title": None, "bytes": b"jpeg", "kind": "Image", "class": 1}
    agent = Recorder(candid.encode([value], method.return_types))
    assert photos.Photos(agent, "aaaaa-aa").get(7) == photo
    assert agent.calls[0][0] == "query"
    agent.reply = candid.encode([None], method.return_types)
    assert photos.Photos(agent, "aaaaa-aa").get(7) is None


def test_several_results_are_a_tuple_and_none_is_none(photos):
    """A method with two results returns a tuple, one without results None."""
    method = photos.INTERFACE.service.methods["all"]
    assert photos.Photos(Recorder(candid.encode([[], 3], method.return_types)), "aaaaa-aa").all() == ([], 3)
    assert photos.Photos(Recorder(candid.encode([], ())), "aaaaa-aa").ping() is None


def test_async_client_awaits_its_agent(photos, photo):
    """The asynchronous class does the same with an agent that is awaited."""
    method = photos.INTERFACE.service.methods["put"]
    recorder = Recorder(candid.encode([{"Ok": 7}], method.return_types))

    class Later:
        async def update(self, canister_id, method, arg):
            return recorder.update(canister_id, method, arg)

        query = update

    assert asyncio.run(photos.AsyncPhotos(Later(), "aaaaa-aa").put(photo)) == runtime.Ok(7)
    assert recorder.calls[0][2] == "put"


def test_models_check_what_they_are_given(photos):
    """A model refuses numbers out of range and unknown fields, and cannot be changed."""
    good = photos.Photo(id=7, bytes=b"", kind="Image", class_=1)
    for wrong in (
        {"id": 2**32},
        {"id": -1},
        {"id": True},
        {"id": "7"},
        {"bytes": 5},
        {"kind": "Song"},
        {"idd": 1},
    ):
        with pytest.raises(ValidationError):
            photos.Photo(**{"id": 7, "bytes": b"", "kind": "Image", "class": 1, **wrong})
    with pytest.raises(ValidationError):
        good.id = 8


def test_fields_with_names_python_does_not_allow(photos):
    """A field named by a keyword is reached by its name with an underscore, and given by either."""
    assert photos.Photo(id=7, bytes=b"", kind="Image", **{"class": 3}).class_ == 3
    assert photos.Photo.model_validate({"id": 7, "bytes": b"", "kind": "Image", "class": 3}).class_ == 3
    assert photos.Photo(id=7, bytes=b"", kind="Image", class_=3).model_dump(by_alias=True)["class"] == 3


def test_decoded_models_behave_like_made_ones(photos, photo):
    """A model that comes out of a reply equals, prints, copies and dumps like one made by hand."""
    method = photos.INTERFACE.service.methods["get"]
    value = {"id": 7, "title": None, "bytes": b"jpeg", "kind": "Image", "class": 1}
    decoded = photos.INTERFACE.codec("get").decode(candid.encode([value], method.return_types))
    assert decoded == photo
    assert repr(decoded) == repr(photo)
    assert decoded.model_copy(update={"id": 8}).id == 8
    assert photos.Photo.model_validate_json(photo.model_dump_json(by_alias=True)) == decoded


def test_large_blobs_are_passed_through(photos):
    """A large blob in an argument is not copied on its way to the encoder."""
    blob = bytes(1_800_000)
    photo = photos.Photo(id=1, bytes=blob, kind=photos.Kind.Image, class_=1)
    assert photo.bytes is blob
    (lower, _), _ = photos.INTERFACE.converters(photos.INTERFACE.service.methods["put"].arg_types)
    assert lower(photo)["bytes"] is blob


def test_init_arguments(photos):
    """Arguments of installation have a function of their own."""
    assert candid.decode(photos.encode_init(OPAQUE), candid.parse_types("(principal)")) == (OPAQUE,)


def test_docs_come_from_comments(photos):
    """Comments above types and methods are docstrings; without one the signature is."""
    assert photos.Photo.__doc__ == "A photo."
    assert photos.Photos.put.__doc__ == "Stores a photo."
    assert photos.Photos.get.__doc__ == "`get : (nat32) -> (opt Photo) query`."


def test_wrong_arguments_are_refused_with_their_path(photos, photo):
    """An argument of the wrong type is refused before anything is sent."""
    agent = Recorder(b"")
    broken = photo.model_copy(update={"id": -1})
    with pytest.raises(CandidError) as caught:
        photos.Photos(agent, "aaaaa-aa").put(broken)
    assert caught.value.path == "args[0].id"
    assert agent.calls == []


def test_recursive_types(build):
    """Types that contain themselves become lazy aliases and models that refer to themselves."""
    module = build("""
        type List = opt record { nat; List };
        type Tree = variant { Leaf : int; Node : record { left : Tree; right : Tree } };
        service : { f : (List, Tree) -> (List, Tree) }
    """)
    tree = module.TreeNode(module.TreeNodeValue(left=module.TreeLeaf(1), right=module.TreeLeaf(-2)))
    method = module.INTERFACE.service.methods["f"]
    arg = module.INTERFACE.codec("f").encode([(1, (2, None)), tree])
    assert candid.decode(arg, method.arg_types)[1] == {"Node": {"left": {"Leaf": 1}, "right": {"Leaf": -2}}}
    assert module.INTERFACE.codec("f").decode(arg) == ((1, (2, None)), tree)


def test_generation_is_deterministic():
    """Generation is deterministic."""
    assert bindgen.generate(did_text=SMALL) == bindgen.generate(did_text=SMALL)


def test_class_name_can_be_chosen():
    """The client's name is the service's, or the one that is asked for."""
    text = bindgen.generate(did_text=SMALL, class_name="Backend")
    assert "class Backend(rt.Client)" in text
    assert "class AsyncBackend(rt.AsyncClient)" in text


def test_bad_interface_is_refused():
    """Text that is no interface raises `CandidError`."""
    with pytest.raises(CandidError):
        bindgen.generate(did_text="service : { f : (Missing) -> () }")
