"""Source that moves behind a value nobody expects, still checking that it is well formed."""

from __future__ import annotations

from ic_harness.candid.source_lines import LineWriter
from ic_harness.candid.types import (
    EMPTY,
    NULL,
    RESERVED,
    STRUCT_CODES,
    Field,
    Func,
    Future,
    Opt,
    Prim,
    Record,
    ServiceType,
    Type,
    Variant,
    Vec,
    resolve,
)


class SkipWriter(LineWriter):
    """Writes the bodies of functions `k…(b, p, d, s)`, which return the position behind a value."""

    def call(self, wire: Type, expected: Type | None) -> str:
        """Name the function for a pair of types (`expected` None: the one that skips)."""
        raise NotImplementedError

    def skip(self, wire: Type) -> None:
        """Write code that moves behind a value and checks that it is well formed."""
        wire = resolve(wire)
        match wire:
            case Prim():
                self.skip_primitive(wire)
            case Future():
                self.skip_future()
            case Func() | ServiceType():
                self.emit(f"_, p = {'read_func' if isinstance(wire, Func) else 'read_service'}(b, p)")
            case Vec(inner) if (element := resolve(inner)) in STRUCT_CODES:
                self.emit(f"p += {self.number()} * {self.sizes.least_bytes(element)}")
            case _:
                if not (isinstance(wire, Record) and self.sizes.least_bytes(wire) == 0):
                    self.emit(f"p = {self.call(wire, None)}(b, p, d + 1, s)")

    def skip_primitive(self, prim: Prim) -> None:
        """Numbers of a fixed size are stepped over; texts and truth values are checked."""
        if prim is EMPTY:
            self.emit("fail(p, 'a value of the type empty, which has none')")
        elif prim in STRUCT_CODES:
            self.emit(f"p += {self.sizes.least_bytes(prim)}")
        elif prim is not NULL and prim is not RESERVED:
            self.primitive(prim)

    def skip_future(self) -> None:
        """A future value: its size, the number of its references, its bytes."""
        size = self.number()
        self.number()
        self.emit(f"p += {size}")

    def skip_body(self, wire: Type) -> None:
        """The body of a function that skips a composite value."""
        match wire:
            case Record(fields):
                if cost := self.sizes.charge(wire):
                    self.charge(str(cost))
                for f in fields:
                    self.skip(f.type)
            case Opt(inner):
                self.skip_option(inner)
            case Vec(inner):
                self.skip_vector(inner)
            case Variant(fields):
                self.skip_variant(fields)
        self.emit("return p")

    def skip_option(self, inner: Type) -> None:
        """The tag, and the value if there is one."""
        tag = self.fresh("t")
        self.emit(f"{tag} = b[p]", "p += 1")
        with self.block(f"if {tag} == 1:"):
            self.emit("pass")
            self.skip(inner)
        with self.block(f"elif {tag} != 0:"):
            self.emit(f"fail(p - 1, f'{{{tag}}} is no tag of an option', '00 or 01')")

    def skip_vector(self, inner: Type) -> None:
        """The length, and each element unless elements take no bytes."""
        n = self.number()
        self.announce(inner, n)
        if self.sizes.least_bytes(inner) or resolve(inner) is EMPTY:
            with self.block(f"for _ in range({n}):"):
                self.skip(inner)

    def skip_variant(self, fields: tuple[Field, ...]) -> None:
        """The case, and its value."""
        tag = self.number()
        for index, f in enumerate(fields):
            with self.block(f"if {tag} == {index}:"):
                self.skip(f.type)
                self.emit("return p")
        self.emit(f"fail(p, f'case {{{tag}}} of a variant with {len(fields)} cases')")
