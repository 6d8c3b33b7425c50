"""Sphinx configuration: everything is built offline, and a warning is an error."""

import inspect

from sphinx.util.nodes import make_refnode

from had_cli import __version__

project = "had"
author = "The had developers"
copyright = "The had developers"  # noqa: A001 - the name is Sphinx's
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["deflist", "dollarmath", "fieldlist", "substitution"]
myst_substitutions = {"release": release}  # {{ release }} in a page
myst_heading_anchors = 3
exclude_patterns: list[str] = []

smartquotes = False  # would turn the dashes of options into something else

html_theme = "furo"
html_title = f"had {version}"
html_show_sphinx = False

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_ivar = True

# References into other projects cannot be resolved without their inventories, which are on the network;
# attributes are told in their class's text.
nitpick_ignore_regex = [
    ("py:.*", r"(numpy|np|npt|pathlib|collections|typing|types|pluggy|torch)(\..*)?"),
    ("py:class", r"(Path|Traversable|Any|Self|Callable|Mapping|Sequence|ArrayLike|Float|Mask|Progress|T)"),
    ("py:class", r"had_cli\.(engine\.run\.T|training\.patches\.(Patch|Item)|scenes\.stored\.Stored)"),
    ("py:attr", r".*"),
]

_SECTION = "Attributes"


def attributes_on_one_line(app, what, name, obj, options, lines):  # noqa: ARG001 - the signature is Sphinx's
    """Turn ``name : what it is`` into numpydoc's two lines.

    Docstrings of this project give attributes on one line each, with their shapes and units; numpydoc would
    take that text for a type. Runs before napoleon.
    """
    if _SECTION not in lines:
        return
    start = lines.index(_SECTION) + 2
    rewritten = []
    for number, line in enumerate(lines[start:], start):
        if number + 1 < len(lines) and set(lines[number + 1].strip()) == {"-"}:
            rewritten.extend(lines[number:])
            break
        names, colon, text = line.partition(" : ")
        if colon and not line.startswith(" "):
            *others, last = names.split(", ")
            for other in others:
                rewritten.extend([other, f"    with ``{last}``"])
            rewritten.extend([last, f"    {text}"])
        else:
            rewritten.append(line)
    lines[start:] = rewritten


def property_as_written(app, what, name, obj, options, lines):  # noqa: ARG001
    """Undo napoleon on properties: it takes what stands before a colon for the type. Runs after it."""
    if what == "property":
        lines[:] = [*(inspect.getdoc(obj) or "").splitlines(), ""]


def by_last_name(app, environment, node, content):
    """Resolve ``:class:`SceneInfo``` from any module, where one documented thing alone bears the name."""
    target = node.get("reftarget", "")
    if node.get("refdomain") != "py" or "." in target:
        return None
    domain = environment.get_domain("py")
    full = [name for name in domain.objects if name.rpartition(".")[2] == target]
    if len(full) != 1:
        return None
    found = domain.objects[full[0]]
    return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, content, full[0])


def setup(app):
    """Connect the rewriting of docstrings; napoleon has the default priority of 500."""
    app.connect("autodoc-process-docstring", attributes_on_one_line, priority=400)
    app.connect("autodoc-process-docstring", property_as_written, priority=600)
    app.connect("missing-reference", by_last_name)
