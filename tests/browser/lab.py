"""A JupyterLab server of our own, and one notebook in it driven through a browser page."""

from __future__ import annotations

import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import nbformat
from playwright.sync_api import ConsoleMessage, Locator, Page, Route

from tools import ROOT

# The settings that `make lab` gives to every reader.
_MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(CURDIR)", str(ROOT))
SETTINGS = re.search(r"^LAB_SETTINGS := (.*)$", _MAKEFILE, re.M)[1]
# What the page needs to say about itself; `nb` is the notebook panel in front.
_NB = (
    "const nb = window.jupyterapp?.shell?.currentWidget; "
    "const kernel = nb?.sessionContext?.session?.kernel;"
)
_CONNECTED = f"""() => {{ {_NB}
    return nb?.content?.widgets?.length > 0 && nb.sessionContext.isReady
        && kernel?.connectionStatus === 'connected' && kernel.status === 'idle'; }}"""
# After an error Lab drops the cells that follow, so they never get a number.
_FINISHED = f"""() => {{ {_NB}
    const code = nb.content.widgets.filter(
        c => c.model.type === 'code' && c.model.sharedModel.getSource().trim());
    const failed = code.some(c => c.model.outputs.toJSON().some(o => o.output_type === 'error'));
    const counted = code.every(c => c.model.executionCount != null);
    return (failed || counted) && kernel.status === 'idle'; }}"""
_OUTPUTS = f"""() => {{ {_NB} return nb.content.widgets.map(
    c => c.model.type === 'code' ? c.model.outputs.toJSON() : []); }}"""
_SHOW_CELL = f"async index => {{ {_NB} await nb.content.scrollToItem(index, 'start'); }}"
_ASK = f"""async expressions => {{ {_NB}
    const content = {{ code: '', store_history: false, user_expressions: expressions }};
    const reply = await kernel.requestExecute(content).done;
    return reply.content.user_expressions; }}"""
_RUN = f"""async code => {{ {_NB}
    const reply = await kernel.requestExecute({{ code, store_history: false }}).done;
    return reply.content.status; }}"""
_SAVE = "async () => { await window.jupyterapp.commands.execute('docmanager:save'); }"


