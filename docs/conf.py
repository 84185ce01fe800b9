"""Settings of Sphinx, which builds the website of the guide: ``nox -s docs``."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

from cookiecutter.generate import generate_context, generate_files
from cookiecutter.prompt import prompt_for_config
from sphinx.application import Sphinx

ROOT = Path(__file__).parent.parent

extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3  # for links to headings, as on GitHub

html_theme = "furo"
html_title = "Hypermodern Python, in a container"
html_show_copyright = False

# Files outside docs/, and where the site has their text.
PAGES = {
    "../%7B%7Bcookiecutter.project_slug%7D%7D/docs/recipes.md": "",
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


def add_recipes(_app: Sphinx, page: str, source: list[str]) -> None:
    """Add the recipes of the default project to the page about changes."""
    if page == "changing":
        questions = generate_context(str(ROOT / "cookiecutter.json"))
        answers = {"cookiecutter": prompt_for_config(questions, no_input=True)}
        with TemporaryDirectory() as folder:
            project = generate_files(str(ROOT), answers, folder, accept_hooks=False)
            recipes = Path(project, "docs", "recipes.md").read_text("utf-8")
        source[0] += recipes[recipes.index("\n## ") :]


def setup(app: Sphinx) -> None:
    """Change pages when they are read. In the sources, links are as GitHub needs them."""
    app.connect("source-read", add_recipes)
    app.connect("source-read", link_pages)
    app.connect("include-read", link_from_docs)
