# ruff: noqa: T201 - a program prints
"""Stands in for icp-cli: `network start`, `stop` and `status --json`, with the files that icp-cli writes."""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid

import launching


def main(words):
    project = launching.project("icp.yaml")
    if words == ["--version"]:
        print("icp 0.99.0")
        return
    if project is None:
        sys.exit("Error: failed to locate project directory")
    folder = project / ".icp/cache/networks/local"
    descriptor = folder / "descriptor.json"
    if words == ["network", "start", "local", "--background"]:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        pid, port, key = launching.start(folder)
        (folder / "pid").write_text(str(pid))
        name = "elsewhere.json" if os.environ.get("STANDIN_ELSEWHERE") else "descriptor.json"
        gateway = {"fixed": False, "port": port}
        text = json.dumps({"id": str(uuid.uuid4()), "network": "local", "gateway": gateway, "root-key": key})
        (folder / name).write_text(text)
    elif words == ["network", "stop", "local"]:
        launching.stop(folder / "pid")
        descriptor.unlink(missing_ok=True)
    elif words == ["network", "status", "local", "--json"]:
        found = next((path for path in folder.glob("*.json")), None)
        if found is None:
            sys.exit("Error: network 'local' is not running")
        told = json.loads(found.read_text())
        url = f"http://localhost:{told['gateway']['port']}"
        print("warning: this is a stand-in", file=sys.stderr)
        print(json.dumps({"managed": True, "api_url": url, "root_key": told["root-key"]}, indent=2))
    else:
        sys.exit(f"error: unexpected arguments {words}")


if __name__ == "__main__":
    main(sys.argv[1:])
