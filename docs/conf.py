"""The site that `make docs` builds (Sphinx, MyST, furo): the same pages that a repository browser shows, and nothing else.

The source folder is the checkout, so that a relative link means the same in both. What Sphinx needs besides, such as the
tree of pages, is added here while it reads, and stands in no page.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.addnodes import pending_xref

if TYPE_CHECKING:
    from docutils import nodes
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]

project = "confgen"
author = "the confgen contributors"
copyright = author
version = release = re.findall(r'__version__ = "(.+)"', (ROOT / "confgen/__init__.py").read_text(encoding="utf-8"))[0]

extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/**.md", "examples/**.md", "templates/README.md"]
exclude_patterns = ["site", "build", ".*", "tests", "confgen"]
suppress_warnings = ["myst.header"]  # a page may go from ## to ####

myst_heading_anchors = 4  # as repository browsers name them; a link to one that is not there fails the build
myst_links_external_new_tab = False

html_theme = "furo"
html_title = "confgen"
html_copy_source = False
html_show_sourcelink = False
html_additional_pages = {"index": "index.html"}  # docs/front/index.html leads to docs/index.html
templates_path = ["front"]

# The order in the sidebar.  A page that stands in none of the groups comes under "More", so none can be orphaned.
GROUPS = {
    "Begin": ["README", "docs/start", "docs/how", "docs/comparison", "docs/migration"],
    "Use": ["docs/labels", "docs/cli", "docs/ci", "docs/settings", "docs/explain", "docs/operations"],
    "Templates": ["docs/templates", "docs/outputs", "docs/context", "templates/README"],
    "Trust": ["docs/values", "SECURITY", "docs/reliability", "docs/benchmarks"],
    "Build": ["docs/architecture", "docs/decisions", "CONTRIBUTING", "CHANGELOG"],
}


def add_tree(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give the index the tree of all pages that are there."""
    if docname != root_doc:
        return
    pages = set(app.env.found_docs) - {root_doc}
    groups = {title: [page for page in names if page in pages] for title, names in GROUPS.items()}
    examples = sorted(page for page in pages if page.startswith("examples/"))
    groups["Examples"] = sorted(examples, key=lambda page: page != "examples/README")
    placed = {page for names in groups.values() for page in names}
    groups["More"] = sorted(pages - placed)
    source[0] += "".join(
        "\n```{toctree}\n:hidden:\n:caption: " + title + "\n\n" + "".join(f"/{name}\n" for name in names) + "```\n"
        for title, names in groups.items()
        if names
    )


def lead_into_folders(app: Sphinx, doctree: nodes.document) -> None:
    """A link to a folder leads to its README, as in a repository browser."""
    here = (ROOT / app.env.doc2path(app.env.docname, base=False)).parent
    for link in doctree.findall(pending_xref):
        page = here / link["reftarget"] / "README.md"
        if link["reftype"] == "myst" and link["refdomain"] is None and page.is_file():
            name = page.resolve().relative_to(ROOT).with_suffix("").as_posix()
            link["refdomain"], link["reftarget"], link["reftargetid"] = "doc", name, None


def setup(app: Sphinx) -> None:
    """Sphinx calls it."""
    app.connect("source-read", add_tree)
    app.connect("doctree-read", lead_into_folders)
