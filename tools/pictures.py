"""Make the README's pictures: the layers of one prompt, and a thumbnail for each notebook.

    python -m tools.pictures

A thumbnail is the figure that the front matter of the script names, as the notebook shows it. A
notebook that was not executed yet is run first.
"""

from __future__ import annotations

from pathlib import Path

import nbformat
import plotly.graph_objects as go
from PIL import Image, PngImagePlugin

import latentlang as ll

from . import pages, scripts, store, tables
from .scripts import Script


def shown(script: Script) -> go.Figure:
    """Return the figure of a notebook that its front matter names, from its student form.

    Raises:
        SystemExit: That cell shows no figure.
    """
    notebook = nbformat.read(store.executed(script, "student"), as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code" and script.front["figure"] in cell.source.splitlines():
            for output in cell.outputs:
                if pages.FIGURE in output.get("data", {}):
                    figure = output["data"][pages.FIGURE]
                    return go.Figure(data=figure["data"], layout=figure["layout"])
    raise SystemExit(f"{script.path.name}: `{script.front['figure']}` shows no figure.")


def thumbnail(figure: go.Figure) -> go.Figure:
    """Return a figure that is readable when small: no title, legend or menu, larger letters."""
    figure.layout.sliders = figure.layout.updatemenus = None
    margin = {"l": 60, "r": 10, "t": 26, "b": 50}
    figure.update_layout(title=None, showlegend=False, margin=margin, font_size=16)
    return figure.update_traces(text=None, selector={"type": "bar"})


def main() -> None:
    """Write ``course/images/*.png``."""
    folder = scripts.ROOT / tables.IMAGES
    folder.mkdir(exist_ok=True)
    model = ll.load_model("gemma-3-270m", dtype="float32")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)
    eagle = ll.decode(model, prompts["eagle"], positions=7)
    heatmap = ll.plots.heatmap(eagle, model.tokenizer)
    heatmap.write_image(folder / "eagle.png", width=900, height=520, scale=1.5)
    for script in scripts.scripts():
        path = folder / f"{script.number}.png"
        thumbnail(shown(script)).write_image(path, width=640, height=440, scale=0.75)
        _name_figure(path, script)
    print(*sorted(folder.glob("*.png")), sep="\n")


def named_figure(path: Path) -> str | None:
    """Return the line of the script from which a thumbnail was made."""
    with Image.open(path) as picture:
        return picture.info.get("figure")


def _name_figure(path: Path, script: Script) -> None:
    """Write into a thumbnail from which line it was made, so that a test sees a stale one."""
    facts = PngImagePlugin.PngInfo()
    facts.add_text("figure", script.front["figure"])
    with Image.open(path) as picture:
        picture.load()
    picture.save(path, pnginfo=facts, optimize=True)


if __name__ == "__main__":
    main()
