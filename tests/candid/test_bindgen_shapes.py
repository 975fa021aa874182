"""Generated modules for the shapes that real interfaces have: they import, type-check and carry values."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import sys
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ic_harness import candid
from ic_harness.candid import NAT, CandidError, Func, Method, Service, Type, Vec, bindgen, runtime
from ic_harness.principal import Principal

from .shapes import SHAPES
from .strategies import is_inhabited, values_of

STYLES = get_args(bindgen.Style)
LEDGER = """
type Account = record { owner : principal; subaccount : opt blob };
type Kind = variant { Normal; Urgent };
type Transfer = record { to : Account; amount : nat; memo : opt blob; kind : Kind; "class" : nat8; tags : vec text };
type Error = variant { TooOld; BadFee : record { expected : nat } };
service ledger : (owner : principal, fee : opt nat) -> {
  transfer : (arg : Transfer, note : opt text) -> (variant { Ok : nat; Err : Error });
  balance : (Account) -> (nat) query;
  list : (start : nat) -> (vec Account, opt nat) query;
}
"""
USES_OF_CLASSES = """
from typing import assert_type

from ic_harness.candid.runtime import Err, Ok
from ledger_{style} import Account, AsyncLedger, ErrorBadFee, Kind, Ledger, Transfer, encode_init
from ic_harness.principal import Principal


def use(ledger: Ledger, owner: Principal) -> int:
    to = Account(owner=owner)
    arg = Transfer(to=to, amount=5, kind=Kind.Urgent, class_=1, tags=["a"])
    assert_type(arg.memo, bytes | None)
    assert_type(ledger.list(start=1), tuple[list[Account], int | None])
    encode_init(owner=owner, fee=None)
    encode_init(owner)
    Transfer(to=to, amount="5", kind=Kind.Normal, class_=1, tags=[])  # type: ignore[arg-type]
    Transfer(to=to, amount=5, kind=Kind.Normal, tags=[])  # type: ignore[call-arg]
    Transfer(to=to, amount=5, kind=Kind.Normal, class_=1, tags=[], memos=b"")  # type: ignore[call-arg]
    ledger.transfer(arg=arg, nota="x")  # type: ignore[call-arg]
    ledger.balance(arg)  # type: ignore[arg-type]
    match ledger.transfer(arg=arg, note="x"):
        case Ok(index):
            return assert_type(index, int)
        case Err(error):
            return error.value.expected if isinstance(error, ErrorBadFee) else 0


async def use_async(ledger: AsyncLedger, account: Account) -> None:
    assert_type(await ledger.balance(account), int)
    await ledger.balance(5)  # type: ignore[arg-type]
"""
USES_OF_DICTIONARIES = """
from typing import assert_type

from ledger_plain import Account, AsyncLedger, Ledger, Transfer, encode_init
from ic_harness.principal import Principal


def use(ledger: Ledger, owner: Principal) -> int:
    to = Account(owner=owner)
    arg: Transfer = {"to": to, "amount": 5, "kind": {"Urgent": None}, "class": 1, "tags": ["a"]}
    assert_type(ledger.list(start=1), tuple[list[Account], int | None])
    encode_init(owner=owner, fee=None)
    Account(subaccount=None)  # type: ignore[typeddict-item]
    wrong: Account = {"owner": owner, "sub": b""}  # type: ignore[typeddict-unknown-key]
    ledger.transfer(arg=arg, nota="x")  # type: ignore[call-arg]
    ledger.balance({"owner": 5})  # type: ignore[typeddict-item]
    done = ledger.transfer(arg=arg, note="x")
    if "Ok" in done:
        return assert_type(done["Ok"], int)
    error = done["Err"]
    return error["BadFee"]["expected"] if "BadFee" in error else 0


async def use_async(ledger: AsyncLedger, account: Account) -> None:
    assert_type(await ledger.balance(account), int)
