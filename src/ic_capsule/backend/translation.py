"""Converts values of one generation to another, by the wanted type.

Values are the codec's: dicts, lists, tags. Fields that the wanted record lacks are dropped, and fields that it has in
addition get a neutral default; a tag that the wanted variant lacks is replaced by its other name.
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
"""Asset types were renamed with generation H; each old name maps to a new one and back."""

_DEFAULT_TAGS: Final = {
    "sharing_status": "Private", "memory_type": "Document", "frontend_hosting": "Icp", "backend_hosting": "Icp",
    "database_hosting": "Icp", "blob_hosting": "Icp",
}  # fmt: skip
_VIEW: Final = 1


def convert(value: Any, type_: Type) -> Any:
    """Convert `value`, of any generation, to `type_`."""
    wanted = resolve(type_)
    match wanted:
        case Opt(inner) if value is not None:
            return convert(value, inner)
        case Vec(inner) if resolve(inner) != NAT8:
            return [convert(item, inner) for item in value]
        case Record(fields) if wanted.is_tuple:
            return tuple(convert(item, f.type) for item, f in zip(value, fields, strict=True))
        case Record():
            return _record(value, wanted)
        case Variant():
            return _variant(value, wanted)
    return value


def _record(value: Mapping[Any, Any], wanted: Record) -> dict[Any, Any]:
    given = _with_fields_of_h(value) if "access" in value else value
    return {
        f.key: _default(f.type, f.key) if given.get(f.key) is None else convert(given[f.key], f.type)
        for f in wanted.fields
    }


def _variant(value: Any, wanted: Variant) -> Any:
    ((tag, payload),) = ({value: None} if isinstance(value, str) else value).items()
    cases = {f.key: f.type for f in wanted.fields}
    known = tag if tag in cases else TAGS.get(tag, tag)
    return {known: convert(payload, cases[known]) if known in cases else payload}


def _default(type_: Type, key: str | int) -> Any:
    """Return the neutral value of a type; `key` is the name of the field."""
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


def _with_fields_of_h(value: Mapping[Any, Any]) -> dict[Any, Any]:
    """Derive the fields of generation H from `access`, from the id and from the assets of an older memory."""
    entries = access_entries(value["access"] or {"Private": {}})
    open_to_all = any(entry["is_public"] for entry in entries)
    shared = "Shared" if entries else "Private"
    derived: dict[Any, Any] = {
        "access_entries": entries,
        "sharing_status": {"Public" if open_to_all else shared: None},
        "capsule_id": _capsule_of(value.get("id", "")),
    }
    if "inline_assets" in value:
        sums = {**_sums(value), "sharing_status": derived["sharing_status"], "shared_count": len(entries)}
        value = {**value, "metadata": {**sums, **value["metadata"]}}
    return {**derived, **value}


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
    """The capsule in an id `mem:<capsule>:<idem>`; empty for ids of another form."""
    kind, _, rest = memory_id.partition(":")
    return rest.partition(":")[0] if kind == "mem" else ""


def access_entries(access: Mapping[str, Any]) -> list[dict[str, Any]]:
    """An older generation's access as access entries; the owner's secret code is left out."""
    ((kind, payload),) = access.items()
    if kind == "Public":
        return [_entry(is_public=True)]
    if kind == "Custom":
        people = [_entry(person_ref=person) for person in payload["individuals"]]
        return people + [_entry(grant_source={"Group": None}, source_id=name) for name in payload["groups"]]
    if kind == "Scheduled":
        when: dict[str, Any] = {"Scheduled": {"accessible_after": payload["accessible_after"]}}
    elif kind == "EventTriggered":
        when = {"EventTriggered": {"event": payload["trigger_event"]}}
    else:
        return []
    return [{**entry, "condition": when} for entry in access_entries(payload["access"])]


def _entry(**known: Any) -> dict[str, Any]:
    entry = {
        "id": "", "person_ref": None, "is_public": False, "grant_source": {"User": None}, "source_id": None,
        "role": {"Guest": None}, "perm_mask": _VIEW, "invited_by_person_ref": None, "created_at": 0,
        "updated_at": 0, "condition": {"Immediate": None},
    }  # fmt: skip
    return {**entry, **known}
