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
# References to types of other projects are not resolved: that needs the network. A broken
# reference to one of our own fails the build.
own = "|".join(path.stem for path in PYPROJECT.parent.glob("src/*"))
nitpick_ignore_regex = [("py:.*", rf"(?!({own})\b)\w+(\..+)?")]

html_theme = "furo"
html_title = project
