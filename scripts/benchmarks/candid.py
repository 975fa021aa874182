"""Figures of the Candid codec, side by side with ic-py and icp-py-core where those are installed.

Every tool is measured in a process of its own, on the same messages. Rivals stand in virtual environments of their
own, the ones that the interop tests use; they are made when they are missing and a package index can be reached.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.interop import toolbox  # noqa: E402 - the tests stand beside this folder

DID = ROOT / "candid" / "backend.did"
BLOB = bytes(range(256)) * 7032  # 1.8 MB, the backend's chunk size
RIVALS = ("ic-py", "icp-py-core")
PATIENCE_S = 240

Measure = Callable[[], object]


def best(run: Measure, *, limit_s: float = 1.0) -> float:
    """The shortest of the runs that fit `limit_s` seconds (at least one, at most 50), in milliseconds."""
    times: list[float] = []
    began = time.perf_counter()
    while not times or (len(times) < 50 and time.perf_counter() - began < limit_s):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def memory(asset_count: int) -> dict[str, Any]:
    """A memory as `memories_read` returns it, with so many assets."""
    base = {
        "name": "photo.jpg", "description": None, "tags": ["holiday", "2024"], "asset_type": {"Display": None},
        "bytes": 123_456, "mime_type": "image/jpeg", "sha256": bytes(32), "width": 4032, "height": 3024,
        "created_at": 1_700_000_000_000, "updated_at": 1_700_000_000_000,
    }  # fmt: skip
    image = {"base": base, "color_space": "sRGB", "compression_ratio": 0.5, "dpi": 72, "orientation": 1}
    assets = [
        {
            "asset_id": f"asset_{index}",
            "blob_ref": {"locator": f"blob_{index}", "hash": bytes(32), "len": 123_456},
            "metadata": {"Image": image},
        }
        for index in range(asset_count)
    ]
    metadata = {
        "memory_type": {"Image": None}, "title": "Title", "content_type": "image/jpeg", "created_at": 1,
        "updated_at": 2, "uploaded_at": 3, "tags": ["a", "b"], "database_storage_edges": [{"Icp": None}],
        "shared_count": 0, "sharing_status": {"Private": None}, "total_size": 5_000_000,
        "asset_count": asset_count,
    }  # fmt: skip
    return {
        "id": "mem_1700000000000", "capsule_id": "capsule_1700000000000", "metadata": metadata,
        "access_entries": [], "inline_assets": [], "blob_internal_assets": assets, "blob_external_assets": [],
    }  # fmt: skip


def header(index: int) -> dict[str, Any]:
    """One line of a page of memories, with links to three assets."""
    link = {
        "path": f"/asset/mem_{index}/display", "token": "t" * 120, "expires_at_ns": 1_700_000_000_000_000_000,
        "content_type": "image/webp", "width": 800, "height": 600, "bytes": 54_321,
        "asset_kind": {"Display": None}, "asset_id": f"asset_{index}",
    }  # fmt: skip
    return {
        "id": f"mem_{index}", "capsule_id": "capsule_1", "name": "photo.jpg", "memory_type": {"Image": None},
        "size": 5_000_000, "created_at": 1, "updated_at": 2, "title": "Title", "tags": ["a"],
        "shared_count": 0, "sharing_status": {"Private": None}, "asset_count": 4,
        "assets": {"thumbnail": link, "display": link, "original": link},
        "database_storage_edges": [{"Icp": None}],
    }  # fmt: skip


def write_messages(folder: Path) -> None:
    """Write the messages that every tool decodes."""
    from ic_harness import candid  # noqa: PLC0415

    service = candid.parse(DID.read_text(encoding="utf-8"))
    methods = service.methods
    # Without comments and names of arguments, which not every rival can read.
    lines = [f"type {name} = {candid.format_type(named.target)};" for name, named in service.types.items()]
    lines += ["service : {", *(f"  {method};" for method in methods.values()), "}"]
    (folder / "backend.did").write_text("\n".join(lines), encoding="utf-8")
    page = {"Ok": {"items": [header(index) for index in range(1000)], "next_cursor": "1000"}}
    for name, types, value in (
        ("memories_read", methods["memories_read"].return_types, {"Ok": memory(4)}),
        ("memories_list", methods["memories_list"].return_types, page),
        ("blob", candid.parse_types("(blob)"), BLOB),
    ):
        (folder / name).write_bytes(candid.encode([value], types))


IMPORT = """
import time
began = time.perf_counter()
import ic_harness.candid
print((time.perf_counter() - began) * 1000)
"""


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)


def measure_ours(folder: Path) -> dict[str, float]:
    """Our figures, in milliseconds."""
    from ic_harness import candid  # noqa: PLC0415

    figures = {"import": min(float(_python(IMPORT).stdout) for _ in range(5))}
    text = DID.read_text(encoding="utf-8")

    def build() -> candid.Service:
        service = candid.parse(text)
        candid.decode((folder / "memories_read").read_bytes(), service.methods["memories_read"].return_types)
        return service

    figures["build a decoder for backend.did"] = best(build)
    methods = build().methods
    blob_types = candid.parse_types("(blob)")
    buffer = bytearray(BLOB)
    figures["one copy of 1.8 MB"] = best(lambda: bytes(buffer))
    figures["encode 1.8 MB"] = best(lambda: candid.encode([BLOB], blob_types))
    for name, types in (
        ("blob", blob_types),
        ("memories_read", methods["memories_read"].return_types),
        ("memories_list", methods["memories_list"].return_types),
    ):
        data = (folder / name).read_bytes()
        figures[name] = best(partial(candid.decode, data, types))
    return figures | _typed(folder)


def _typed(folder: Path) -> dict[str, float]:
    """The page as models of the generated client."""
    from ic_harness.candid import bindgen  # noqa: PLC0415

    names: dict[str, Any] = {"__name__": "generated_for_bench"}
    sys.modules["generated_for_bench"] = type(sys)("generated_for_bench")
    exec(bindgen.generate(did_text=DID.read_text(encoding="utf-8")), names)  # noqa: S102 - our own generated source
    codec = names["INTERFACE"].codec("memories_list")
    data = (folder / "memories_list").read_bytes()
    return {"page as models": best(lambda: codec.decode(data))}


def measure_ic_py(folder: Path) -> dict[str, float]:
    """The figures of ic-py."""
    from ic import candid  # noqa: PLC0415
    from ic.canister import Canister  # noqa: PLC0415

    text = (folder / "backend.did").read_text(encoding="utf-8")
    figures = {"build a decoder for backend.did": best(lambda: Canister(None, "aaaaa-aa", text), limit_s=5)}
    canister = Canister(None, "aaaaa-aa", text)
    return figures | _measure_rival(
        folder,
        candid.decode,
        candid.encode,
        candid.Types,
        {name: getattr(canister, name).rets for name in ("memories_read", "memories_list")},
    )


def measure_icp_py_core(folder: Path) -> dict[str, float]:
    """The figures of icp-py-core."""
    from icp_candid import DIDLoader, candid  # noqa: PLC0415

    text = (folder / "backend.did").read_text(encoding="utf-8")
    figures = {"build a decoder for backend.did": best(lambda: DIDLoader().load_did_source(text), limit_s=5)}
    methods = DIDLoader().load_did_source(text)["methods"]
    returns = {name: methods[name].rets for name in ("memories_read", "memories_list")}
    return figures | _measure_rival(folder, candid.decode, candid.encode, candid.Types, returns)


def _decoding(decode: Any, path: Path, returns: Any) -> Measure:
    return lambda: decode(path.read_bytes(), returns)


def _measure_rival(
    folder: Path, decode: Any, encode: Any, types: Any, returns: dict[str, Any]
) -> dict[str, float]:
    figures: dict[str, float] = {}
    runs: dict[str, Measure] = {
        name: _decoding(decode, folder / name, rets) for name, rets in returns.items()
    }
    runs["encode 1.8 MB"] = lambda: encode([{"type": types.Vec(types.Nat8), "value": BLOB}])
    runs["blob"] = lambda: decode((folder / "blob").read_bytes(), [types.Vec(types.Nat8)])
    for name, run in runs.items():
        try:
            figures[name] = best(run)
        except Exception as error:  # noqa: BLE001 - a rival that fails is reported as such, whatever it raises
            print(f"note: {name}: {type(error).__name__}: {str(error)[:120]}", file=sys.stderr)
    return figures


MEASURES = {"ic-harness": measure_ours, "ic-py": measure_ic_py, "icp-py-core": measure_icp_py_core}


def python_of(tool: str) -> str:
    """The Python in which a tool is installed; raises `ToolMissingError` when it cannot be had."""
    if tool not in RIVALS:
        return sys.executable
    name = tool.replace("-", "_")
    return str(toolbox.python_venv(name, toolbox.HERE / "python" / f"{name}.txt"))


def collect(tool: str, folder: Path) -> dict[str, float]:
    """A tool's figures from a process of its own; empty when it is not installed or does not finish."""
    try:
        command = [python_of(tool), str(Path(__file__).resolve()), tool, str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except toolbox.ToolMissingError as missing:
        print(f"{tool}: not measured ({missing})")
        return {}
    except subprocess.TimeoutExpired:
        print(f"{tool}: did not finish within {PATIENCE_S} s")
        return {}
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"{tool}: not measured ({reason})")
        return {}
    for line in done.stderr.splitlines():
        if line.startswith("note: "):
            print(f"{tool}: {line.removeprefix('note: ')}")
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


