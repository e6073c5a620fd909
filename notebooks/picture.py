"""Make the picture of the README: the layers of one prompt, read with the logit lens.

python notebooks/picture.py
"""

from __future__ import annotations

from pathlib import Path

import latentlang as ll

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Decode one prompt on the demo model and write ``images/eagle.png``."""
    model = ll.load_model("gemma-3-270m", dtype="float32")
    prompts = ll.build_prompts("translation", "fr", "zh", tokenizer=model.tokenizer)
    eagle = next(p for p in prompts if p.concept == "eagle")
    figure = ll.plots.heatmap(ll.decode(model, [eagle.text], positions=7), model.tokenizer)
    target = HERE / "images" / "eagle.png"
    target.parent.mkdir(exist_ok=True)
    figure.write_image(target, width=900, height=520, scale=1.5)
    print(target)


if __name__ == "__main__":
    main()
