"""Page: a page of the documentation, run as its reader would."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from pathlib import Path

from tests.waiting import PATIENCE, listens, wait_until

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SERVING = re.compile(r"(?:serving on|Serving on|Listening at:) https?://(127\.0\.0\.1:\d+)")
WRITTEN = "127.0.0.1:8080"


class Page:
    """Writes the page's files into `folder`, starts its servers, runs its commands.

    A python block whose first line is a comment with a file name becomes that file. In a console
    block the lines after `$ ` are commands, the others what they print; `...` stands for anything.
    """

    def __init__(self, page: Path, folder: Path) -> None:
        self.text = page.read_text()
        self.folder = folder
        self.server: subprocess.Popen[str] | None = None
        self.address = ""
        self.commands = 0
        self.environ = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
        }

    def run(self) -> None:
        try:
            for kind, block in BLOCK.findall(self.text):
                if kind == "python":
                    self._write(block)
                else:
                    self._console(block)
        finally:
            self._stop()

    def _write(self, block: str) -> None:
        name = re.match(r"# (\w+\.py)\n", block)
        assert name, f"the first line does not name a file:\n{block}"
        (self.folder / name[1]).write_text(block)

    def _console(self, block: str) -> None:
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, expected = step.partition("\n")
            while command.endswith("\\") or command.count("'") % 2:
                line, _, expected = expected.partition("\n")
                command += "\n" + line
            self.commands += 1
            self._step(command, expected)

    def _step(self, command: str, expected: str) -> None:
        words = shlex.split(command)
        if words[:2] == ["kroute", "run"]:
            self._serve([sys.executable, "-m", "kroute", *words[1:], "--bind", "127.0.0.1:0"])
        elif words[0] in ("gunicorn", "waitress-serve"):
            # They say where they listen, as kroute does.
            self._serve([word.replace(WRITTEN, "127.0.0.1:0") for word in words])
        elif words == ["make", "serve"]:
            recipe = re.search(r"^serve:.*\n\t\$\(BIN\)/python (.*)$", self._makefile(), re.M)
            assert recipe
            self._serve([sys.executable, *recipe[1].split(), "--bind", "127.0.0.1:0"])
        elif words[0] == "make":
            assert re.search(rf"^{words[1]}:", self._makefile(), re.MULTILINE)
        elif words[0] == "python":
            self._serve_at_port(words[1])
        else:
            self._check(command, expected)

    @staticmethod
    def _makefile() -> str:
        return (ROOT / "Makefile").read_text()

    def _serve(self, command: list[str]) -> None:
        self._stop()
        output = None
        if ">" in command:
            at = command.index(">")
            output = self.folder / command[at + 1]
            command = command[:at] + command[at + 2 :]
        with open(output or os.devnull, "wb") as stdout:
            self.server = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environ,
                stdout=stdout if output else None,
                stderr=subprocess.PIPE,
                text=True,
            )
        assert self.server.stderr is not None
        log = ""
        for line in self.server.stderr:
            log += line
            found = SERVING.search(line)
            if found:
                self.address = found[1]
                return
        raise AssertionError(f"{command} did not serve:\n{log}")

    def _serve_at_port(self, file: str) -> None:
        """Run a program that listens on a port of its own choice: give it a free one."""
        self._stop()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        path = self.folder / file
        path.write_text(path.read_text().replace("8080", str(port)))
        self.server = subprocess.Popen(
            [sys.executable, file], cwd=self.folder, env=self.environ, text=True
        )
        self.address = f"127.0.0.1:{port}"
        wait_until(lambda: listens(("127.0.0.1", port)), f"{file} at port {port}")

    def _check(self, command: str, expected: str) -> None:
        done = subprocess.run(
            command.replace(WRITTEN, self.address or WRITTEN),
            shell=True,
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        got = done.stdout.replace("\r", "")
        if self.address:
            got = got.replace(self.address, WRITTEN)
        want = re.escape(expected.rstrip("\n")).replace(re.escape("..."), ".*")
        assert re.fullmatch(want, got.rstrip("\n"), re.DOTALL), (
            f"$ {command}\n--- printed in the page:\n{expected}\n--- got:\n{got}{done.stderr}"
        )

    def _stop(self) -> None:
        server, self.server = self.server, None
        if server is not None:
            server.terminate()
            try:
                server.wait(PATIENCE)
            finally:
                server.kill()
                server.wait()
            if server.stderr is not None:
                server.stderr.close()