ROWS = {
    "import": ("import", 60.0),
    "build a decoder for backend.did": ("build a decoder for backend.did", 60.0),
    "one copy of 1.8 MB": ("one copy of 1.8 MB", None),
    "encode 1.8 MB": ("encode a 1.8 MB blob", None),
    "blob": ("decode a 1.8 MB blob", None),
    "memories_read": ("decode a Memory with four assets", None),
    "memories_list": ("decode a page of 1,000 MemoryHeaders", 30.0),
    "page as models": ("the same as models of the client", None),
}


def show(figures: dict[str, dict[str, float]]) -> None:
    """Print the table; the last column says whether the goal is met."""
    print(f"{'milliseconds':38}{''.join(f'{tool:>14}' for tool in figures)}   goal")
    ours = figures["ic-harness"]
    copy_goal = 2 * ours["one copy of 1.8 MB"] + 0.05
    for key, (label, fixed) in ROWS.items():
        goal = copy_goal if key in ("encode 1.8 MB", "blob") else fixed
        if key == "memories_read" and "memories_read" in figures.get("ic-py", {}):
            goal = figures["ic-py"]["memories_read"] / 10
        verdict = "" if goal is None else f"   < {goal:.3g} {'ok' if ours[key] <= goal else 'MISSED'}"
        cells = "".join(f"{tool[key]:>14.3f}" if key in tool else f"{'-':>14}" for tool in figures.values())
        print(f"{label:38}{cells}{verdict}")


def main() -> int:
    """Measure all tools and print the table; with a tool and a folder as arguments, measure that one."""
    if len(sys.argv) == 3:
        print(json.dumps(MEASURES[sys.argv[1]](Path(sys.argv[2]))))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        write_messages(Path(folder))
        show({tool: collect(tool, Path(folder)) for tool in MEASURES})
    return 0


if __name__ == "__main__":
    # This file is called like a library's module; its own folder must not be searched for imports.
    sys.path[:] = [
        entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent
    ]
    sys.exit(main())
