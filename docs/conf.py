"""Settings of Sphinx, which builds the website of the guide: ``nox -s docs``."""

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import shorten
from typing import Any

from cookiecutter.generate import generate_context, generate_files
from cookiecutter.prompt import prompt_for_config
from pygments.lexers import find_lexer_class_for_filename
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.report import OURS, RESULTS, texts  # noqa: E402

QUESTIONS = generate_context(str(ROOT / "cookiecutter.json"))

extensions = ["myst_parser", "sphinx_copybutton"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["attrs_block", "substitution"]
myst_heading_anchors = 3  # for links to headings, as on GitHub

html_theme = "furo"
pygments_style = "default"  # Furo's own does not color added lines in diffs
html_title = "Hypermodern Python, in a container"
html_show_copyright = False
html_copy_source = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [(name, {"defer": "defer"}) for name in ("names.js", "site.js")]
html_theme_options = {
    "source_repository": QUESTIONS["cookiecutter"]["_repository"],
    "source_branch": "main",
    "source_directory": "docs/",
}


def figures(case: str, recipe: str) -> dict[str, str]:
    """Return the figures of a recipe in the benchmark, as its tables show them."""
    cases = json.loads(RESULTS.read_text("utf-8"))["cases"]
    return texts(cases[case]["recipes"][recipe])


myst_substitutions = {
    "ours": figures("pandas", OURS),
    "poetry": figures("pandas", "poetry"),
    "small": figures("click", OURS),
    "small_uv": figures("click", "uv"),
}

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


@cache
def default_project() -> dict[str, str]:
    """Return the text of each file of the default project, by path."""
    answers = {"cookiecutter": prompt_for_config(QUESTIONS, no_input=True)}
    with TemporaryDirectory() as folder:
        project = Path(generate_files(str(ROOT), answers, folder, accept_hooks=False))
        return {
            path.relative_to(project).as_posix(): path.read_text("utf-8")
            for path in project.rglob("*")
            if path.is_file()
        }


def list_recipes(_app: Sphinx, page: str, source: list[str]) -> None:
    """Add the pages of recipes to the navigation. GitHub would show this as code."""
    if page == "changing":
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\nrecipes/*\n```\n"


def page_of(file: str) -> str:
    """Return the page for a file of the project. Some servers hide names with a dot."""
    return f"project/{file.removeprefix('.')}"


def add_project(app: Sphinx) -> Iterator[tuple[str, dict[str, str], str]]:
    """Yield a page for each file of the default project."""
    highlighter = PygmentsBridge("html")
    for file, text in default_project().items():
        lexer = find_lexer_class_for_filename(file)
        # The lexer of Terraform marks words in docker-bake.hcl as errors.
        known = lexer and lexer.name != "Terraform"
        code = highlighter.highlight_block(text, lexer.aliases[0] if known else "text")
        tour = app.builder.get_relative_uri(page_of(file), "tour")
        body = f'<h1>{file}</h1><p><a href="{tour}">All files</a></p>{code}'
        yield page_of(file), {"title": file, "body": body}, "page.html"


def finish_page(
    _app: Sphinx, page: str, _template: str, context: dict[str, Any], document: object
) -> None:
    """Describe a page to search engines with its first paragraph. Link files in the tour."""
    if document and (first := re.search("<p>(.+?)</p>", context["body"], re.DOTALL)):
        text = shorten(re.sub("<[^>]+>", "", first[1]), 160, placeholder=" …")
        context["metatags"] += f'<meta name="description" content="{text}">'
    for file in default_project() if page == "tour" else ():
        indent = "    " * file.count("/")
        line = rf"((?:^|<span></span>){indent})({re.escape(Path(file).name)})\b"
        link = rf'\1<a href="{page_of(file)}.html">\2</a>'
        context["body"] = re.sub(line, link, context["body"], count=1, flags=re.M)


def setup(app: Sphinx) -> None:
    """Change pages when they are read. In the sources, links are as GitHub needs them."""
    app.connect("source-read", list_recipes)
    app.connect("source-read", link_pages)
    app.connect("include-read", link_from_docs)
    app.connect("html-collect-pages", add_project)
    app.connect("html-page-context", finish_page)
