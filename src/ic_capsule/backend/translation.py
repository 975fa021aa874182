"""Values of one generation as values of another, by the type that is wanted.

Values are the codec's: dicts, lists, tags. What the wanted record does not have is left out, what it has besides gets
the value that says least; a tag that the wanted variant does not have is the other generations' word for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ic_harness.candid import BOOL, NAT8, TEXT, Opt, Record, Type, Variant, Vec, resolve

TAGS: Final = {
    "Display": "Preview",
    "Placeholder": "Derivative",
    "Preview": "Display",
    "Derivative": "Placeholder",
}
"""Asset types were renamed with generation H; each name has one of the other kind, so that none gets lost."""

_DEFAULT_TAGS: Final = {
    "sharing_status": "Private", "memory_type": "Document", "frontend_hosting": "Icp", "backend_hosting": "Icp",
    "database_hosting": "Icp", "blob_hosting": "Icp",
}  # fmt: skip
_VIEW: Final = 1


def fit(value: Any, type_: Type) -> Any:
    """`value`, of whichever generation, as one of `type_`."""
    wanted = resolve(type_)
    match wanted:
        case Opt(inner) if value is not None:
            return fit(value, inner)
        case Vec(inner) if resolve(inner) != NAT8:
            return [fit(item, inner) for item in value]
        case Record(fields) if wanted.is_tuple:
            return tuple(fit(item, f.type) for item, f in zip(value, fields, strict=True))
        case Record():
            return _record(value, wanted)
        case Variant():
            return _variant(value, wanted)
    return value


def _record(value: Mapping[Any, Any], wanted: Record) -> dict[Any, Any]:
    given = _with_words_of_h(value) if "access" in value else value
    return {
        f.key: _default(f.type, f.key) if given.get(f.key) is None else fit(given[f.key], f.type)
        for f in wanted.fields
    }


def _variant(value: Any, wanted: Variant) -> Any:
    ((tag, payload),) = ({value: None} if isinstance(value, str) else value).items()
    cases = {f.key: f.type for f in wanted.fields}
    known = tag if tag in cases else TAGS.get(tag, tag)
    return {known: fit(payload, cases[known]) if known in cases else payload}


def _default(type_: Type, key: str | int) -> Any:
    """The value that says least."""
    wanted = resolve(type_)
    match wanted:
        case Opt():
            return None
        case Vec(inner):
            return b"" if resolve(inner) == NAT8 else []
        case Record(fields):
            return {f.key: _default(f.type, f.key) for f in fields}
        case Variant():
            return {_DEFAULT_TAGS[str(key)]: None}
    if wanted == TEXT:
        return ""
    return False if wanted == BOOL else 0


def _with_words_of_h(value: Mapping[Any, Any]) -> dict[Any, Any]:
    """What older generations say by `access`, by the id and by the assets of a memory, in the words of generation H."""
    entries = access_entries(value["access"] or {"Private": {}})
    open_to_all = any(entry["is_public"] for entry in entries)
    shared = "Shared" if entries else "Private"
    told: dict[Any, Any] = {
        "access_entries": entries,
        "sharing_status": {"Public" if open_to_all else shared: None},
        "capsule_id": _capsule_of(value.get("id", "")),
    }
    if "inline_assets" in value:
        sums = {**_sums(value), "sharing_status": told["sharing_status"], "shared_count": len(entries)}
        value = {**value, "metadata": {**sums, **value["metadata"]}}
    return {**told, **value}


def _sums(memory: Mapping[str, Any]) -> dict[str, int]:
    kinds = ("inline_assets", "blob_internal_assets", "blob_external_assets")
    sizes = [
        metadata["base"]["bytes"]
        for kind in kinds
        for asset in memory[kind]
        for metadata in asset["metadata"].values()
    ]
    return {"asset_count": len(sizes), "total_size": sum(sizes)}


def _capsule_of(memory_id: str) -> str:
    """The capsule in an id `mem:<capsule>:<idem>`; empty for ids that do not name it."""
    kind, _, rest = memory_id.partition(":")
    return rest.partition(":")[0] if kind == "mem" else ""


def access_entries(access: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An older generation's access as access entries; the owner's code is a secret and left out."""
    ((kind, told),) = access.items()
    if kind == "Public":
        return [_entry(is_public=True)]
    if kind == "Custom":
        people = [_entry(person_ref=person) for person in told["individuals"]]
        return people + [_entry(grant_source={"Group": None}, source_id=name) for name in told["groups"]]
    if kind == "Scheduled":
        when: dict[str, Any] = {"Scheduled": {"accessible_after": told["accessible_after"]}}
    elif kind == "EventTriggered":
        when = {"EventTriggered": {"event": told["trigger_event"]}}
    else:
        return []
    return [{**entry, "condition": when} for entry in access_entries(told["access"])]


def _entry(**known: Any) -> dict[str, Any]:
    entry = {
        "id": "", "person_ref": None, "is_public": False, "grant_source": {"User": None}, "source_id": None,
        "role": {"Guest": None}, "perm_mask": _VIEW, "invited_by_person_ref": None, "created_at": 0,
        "updated_at": 0, "condition": {"Immediate": None},
    }  # fmt: skip
    return {**entry, **known}
