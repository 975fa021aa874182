"""Interfaces as text: what is read from a `.did` file, and what is refused."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.candid import NAT, NULL, TEXT, CandidError, Field, Opt, Record, Variant, Vec, field_hash


def _only(text):
    (type_,) = candid.parse_types(f"({text})")
    return type_


def test_service_with_everything():
    """Types, methods with their modes, init arguments, names and docs are all there."""
    service = candid.parse("""
      // What a photo is.
      // In two lines.
      type Photo = record { id : nat; };
      /* A shop
       * of photos. */
      service shop : (owner : principal, opt text) -> {
        // Looks one up.
        get : (id : nat) -> (opt Photo) query;
        all : () -> (vec Photo) composite_query;

        put : (Photo) -> ();   // not about put
        ping : (nat) -> () oneway;
        "odd name" : () -> ();
      }
    """)
    assert service.types["Photo"].doc == "What a photo is.\nIn two lines."
    assert service.doc == "A shop\nof photos."
    assert service.name == "shop"
    assert service.init_args is not None
    assert [str(t) for t in service.init_args] == ["principal", "opt text"]
    modes = {name: method.mode for name, method in service.methods.items()}
    assert modes == {
        "all": "composite_query", "get": "query", "odd name": "update", "ping": "oneway", "put": "update",
    }  # fmt: skip
    assert service.methods["get"].doc == "Looks one up."
    assert service.methods["ping"].doc == ""
    assert service.methods["get"].func.arg_names == ("id",)
    assert str(service.methods["get"]) == "get : (nat) -> (opt Photo) query"


def test_file_without_service():
    """A file of types only has no methods and no init arguments."""
    service = candid.parse("type A = nat; type B = vec A")
    assert (service.methods, service.init_args, service.actor) == ({}, None, None)
    assert list(service.types) == ["A", "B"]


def test_service_and_methods_by_name():
    """A service, and the type of a method, may be names that are defined anywhere."""
    service = candid.parse("type S = service { f : F }; type F = func (nat) -> () query; service : S")
    assert service.methods["f"].mode == "query"


def test_fields():
    """Labels are names, numbers or nothing; they are sorted by number, and names keep their hash."""
    assert _only("record { b : nat; a : text }") == Record((Field(97, "a", TEXT), Field(98, "b", NAT)))
    assert _only("record { nat; text }") == Record((Field(0, None, NAT), Field(1, None, TEXT)))
    assert _only("record { 5 : nat; text; 0x10 : nat; 1_7 : nat }").fields[1] == Field(6, None, TEXT)
    assert _only("variant { A; 3 : nat }") == Variant((Field(3, None, NAT), Field(65, "A", NULL)))
    assert _only('record { "☃" : nat }').fields[0].id == field_hash("☃") == 11_272_781
    assert _only("opt vec nat") == Opt(Vec(NAT))
    assert _only("blob") == candid.BLOB


def test_written_order_is_kept_for_people():
    """A type is printed in the order in which it was written."""
    assert str(_only("record { b : nat; a : vec nat8 }")) == "record { b : nat; a : blob }"


def test_arguments_may_be_named_by_keywords():
    """Names of arguments say nothing on the wire, so any word will do."""
    service = candid.parse("service : { f : (principal : principal, blob : text) -> (query : nat) }")
    assert service.methods["f"].func.arg_names == ("principal", "blob")


def test_comments_nest():
    """Block comments nest."""
    assert candid.parse("/* a /* b */ c */ service : { }").methods == {}


BAD = [
    ("type A = B", "not defined"),
    ("type A = A", "defined as itself"),
    ("type A = B; type B = A", "defined as itself"),
    ("type A = nat; type A = int", "defined twice"),
    ("service : { f : () -> (); f : () -> () }", "declared twice"),
    ("service : { f : (nat) -> (nat) oneway }", "returns nothing"),
    ("service : { f : () -> () query oneway }", "one mode"),
    ("service : { f : (a : nat, a : nat) -> () }", "two arguments"),
    ("type A = record { a : nat; a : nat }", "same field"),
    ("type A = record { a : nat; 97 : nat }", "same field"),
    ("type A = record { 4294967296 : nat }", "32 bits"),
    ("type A = record { 4294967295 : nat; nat }", "no label is left"),
    ("type A = variant { vec : nat }", "a name"),
    ("type nat = int", "a name"),
    ("type A = vec", "a type"),
    ("type A = record { a nat }", "expected"),
    ("type A = record { a : nat", "the end"),
    ("service : nat", "a name"),
    ("type A = nat; service : A", "no service"),
    ("type A = nat; service : { f : A }", "no function"),
    ("service : {} service : {}", "nothing behind"),
    ("service : {}; type A = nat", "nothing behind"),
    ("/* open", "not closed"),
    ('type A = record { "a : nat }', "not closed"),
    ("type A = nat %", "unexpected"),
    ('import "other.did"', "where this text comes from"),
    ("hello", "type, import or service"),
    ("type A = " + "opt " * 10_000 + "nat", "deep"),
    ("type A = record { 12ab : nat }", "unexpected"),
]


@pytest.mark.parametrize(("text", "why"), BAD, ids=lambda value: value[:40])
def test_bad_interfaces(text, why):
    """What is no interface is a `CandidError` that says why and, where it can, at which character."""
    with pytest.raises(CandidError, match=why):
        candid.parse(text)


def test_imports(tmp_path):
    """An import brings types, `import service` methods as well; each file is read once."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.did").write_text("type A = nat; service : { from_a : (A) -> () }")
    (tmp_path / "sub" / "b.did").write_text('import "../a.did"; type B = vec A;')
    main = tmp_path / "main.did"
    main.write_text('import "sub/b.did"; import "a.did"; service : { f : (B) -> () }')
    assert list(candid.parse(main.read_text(), path=main).methods) == ["f"]
    main.write_text('import "sub/b.did"; import service "a.did"; service : { f : (B) -> () }')
    assert sorted(candid.parse(main.read_text(), path=main).methods) == ["f", "from_a"]


