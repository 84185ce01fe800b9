"""Build the wheel for the image as `poetry build` does, in the stage `program`."""

import codecs
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from dulwich.ignore import IgnoreFilterManager
from dulwich.index import IndexEntry
from dulwich.objects import S_ISGITLINK
from dulwich.porcelain import check_ignore
from dulwich.repo import Repo
from poetry.core.constraints.version import Version
from poetry.core.factory import Factory
from poetry.core.masonry import api
from poetry.core.packages.dependency import Dependency
from poetry.core.poetry import Poetry

# The second name is that of Poetry 1.0, which poetry-core replaces.
BACKENDS = (api.__name__, "poetry.masonry.api")


def is_installed(requirement: Dependency) -> bool:
    """Return whether docker/poetry.txt has installed a package that the build needs."""
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return False
    return requirement.constraint.allows(Version.parse(version))


def submodules() -> list[Path]:
    """Return the folders of Git's submodules, whose files have their own rules."""
    with Repo(".") as repository:
        return [
            Path(os.fsdecode(name))
            for name, entry in repository.open_index().items()
            if isinstance(entry, IndexEntry) and S_ISGITLINK(entry.mode)
        ]


def ignored_files() -> list[Path]:
    """Return the files that Git ignores and does not track.

    poetry-core leaves them out if the command git is installed, which it is not here.
    """
    for rules in (*Path().rglob(".gitignore"), Path(".git/info/exclude")):
        if rules.is_file():  # Git skips the byte order mark, unlike dulwich
            rules.write_bytes(rules.read_bytes().removeprefix(codecs.BOM_UTF8))
    files = [path for path in Path().rglob("*") if not path.is_dir()]
    try:
        names = list(check_ignore(".", files, quote_path=False))
    except Exception as error:  # of several kinds, for example for a split index
        print(f"Git's index cannot be read, so no file is tracked: {error!r}")
        Path(".git/index").unlink()
        names = list(check_ignore(".", files, quote_path=False))
    own = {path: IgnoreFilterManager(str(path), [], False) for path in submodules()}
    return [
        path
        for path in map(Path, names)
        if all(
            rules.is_ignored(path.relative_to(folder).as_posix())
            for folder, rules in own.items()
            if path.is_relative_to(folder)
        )
    ]


def included_patterns(project: Poetry) -> list[str]:
    """Return the patterns of files that pyproject.toml adds to the wheel."""
    includes = project.package.include
    return [include["path"] for include in includes if "wheel" in include["format"]]


def prepare() -> Poetry:
    """Check the Python of the image, remove ignored files, and return the project.

    Raises:
        SystemExit: The project does not support the Python.
    """
    project = Factory().create_poetry()
    required, version = project.package.python_constraint, platform.python_version()
    if not required.allows(Version.parse(version)):
        # pip would skip the dependencies, so that only the program would fail.
        sys.exit(
            f"error: pyproject.toml requires Python {required}, but the image has "
            f"{version}. Change the first line of the Dockerfile."
        )
    # As in poetry-core, a file that pyproject.toml includes in the wheel is not ignored.
    patterns = included_patterns(project)
    included = {path for pattern in patterns for path in Path().glob(pattern)}
    for path in ignored_files():
        if included.isdisjoint([path, *path.parents]):
            print(f"{path} is not in the image, because Git ignores it.")
            path.unlink()
    return project


def main() -> None:
    """Write the wheel to the folder dist.

    With the option --editable, the wheel refers to the sources, as after `poetry install`.

    Raises:
        SystemExit: The project cannot be built, or another build tool has run; the
            status is its own.
    """
    project = prepare()
    # poetry-core skips what does not exist. A build script can create files.
    for top in {Path(pattern).parts[0] for pattern in included_patterns(project)}:
        if not (project.package.build_script or any(Path().glob(top))):
            sys.exit(
                f"error: pyproject.toml includes {top}, which is not in the build context. "
                f"Add the line !{top} to .dockerignore, or remove it from pyproject.toml."
            )
    backend = project.pyproject.build_system.build_backend
    required = project.build_system_dependencies
    if backend in BACKENDS and all(map(is_installed, required)):
        build = api.build_editable if "--editable" in sys.argv else api.build_wheel
        build("dist")
    else:
        # With -P, a script of the project called build.py does not hide the module.
        sys.exit(subprocess.call([sys.executable, "-P", "-m", "build", "--wheel"]))


if __name__ == "__main__":
    main()
