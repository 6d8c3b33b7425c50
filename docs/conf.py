"""Sphinx configuration: everything is built offline, and a warning is an error."""

from had_cli import __version__

project = "had"
author = "The had developers"
copyright = "The had developers"  # noqa: A001 - the name is Sphinx's
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
exclude_patterns: list[str] = []

html_theme = "furo"
html_title = f"had {version}"
html_show_sphinx = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_type_aliases = {"Float": "Float", "Mask": "Mask"}
napoleon_google_docstring = False
napoleon_use_ivar = True

# References into other projects cannot be resolved without their inventories, which are on the network.
nitpick_ignore_regex = [
    ("py:.*", r"(numpy|np|npt|pathlib|collections|typing|types|pluggy)(\..*)?"),
    ("py:class", r"(Path|Any|Self|Callable|Mapping|Sequence|ArrayLike|Float|Mask|Progress|T)"),
]
