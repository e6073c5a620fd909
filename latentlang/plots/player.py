"""A slider over the layers and a play button, for a figure with one frame per layer."""

from __future__ import annotations

from collections.abc import Sequence

_STILL = {
    "mode": "immediate",
    "frame": {"duration": 0, "redraw": True},
    "transition": {"duration": 0},
}


def player(layers: Sequence[int], color: str) -> dict:
    """Return the layout of the slider and the button; the figure opens with the whole path."""
    names = [str(layer) for layer in layers]
    slider = {
        "steps": [{"label": name, "method": "animate", "args": [[name], _STILL]} for name in names],
        "active": len(names) - 1,
        "currentvalue": {"prefix": f"layers {names[0]} to ", "font": {"size": 12}},
        "x": 0.2,
        "len": 0.8,
        "y": 0,
        "pad": {"t": 6, "b": 8, "l": 0, "r": 8},
        "font": {"size": 11, "color": color},
        "bordercolor": color,
    }
    run = {
        "frame": {"duration": 500, "redraw": True},
        "transition": {"duration": 0},
        "fromcurrent": False,
    }
    button = {
        "type": "buttons",
        "buttons": [{"label": "▶ play", "method": "animate", "args": [names, run]}],
        "x": 0,
        "xanchor": "left",
        "y": 0,
        "yanchor": "top",
        "pad": {"t": 22, "l": 4},
        "showactive": False,
        "bordercolor": color,
    }
    return {"sliders": [slider], "updatemenus": [button]}
