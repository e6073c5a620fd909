"""Sphinx reads this to make the static site; `make site` runs it on executed pages."""

from __future__ import annotations

import latentlang

project = "latentlang"
author = "The latentlang developers"
copyright = author
version = release = latentlang.__version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
nb_execution_mode = "off"
nb_mime_priority_overrides = [("html", "text/html", 0)]
myst_heading_anchors = 2
suppress_warnings = ["mystnb.unknown_mime_type", "myst.xref_missing"]
autodoc_member_order = "bysource"
autodoc_typehints = "none"
exclude_patterns = ["build"]
html_theme = "furo"
html_title = "latentlang"
html_static_path = ["static"]
html_css_files = ["figures.css", "site.css"]
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
