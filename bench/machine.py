"""machine, versions: what figures depend on beside the programs."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import subprocess
from pathlib import Path

from .peers import PEERS

__all__ = ["machine", "versions"]


def machine() -> dict[str, str]:
    """Processor, cores, system, Python with its build: that makes a difference of a third."""
    cpuinfo = Path("/proc/cpuinfo")
    model = re.search(r"model name\s*: (.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return {
        "processor": model[1] if model else platform.processor() or platform.machine(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()} "
        f"({', '.join((*platform.python_build(), platform.python_compiler()))})",
    }


def versions(peers: list[str]) -> dict[str, str]:
    """Of wrk, and of the distributions that the peers are made of, where they are installed."""
    found = {}
    said = subprocess.run(["wrk", "--version"], capture_output=True, text=True).stdout
    wrk = re.search(r"wrk \S*?([\d.]+)", said)
    if wrk:
        found["wrk"] = wrk[1]
    for peer in peers:
        for package in PEERS[peer].packages:
            try:
                found[package] = importlib.metadata.version(package)
            except importlib.metadata.PackageNotFoundError:
                continue
    return found
