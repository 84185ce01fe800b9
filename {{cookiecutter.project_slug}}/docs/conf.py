"""The configuration of Sphinx."""

import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"
METADATA = tomllib.loads(PYPROJECT.read_text("utf-8"))["project"]

project = METADATA["name"]
release = METADATA["version"]
project_copyright = METADATA["authors"][0]["name"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_click",
]
exclude_patterns = ["_build"]
autodoc_typehints = "description"
# Links to Python's own documentation would take the network in every build.
nitpick_ignore_regex = [("py:.*", r"collections\.abc\..*")]

html_theme = "furo"
html_title = project
