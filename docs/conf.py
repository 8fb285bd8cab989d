"""How Sphinx builds these pages: `make docs` writes the site into build/docs."""

from __future__ import annotations

project = 'kprover'
author = 'the kprover developers'
extensions = ['myst_parser', 'sphinx_click']
source_suffix = {'.md': 'markdown'}
myst_enable_extensions = ['colon_fence']
myst_heading_anchors = 3
html_theme = 'furo'
html_title = 'kprover'
html_show_copyright = False
html_copy_source = False