def test_bad_imports(tmp_path):
    """A missing file, a circle, and a file without the service that is wanted are errors."""
    main = tmp_path / "main.did"
    (tmp_path / "types.did").write_text("type A = nat")
    (tmp_path / "circle.did").write_text('import "circle.did"')
    for text, why in [
        ('import "missing.did"', "cannot import"),
        ('import "circle.did"', "imports itself"),
        ('import service "types.did"', "no service"),
        ('import "types.did"; type A = nat', "defined twice"),
    ]:
        with pytest.raises(CandidError, match=why):
            candid.parse(text, path=main)


def test_offsets_point_into_the_text():
    """The offset of an error is the character at which the text stops making sense."""
    with pytest.raises(CandidError) as caught:
        candid.parse("type A = record { a : nope }")
    assert caught.value.offset == 22


def test_equal_texts_of_types_give_the_same_types():
    """`parse_types` remembers, so that encoders and decoders are made once."""
    assert candid.parse_types("(nat, text)") is candid.parse_types("(nat, text)")


def test_field_hash():
    """The hash is the specification's, with known values of common names."""
    assert field_hash("") == 0
    assert field_hash("a") == 97
    assert field_hash("Ok") == 17_724
    assert field_hash("Err") == 3_456_837
    assert field_hash("id") == 23_515


def test_chains_of_names_end():
    """Chains of aliases are valid, up to a hundred names."""
    few = (
        "".join(f"type a{n} = a{n + 1};" for n in range(50)) + "type a50 = nat; service : { f : (a0) -> () }"
    )
    assert candid.resolve(candid.parse(few).methods["f"].arg_types[0]) is candid.NAT
    many = "".join(f"type a{n} = a{n + 1};" for n in range(200)) + "type a200 = nat;"
    with pytest.raises(candid.CandidError, match="more than 100 times"):
        candid.parse(many)


@pytest.mark.parametrize("label", ["-5", "+5", "1.5", "0x1p3", "4294967296"])
def test_numeric_labels_are_natural_numbers_of_32_bits(label):
    """A label with a sign or a point, or beyond 32 bits, is an error at the label, in types and in values."""
    for text, read in (
        (f"(record {{ {label} : nat }})", candid.parse_types),
        (f"(record {{ {label} = 1 }})", candid.parse_values),
        (f"(variant {{ {label} }})", candid.parse_values),
    ):
        with pytest.raises(CandidError) as caught:
            read(text)
        assert caught.value.offset == text.index(label)
    assert candid.parse_values("(record { 4_294_967_295 = 1; 0x10 = 2 })") == ({2**32 - 1: 1, 16: 2},)


@pytest.mark.parametrize(
    "text", ["service : { f : () -> () g : () -> () }", "type T = record { a : nat b : nat }; service : {}"]
)
def test_members_are_separated(text):
    """Methods and fields without a semicolon between them are an error at the second one."""
    with pytest.raises(CandidError) as caught:
        candid.parse(text)
    assert text[caught.value.offset] in "gb"
    assert caught.value.expected == "; or }"


def test_a_constant_interface_is_parsed_once():
    """Equal texts yield the same object; an error is raised each time."""
    text = "service : { ping : () -> () }"
    assert candid.parse_constant(text) is candid.parse_constant(str(text.encode(), "utf-8"))
    assert candid.parse_constant(text).methods == candid.parse(text).methods
    for _ in range(2):
        with pytest.raises(CandidError):
            candid.parse_constant("service : {")
