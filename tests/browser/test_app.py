"""The pair explorer as a page of its own, served by Voila, as a lecturer opens it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from lab import free_port

import latentlang as ll
from latentlang.plots.text import language_label
from tools import ROOT

pytestmark = pytest.mark.more

FIGURE = ".latentlang-phases .js-plotly-plot"
CURVE = """(figure, name) => Array.from(figure._fullData.find(
    t => t.mode === 'lines+markers' && t.name === name
).y)"""


@pytest.fixture(scope="module")
def app(tmp_path_factory) -> Iterator[str]:
    """Serve tools/app.py as `make app` does, on the loopback interface."""
    folder, port = tmp_path_factory.mktemp("voila"), free_port()
    env = dict(
        os.environ,
        JUPYTER_CONFIG_DIR=str(folder),
        JUPYTER_RUNTIME_DIR=str(folder / "runtime"),
        IPYTHONDIR=str(folder / "ipython"),
    )
    command = [
        sys.executable,
        "-m",
        "voila",
        "app.py",
        "--config=voila.json",
        "--no-browser",
        f"--port={port}",
        "--Voila.ip=127.0.0.1",
    ]
    tools = ROOT / "tools"
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            command,
            cwd=tools,
            env=env,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/static/", timeout=2).close()
            break
        except urllib.error.HTTPError:
            break  # it answers
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            time.sleep(0.3)
    yield f"http://127.0.0.1:{port}"
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(20)


@pytest.mark.timeout(600)
def test_page_shows_a_pair_and_follows_its_controls(app, browser, shoot):
    page = browser.new_page(viewport={"width": 1100, "height": 1000})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    # Voila's own page asks a CDN for icons, in vain where there is no network.
    page.on(
        "console",
        lambda said: (
            errors.append(said.text) if said.type == "error" and "ERR_" not in said.text else None
        ),
    )
    page.goto(app, timeout=300_000)
    page.locator(f"{FIGURE} .scatterlayer .js-line").first.wait_for(timeout=300_000)
    assert page.locator(f"{FIGURE} .scatterlayer .js-line").count() >= 5
    shoot(page, "first")
    page.get_by_label("From", exact=True).select_option(label=language_label("de"))
    page.wait_for_function(
        "css => document.querySelector(css).textContent.includes('de → zh')",
        arg=f"{FIGURE} .gtitle",
        timeout=300_000,
    )
    model = ll.load_model()
    run = ll.run_experiment(model, "translation", "de", "zh", every=16, progress=False)
    drawn = page.locator(FIGURE).evaluate(CURVE, language_label("zh"))
    assert drawn == pytest.approx(run.probability["zh"].mean(0).tolist(), abs=1e-4)
    shoot(page, "german")
    assert errors == [], "\n".join(errors)
    page.close()