@dataclass
class Lab:
    """A running server: its address, the token that opens it, and the folder it serves."""

    url: str
    token: str
    root: Path
    log: Path
    process: subprocess.Popen

    @classmethod
    def start(cls, folder: Path) -> Lab:
        """Start JupyterLab on the loopback interface; every Jupyter folder is inside ``folder``."""
        root, log = folder / "root", folder / "lab.log"
        root.mkdir(parents=True)
        port, token = free_port(), secrets.token_hex(16)
        env = dict(
            os.environ,
            JUPYTER_CONFIG_DIR=str(folder / "config"),
            JUPYTER_DATA_DIR=str(folder / "data"),
            JUPYTER_RUNTIME_DIR=str(folder / "runtime"),
            IPYTHONDIR=str(folder / "ipython"),
            JUPYTERLAB_SETTINGS_DIR=str(folder / "settings"),
            JUPYTERLAB_WORKSPACES_DIR=str(folder / "workspaces"),
        )
        options = [
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
        ]
        options += [
            f"--IdentityProvider.token={token}",
            f"--ServerApp.root_dir={root}",
            "--LabApp.expose_app_in_browser=True",
            SETTINGS,
        ]
        # Should the tests be killed, kernels and then the server end by themselves.
        options += [
            "--MappingKernelManager.cull_idle_timeout=600",
            "--MappingKernelManager.cull_interval=60",
        ]
        options += ["--ServerApp.shutdown_no_activity_timeout=300"]
        with log.open("w") as out:
            command = [sys.executable, "-m", "jupyterlab", *options]
            process = subprocess.Popen(
                command, env=env, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
            )
        lab = cls(f"http://127.0.0.1:{port}", token, root, log, process)
        wait_until_up(f"{lab.url}/api/status?token={token}", lab, seconds=90)
        return lab

    def stop(self) -> None:
        """Stop this server and the kernels it started, and nothing else."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.process.pid, how)
                self.process.wait(20)
                return
            except subprocess.TimeoutExpired:
                continue
            except ProcessLookupError:
                return


class LabNotebook:
    """One notebook in JupyterLab. ``errors`` and ``external`` collect what must stay empty."""

    def __init__(self, page: Page, lab: Lab) -> None:
        self.page, self.lab = page, lab
        self.errors: list[str] = []  # JavaScript errors, on the page or in its console
        self.external: list[str] = []  # requests to other hosts
        self._own = (lab.url, lab.url.replace("http", "ws"), "data:", "blob:")
        page.route(lambda url: not url.startswith(self._own), self._refuse)
        page.on(
            "websocket",
            lambda socket: (
                None if socket.url.startswith(self._own) else self.external.append(socket.url)
            ),
        )
        page.on("pageerror", lambda error: self.errors.append(f"page: {error}"))
        page.on("console", self._note)

    def open(self, path: str) -> None:
        """Open a notebook and wait for its kernel.

        Before a session exists, Lab says idle, and a Run All would be lost.
        """
        self.page.goto(f"{self.lab.url}/lab/tree/{path}?token={self.lab.token}&reset")
        self.wait_until_connected()

    def run_cells(self, name: str, *cells: str) -> None:
        """Write a notebook of these cells into Lab's folder, open it and run it."""
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        codes = [nbformat.v4.new_code_cell(cell) for cell in cells]
        written = nbformat.v4.new_notebook(cells=codes, metadata={"kernelspec": kernel})
        nbformat.write(written, self.lab.root / name)
        self.open(name)
        self.run_all(seconds=240)
        assert self.failures() == []

    def run_more(self, code: str) -> None:
        """Run code in the kernel of the notebook in front; no cell changes."""
        assert self.page.evaluate(_RUN, code) == "ok"

    def wait_until_connected(self) -> None:
        """Wait until the notebook in front has a kernel that listens."""
        self.page.wait_for_function(_CONNECTED, timeout=240_000)
        self.page.evaluate(
            "void window.jupyterapp.commands.execute('application:toggle-left-area')"
        )  # room for the notebook

    def run_all(self, seconds: float) -> None:
        """Run every cell and wait until the last one is done."""
        self.start()
        self.wait_until_finished(seconds)

    def start(self) -> None:
        """Run every cell, and do not wait."""
        self.page.evaluate(
            "void window.jupyterapp.commands.execute('notebook:run-all-cells')"
        )  # void: do not await it

    def wait_until_finished(self, seconds: float) -> None:
        """Wait until every cell has run, or one has failed."""
        self.page.wait_for_function(_FINISHED, timeout=seconds * 1000)

    def outputs(self) -> list[list[dict]]:
        """Return the outputs of every cell; a cell of text has none."""
        return self.page.evaluate(_OUTPUTS)

    def failures(self) -> list[str]:
        """Return the errors that cells ended with."""
        return [
            f"{o['ename']}: {o['evalue']}"
            for cell in self.outputs()
            for o in cell
            if o["output_type"] == "error"
        ]

    def ask(self, expressions: dict[str, str]) -> dict[str, dict]:
        """Return what the kernel makes of named expressions; no cell changes."""
        return self.page.evaluate(_ASK, expressions)

    def save(self) -> None:
        """Write the notebook in front, with its outputs, to the server's folder."""
        self.page.evaluate(_SAVE)

    def show_cell(self, index: int) -> Locator:
        """Scroll a cell into view and return it."""
        self.page.evaluate(_SHOW_CELL, index)
        return self.page.locator(
            f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell[data-windowed-list-index='{index}']"
        )

    def shut_down(self) -> None:
        """End the notebook's kernel, which holds a whole model in memory."""
        self.page.evaluate(f"async () => {{ {_NB} await nb?.sessionContext?.shutdown(); }}")

    def _refuse(self, route: Route) -> None:
        """Note a request to another host and refuse it: tests do not depend on a network."""
        self.external.append(route.request.url)
        route.abort()

    def _note(self, message: ConsoleMessage) -> None:
        place = message.location.get("url", "")
        if message.type == "error" and place not in self.external:
            self.errors.append(f"console: {message.text} ({place})")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_up(address: str, server, seconds: float) -> None:
    """Wait until an address answers; else stop the ``server`` and show its log.

    The server has ``process``, ``log`` and ``stop``.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except (urllib.error.URLError, OSError):
            if server.process.poll() is not None or time.monotonic() > end:
                server.stop()
                raise RuntimeError(
                    f"The server did not start:\n{server.log.read_text()[-3000:]}"
                ) from None
            time.sleep(0.3)
