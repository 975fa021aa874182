# ruff: noqa: T201 - a program prints
"""Stands in for dfx: `--version`, `start --clean --background` and `stop`, with the files that dfx writes."""

from __future__ import annotations

import json
import os
import shutil
import sys
import uuid
from pathlib import Path

import launching


def data_folder():
    """Where dfx keeps the data of the network, and the port it is to take."""
    project = launching.project("dfx.json")
    networks = json.loads((project / "dfx.json").read_text()).get("networks", {}) if project else {}
    if "local" in networks:
        return project / ".dfx/network/local", networks["local"].get("bind", "127.0.0.1:0")
    return Path(os.environ["HOME"]) / ".local/share/dfx/network/local", "127.0.0.1:0"


def main(words):
    data, bind = data_folder()
    if words == ["--version"]:
        print("dfx 0.99.0")
    elif words == ["start", "--clean", "--background"]:
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        pid, port, _ = launching.start(data, int(bind.rsplit(":", 1)[1]))
        (data / "pid").write_text(str(pid))
        (data / "network-id").write_text(json.dumps({"created": str(uuid.uuid4())}))
        (data / "webserver-port").write_text(str(port))
        print(f"Running dfx start for version 0.99.0 on port {port}")
    elif words == ["stop"]:
        launching.stop(data / "pid")
    else:
        sys.exit(f"error: unexpected arguments {words}")


if __name__ == "__main__":
    main(sys.argv[1:])
