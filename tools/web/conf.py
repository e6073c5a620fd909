"""Sphinx reads this to make the static site; `make site` runs it on executed pages."""

from __future__ import annotations

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

import latentlang

project = "latentlang"
author = "The latentlang developers"
copyright = author
version = release = latentlang.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "text/html", 0)]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 2
html_math_renderer = "mathml"
suppress_warnings = ["mystnb.unknown_mime_type", "myst.xref_missing"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
exclude_patterns = ["build"]
html_theme = "furo"
html_title = "latentlang"
html_static_path = ["static"]
html_css_files = ["figures.css", "site.css", "front.css"]
html_js_files = [("plotly.min.js", {"defer": "defer"}), ("figures.js", {"defer": "defer"})]
html_theme_options = {
    "light_css_variables": {
        "color-brand-primary": "#0b5394",
        "color-brand-content": "#0b5394",
        "color-brand-visited": "#5b3a86",
    },
    "dark_css_variables": {
        "color-brand-primary": "#9ecbff",
        "color-brand-content": "#9ecbff",
        "color-brand-visited": "#cdb4f0",
    },
}


def setup(app) -> None:
    """Write formulas as MathML, and let a keyboard scroll a table that is wider than the page."""
    app.add_html_math_renderer("mathml", (_formula, None), (_formula, None))
    app.connect("html-page-context", _scrollable_tables)


def _formula(page, node: nodes.Node) -> None:
    # A browser draws MathML itself; Sphinx's other ways need a script of the network, or LaTeX.
    page.body.append(tex2mathml(node.astext(), as_block=isinstance(node, nodes.math_block)))
    raise nodes.SkipNode


def _scrollable_tables(app, pagename, templatename, context, doctree) -> None:
    # The theme puts each table into a <div> that scrolls, and leaves that to the mouse.
    body = context.get("body", "")
    parts = body.split('<div class="table-wrapper')
    context["body"] = parts[0] + "".join(
        f'<div tabindex="0" role="region" aria-label="Text table {n}" class="table-wrapper{part}'
        for n, part in enumerate(parts[1:], 1)
    )
