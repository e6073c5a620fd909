"""Make the pictures of the README on the demo model: the layers of one prompt, and a thumbnail for each notebook.

python notebooks/picture.py
"""

from __future__ import annotations

from pathlib import Path

import plotly.graph_objects as go

import latentlang as ll

IMAGES = Path(__file__).resolve().parent / "images"


def thumbnail(figure: go.Figure) -> go.Figure:
    """Return a figure that is still readable when it is small: no title, no legend, larger letters."""
    return figure.update_layout(
        title=None, showlegend=False, margin={"l": 60, "r": 10, "t": 10, "b": 50}, font_size=16
    )


def main() -> None:
    """Decode, draw and write ``images/*.png``."""
    model = ll.load_model("gemma-3-270m", dtype="float32")
    IMAGES.mkdir(exist_ok=True)
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)
    eagle = ll.decode(model, prompts["eagle"], positions=7)
    heatmap = ll.plots.heatmap(eagle, model.tokenizer)
    heatmap.write_image(IMAGES / "eagle.png", width=900, height=520, scale=1.5)

    ask = {"every": 4, "progress": False}
    french = ll.run_experiment(model, "translation", "fr", "zh", **ask)
    german = ll.run_experiment(model, "translation", "de", "zh", keep_latents=True, **ask)
    pooled = ll.run_experiment(
        model, "translation", ["de", "fr", "ru"], "zh", every=8, progress=False
    )
    italian = ll.run_experiment(model, "translation", "it", "ja", every=8, progress=False)
    cut = ll.data.fertility(model.tokenizer).sort_values("tokens").round(1).reset_index()
    drawn = {
        "01": ll.plots.bars(cut, x="language", y="tokens", title="").update_traces(text=None),
        "02": ll.plots.language_probability(french),
        "03": ll.plots.phases(german),
        "04": ll.plots.difference(pooled),
        "05": ll.plots.sphere(ll.sphere_path(model, german)),
        "06": ll.plots.language_probability(italian),
    }
    for number, figure in drawn.items():
        thumbnail(figure).write_image(IMAGES / f"{number}.png", width=640, height=440, scale=0.75)
    print(*sorted(IMAGES.glob("*.png")), sep="\n")


if __name__ == "__main__":
    main()