"""


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    """Generate a module and import it."""
    folder = tmp_path_factory.mktemp("shapes")

    @functools.cache
    def make(text: str, name: str, style: bindgen.Style):
        file = folder / f"{name}_{style}.py"
        file.write_text(bindgen.generate(did_text=text, source_name=f"{name}.did", style=style), "utf-8")
        spec = importlib.util.spec_from_file_location(file.stem, file)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return make


def _classes(module):
    """Return the classes that a module itself defines."""
    return [value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__]


@pytest.mark.parametrize("name", SHAPES)
def test_modules_import(build, name):
    """In every style the module imports, has all codecs, complete models and the names of `__all__`, no other."""
    service = candid.parse(SHAPES[name])
    for style in STYLES:
        module = build(SHAPES[name], name, style)
        assert list(module.INTERFACE.service.methods) == list(service.methods), style
        for method in service.methods:
            module.INTERFACE.codec(method)
        for cls in _classes(module):
            if isinstance(cls, type) and issubclass(cls, runtime.Model):
                assert cls.model_rebuild() is not False, (style, cls)
        assert {cls.__name__ for cls in _classes(module) if hasattr(cls, "__name__")} <= set(module.__all__)
        assert all(hasattr(module, exported) for exported in module.__all__), style


@pytest.mark.parametrize("style", ["pydantic", "dataclasses"])
@pytest.mark.parametrize("name", SHAPES)
def test_values_go_through_unchanged(build, name, style):
    """Arguments and results become classes of the module and come back as the same Candid values."""
    module = build(SHAPES[name], name, style)
    service = module.INTERFACE.service
    sequences = [types for m in service.methods.values() for types in (m.arg_types, m.return_types)]
    sequences = [types for types in sequences if all(map(is_inhabited, types))]
    for types in sequences:
        _check_values(types, *module.INTERFACE.converters(types))


def _check_values(types, lower, lift):
    @settings(
        max_examples=3,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(*map(values_of, types)))
    def check(values):
        lifted = _apply(lift, candid.decode(candid.encode(values, types), types))
        data = candid.encode(_apply(lower, lifted), types)
        assert candid.decode(data, types) == values

    check()


def _apply(converters, values):
    return [v if c is None else c(v) for c, v in zip(converters, values, strict=True)]


@pytest.mark.slow
def test_modules_type_check(tmp_path):
    """All modules pass `mypy --strict`; so do uses by keyword, and each wrong use is an error."""
    mypy = pytest.importorskip("mypy.api")
    for style in STYLES:
        for name, text in {**SHAPES, "ledger": LEDGER}.items():
            source = bindgen.generate(did_text=text, source_name=name, style=style)
            tmp_path.joinpath(f"{name}_{style}.py").write_text(source, encoding="utf-8")
        uses = USES_OF_DICTIONARIES if style == "plain" else USES_OF_CLASSES.replace("{style}", style)
        tmp_path.joinpath(f"use_{style}.py").write_text(uses, encoding="utf-8")
    options = ["--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache")]
    report, errors, status = mypy.run([*options, *map(str, tmp_path.glob("*.py"))])
    assert status == 0, report + errors


@pytest.mark.slow
@pytest.mark.parametrize("width", ["88", "110"])
def test_modules_are_formatted(tmp_path, width):
    """All modules are what `ruff format` would write, whatever the line length."""
    pytest.importorskip("ruff")
    for style in STYLES:
        for name, text in SHAPES.items():
            source = bindgen.generate(did_text=text, source_name=name, style=style)
            tmp_path.joinpath(f"{name}_{style}.py").write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", width, "--diff"]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_corpus_is_large():
    """There are at least 100 shapes, and no two are the same text."""
    assert len(set(SHAPES.values())) == len(SHAPES) >= 100


def test_dataclasses_are_checked_when_encoded(build):
    """A dataclass takes any value, and the codec refuses a wrong one with its path."""
    module = build(LEDGER, "checked", "dataclasses")
    account = module.Account(owner=Principal.management())
    codec = module.INTERFACE.codec("transfer")
    good = {"to": account, "amount": 5, "kind": module.Kind.Urgent, "class_": 1, "tags": ["a"]}
    decoded = candid.decode(codec.encode([module.Transfer(**good), None]), codec.method.arg_types)[0]
    assert (decoded["class"], decoded["kind"], decoded["memo"]) == (1, {"Urgent": None}, None)
    with pytest.raises(CandidError) as caught:
        codec.encode([module.Transfer(**{**good, "class_": 256}), None])
    assert caught.value.path == "args[0].class"
    with pytest.raises(TypeError):
        module.Transfer(**good, unknown=1)


def test_keywords_never_reach_another_field(build):
    """Fields called `class`, `class_` and `class__` keep their values apart, by either name."""
    for style in ("pydantic", "dataclasses"):
        module = build(SHAPES["keyword_and_its_name"], "keywords", style)
        made = module.R(class_=2, class__=3, class___=1)
        codec = module.INTERFACE.codec("f")
        assert candid.decode(codec.encode([made]), codec.method.arg_types)[0] == {
            "class": 1, "class_": 2, "class__": 3,
        }  # fmt: skip
    model = build(SHAPES["keyword_and_its_name"], "keywords", "pydantic").R
    by_key = model.model_validate({"class": 1, "class_": 2, "class__": 3})
    assert by_key == model(class_=2, class__=3, class___=1)


@pytest.mark.parametrize(
    "text",
    [
        "; ".join(f"type A{n} = vec A{(n + 1) % 2000}" for n in range(2000)),
        f"service : {{ f : ({'record { a : ' * 150}nat{'}' * 150}) -> () }}",
        f"type A = {'vec ' * 190}nat; service : {{ f : (A) -> (A) }}",
        f"type A = record {{ {'; '.join(f'{chr(0x4E00 + n)!r} : nat' for n in range(1500))} }}".replace(
            "'", '"'
        ),
    ],
    ids=["ring", "records", "vectors", "names"],
)
def test_large_interfaces(text):
    """A module of a large or deep interface compiles; what Python cannot nest is a `CandidError`."""
    source = bindgen.generate(did_text=text)
    assert len(source) < 2_000_000
    compile(source, "large.py", "exec")


def test_too_deep():
    """Types nested deeper than any text allows are refused, whatever recursion limit the process has."""
    before = sys.getrecursionlimit()
    deep: Type = NAT
    for _ in range(5000):
        deep = Vec(deep)
    service = Service({}, {"f": Method("f", Func((deep,), ()))})
    try:
        for limit in (1000, 20_000):
            sys.setrecursionlimit(limit)
            with pytest.raises(CandidError, match="nested more than 200 levels deep"):
                bindgen.generate(service)
    finally:
        sys.setrecursionlimit(before)
