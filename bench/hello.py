"""Hello, World beside other servers: `python bench/hello.py [--rounds N] [--seconds S]`.

Each server is a process on the first core, one at a time under load; wrk, on the second core,
asks them in turn, round after round, so that noise hits all alike. The table has medians of
requests per second, of processor time for a request, and of the ratios to kroute within a round.
Needs wrk and the packages of the `bench` extra; a peer that does not start is named and left out.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shutil
import socket
import statistics
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path

PEERS = Path(__file__).parent / "peers"
NAMES = {
    "kroute": "kroute_hello.py",
    "Starlette on uvicorn (uvloop, httptools)": "starlette_hello.py",
    "bare ASGI on uvicorn (uvloop, httptools)": "asgi_hello.py",
    "Kamaelia's ServerCore, fixed bytes": "servercore_hello.py",
}
TICK = os.sysconf("SC_CLK_TCK")


class Peer:
    """One server process. rates: requests per second; costs: µs of processor time for one."""

    def __init__(self, name: str, file: str) -> None:
        self.name = name
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen(
            _on_core(0, [sys.executable, str(PEERS / file), str(self.port)]),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.rates: list[float] = []
        self.costs: list[float] = []

    def answers(self) -> bool:
        """Wait until it answers as it should."""
        for _ in range(100):
            try:
                client = HTTPConnection("127.0.0.1", self.port, timeout=2)
                client.request("GET", "/")
                return client.getresponse().read() == b"Hello, World!"
            except OSError:
                if self.process.poll() is not None:
                    return False
                time.sleep(0.1)
        return False

    def measure(self, connections: int, seconds: int) -> None:
        before = self._ticks()
        wrk = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", f"http://127.0.0.1:{self.port}/"]
        report = subprocess.run(_on_core(1, wrk), capture_output=True, text=True).stdout
        count, took = re.findall(r"(\d+) requests in ([\d.]+)s", report)[0]
        if "Non-2xx" in report or "Socket errors" in report:
            raise SystemExit(f"{self.name}: {report}")
        self.rates.append(int(count) / float(took))
        self.costs.append((self._ticks() - before) / TICK / int(count) * 1e6)

    def _ticks(self) -> int:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def _on_core(core: int, command: list[str]) -> list[str]:
    if shutil.which("taskset") and (os.cpu_count() or 1) > 1:
        return ["taskset", "-c", str(core), *command]
    return command


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--connections", type=int, default=32)
    options = parser.parse_args()
    peers = [Peer(name, file) for name, file in NAMES.items()]
    try:
        running = [peer for peer in peers if peer.answers()]
        for peer in peers:
            if peer not in running:
                print(f"left out, as it does not answer: {peer.name}", file=sys.stderr)
        for _ in range(options.rounds):
            for peer in running:
                peer.measure(options.connections, options.seconds)
        _print(running, options)
    finally:
        for peer in peers:
            peer.end()


def _print(peers: list[Peer], options: argparse.Namespace) -> None:
    ours = peers[0]
    print(
        f"CPython {platform.python_version()}, {platform.machine()}, {os.cpu_count()} cores; "
        f"{options.connections} connections, {options.rounds} rounds of {options.seconds} s\n"
    )
    print("| server | requests/s | µs of CPU | kroute is faster by | kroute takes of its CPU |")
    print("|---|---|---|---|---|")
    for peer in peers:
        faster = [a / b for a, b in zip(ours.rates, peer.rates, strict=True)]
        cheaper = [a / b for a, b in zip(ours.costs, peer.costs, strict=True)]
        print(
            f"| {peer.name} | {statistics.median(peer.rates):,.0f} "
            f"| {statistics.median(peer.costs):.1f} "
            f"| {statistics.median(faster):.2f} ({min(faster):.2f} to {max(faster):.2f}) "
            f"| {statistics.median(cheaper):.2f} |"
        )


if __name__ == "__main__":
    main()
