# /// script
# requires-python = ">=3.11"
# dependencies = ["jinja2>=3", "packaging>=24.2", "poetry>=2.2,<3", "poetry-plugin-export>=1.9"]
# ///
"""Write the files of the image into an existing Poetry project; see docs/adopting.md."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import posixpath
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from tools.dockerfile import (
    PREFIX,
    RUNNER,
    WORD,
    Stage,
    exec_last,
    read_stage,
    real_path,
    replace_known,
    split,
    split_commands,
    with_exec,
    words,
)

try:
    import jinja2
    from cleo.io.buffered_io import BufferedIO
    from packaging import licenses, tags, utils
    from poetry.core.constraints.version import Version
    from poetry.core.masonry.builders.wheel import WheelBuilder
    from poetry.core.masonry.metadata import Metadata
    from poetry.core.masonry.utils.module import ModuleOrPackageNotFoundError
    from poetry.core.packages.dependency import Dependency
    from poetry.core.packages.dependency_group import MAIN_GROUP
    from poetry.factory import Factory
    from poetry.poetry import Poetry
    from poetry_plugin_export.exporter import Exporter
except ImportError as problem:
    sys.exit(
        f"error: the module {problem.name} is missing. Run `pipx run {sys.argv[0]}` or "
        f"`uv run {sys.argv[0]}` with the same arguments, which install it."
    )

TEMPLATE = Path(__file__).resolve().parent
QUESTIONS = json.loads((TEMPLATE / "cookiecutter.json").read_text("utf-8"))
FILES = jinja2.Environment(  # noqa: S701
    loader=jinja2.FileSystemLoader(
        [TEMPLATE / "{{cookiecutter.project_slug}}", TEMPLATE / "templates"]
    ),
    keep_trailing_newline=True,
    undefined=jinja2.StrictUndefined,
)
RECIPE = "the recipe '{}' in templates/recipes/{}.md of the template"
COMPILE = RECIPE.format(
    "Compile a dependency, and add a system library", "dependencies"
)
DIRECT = RECIPE.format("Depend on a Git repository or a folder", "dependencies")
INDEX = RECIPE.format("Use a private package index", "dependencies")
VERSION = RECIPE.format("Take the version from Git tags", "releases")
ADD = (
    'To keep them, add `include = [{ path = "FILE", format = "wheel" }]` to [tool.poetry] '
    "in pyproject.toml"
)
PAGE = "see '{}' in docs/adopting.md of the template"
PUBLISH = PAGE.format("Publish an adopted image")
RUN = PAGE.format("Replace commands of RUN")

# Pythons that docker/poetry.txt supports, but the template does not offer to new projects.
OLDER_PYTHONS = ["3.12", "3.11"]
# The wheels that fit the C library: glibc 2.41 in Debian 13, musl 1.2 in Alpine.
OLD_GLIBC = ["manylinux2014", "manylinux2010", "manylinux1"]
PLATFORMS = {
    "slim": [f"manylinux_2_{minor}" for minor in range(41, 4, -1)] + OLD_GLIBC,
    "alpine": ["musllinux_1_2", "musllinux_1_1"],
}
# Markers of dependencies are evaluated for these values.
LINUX = {
    **{"os_name": "posix", "platform_system": "Linux", "sys_platform": "linux"},
    **{"implementation_name": "cpython", "platform_python_implementation": "CPython"},
}
# As in docker/wheel.py.
BACKENDS = ("poetry.core.masonry.api", "poetry.masonry.api")
TOOLS = (
    *("docker/_sigterm.py", "docker/poetry.in"),
    *("docker/poetry.txt", "docker/wheel.py"),
)
PUBLISHING = ("docker-bake.hcl", ".github/workflows/release.yml")
# Words of the shell, programs that both base images have, and files that commands write.
SHELL = re.compile(
    r"[.:\[}]|alias|awk|base64|basename|break|case|cat|cd|chmod|chown|continue|cp|cut|date"
    r"|df|dirname|done|du|echo|esac|eval|exit|export|expr|false|fi|find|for|getopts"
    r"|grep|gunzip|gzip|head|hostname|id|install|kill|ln|local|ls|md5sum|mkdir|mktemp"
    r"|mv|printf|pwd|read|readlink|realpath|return|rm|rmdir|sed|seq|set|setsid"
    r"|sha256sum|shift|sleep|sort|source|stat|sync|tail|tar|tee|test|touch|tr|trap"
    r"|true|ulimit|umask|uname|uniq|unset|wait|wc|which|whoami|xargs|/tmp/.*"
)
# A shell or Python, its options, the option -c or -m, and what follows.
INTERPRETER = re.compile(
    rf"(?:(sh|bash)|python3?)(?:\s+-\w*[oXW]\s+{WORD}|\s+-(?!\w*[cm]\b){WORD})*"
    r"(?:\s+-\w*([cm]))?(?:\s+(.*))?",
    re.DOTALL,
)
# Where programs are, apart from /venv/bin.
PROGRAMS = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin")
# The name of a Dockerfile, and of a stage.
DOCKERFILE = re.compile(
    r"(?:[\w-]+\.)?(?:Docker|Container)file(?:\.(?!dockerignore$)[\w-]+)?"
)
STAGE = re.compile(r"(?im)^\s*FROM\s+(?:--\S+\s+)*\S+\s+AS\s+(\S+)\s*$")
# The arguments of `poetry install`.
INSTALL = re.compile(r"poetry (?:install|sync)(.*)")
# Ways to install only the dependencies, and other ways to install the project.
LISTED = re.compile(r"poetry export|install .*(?:-r|--requirement)\b")
BUILD = re.compile(
    r"poetry build|pip install (?:.*\s)?(?<!-r )(?<!-c )[\"']?(?:\.|/|dist/|\S*\.whl)"
)
# The arguments of commands that name groups, and options for more than the group main.
CHOOSES = re.compile(r"poetry (?:install|sync|export)(.*)")
GROUPS = re.compile(
    r"(?:--(?:with|only)(?!\W*(?:main|root)(?![\w,-]))|--extras|-E|--all-\w+)(?=[= ]|$)(?:[= ]\"[^\"]+\"|[= ]\S+)?"
)
# Commands of RUN that install the project or its tools, print something or clean up, or
# whose results the report has in another line, such as users and system packages.
DONE = re.compile(
    r"""
    # Package managers that add nothing, the shell, users and owners.
    (?:\S*/)?(?:python[\d.]*[ ]-m[ ])?
    (?:apt|apt-get|apk|poetry(?![ ]add)|uv(?![ ]add|[ ]pip[ ]install)|pip[x3]?(?!.*[ ]install)
    |venv|virtualenv|compileall|rm|cd|set|export|echo(?!.*>)|true|ls|which|test|\[|fi|for|done
    |esac|(?:user|group)(?:add|mod)|add(?:user|group)|chown)(?:\s.*)?
    # pip that installs only tools, the project, wheels, or what a file lists.
    |(?:\S*/)?(?:\S*[ ]-m[ ])?(?:uv[ ])?pip[x3]?[ ](?:-\S+[ ])*install
    (?:\s+(?:-[cirt]\s+\S+|-\S+|\S+\.whl
    |--(?:\w+-url|constraint|find-links|prefix|requirement|target|trusted-host)\s+\S+
    |["']?(?:pipx?|poetry|poetry-plugin-\w+|setuptools|uv|virtualenv|wheel|\.)(?![\w./-])\S*))*
    # Downloads of Poetry, uv and pip, and their installers.
    |(?:curl|wget|ln|chmod|mv)[ ].*(?:poetry|astral\.sh|get-pip|/uv\b).*
    |(?:ba)?sh(?:[ ]-\S*)*|python[\d.]*[ ](?:-|\S*install-poetry\.py|\S*get-pip\.py)(?:[ ].*)?
    # Activated environments, wheels, deleted files, and versions.
    |(?:\.|source)[ ]\S*activate|(?:cp|mv)[ ]\S*\.whl[ ].*
    |find[ ].*(?:-delete|\brm\b).*
    |\S+[ ](?:--version|-V)
    """,
    re.DOTALL | re.VERBOSE,
)
# Variables that the image sets itself, or that only package managers read.
OWN_VARIABLES = re.compile(
    "HOME|PATH|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|VIRTUAL_ENV|DEBIAN_FRONTEND"
    "|(PIP|POETRY|UV)_.*"
)
# Folders of PATH that the image has or does not need.
OWN_PATH = re.compile(r"|.*(\.local|pipx|poetry|uv|venv).*/bin|/(usr/)?(local/)?s?bin")
# Names at the top of a project that few applications read when they run.
NOT_SOURCES = re.compile(
    r"\..*|.*\.(lock|md|rst|whl)|.*(Dockerfile|compose).*|(COPYING|LICEN[CS]E|Makefile).*"
    r"|(build|dist|docs?|docker|node_modules|site-packages|tests?|venv|__pycache__)"
    r"|(conftest|noxfile|setup)\.py|(pytest|tox)\.ini|requirements.*\.txt"
)
# Paths of programs, packages and tools in other stages.
OF_TOOLS = re.compile(
    r"usr/local|(?:usr/)?(?:local/)?bin|root/\.local|.*(?:poetry|pysetup|venv|wheels?\b).*"
    r"|.*/(?:site|dist)-packages(?:/.*)?"
)
# An option of a command that the report leaves out.
OPTION = r"(?<=\s)--(?:no-[a-z-]+|quiet|yes)\s+"
# Files that the installation of a package reads, and environments.
INSTALLED = re.compile(
    r"(pyproject|poetry)\.toml|.*\.(lock|whl)|requirements.*\.txt|setup\.(cfg|py)|Makefile"
    r"|(COPYING|LICEN[CS]E|README).*|.*(Dockerfile|compose).*|\.?venv|site-packages|uvx?"
)
# Files that Git ignores in most projects, and that no program reads.
CACHE = re.compile(r"^$|(^|/)(\.|__pycache__/)|\.py[co]$|\.egg-info/$")
# Names that can have passwords or another system's programs, so they are never copied.
NEVER = re.compile(r"\.env|\.git|\.?venv|site-packages")
# Modes that make a file executable.
EXECUTABLE = r"\w*\+r?x|0?7\d\d"
# Characters that a shell needs a backslash before.
UNSAFE = re.compile(r"([^\w./+-])")

# Paths in the image, each with its source in the project.
Files = list[tuple[PurePosixPath, str]]


class AdoptError(Exception):
    """The project cannot be adopted, for this reason, with this remedy.

    Functions that read a project, decide about its image or write files raise it.
    """


class Project(NamedTuple):
    """What the options and a project's files say.

    Attributes:
        options: The options of the command line.
        folder: The folder with pyproject.toml and poetry.lock.
        poetry: The metadata and the lock file.
        dockerfile: The name of the Dockerfile or Procfile, or an empty string.
        text: The text of that file.
        stage: The last stage of the Dockerfile or the one that an option names, or the
            command of the Procfile.
        files: The sources of an application.
        not_found: What the Dockerfile copies, but the project lacks or must not share.
        wheels: The dependencies of the image, each with the names of its wheels.
    """

    options: argparse.Namespace
    folder: Path
    poetry: Poetry
    dockerfile: str
    text: str
    stage: Stage
    files: Files
    not_found: list[str]
    wheels: list[tuple[Dependency, list[str]]]


class Package(NamedTuple):
    """The package that poetry-core builds from a project.

    Attributes:
        commands: Its commands, first the one with the package's name.
        named: The README files, licenses and scripts that the build reads.
        contents: The files of the package, and its build script.
    """

    commands: list[str]
    named: set[Path]
    contents: set[Path]

    def files(self) -> list[str]:
        """Return the files and top folders that the build reads."""
        tops = {path.parts[0] for path in self.contents - self.named}
        return sorted(tops | {path.as_posix() for path in self.named})

    def has_only_modules(self) -> bool:
        """Check whether it contains no other files than Python modules."""
        return all(path.suffix in (".py", ".pyi", ".typed") for path in self.contents)


class Plan(NamedTuple):
    """What is decided about the image, before a file is written.

    Attributes:
        answers: The answers to the template's questions, and its variables in `_image`.
        names: The files to write, each with its name in the template.
        pythons: What `choose_python` returns.
        left_out: The files that the Dockerfile copies, but a package does not have.
        lacking: The program of the owner's command that the image may lack.
        scripts: What to change in the scripts of the command.
    """

    answers: dict[str, Any]
    names: dict[str, str]
    pythons: dict[str, list[str]]
    left_out: list[str]
    lacking: str
    scripts: list[str]


def read(options: argparse.Namespace) -> Project:
    """Read a project's files."""
    folder = options.project
    poetry = read_metadata(folder)
    for name in options.include:
        if not (folder / name).exists():
            raise AdoptError(
                f"--include: '{name}' does not exist in {folder}. Use a path from the "
                "project's folder."
            )
    try:
        shlex.split(options.entry_point)
    except ValueError as error:
        raise AdoptError(
            f"--entry-point: {options.entry_point!r}: {one_line(error)}. Write it as in a "
            "shell."
        ) from error
    dockerfile = read_dockerfile(folder, options.dockerfile, options.target)
    stages = STAGE.findall(dockerfile[1])
    if options.target.lower() not in map(str.lower, ["", *stages]):
        file = dockerfile[0] or "a Dockerfile"
        raise unknown("--target", options.target, file, stages)
    wheels = read_lock(poetry, options)
    sources = read_sources(folder, dockerfile[-1])
    return Project(options, folder, poetry, *dockerfile, *sources, wheels)


def unknown(option: str, value: str, file: str, known: list[str]) -> AdoptError:
    """Return the error for an option whose value is not among those in a file."""
    remedy = f"Use one of: {', '.join(known)}." if known else "Leave this option out."
    return AdoptError(f"{option}: '{value}' is not in {file}. {remedy}")


def read_metadata(folder: Path) -> Poetry:
    """Read pyproject.toml and poetry.lock as Poetry does."""
    uv = (folder / "uv.lock").exists()
    for name, remedy in (
        ("pyproject.toml", "Name the folder of a Poetry project"),
        ("poetry.lock", "Use Poetry instead of uv" if uv else "Run `poetry lock`"),
    ):
        if not (folder / name).is_file():
            raise AdoptError(f"{folder / name} does not exist. {remedy}.")
    try:
        # poetry-core needs an absolute path to find the files of the wheel.
        poetry = Factory().create_poetry(folder.resolve(), disable_plugins=True)
        poetry.locker.locked_repository()
        fresh = poetry.locker.is_fresh()
        tool = poetry.pyproject.data.get("tool", {})
        dynamic = tool.get("poetry-dynamic-versioning", {}).get("enable")
    except Exception as error:
        raise AdoptError(
            f"Poetry cannot read pyproject.toml and poetry.lock in {folder}: "
            f"{one_line(error)}. Run `poetry check`."
        ) from error
    if not fresh:
        raise AdoptError("poetry.lock is out of date. Run `poetry lock`.")
    if dynamic:
        raise AdoptError(
            "poetry-dynamic-versioning sets the version, but the build of the image does "
            f"not run it. Remove it from pyproject.toml, and follow {VERSION}."
        )
    return poetry


def one_line(error: Exception) -> str:
    """Return the message of an error on one line, without a full stop."""
    return " ".join(str(error).split()).rstrip(".")


def read_dockerfile(folder: Path, choice: str, target: str) -> tuple[str, str, Stage]:
    """Return the name, text and a stage of the Dockerfile, or of a Procfile."""
    patterns = ("Dockerfile", "docker/Dockerfile", "docker/*/Dockerfile", "Procfile")
    found = [path for p in patterns for path in sorted(folder.glob(p))]
    if not (choice or found):
        return "", "", Stage()
    path = folder / choice if choice else found[0]
    name = os.path.relpath(path, folder)
    try:
        text = path.read_text("utf-8-sig")
        if TOOLS[0] in text:
            ignore = f"{name}.dockerignore"
            ignore = ignore if (folder / ignore).exists() else ".dockerignore"
            raise AdoptError(
                f"{name} is from this template, so the project needs no other one. To "
                f"adopt it again, delete {listed(name, ignore, *TOOLS)}."
            )
        if name == "Procfile":
            lines = re.findall("(?m)^web: *(.+)", text)
            return name, text, Stage(("CMD", line) for line in lines)
        return name, text, read_stage(text, target)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise AdoptError(
            f"{path} cannot be read: {reason}. Name another Dockerfile, for "
            "example a changed copy, with --dockerfile."
        ) from error


def read_lock(
    poetry: Poetry, options: argparse.Namespace
) -> list[tuple[Dependency, list[str]]]:
    """Return the dependencies that `poetry export` lists, each with its wheels."""
    extras = [*map(utils.canonicalize_name, options.extras)]
    groups = [*map(utils.canonicalize_name, options.groups)]
    for option, chosen, known in (
        ("--extras", extras, set(poetry.package.extras)),
        ("--with", groups, poetry.package.dependency_group_names(True)),
    ):
        for name in set(chosen) - known:
            others = [*map(str, sorted(known - {MAIN_GROUP}))]
            raise unknown(option, name, "pyproject.toml", others)
    output = BufferedIO()
    exporter = Exporter(poetry, output).with_hashes(False).with_urls(False)
    exporter.with_extras(extras).only_groups([MAIN_GROUP, *groups])
    try:
        exporter.export("requirements.txt", poetry.pyproject_path.parent, output)
    except Exception as error:
        raise AdoptError(
            f"poetry.lock cannot be exported: {one_line(error)}. Run `poetry lock`."
        ) from error
    locked = poetry.locker.locked_repository()
    # Poetry hashes a download, but neither a Git repository nor a folder.
    urls = {
        each.source_url: each for each in locked.packages if each.source_type == "url"
    }
    wheels = []
    for line in filter(None, output.fetch_output().splitlines()):
        url = line.partition(" ; ")[0].partition(" @ ")[2]
        if line.startswith("-e ") or (url and not (url in urls and urls[url].files)):
            raise AdoptError(
                f"'{line}' is not from a package index. Use a release, or follow {DIRECT}."
            )
        needed = Dependency.create_from_pep_508(line)
        package = urls.get(url)
        if not package:
            # A package can be locked in several versions, with different markers.
            version = Version.parse(str(needed.constraint))
            package = locked.package(needed.name, version)
        files = [file["file"] for file in package.files]
        wheels.append((needed, [file for file in files if file.endswith(".whl")]))
    return wheels


def read_sources(folder: Path, stage: Stage) -> tuple[Files, list[str]]:
    """Return what a stage copies from a project, and what the project lacks.

    If it copies nothing of it, the sources are all files, unless other stages have what the
    program needs. What it copies by name is a source, even if it is hidden.
    """
    tracked = filter(None, git(folder, "ls-files", "-z").split("\0"))
    names = {name.partition("/")[0] for name in tracked}
    names = names or {path.name for path in folder.iterdir()}
    everything = sorted(name for name in names if not NOT_SOURCES.fullmatch(name))
    found, not_found = copied_files(folder, stage, everything)
    origins = [origin for origin, *_ in stage.copied()]
    if not found and not any(origins):
        found = [(stage.workdir() / name, name) for name in everything]
    return found, not_found


def copied_files(
    folder: Path, stage: Stage, everything: list[str]
) -> tuple[Files, list[str]]:
    """Return what a stage copies from a project, also by way of other stages, and the rest."""
    found: Files = []
    not_found = []
    for origin, path, into, inside in stage.copied():
        name = posixpath.normpath(f"/{path}").strip("/").replace("**", "*")
        if origin is not None:
            there, _ = copied_files(folder, origin, [""])  # the folder as a whole
            taken = list(
                taken_files(folder, there, PurePosixPath("/", name), into, inside)
            )
            for place, source in taken:
                names = [source] if source else everything
                found += [(place if source else place / each, each) for each in names]
            if not (taken or INSTALLED.fullmatch(posixpath.basename(name))):
                not_found += [] if OF_TOOLS.fullmatch(name) else [f"{path} to {into}"]
            continue
        if not name:
            found += [(into / each, each) for each in everything]
            continue
        # A copy into /tmp would be hidden by a mount, and change the folder's mode.
        outside = name.split("/")[0] == ".." or into.parts[:2] == ("/", "tmp")
        matches = [] if outside else sorted(folder.glob(name))
        for match in matches:
            source = match.relative_to(folder).as_posix()
            place = into / match.name if inside and match.is_file() else into
            if NEVER.fullmatch(match.name):
                not_found.append(f"{source} to {into}")
            else:
                found.append((place, source))
        not_found += [] if matches else [f"{path} to {into}"]
    return found, not_found


def taken_files(
    folder: Path, files: Files, path: PurePosixPath, into: PurePosixPath, inside: bool
) -> Iterator[tuple[PurePosixPath, str]]:
    """Yield what another stage has at a path, each with its place.

    The source is an empty string for the project's folder as a whole.
    """
    for place, source in files:
        taken = [
            each
            for each in (place, *place.parents)
            if len(each.parts) == len(path.parts) and fnmatchcase(str(each), str(path))
        ]
        if taken:
            below, matches = place.relative_to(taken[0]), [folder / source]
        elif path.is_relative_to(place):
            pattern = posixpath.join(source, path.relative_to(place))
            below, matches = PurePosixPath(), sorted(folder.glob(pattern))
        else:
            continue
        for match in matches:
            name = "" if match == folder else match.relative_to(folder).as_posix()
            private = any(map(NEVER.fullmatch, match.relative_to(folder).parts))
            # The other stage creates a file that Git ignores here.
            if private or (name and git(folder, "check-ignore", "--", name)):
                continue
            own = place if taken else match
            alone = inside and match.is_file() and not below.parts
            yield into / (own.name if alone else below), name


def git(folder: Path, *arguments: str) -> str:
    """Return what Git prints in a folder, or nothing if it is not installed."""
    # By default, Git prints names with other letters than those of English in quotes.
    command = ["git", "-C", str(folder), "-c", "core.quotePath=false", *arguments]
    with contextlib.suppress(OSError):
        output = subprocess.run(command, capture_output=True).stdout
        return os.fsdecode(output)  # file names can be in any encoding
    return ""


def read_package(poetry: Poetry, application: bool) -> Package | None:
    """Return the project's package, or None if it has none that can be built.

    A project that runs from its sources does not need its package to be correct.
    """
    if not poetry.is_package_mode:
        return None
    package, root = poetry.package, poetry.pyproject_path.parent
    commands = [*package.entry_points.get("console-scripts", {})]
    optional = not (commands or poetry.local_config.get("scripts"))
    backend = poetry.pyproject.build_system.build_backend
    problem = f"build-backend: {backend!r} is not Poetry's. Use {BACKENDS[0]!r}"
    try:
        builder = WheelBuilder(poetry)
        found = builder.find_files_to_add(exclude_build=False)
        contents = {file.relative_to_project_root() for file in found}
        scripts = builder.convert_script_files()
        texts = Metadata.from_package(package).license_files
        exact = [*package.readmes, *scripts, *map(root.joinpath, texts)]
        named = {Path(os.path.normpath(path)).relative_to(root) for path in exact}
        if backend in BACKENDS:
            commands += [path.name for path in scripts]
            commands.sort(
                key=lambda name: utils.canonicalize_name(name) != package.name
            )
            return Package(commands, named, contents)
    except (OSError, RuntimeError, ValueError) as error:
        optional &= isinstance(error, OSError)  # a README is missing
        optional |= isinstance(error, ModuleOrPackageNotFoundError)
        problem = f"poetry-core cannot build the package: {one_line(error)}. Fix this"
    if optional or application:
        return None
    remedy = "or use --application, if the program runs from the sources in its folder"
    raise AdoptError(f"{problem}, {remedy}.")


def decide(project: Project) -> Plan:
    """Decide what the image contains and runs."""
    options, poetry, stage = project.options, project.poetry, project.stage
    variables = stage.pairs("ENV").items()
    folders = [path for rest in stage.values("VOLUME") for path in words(rest)]
    base = options.base or ("alpine" if "alpine" in stage.last("FROM") else "slim")
    pythons = choose_python(project, base)

    package = read_package(poetry, options.application)
    left_out = not_in_package(project, package) if package else []
    files = project.files + [(stage.workdir() / name, name) for name in options.include]
    given = with_exec(words(options.entry_point))
    entry_point, command = (given, []) if given else stage.command()
    whole = entry_point + command
    if whole and not is_installed(project) and not lacks(project, [], files, whole):
        package = None
    own = package.commands if package else []
    lacking = lacks(project, own, files, whole)
    if not whole or (lacking and not given):
        entry_point, command = default_command(project, files, own, whole, lacking), []
    needs_sources = not lacking and lacks(project, own, [], entry_point + command)
    # A package without commands can need files in the folder where it is started.
    only_modules = package and not left_out and package.has_only_modules()
    if options.application or needs_sources or not (own or only_modules):
        left_out = []
        build_reads = [name for _, name in files]
        workdir = str(stage.workdir())
    else:
        files, build_reads = [], options.include
        workdir = str(stage.workdir())
        workdir = workdir if workdir in folders else "/data"
    if package:
        build_reads = [*package.files(), *build_reads]
    scripts = [*script_changes(project, files, shlex.join(entry_point + command))]
    health_check = stage.last("HEALTHCHECK")
    check = words(health_check.partition("CMD ")[2])
    keeps_check = check and not lacks(project, own, files, check)

    exported = [f" --extras={extra}" for extra in options.extras]
    exported += [f" --with={group}" for group in options.groups]
    urls = {name.lower(): url for name, url in poetry.package.urls.items()}
    exists = (project.folder / "Dockerfile").exists()
    dockerfile = "container.Dockerfile" if exists else "Dockerfile"
    image = {
        "application": copies(project.folder, files),
        "command": command,
        "dockerfile": dockerfile,
        "editable": sources_of(project, package, files) if package else "",
        "entry_point": entry_point,
        "executable": [
            re.sub(UNSAFE, r"\\\1", f"/layer{place}")
            for place in made_executable(project, files)
        ],
        "environment": {n: v for n, v in variables if not OWN_VARIABLES.fullmatch(n)},
        "export": "".join(exported),
        "files": list(dict.fromkeys(build_reads)),
        "folders": folders,
        "health_check": health_check if keeps_check else "",
        "package": bool(package),
        "ports": " ".join(dict.fromkeys(" ".join(stage.values("EXPOSE")).split())),
        "source": urls.get("repository") or urls.get("source") or urls.get("homepage"),
        "stop_signal": stage.last("STOPSIGNAL"),
        "workdir": workdir,
    }
    # With this image's list of files, the build of another image would fail.
    shared = stage.last("FROM") or (project.folder / ".dockerignore").exists()
    names = {
        dockerfile: "Dockerfile",
        f"{dockerfile if shared else ''}.dockerignore": ".dockerignore",
        **{file: file for file in TOOLS},
        **{file: file for file in PUBLISHING if options.publish},
    }
    chosen = {"python_version": next(iter(pythons)), "base_image": base}
    context = answers(project) | chosen | {"_image": image}
    return Plan(context, names, pythons, left_out, lacking, scripts)


def choose_python(project: Project, base: str) -> dict[str, list[str]]:
    """Return the tags of the Pythons that the project allows, the best one first.

    The best is the newest one for which all dependencies have wheels. If there is none, it
    is the oldest one with the fewest to compile, because releases without wheels for a
    Python often do not compile for it, either. Each tag has the names of the dependencies
    that lack wheels.
    """
    choice = project.options.python
    if choice and not re.fullmatch(r"3\.(1[1-9]|[2-9]\d)(\.\d+)?", choice):
        raise AdoptError(
            f"--python: {choice!r} is not a supported Python. Use 3.11 or newer, such as "
            "3.14 or 3.12.9."
        )
    package = project.poetry.package
    offered = sorted(QUESTIONS["python_version"], key=Version.parse, reverse=True)
    candidates = [choice] if choice else offered + OLDER_PYTHONS
    found = {}
    for candidate in candidates:
        # A range such as <=3.12.9 excludes later patches, so the tag must name a patch.
        patches = [f"{candidate}.{patch}" for patch in range(99, -1, -1)]
        for full in [candidate] if candidate.count(".") == 2 else patches:
            if package.python_constraint.allows(Version.parse(full)):
                found[full.removesuffix(".99")] = without_wheels(project, full, base)
                break
    if not found:
        raise AdoptError(
            f"requires-python: {package.python_versions!r} allows none of "
            f"{', '.join(candidates)}. Extend the range and run `poetry lock`."
        )
    ordered = reversed(found.items()) if all(found.values()) else found.items()
    return dict(sorted(ordered, key=lambda item: len(item[1])))


@cache
def supported_tags(python: str, base: str, machine: str) -> set[tags.Tag]:
    """Return the tags of wheels that fit a Python, such as 3.14, on a base image."""
    version = tuple(map(int, python.split(".")))
    interpreter = "cp{}{}".format(*version)
    platforms = [f"{name}_{machine}" for name in PLATFORMS[base]]
    return {
        *tags.cpython_tags(version, [interpreter], platforms),
        *tags.compatible_tags(version, interpreter, platforms),
    }


def without_wheels(project: Project, python: str, base: str) -> list[str]:
    """Return the dependencies with compiled wheels of which none fits on x86-64 or ARM64."""
    version = python.rpartition(".")[0]
    found = set()
    for machine in ("x86_64", "aarch64"):
        supported = supported_tags(version, base, machine)
        environment = LINUX | {
            "platform_machine": machine,
            "python_full_version": python,
            "python_version": version,
        }
        for needed, names in project.wheels:
            fitting = set[tags.Tag]()
            for name in names:
                with contextlib.suppress(utils.InvalidWheelFilename):
                    fitting |= supported & utils.parse_wheel_filename(name)[3]
            compiled = any(not name.endswith("-any.whl") for name in names)
            if compiled and not fitting and needed.marker.validate(environment):
                found.add(needed.name)
    return sorted(found)


def not_in_package(project: Project, package: Package) -> list[str]:
    """Return the files and folders that the Dockerfile copies, but the package lacks."""
    inside = package.named | package.contents
    folders = {folder for path in inside for folder in path.parents}
    found = []
    paths = [Path(source) for _, source in project.files]
    for path in paths:  # the list grows
        if path in folders:
            names = sorted(each.name for each in (project.folder / path).iterdir())
            paths += [path / name for name in names if not NOT_SOURCES.fullmatch(name)]
        elif path not in inside and not INSTALLED.fullmatch(path.as_posix()):
            found.append(path.as_posix())
    return list(dict.fromkeys(found))


def sources_of(project: Project, package: Package, files: Files) -> str:
    """Return the folder in the image that has the sources of a package, if one has them."""
    tops = {path.parts[0] for path in package.contents}
    moved = any(
        "to" in each for each in project.poetry.local_config.get("packages", [])
    )
    for folder in dict.fromkeys(place.parent for place, _ in files):
        if not moved and all((folder / top, top) in files for top in tops):
            return str(folder)
    return ""


def is_installed(project: Project) -> bool:
    """Check whether the Dockerfile installs the project itself, if it installs a list."""
    text = "\n".join(project.stage.runs())
    installs = INSTALL.findall(text)
    listed = installs or LISTED.search(text)
    with_root = any("--no-root" not in rest for rest in installs)
    return not listed or with_root or bool(BUILD.search(text))


def lacks(project: Project, own: list[str], files: Files, command: list[str]) -> str:
    """Return the program or script of a command that an image does not have.

    The image has the package's own commands, files, and the commands of dependencies, whose
    names often start with that of the dependency, as in ddtrace-run.
    """
    dependencies = [needed.name for needed, _ in project.wheels]
    executable = made_executable(project, files).values()
    for name, access in started_by(project, shlex.join(command)):
        found = find(project, files, name, access)
        copied = any(os.access(path, access) or path in executable for path in found)
        script = utils.canonicalize_name(name)
        installed = access == os.X_OK and any(
            f"{script}-".startswith(f"{each}-")
            or ("-" in script and each.startswith(script))
            for each in dependencies
        )
        if not (copied or installed or name in own or SHELL.fullmatch(name)):
            return name
    return ""


def find(project: Project, files: Files, name: str, access: int) -> list[Path]:
    """Return the files of a project that are copied to the place of a program or script."""
    searched = access == os.X_OK and "/" not in name
    folders = map(PurePosixPath, PROGRAMS if searched else [project.stage.workdir()])
    paths = [real_path(folder / name) for folder in folders]
    sources = (
        project.folder / source / path.relative_to(target)
        for target, source in files
        for path in paths
        if path.is_relative_to(target)
    )
    return [source for source in sources if source.is_file()]


def made_executable(project: Project, files: Files) -> dict[PurePosixPath, Path]:
    """Return the places of files that the Dockerfile makes executable, with the files."""
    found: dict[PurePosixPath, Path] = {}
    for command in project.stage.runs():
        match split(command):
            case ["chmod", mode, *names] if re.fullmatch(EXECUTABLE, mode):
                for name in names:
                    for path in find(project, files, name, os.R_OK):
                        found[real_path(project.stage.workdir() / name)] = path
    for rest in project.stage.values("COPY"):
        if re.search(rf"--chmod=(?:{EXECUTABLE})\s", rest):
            named = [*map(posixpath.normpath, rest.split())]
            found |= {p: project.folder / name for p, name in files if name in named}
    return {
        place: path
        for place, path in found.items()
        if path.is_file() and not os.access(path, os.X_OK)
    }


def started_by(project: Project, command: str) -> list[tuple[str, int]]:
    """Return what `programs` yields for a command with the variables of the image."""
    return [*programs(replace_known(project.stage.pairs("ENV"), command))]


def programs(command: str) -> Iterator[tuple[str, int]]:
    """Yield the programs and scripts that a command starts, each with the access needed."""
    command = PREFIX.sub("", command, count=1)
    if not (match := INTERPRETER.fullmatch(command)):
        yield from ((program, os.X_OK) for program in shlex.split(command)[:1])
        return
    shell, flag, rest = match.groups("")
    for word in shlex.split(rest)[:1]:
        if not flag:
            yield word, os.R_OK
        elif shell:
            for inner in split_commands(word):
                yield from programs(inner)


def script_changes(project: Project, files: Files, command: str) -> Iterator[str]:
    """Yield what to change in the shell scripts of a command."""
    started = started_by(project, command)
    for name, access in started:
        for path in find(project, files, name, access):
            if path.suffix == ".py":
                continue
            text = path.read_text("utf-8", "replace")
            shell = re.match("#!.*sh\\b", text) or not text.startswith("#!")
            text = re.sub("(?m)(?:^|[ \t])#.*", "", text)
            script = os.path.relpath(path, project.folder)
            runners = [text.strip() for text in RUNNER.findall(text)]
            runners = [text for text in runners if text not in ("/bin/", "/usr/bin/")]
            if runners:
                quoted = listed(*map("`{}`".format, dict.fromkeys(runners)))
                yield (
                    f"- Remove {quoted} from {script}: the image finds its programs "
                    "without it"
                )
            last = (name, access) == started[-1]
            if shell and last and exec_last(text) != text:
                yield (
                    f"- Write `exec` before the last command of {script}, or it does not "
                    "get the signal of `docker stop`"
                )


def default_command(
    project: Project, files: Files, own: list[str], whole: list[str], lacking: str
) -> list[str]:
    """Return a command of the package, because there is no other one that works."""
    if own:
        return own[:1]
    example = "for example --entry-point='uvicorn my_package:app'"
    if not whole:
        others = listed(*dockerfiles(project))
        raise AdoptError(
            "[project.scripts] has no command, and no Dockerfile or Procfile was found "
            f"that has one. Name one with --dockerfile{others and f', such as {others}'}, "
            f"or the command itself, {example}."
        )
    option = option_for(project, lacking)
    remedy = f"Use {option}" if option else "Add its package to the dependencies"
    if lacking in system_packages(project.stage):
        remedy = f"Use --entry-point with this command, and follow {COMPILE}"
    elif "/" in lacking or lacking.endswith((".py", ".sh")):
        remedy = "Add this file to the project"
    for path in find(project, files, lacking, os.X_OK):
        name = shlex.quote(os.path.relpath(path, project.folder))
        remedy = f"Make its file executable with `chmod +x {name}`"
    raise AdoptError(
        f"{project.dockerfile}: the new image has no '{lacking}' for the command "
        f"{shlex.join(whole)}. {remedy}, or name another command, {example}."
    )


def dockerfiles(project: Project) -> list[str]:
    """Return the names of Dockerfiles that are not read by default."""
    found = [
        path.relative_to(project.folder).as_posix()
        for pattern in ("*file*", "*/*file*", "*/*/*file*")
        for path in sorted(project.folder.glob(pattern))
        if DOCKERFILE.fullmatch(path.name) and path.is_file()
    ]
    hidden = re.compile(r"(?:node_modules|\.?venv)/.*")
    return [
        name for name in found if name != project.dockerfile and not hidden.match(name)
    ]


def option_for(project: Project, program: str) -> str:
    """Return the option that installs the package of a program, or an empty string."""
    package = project.poetry.package
    chosen = {
        f"--extras {extra}": dependencies
        for extra, dependencies in package.extras.items()
    } | {
        f"--with {group}": package.dependency_group(group).dependencies
        for group in sorted(package.dependency_group_names(True) - {MAIN_GROUP})
    }
    for option, dependencies in chosen.items():
        if program in [dependency.name for dependency in dependencies]:
            return option
    return ""


def copies(folder: Path, files: Files) -> list[list[str]]:
    """Return the arguments of each `cp -R` that copies the sources of an application.

    GNU's cp fails if it would replace a file that the same command has copied. Docker
    replaces it. So a second file for the same target has a command of its own, and so
    does the content of a folder, whose names are not known here.
    """
    found: list[list[str]] = []
    targets = set[PurePosixPath]()  # of the last command
    for target, source in files:
        name, place = re.sub(UNSAFE, r"\\\1", source), f"/layer{target}"
        if target.name == PurePosixPath(source).name:
            place = posixpath.dirname(place) + "/"
        elif (folder / source).is_dir():
            name, place = f"{name}/.", f"{place}/"
            targets.add(target)
        place = re.sub(UNSAFE, r"\\\1", place)
        *names, last = found[-1] if found else [""]
        if place == last and name in names:
            continue
        if place != last or targets & {target, target.parent}:
            found.append([place])
            targets = set()
        found[-1].insert(-1, name)
        targets.add(target)
    return found


def answers(project: Project) -> dict[str, str]:
    """Return the answers to the template's questions that the metadata contains."""
    package, local = project.poetry.package, project.poetry.local_config
    # Without a name in pyproject.toml, Poetry uses a name of its own.
    named = "name" in local or "project" in project.poetry.pyproject.data
    name = package.name if named else project.folder.resolve().name
    license_ = ""
    with contextlib.suppress(licenses.InvalidLicenseExpression):
        expression = package.license_expression or local.get("license", "")
        license_ = str(licenses.canonicalize_license_expression(expression))
    return {
        "project_slug": re.sub("[^a-z0-9]+", "-", name.lower()).strip("-") or "app",
        "description": " ".join(package.description.split()),
        "license": license_,
        # The name of the published image is left to the owner.
        **{"github_user": "", "dockerhub_user": "yourname"},
    }


def write(folder: Path, answers: dict[str, Any], names: dict[str, str]) -> None:
    """Render and write new files, each with its name in the template, or write none."""
    texts = {
        folder / name: FILES.get_template(source).render(cookiecutter=answers)
        for name, source in names.items()
    }
    if existing := [name for name in names if os.path.lexists(folder / name)]:
        raise AdoptError(
            f"{folder} already contains {listed(*existing)}. Delete or rename these files."
        )
    try:
        with contextlib.ExitStack() as undo:
            for path, text in texts.items():
                for parent in reversed(path.parents):
                    if not parent.exists():
                        parent.mkdir()
                        undo.callback(parent.rmdir)
                with path.open("x", encoding="utf-8", newline="\n") as file:
                    undo.callback(path.unlink)
                    file.write(text)
            undo.pop_all()
    except OSError as error:
        raise AdoptError(
            f"cannot write {path}: {error.strerror}. Move away what is there, and check "
            "that the folder can be written and the disk has space."
        ) from error


def report(project: Project, plan: Plan) -> Iterator[str]:
    """Yield the lines of a report."""
    image, python = plan.answers["_image"], plan.answers["python_version"]
    command = shlex.join(image["entry_point"] + image["command"])
    read_too = filter(None, [project.dockerfile])
    yield f"Read {listed('pyproject.toml', 'poetry.lock', *read_too)}."
    if (stages := STAGE.findall(project.text))[1:]:
        name = project.stage.last("AS") or "the last one"
        others = ", ".join(other for other in stages if other != name)
        yield f"The stage is {name}. To read another one, use --target: {others}."
    yield f"The image runs {command} on Python {python}."
    for tag, names in plan.pythons.items():
        if names and Version.parse(tag) > Version.parse(python):
            yield f"Python {tag}: no wheels of {', '.join(names)}."
    yield f"Wrote {listed(*plan.names)}."
    if project.stage.last("FROM"):
        yield ""
        yield f"What changes for users of the image, compared with {project.dockerfile}:"
        yield from map("- {}".format, changes(project, plan, command))
    needed = (*plan.names, *image["files"])
    ignored = git(project.folder, "check-ignore", *needed).splitlines()
    steps = [*next_steps(project, plan, command, ignored)]
    yield from ("", "Next:", *steps, *[""] * bool(steps))
    yield from commands(project, plan, ignored)


def changes(project: Project, plan: Plan, command: str) -> Iterator[str]:
    """Yield what is different for users of the image, which runs this command."""
    stage, image = project.stage, plan.answers["_image"]
    python, base = plan.answers["python_version"], plan.answers["base_image"]
    old_base, old_folder = stage.last("FROM"), str(stage.workdir("/"))
    old_entry_point, old_command = stage.command()
    old_python = "".join(re.findall(r"python:(3\.\d+)", old_base))
    if old_python in plan.pythons and not f"{python}.".startswith(f"{old_python}."):
        old_base += f" (use --python {old_python} to keep that version)"
    for what, new, before in (
        ("base image", f"python:{python}-{base}", old_base),
        ("user", "65532:65532", stage.last("USER", "root")),
        ("working directory", image["workdir"], old_folder),
        ("HOME", "/data", "that of the user"),
        ("command", command, shlex.join(old_entry_point + old_command)),
    ):
        if new != before:
            yield f"{what}: {new} instead of {before or 'none'}"
    others = [folder for folder in image["folders"] if folder != "/data"]
    folders = ["/data (with --read-only, mount a volume there)", *others]
    yield f"writable folders: {', '.join(folders)}"
    if image["application"]:
        both = listed(*[*plan.names][:2])
        yield f"new files at the top of the project: add their names to {both}"
    check = stage.last("HEALTHCHECK", "NONE")
    if check.upper() != "NONE" and not image["health_check"]:
        yield "HEALTHCHECK: left out, because no dependency installs its program"
    runs = stage.runs()
    chosen = "" if image["export"] else " ".join(CHOOSES.findall("\n".join(runs)))
    left = [each for each in runs if not is_done(project, each)]
    add = f". Add them to PATH in {image['dockerfile']}"
    path = stage.pairs("ENV").get("PATH", "").split(":")
    shorten = partial(textwrap.shorten, placeholder=" ...", break_on_hyphens=False)
    shortened = [f"`{shorten(re.sub(OPTION, '', each), 48)}`" for each in left]
    arguments = shlex.split(" ".join(stage.values("ARG")))
    keep = ". Use --application, which copies them and keeps the working directory"
    for what, left_out, remedy in (
        ("files", plan.left_out, keep),
        ("files", project.not_found, ""),
        ("files that Git ignores", ignored_files(project, image["files"]), f". {ADD}"),
        (
            "folders of PATH",
            [each for each in path if not OWN_PATH.fullmatch(each.rstrip("/"))],
            add,
        ),
        ("system packages", system_packages(stage), f". See {COMPILE}"),
        (
            "options of `poetry install`",
            dict.fromkeys(GROUPS.findall(chosen)),
            ". Use --extras and --with",
        ),
        ("commands of RUN", dict.fromkeys(shortened), f". To replace them, {RUN}"),
        ("build arguments", [word.partition("=")[0] for word in arguments], ""),
        ("labels", stage.pairs("LABEL"), ""),
    ):
        if left_out:
            yield f"{what} left out: {', '.join(left_out)}{remedy}"


def system_packages(stage: Stage) -> list[str]:
    """Return the packages of the operating system that a stage installs."""
    install = r"(?:apt|apt-get|apk)\s[^&|;]*?(?:install|add)\s([^&|;]*)"
    found = " ".join(re.findall(install, " ; ".join(stage.values("RUN")))).split()
    unused = ("tini", "dumb-init", "gosu", "su-exec")
    return [name for name in found if name[0] not in "-$" and name not in unused]


def is_done(project: Project, command: str) -> bool:
    """Check whether the image needs no such command of RUN, or has its result."""
    match split(command):
        case ["chmod", mode, *names] if re.fullmatch(EXECUTABLE, mode):
            return all(find(project, project.files, name, os.R_OK) for name in names)
    return bool(DONE.fullmatch(command))


def ignored_files(project: Project, names: list[str]) -> list[str]:
    """Return the files and folders that Git ignores in those that the build reads."""
    includes = project.poetry.package.include
    kept = [each["path"] for each in includes if "wheel" in each["format"]]
    kept = [path.partition("*")[0] for path in kept]
    options = ("ls-files", "-oiz", "--exclude-standard", "--directory", "--")
    found = git(project.folder, *options, *names).split("\0")
    return [
        each
        for each in found
        # Files that the build reads by name are among the next steps.
        if not (CACHE.search(each) or each.rstrip("/") in names)
        and not each.startswith(tuple(kept))
        # Git also lists a folder of which it ignores all folders.
        and not any(other.startswith(each) for other in found if other != each)
    ]


def next_steps(
    project: Project, plan: Plan, command: str, ignored: list[str]
) -> Iterator[str]:
    """Yield what is left to do before the image, which runs this command, can be built."""
    folder = project.folder
    if plan.lacking and project.options.entry_point:
        yield f"- Check that the image has {plan.lacking}: no dependency has this name"
    elif plan.lacking:
        option = option_for(project, plan.lacking)
        remedy = f"Adopt the project again with {option}" if option else "Add it"
        yield (
            f"- {project.dockerfile} starts {plan.lacking}, which is neither a dependency "
            f"nor a program of the image. {remedy}, or keep `{command}`"
        )
    yield from plan.scripts
    others = [name for name in dockerfiles(project) if name not in plan.names]
    if others and not project.dockerfile:
        yield (
            f"- To read another Dockerfile, such as {listed(*others)}, delete the files "
            "listed after 'Wrote', and adopt the project again with --dockerfile"
        )
    if compiled := plan.pythons[plan.answers["python_version"]]:
        yield f"- Install a compiler for {', '.join(compiled)}: {COMPILE}"
    if built := [needed.name for needed, names in project.wheels if not names]:
        yield f"- If pip cannot build {', '.join(built)} from source: {COMPILE}"
    if project.poetry.local_config.get("source"):
        yield f"- If your package index needs a password: {INDEX}"
    if not project.poetry.locker.is_locked_groups_and_markers():
        yield (
            "- The lock file has an old format. If all who use it have Poetry 2, run "
            "`poetry lock`"
        )
    if ignored:
        yield "- Git ignores files that the build needs, so run `git add` as below"
    if git(folder, "rev-parse", "--show-prefix").strip():
        yield (
            "- The build does not see the .gitignore of a folder above. Write one in the "
            "project's folder, or the image can contain files that Git ignores"
        )
    if project.options.publish:
        yield f"- In release.yml, name your own tests: {PUBLISH}"


def commands(project: Project, plan: Plan, ignored: list[str]) -> Iterator[str]:
    """Yield the commands that build and run the image."""
    folder, image = project.folder, plan.answers["_image"]
    if folder.resolve() != Path.cwd():
        yield f"  cd {shlex.quote(str(folder))}"
    if ignored:
        yield f"  git add --force {shlex.join(ignored)}"
    name, dockerfile = plan.answers["project_slug"], image["dockerfile"]
    file = f" --file {dockerfile}" if dockerfile != "Dockerfile" else ""
    yield f"  docker build{file} --tag {name} ."
    ports = "".join(
        f" --publish {port.partition('/')[0]}:{port}" for port in image["ports"].split()
    )
    yield f"  docker run --rm --read-only --tmpfs /tmp --cap-drop=ALL{ports} {name}"


def listed(*names: str) -> str:
    """Return names as a sentence has them, with 'and' before the last one."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def wrap(line: str) -> str:
    """Break a line of the report at 80 characters or in a narrower terminal.

    Commands stay whole.
    """
    if line.startswith("  "):
        return line
    width = min(80, shutil.get_terminal_size().columns)
    indent = "  " if line.startswith("- ") else ""
    return textwrap.fill(
        line,
        width,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def main(arguments: list[str] | None = None) -> None:
    """Adopt a project as the arguments say, and print a report.

    Raises:
        SystemExit: The project cannot be adopted. The message has the reason.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    add = partial(parser.add_argument, default="")
    many = partial(parser.add_argument, action="append", default=[])
    add("project", type=Path, help="folder with pyproject.toml")
    add("--python", help="Python in the image, such as 3.14")
    add("--base", choices=QUESTIONS["base_image"], help="base image")
    add("--entry-point", help="command that the image runs")
    many("--extras", help="extra to install")
    many("--with", dest="groups", help="group of dependencies to install")
    many(
        "--include",
        help="file or folder for an application, or for the build of a package",
    )
    add("--application", action="store_true", help="copy the sources, too")
    add("--dockerfile", help="Dockerfile of the project")
    add("--target", help="stage of the Dockerfile, instead of the last one")
    add("--publish", action="store_true", help="add the files that publish the image")
    try:
        project = read(parser.parse_args(arguments))
        plan = decide(project)
        write(project.folder, plan.answers, plan.names)
        print(*map(wrap, report(project, plan)), sep="\n")
    except AdoptError as error:
        sys.exit(f"error: {error} Nothing was written.")


if __name__ == "__main__":
    main()
