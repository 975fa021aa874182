"""A parsed `.did` file: its types, its methods, and the arguments of installation."""

from __future__ import annotations

from collections.abc import Mapping

from ic_harness.candid.types import Func, Mode, Named, ServiceType, Type, format_signature, quote_name
from ic_harness.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Method:
    """One method of a service. `doc` are the comment lines above it in the `.did` file."""

    name: str
    func: Func
    doc: str = ""

    @property
    def arg_types(self) -> tuple[Type, ...]:
        """The types of the arguments, in order."""
        return self.func.arg_types

    @property
    def return_types(self) -> tuple[Type, ...]:
        """The types of the results, in order."""
        return self.func.return_types

    @property
    def mode(self) -> Mode:
        """`update`, `query`, `composite_query` or `oneway`."""
        return self.func.mode

    def __str__(self) -> str:
        return f"{quote_name(self.name)} : {format_signature(self.func)}"


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """A parsed interface.

    `methods` in the order of the file's service (sorted by name), `types` the named types in the order of the
    file, `init_args` the types of a service constructor or None, `init_names` their names, `actor` the service
    type or None for a file of type definitions only, `doc` the comment above the service.
    """

    types: Mapping[str, Named]
    methods: Mapping[str, Method]
    init_args: tuple[Type, ...] | None = None
    actor: ServiceType | None = None
    name: str | None = None
    doc: str = ""
    init_names: tuple[str | None, ...] = ()
