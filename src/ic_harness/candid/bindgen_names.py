"""Python names for Candid names: classes, members of classes, parameters.

Candid names are any text; a Python name is an ASCII identifier that is no keyword and hides nothing that generated
code uses. Where a name has to change, an underscore is appended.
"""

from __future__ import annotations

import builtins
import itertools
import keyword
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from ic_harness.candid import runtime

IMPORTS: Final = (
    ("dataclasses", ("dataclass",)),
    ("typing", ("Any", "ClassVar", "NotRequired", "TypeAlias", "TypedDict", "Union", "final")),
    ("pydantic", ("AliasChoices", "Field")),
    ("typing_extensions", ("TypeAliasType",)),
)
"""What generated code may import, standard library first."""

IMPORTED: Final = frozenset(
    ["rt", "INTERFACE", "encode_init", "annotations", *(name for _, names in IMPORTS for name in names)]
)
"""Names that a generated module defines for itself."""

RESERVED_NAMES: Final = frozenset([*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *IMPORTED])
"""Names that no class of a generated module may have."""

_UNDERSCORES: Final = 5
"""So many names may differ by underscores only; further ones are numbered (2,000 Chinese field names are possible)."""
_MODEL_ATTRIBUTES: Final = frozenset(dir(runtime.Model)) | {"candid_keys"}
_ENUMERATION_ATTRIBUTES: Final = frozenset(dir(runtime.Enumeration)) | {"name", "value", "mro"}
_CLIENT_ATTRIBUTES: Final = frozenset([*dir(runtime.Client), "interface", "_agent", "_canister_id"])


def pascal(name: str) -> str:
    """Return `uploads_begin` and `uploadsBegin` as a part of a class name: `UploadsBegin`."""
    words = "".join(char if char.isalnum() and char.isascii() else "_" for char in name).split("_")
    return "".join(word[:1].upper() + word[1:] for word in words) or "Unnamed"


def class_name(name: str) -> str:
    """Return a Candid name as a class name; one that starts with a digit gets a prefix."""
    wanted = name if name[:1].isupper() and name.isascii() and name.isidentifier() else pascal(name)
    return f"Type{wanted}" if wanted[0].isdigit() else wanted


def identifier(name: str | int, *, public: bool = False) -> str:
    """Return a Candid name as a Python identifier that is not a keyword; a number n becomes `field_n`.

    `public` strips leading underscores, which mark private attributes of models.
    """
    if isinstance(name, int):
        return f"field_{name}"
    plain = "".join(char if (char.isalnum() and char.isascii()) or char == "_" else "_" for char in name)
    plain = plain.lstrip("_") if public or plain.startswith("__") else plain
    if not plain.strip("_") or plain[0].isdigit():
        plain = f"field_{plain}"
    return f"{plain}_" if keyword.iskeyword(plain) else plain


def free(wanted: str, taken: Callable[[str], bool]) -> str:
    """Return `wanted`, with underscores or a number appended when it is taken."""
    tries = (wanted + ("_" * count if count < _UNDERSCORES else f"_{count}") for count in itertools.count())
    return next(name for name in tries if not taken(name))


def attributes(keys: Sequence[str | int], used: Iterable[str] = ()) -> list[str]:
    """Return the names of a model's attributes, one for each Candid key; `used` are names in its annotations."""
    reserved = _MODEL_ATTRIBUTES | IMPORTED | frozenset(used)
    return _members(keys, reserved.__contains__)


def enumeration_members(keys: Sequence[str | int]) -> list[str]:
    """Return the names of an enumeration's members, one for each Candid key."""
    return _members(keys, _ENUMERATION_ATTRIBUTES.__contains__)


def method_names(keys: Sequence[str], classes: Iterable[str]) -> list[str]:
    """Return the names of a client's methods; `classes` are the names that their annotations may use."""
    reserved = _CLIENT_ATTRIBUTES | IMPORTED | frozenset(classes)
    return _members(keys, reserved.__contains__, public=False)


def parameters(wanted: Iterable[str | None]) -> list[str]:
    """Return the names of a function's parameters; without a Candid name the parameter n is `argn`."""
    taken = {"self", *IMPORTED}
    found: list[str] = []
    for index, name in enumerate(wanted):
        plain = identifier(name, public=True) if name else f"arg{index}"
        found.append(free(plain, taken.__contains__))
        taken.add(found[-1])
    return found


def _members(keys: Sequence[str | int], reserved: Callable[[str], bool], *, public: bool = True) -> list[str]:
    """Return a distinct name for each key.

    A key that is a valid name keeps it whatever the other keys are, so that a value given by keyword never goes
    to another field.
    """
    wanted = [identifier(key, public=public) for key in keys]
    kept = {key for key, name in zip(keys, wanted, strict=True) if name == key and not reserved(name)}
    taken: set[str | int] = {*keys}
    found: list[str] = []
    for key, name in zip(keys, wanted, strict=True):
        unique = name if key in kept else free(name, lambda text: text in taken or reserved(text))
        taken.add(unique)
        found.append(unique)
    return found
