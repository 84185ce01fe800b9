"""The settings of Sphinx, which builds the guide as a site: ``nox -s docs``."""

import re
from pathlib import Path

from sphinx.application import Sphinx

extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3  # for links to headings, as on GitHub

html_theme = "furo"
html_title = "Hypermodern Python, in a container"
html_show_copyright = False  # LICENSE has it

# The pages that include a file from the root.
PAGES = {
    "../README.md": "index.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../CHANGELOG.md": "changelog.md",
}


def link_pages(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Link the page instead of the file that it includes."""
    for file, page in PAGES.items():
        source[0] = source[0].replace(f"]({file}", f"]({page}")


def link_from_docs(app: Sphinx, _file: Path, page: str, source: list[str]) -> None:
    """Make links of an included file relative to docs/, then link the pages."""
    source[0] = re.sub(r"\]\((?!https:|#)", "](../", source[0])
    link_pages(app, page, source)


def setup(app: Sphinx) -> None:
    """Change links while pages are read: their sources have the links that GitHub needs."""
    app.connect("source-read", link_pages)
    app.connect("include-read", link_from_docs)
