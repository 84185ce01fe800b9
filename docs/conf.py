"""Settings of Sphinx, which builds the website of the guide: ``nox -s docs``."""

import re
from pathlib import Path

from sphinx.application import Sphinx

extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3  # for links to headings, as on GitHub

html_theme = "furo"
html_title = "Hypermodern Python, in a container"
html_show_copyright = False

html_static_path = ["_static"]
html_js_files = [("names.js", {"defer": "defer"})]

# Files outside docs/, and where the site has their text. Recipes link to docs/, too.
PAGES = {
    "../templates/recipes/": "recipes/",
    "../../docs/": "../",
    "../README.md": "index.md",
    "../CONTRIBUTING.md": "contributing.md",
    "../CHANGELOG.md": "changelog.md",
}


def link_pages(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Link the page instead of the file that it includes."""
    for file, page in PAGES.items():
        source[0] = source[0].replace(f"]({file}", f"]({page}")


def link_from_docs(app: Sphinx, file: Path, page: str, source: list[str]) -> None:
    """Make links of an included file relative to docs/, then link the pages."""
    if file.parent == Path(".."):
        source[0] = re.sub(r"\]\((?!https:|#)", "](../", source[0])
    link_pages(app, page, source)


def list_recipes(_app: Sphinx, page: str, source: list[str]) -> None:
    """Add the pages of recipes to the navigation. GitHub would show this as code."""
    if page == "changing":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\nrecipes/*\n```\n"


def setup(app: Sphinx) -> None:
    """Change pages when they are read. In the sources, links are as GitHub needs them."""
    app.connect("source-read", list_recipes)
    app.connect("source-read", link_pages)
    app.connect("include-read", link_from_docs)
