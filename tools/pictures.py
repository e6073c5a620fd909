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
from latentlang.plots.fit import fit

from . import pages, scripts, store, tables
from .scripts import Script

WIDTH, HEIGHT, SCALE = 768, 528, 0.625  # pixels, and how many of the picture one becomes


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
    """Return a figure laid out again for a small picture: no title, legend or menu."""
    figure.layout.sliders = figure.layout.updatemenus = None
    untold = {"message": "", "facts": [], "notes": [], "quiet": None}
    figure.update_layout(showlegend=False, meta=dict(figure.layout.meta) | untold)
    small = fit(figure, WIDTH)
    spare, edge = HEIGHT - small.layout.height, small.layout.margin
    if any(figure.select_scenes()):  # a globe fills its height, and would be cut at the sides
        return small.update_layout(margin={"t": edge.t + spare / 2, "b": edge.b + spare / 2})
    figure.layout.meta = dict(figure.layout.meta) | {"area": figure.layout.meta["area"] + spare}
    return fit(figure, WIDTH)


def main() -> None:
    """Write ``course/images/*.png``."""
    folder = scripts.ROOT / tables.IMAGES
    folder.mkdir(exist_ok=True)
    model = ll.load_model("gemma-3-270m", dtype="float32")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)
    eagle = ll.decode(model, prompts["eagle"], positions=7)
    heatmap = ll.plots.heatmap(eagle, model.tokenizer, width=900)
    heatmap.write_image(folder / "eagle.png", scale=1.5)
    for script in scripts.scripts():
        path = folder / f"{script.number}.png"
        thumbnail(shown(script)).write_image(path, width=WIDTH, height=HEIGHT, scale=SCALE)
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
