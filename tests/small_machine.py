"""A group of processes that get little memory, as on a free Binder machine: a Linux cgroup.

Only memory that the kernel cannot take back counts against the group in the end: what is mapped
from files, such as the weights, is read again when it is needed.
"""

from __future__ import annotations

import os
import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

CGROUP = Path("/sys/fs/cgroup")


class SmallMachine:
    """A cgroup with a memory limit, and the most anonymous memory that was seen in it, in GB."""

    def __init__(self, folder: Path, limit: str, anonymous: str) -> None:
        self.folder, self._limit, self._anonymous = folder, limit, anonymous
        self.peak = 0.0

    def limit(self, gigabytes: float) -> None:
        """Set how much memory its processes get together."""
        (self.folder / self._limit).write_text(str(int(gigabytes * 1e9)))

    def inside(self, command: list[str]) -> list[str]:
        """Return a command that runs another one in this group."""
        join = f"echo $$ > {shlex.quote(str(self.folder / 'cgroup.procs'))}"
        return ["sh", "-c", f"{join} && exec {shlex.join(command)}"]

    def anonymous(self) -> float:
        """Return how much memory of its processes no file backs, in GB."""
        facts = dict(
            line.split(maxsplit=1)
            for line in (self.folder / "memory.stat").read_text().splitlines()
        )
        return int(facts[self._anonymous]) / 1e9

    def watch(self, stop: threading.Event) -> None:
        """Note the peak, 50 times per second, until told to stop."""
        while not stop.wait(0.02):
            self.peak = max(self.peak, self.anonymous())


@contextmanager
def small_machine(gigabytes: float) -> Iterator[SmallMachine]:
    """Make a group of processes with little memory; skip the test where none can be made."""
    version_1 = CGROUP / "memory"
    parent = version_1 if version_1.is_dir() else CGROUP
    names = ("memory.limit_in_bytes", "total_rss") if version_1.is_dir() else ("memory.max", "anon")
    folder = parent / f"latentlang-{os.getpid()}"
    try:
        folder.mkdir()
        machine = SmallMachine(folder, *names)
        machine.limit(gigabytes)
    except OSError as error:
        with suppress(OSError):
            folder.rmdir()
        pytest.skip(f"no cgroup can be made here ({error}), so memory is not limited")
    stop = threading.Event()
    watcher = threading.Thread(target=machine.watch, args=(stop,))
    watcher.start()
    try:
        yield machine
    finally:
        stop.set()
        watcher.join()
        for process in (folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(process), signal.SIGKILL)
        while (folder / "cgroup.procs").read_text():
            time.sleep(0.05)
        folder.rmdir()


def kernel_spec(machine: SmallMachine, root: Path) -> str:
    """Write a Jupyter kernel that runs in the group below ``root/kernels``; return its name."""
    import json

    folder = root / "kernels" / "small-machine"
    folder.mkdir(parents=True)
    launch = [sys.executable, "-m", "ipykernel_launcher", "-f"]
    command = machine.inside(launch)
    command[-1] += " {connection_file}"
    spec = {"argv": command, "display_name": "small machine", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    return folder.name
