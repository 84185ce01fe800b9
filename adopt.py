# /// script
# requires-python = ">=3.11"
# dependencies = ["jinja2>=3", "packaging>=24.2", "poetry>=2.2,<3", "poetry-plugin-export>=1.9"]
# ///
"""Write the files of the image into an existing Poetry project; see docs/adopting.md."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

try:
    import jinja2
    from cleo.io.buffered_io import BufferedIO
    from packaging import licenses, tags
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name, parse_wheel_filename
    from poetry.core.constraints.version import Version
    from poetry.core.masonry.builders.wheel import WheelBuilder
    from poetry.core.masonry.metadata import Metadata
    from poetry.core.masonry.utils.module import ModuleOrPackageNotFoundError
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
RECIPE = "the recipe '{}' in docs/changing.md of the template"
COMPILE = RECIPE.format("Compile a dependency, and add a system library")
PUBLISH = "see 'Publish an adopted image' in docs/adopting.md of the template"
APPLICATION = "or copy the sources without building a package, with --application"

# Pythons that docker/poetry.txt supports, but the template does not offer to new projects.
OLDER_PYTHONS = ["3.12", "3.11"]
# The wheels that fit the C library: glibc 2.41 in Debian 13, musl 1.2 in Alpine.
OLD_GLIBC = ["manylinux2014", "manylinux2010", "manylinux1"]
PLATFORMS = {
    "slim": [f"manylinux_2_{minor}" for minor in range(41, 4, -1)] + OLD_GLIBC,
    "alpine": ["musllinux_1_2", "musllinux_1_1"],
}
# As in docker/wheel.py.
BACKENDS = ("poetry.core.masonry.api", "poetry.masonry.api")
TOOLS = ("docker/poetry.in", "docker/poetry.txt", "docker/wheel.py")
PUBLISHING = ("docker-bake.hcl", ".github/workflows/release.yml")
RUNNERS = (["poetry", "run"], ["uv", "run"], ["pipenv", "run"])
# The same in the text of a shell, where a variable does not allow to split it.
RUNNER = re.compile(r"(?<!\S)(?:(?:poetry|uv|pipenv)\s+run\s+|\S*venv/bin/)+")
# Instructions in which Docker replaces no variables.
COMMANDS = ("RUN", "CMD", "ENTRYPOINT", "HEALTHCHECK")
# An escaped dollar sign, a variable, or the start of a form that is not supported.
VARIABLE = re.compile(r"\\\$|\$(?:(\w+)|\{(\w+)(?::?-([^{}$]*))?\}|\{)")
# Lines of a here-document are not instructions.
HEREDOC = re.compile(r"(?ms)(<<-?[\"']?(\w+)[\"']?[^\n]*\n).*?^\t*\2$")
# Variables that the image sets itself, or that only package managers read.
OWN_VARIABLES = re.compile(
    "HOME|PATH|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|VIRTUAL_ENV|DEBIAN_FRONTEND"
    "|(PIP|POETRY|UV)_.*"
)
# Names at the top of a project that no application reads when it runs.
NOT_SOURCES = re.compile(
    r"\..*|.*\.(lock|md|rst)|.*(Dockerfile|compose).*|(COPYING|LICEN[CS]E|Makefile).*"
    r"|(build|dist|docs?|docker|node_modules|tests?|venv|__pycache__)|conftest\.py"
    r"|(noxfile|setup)\.py|(pyproject\.toml|(pytest|tox)\.ini|requirements.*\.txt)"
)

NAMES: dict[str, Any] = {"action": "append", "default": []}
OPTIONS: dict[str, dict[str, Any]] = {
    "python": {"default": "", "help": "Python in the image, such as 3.14"},
    "base": {"choices": QUESTIONS["base_image"], "help": "base image"},
    "entry-point": {"default": "", "help": "command that the image runs"},
    "extras": NAMES | {"help": "extra to install"},
    "with": NAMES | {"dest": "groups", "help": "group of dependencies to install"},
    "include": NAMES | {"help": "another file or folder for the build"},
    "application": {
        "action": "store_true",
        "help": "copy the sources, build no package",
    },
    "dockerfile": {"default": "", "help": "Dockerfile of the project"},
    "publish": {"action": "store_true", "help": "add the files that publish the image"},
}

# The instructions of a stage of a Dockerfile.
Stage = list[tuple[str, str]]
# Paths below the working directory of the image, each with its source in the project.
Files = list[tuple[str, str]]


class AdoptError(Exception):
    """The project cannot be adopted. The message has the reason and the remedy."""


def last_stage(dockerfile: str) -> Stage:
    """Return the instructions of the last stage, after those that it builds on.

    Comments are left out, and variables are replaced by values that the file contains.

    Raises:
        ValueError: There is no stage, or a line is not supported.
    """
    text = HEREDOC.sub(r"\1", re.sub(r"(?m)^\s*#.*\n?", "", dockerfile))
    stage: Stage = []
    stages: dict[str, Stage] = {}
    variables: dict[str, str] = {}
    for line in re.sub(r"\\[ \t]*\n", " ", text).splitlines():
        name, _, rest = line.strip().partition(" ")
        if name.upper() not in COMMANDS:
            rest = VARIABLE.sub(partial(value_of, variables), rest)
        if name.upper() == "FROM":
            image, _, own = re.sub(r"--\S+\s+", "", rest).partition(" ")
            stage = [*stages.get(image, [("FROM", image)])]
            stages[own.split()[-1] if own else str(len(stages))] = stage
        else:
            stage.append((name.upper(), rest.strip()))
            if name.upper() in ("ARG", "ENV"):
                variables |= pairs(rest)
    if not stages:
        raise ValueError("it has no line FROM")
    return stage


def value_of(variables: dict[str, str], reference: re.Match[str]) -> str:
    """Return the value of a variable or its default, empty if there is none.

    Raises:
        ValueError: The form of the reference is not supported.
    """
    if reference[0] == r"\$":
        return "$"
    if name := reference[1] or reference[2]:
        return variables.get(name) or reference[3] or ""
    raise ValueError(
        f"{reference.string!r} has more than ${{NAME}} or ${{NAME:-default}}"
    )


def values(stage: Stage, instruction: str) -> list[str]:
    """Return the arguments of each such instruction in a stage."""
    return [rest for name, rest in stage if name == instruction]


def last(stage: Stage, instruction: str, default: str = "") -> str:
    """Return the arguments of the last such instruction in a stage."""
    return [default, *values(stage, instruction)][-1]


def pairs(text: str) -> dict[str, str]:
    """Return the names and values of an ENV, ARG or LABEL instruction."""
    found = shlex.split(text)
    if found[1:] and "=" not in found[0]:
        return {found[0]: " ".join(found[1:])}
    split = (word.partition("=") for word in found)
    return {name: value for name, equals, value in split if equals}


def words(text: str) -> list[str]:
    """Return the words of a JSON list, or of a command that a shell would run."""
    with contextlib.suppress(ValueError):
        return [str(word) for word in json.loads(text)]
    with contextlib.suppress(ValueError):
        if not re.search(r"[$;&|<>`*(]", text):
            return shlex.split(text)
    return ["sh", "-c", text]


@dataclasses.dataclass
class Project:
    """What a project's files say.

    Attributes:
        folder: The folder with pyproject.toml and poetry.lock.
        poetry: The metadata and the lock file.
        dockerfile: The name of the Dockerfile, or an empty string.
        stage: The last stage of the Dockerfile, or the command of a Procfile.
        wheels: The names of the wheels of each dependency of the image.
    """

    folder: Path
    poetry: Poetry
    dockerfile: str
    stage: Stage
    wheels: dict[Requirement, list[str]]


def read(options: argparse.Namespace) -> Project:
    """Read a project's files.

    Raises:
        AdoptError: Something is missing, invalid or out of date.
    """
    poetry = read_metadata(options.project)
    dockerfile, stage = read_dockerfile(options.project, options.dockerfile)
    # A package can be locked in several versions, with different markers.
    files = {
        f"{package.name}=={package.version}": [file["file"] for file in package.files]
        for package in poetry.locker.locked_repository().packages
    }
    wheels = {
        needed: [
            f for f in files[f"{needed.name}{needed.specifier}"] if f[-4:] == ".whl"
        ]
        for needed in read_lock(poetry, options.extras, options.groups)
    }
    return Project(options.project, poetry, dockerfile, stage, wheels)


def read_metadata(folder: Path) -> Poetry:
    """Read pyproject.toml and poetry.lock as Poetry does.

    Raises:
        AdoptError: Something is missing, invalid or out of date.
    """
    for name, remedy in (
        ("pyproject.toml", "Name the folder of a Poetry project"),
        ("poetry.lock", "Run `poetry lock`"),
    ):
        if not (folder / name).is_file():
            raise AdoptError(f"{folder / name} does not exist. {remedy}.")
    try:
        # poetry-core needs an absolute path to find the files of the wheel.
        poetry = Factory().create_poetry(folder.resolve(), disable_plugins=True)
        poetry.locker.locked_repository()
        fresh = poetry.locker.is_fresh()
    except Exception as error:
        reason = " ".join(str(error).split())
        raise AdoptError(
            f"Poetry cannot read pyproject.toml and poetry.lock in {folder}: {reason}. "
            "Run `poetry check`."
        ) from error
    if not fresh:
        raise AdoptError("poetry.lock is out of date. Run `poetry lock`.")
    tool = poetry.pyproject.data.get("tool", {})
    if tool.get("poetry-dynamic-versioning", {}).get("enable"):
        raise AdoptError(
            "poetry-dynamic-versioning sets the version, but the build of the image does "
            "not run it. Remove it from pyproject.toml, and follow "
            f"{RECIPE.format('Take the version from Git tags')}."
        )
    return poetry


def read_dockerfile(folder: Path, choice: str) -> tuple[str, Stage]:
    """Return the name and the last stage of the Dockerfile, if there is one.

    Without one, the stage has the command of a Procfile.

    Raises:
        AdoptError: It cannot be read.
    """
    patterns = ("Dockerfile", "docker/Dockerfile", "docker/*/Dockerfile")
    found = [path for p in patterns for path in sorted(folder.glob(p))]
    if choice:
        found = [folder / choice]
    if not found:
        procfile = folder / "Procfile"
        text = procfile.read_text("utf-8") if procfile.exists() else ""
        return "", [("CMD", web) for web in re.findall("(?m)^web: *(.+)", text)]
    try:
        stage = last_stage(found[0].read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise AdoptError(
            f"{found[0]} cannot be read as a Dockerfile: {error}. Name another one, for "
            "example a changed copy, with --dockerfile."
        ) from error
    return os.path.relpath(found[0], folder), stage


def read_lock(
    poetry: Poetry, extras: Collection[str], groups: Collection[str]
) -> list[Requirement]:
    """Return the dependencies that `poetry export` lists for the image.

    Raises:
        AdoptError: An extra or a group does not exist, or a dependency has no hash.
    """
    package = poetry.package
    for option, chosen, known in (
        ("--extras", extras, set(package.extras)),
        ("--with", groups, package.dependency_group_names(include_optional=True)),
    ):
        for name in set(map(canonicalize_name, chosen)) - known:
            listed = ", ".join(sorted(known)) or "none"
            raise AdoptError(
                f"{option}: '{name}' is not in pyproject.toml. Use one of: {listed}."
            )
    output = BufferedIO()
    exporter = Exporter(poetry, output).with_hashes(False).with_urls(False)
    exporter.with_extras(list(map(canonicalize_name, extras)))
    exporter.only_groups(list(map(canonicalize_name, ["main", *groups])))
    exporter.export("requirements.txt", poetry.pyproject_path.parent, output)
    lines = list(filter(None, output.fetch_output().splitlines()))
    for line in lines:
        if " @ " in line:
            raise AdoptError(
                f"'{line}' is not from a package index, so it has no hash. Use a release, "
                f"or follow {RECIPE.format('Depend on a Git repository or a folder')}."
            )
    return [Requirement(line) for line in lines]


def wheel_builder(poetry: Poetry) -> WheelBuilder | None:
    """Return the builder of the project's wheel, or None for an application.

    An application is not a package, or has no command of its own. Another program starts
    it in the folder of the sources.

    Raises:
        AdoptError: poetry-core cannot build the package.
    """
    if not poetry.is_package_mode:
        return None
    try:
        builder = WheelBuilder(poetry)
        builder.find_files_to_add()
    except ModuleOrPackageNotFoundError:
        return None
    except (RuntimeError, ValueError) as error:
        raise AdoptError(
            f"poetry-core cannot build the package: {error}. Fix this, {APPLICATION}."
        ) from error
    backend = poetry.pyproject.build_system.build_backend
    if commands(poetry, builder) and backend not in BACKENDS:
        raise AdoptError(
            f"build-backend: {backend!r} is not Poetry's. Use {BACKENDS[0]!r}, {APPLICATION}."
        )
    return builder if commands(poetry, builder) else None


def commands(poetry: Poetry, builder: WheelBuilder) -> list[str]:
    """Return the commands of a package, first the one with the package's name."""
    names = [*poetry.package.entry_points.get("console-scripts", {})]
    names += [path.name for path in builder.convert_script_files()]
    return sorted(
        names, key=lambda name: canonicalize_name(name) != poetry.package.name
    )


def wheel_files(poetry: Poetry, builder: WheelBuilder) -> list[str]:
    """Return the files and top folders that the build of the wheel reads."""
    root = poetry.pyproject_path.parent
    exact = [*poetry.package.readmes, *builder.convert_script_files()]
    exact += [
        root / name for name in Metadata.from_package(poetry.package).license_files
    ]
    found = {path.relative_to(root).as_posix() for path in exact}
    for file in builder.find_files_to_add(exclude_build=False):
        path = file.relative_to_project_root()
        if path.as_posix() not in found:
            found.add(path.parts[0])
    return sorted(found)


def output_of(*command: str | Path) -> str:
    """Return what a command prints, or nothing if it does not start."""
    try:
        return subprocess.run(command, capture_output=True, encoding="utf-8").stdout
    except OSError:
        return ""


def sources(project: Project) -> tuple[Files, list[str]]:
    """Return the paths below /app, each with its source, and what has no such path.

    The project's Dockerfile names them, unless it copies everything.
    """
    folder, stage = project.folder, project.stage
    listed = output_of("git", "-C", folder, "ls-files", "-z")
    names = set(re.findall(r"(?:^|\0)([^/\0]+)", listed))
    names |= {path.name for path in folder.iterdir() if not names}
    everything = [(n, n) for n in sorted(names) if not NOT_SOURCES.fullmatch(n)]
    workdir = Path("/", *values(stage, "WORKDIR"))
    found: Files = []
    elsewhere = []
    for copy in values(stage, "COPY") + values(stage, "ADD"):
        text = re.sub(r"--\S+\s+", "", copy)
        *copied, target = (words if text[:1] == "[" else str.split)(text) or [""]
        into = Path(os.path.normpath(workdir / target))
        inside = into.is_relative_to(workdir)
        for path in copied:
            if "--from" in copy:
                # Another stage has copied the sources, unless this is an environment.
                related = inside or workdir.is_relative_to(into)
                if related and not NOT_SOURCES.fullmatch(Path(path).name):
                    return everything, []
                continue
            name = os.path.normpath(path.strip("/"))
            if name == ".":
                parent = into.relative_to(workdir) if inside else Path()
                return [(str(parent / name), name) for name, _ in everything], []
            for match in sorted(folder.glob(name)):
                name, is_file = str(match.relative_to(folder)), match.is_file()
                into_folder = into == workdir or target[-1] == "/" or copied[1:]
                place = into / match.name if is_file and into_folder else into
                if NOT_SOURCES.fullmatch(name):
                    continue
                if inside and (not is_file or place.name == match.name):
                    found.append((str(place.relative_to(workdir)), name))
                else:
                    elsewhere.append(f"{name} to {target}")
    return found or everything, elsewhere


def copies(files: Files) -> dict[str, list[str]]:
    """Return the folders of an image, each with the sources that `cp -R` copies into it."""
    found: dict[str, list[str]] = {}
    for target, name in files:
        parent, same = Path(target).parent, Path(target).name == Path(name).name
        folder = Path("/layer/app", parent if same else target)
        names = found.setdefault(shlex.quote(str(folder)), [])
        names.append(shlex.quote(name if same else f"{name}/."))
    return found


@cache
def supported(python: str, base: str, machine: str) -> frozenset[tags.Tag]:
    """Return the tags of the wheels that fit a Python, a base image and a processor."""
    major, minor = map(int, python.split(".")[:2])
    platforms = [f"{name}_{machine}" for name in PLATFORMS[base]]
    abi = f"cp{major}{minor}"
    own = tags.cpython_tags((major, minor), [abi], platforms)
    return frozenset((*own, *tags.compatible_tags((major, minor), abi, platforms)))


def lacking(project: Project, python: str, base: str) -> list[str]:
    """Return the dependencies with compiled wheels of which none fits on Intel or ARM.

    Args:
        project: The project, with its dependencies and their wheels.
        python: The full version of Python.
        base: The base image, slim or alpine.
    """
    found = set()
    for machine, needed in itertools.product(("x86_64", "aarch64"), project.wheels):
        environment = {
            **dict.fromkeys(("platform_release", "platform_version"), ""),
            **dict.fromkeys(("implementation_version", "python_full_version"), python),
            **{"implementation_name": "cpython", "platform_machine": machine},
            **{"os_name": "posix", "platform_python_implementation": "CPython"},
            **{"platform_system": "Linux", "python_version": python.rpartition(".")[0]},
            "sys_platform": "linux",
        }
        names = project.wheels[needed]
        compiled = any(not name.endswith("-any.whl") for name in names)
        fitting = {tag for name in names for tag in parse_wheel_filename(name)[3]}
        fitting &= supported(python, base, machine)
        applies = not needed.marker or needed.marker.evaluate(environment)
        if compiled and not fitting and applies:
            found.add(needed.name)
    return sorted(found)


def choose_python(project: Project, base: str, choice: str) -> dict[str, list[str]]:
    """Return the tags of the Pythons that the project allows, the best one first.

    The best is the newest of those for which the fewest dependencies lack wheels. Each tag
    has the names of these dependencies.

    Raises:
        AdoptError: The project allows none of the Pythons, or the choice is not one.
    """
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
                found[full.removesuffix(".99")] = lacking(project, full, base)
                break
    if not found:
        raise AdoptError(
            f"requires-python: {package.python_versions!r} allows none of "
            f"{', '.join(candidates)}. Extend the range and run `poetry lock`."
        )
    return dict(sorted(found.items(), key=lambda item: len(item[1])))


def old_start(stage: Stage) -> tuple[list[str], list[str]]:
    """Return ENTRYPOINT and CMD of a Dockerfile, without a package manager that runs them."""
    both = words(last(stage, "ENTRYPOINT", "[]")), words(last(stage, "CMD", "[]"))
    for part in both:
        if part[:2] in RUNNERS:
            del part[:2]
        # The image has the programs of a virtual environment on PATH.
        part[:1] = [re.sub(".*/bin/", "", word) for word in part[:1]]
        if part[1:2] == ["-c"]:
            part[2:3] = [RUNNER.sub("", text) for text in part[2:3]]
    return both


def runs(project: Project, own: list[str], files: Files, command: list[str]) -> bool:
    """Check whether the image has the program that a command starts.

    Args:
        project: The project, with its dependencies.
        own: The commands of the project.
        files: The sources in the working directory.
        command: The words of the command.
    """
    match command:
        case ["sh" | "bash", "-c", inner, *_]:
            inner = inner.removeprefix("exec ")
            return runs(project, own, files, inner.split())
        case ["python" | "python3", file, *_] if not file.endswith(".py"):
            return True
        case ["python" | "python3", file, *_] | [file, *_]:
            known = {*own, *(needed.name for needed in project.wheels)}
            return file in known or any(
                (project.folder / name / Path(file).relative_to(path)).is_file()
                for path, name in files
                if Path(file).is_relative_to(path)
            )
    return False


def start(
    project: Project, option: str, own: list[str], files: Files
) -> tuple[list[str], list[str], bool]:
    """Return ENTRYPOINT, CMD, and whether they need the sources in the working directory.

    Args:
        project: The project. The command of its Dockerfile is used if the image has it.
        option: A command to use instead.
        own: The commands of the project, if it is a package.
        files: The sources, if it is an application.

    Raises:
        AdoptError: There is no command.
    """
    if option:
        return words(option), [], not own
    entry_point, command = old_start(project.stage)
    for application in (False, True) if own else (True,):
        if runs(project, own, files if application else [], entry_point + command):
            return entry_point, command, application
    if own:
        return own[:1], [], False
    raise AdoptError(
        "[project.scripts] has no command, and no Dockerfile has one that the image can "
        "run. Name it, for example --entry-point='uvicorn my_package:app'."
    )


def variables(project: Project, options: argparse.Namespace) -> dict[str, Any]:
    """Return the template's variables for the image, which are in its cookiecutter.json.

    Raises:
        AdoptError: The project is not a package that poetry-core can build, or has no
            command.
    """
    poetry, stage = project.poetry, project.stage
    builder = None if options.application else wheel_builder(poetry)
    files, _ = sources(project)
    own = commands(poetry, builder) if builder else []
    entry_point, command, application = start(project, options.entry_point, own, files)
    health_check = last(stage, "HEALTHCHECK")
    check = words(health_check.partition("CMD ")[2])
    files += [(name, name) for name in options.include]
    if not runs(project, own, files if application else [], check):
        health_check = ""
    paths = [name for _, name in files]
    if builder and not application:
        paths = [*wheel_files(poetry, builder), *options.include]
    environment = [
        item for rest in values(stage, "ENV") for item in pairs(rest).items()
    ]
    exported = [f" --extras={extra}" for extra in options.extras]
    exported += [f" --with={group}" for group in options.groups]
    urls = {name.lower(): url for name, url in poetry.package.urls.items()}
    source = urls.get("repository") or urls.get("source") or urls.get("homepage", "")
    exists = (project.folder / "Dockerfile").exists()
    return {
        "application": copies(files) if application else {},
        "command": command,
        "dockerfile": "container.Dockerfile" if exists else "Dockerfile",
        "entry_point": entry_point,
        "environment": {n: v for n, v in environment if not OWN_VARIABLES.fullmatch(n)},
        "export": "".join(exported),
        "files": paths,
        "folders": [path for rest in values(stage, "VOLUME") for path in words(rest)],
        "health_check": health_check,
        "ports": " ".join(values(stage, "EXPOSE")),
        "source": source,
        "stop_signal": last(stage, "STOPSIGNAL"),
    }


def answers(project: Project) -> dict[str, str]:
    """Return the answers to the template's questions that the metadata contains."""
    package, local = project.poetry.package, project.poetry.local_config
    # Without a name in pyproject.toml, Poetry uses a name of its own.
    named = "name" in local or "project" in project.poetry.pyproject.data
    name = package.name if named else project.folder.resolve().name
    try:
        expression = package.license_expression or local.get("license", "")
        license_ = str(licenses.canonicalize_license_expression(expression))
    except licenses.InvalidLicenseExpression:
        license_ = ""
    return {
        "project_slug": re.sub("[^a-z0-9]+", "-", name.lower()).strip("-"),
        "description": " ".join(package.description.split()),
        "license": license_,
        # The name of the published image is left to the owner.
        **{"github_user": "", "dockerhub_user": "yourname"},
    }


def changes(project: Project, image: dict[str, Any], base: str) -> Iterator[str]:
    """Yield what is different for users of the image."""
    stage = project.stage
    old_entry_point, old_command = old_start(stage)
    command = shlex.join(image["entry_point"] + image["command"])
    folder = "/app" if image["application"] else "/data"
    for what, new, before in (
        ("base image", base, last(stage, "FROM")),
        ("user", "65532:65532", last(stage, "USER", "root")),
        ("working directory", folder, str(Path("/", *values(stage, "WORKDIR")))),
        ("HOME", "/data", "that of the user"),
        ("command", command, shlex.join(old_entry_point + old_command)),
    ):
        if new != before:
            yield f"{what}: {new} instead of {before or 'none'}"
    yield f"writable folders: only {', '.join(['/data', *image['folders']])}"
    if values(stage, "HEALTHCHECK") and not image["health_check"]:
        yield "HEALTHCHECK: left out, because no dependency installs its program"
    elsewhere = sources(project)[1] if image["application"] else []
    if elsewhere:
        yield f"files copied to other paths left out: {', '.join(elsewhere)}"
    install = r"(?:apt|apt-get|apk)\s[^&|;]*?(?:install|add)\s([^&|;]*)"
    found = " ".join(re.findall(install, " ; ".join(values(stage, "RUN")))).split()
    if packages := [name for name in found if name[0] not in "-$"]:
        yield f"system packages left out: {', '.join(packages)}. See {COMPILE}"
    if arguments := [rest.partition("=")[0] for rest in values(stage, "ARG")]:
        yield f"build arguments left out: {', '.join(arguments)}"
    if found := [name for rest in values(stage, "LABEL") for name in pairs(rest)]:
        yield f"labels left out: {', '.join(found)}"


def write(folder: Path, answers: dict[str, Any], names: dict[str, str]) -> None:
    """Render and write new files, or none.

    Args:
        folder: The project.
        answers: The answers and the variables of the template.
        names: The files, each with its name in the template.

    Raises:
        AdoptError: A file exists, or cannot be written.
    """
    project = TEMPLATE / "{{cookiecutter.project_slug}}"
    loader = jinja2.FileSystemLoader([project, TEMPLATE / "templates"])
    templates = jinja2.Environment(  # noqa: S701
        loader=loader, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    texts = {
        folder / name: templates.get_template(source).render(cookiecutter=answers)
        for name, source in names.items()
    }
    for path in texts:
        if os.path.lexists(path):  # also a link to a file that does not exist
            raise AdoptError(f"{path} exists. Move it away, or delete it.")
    made: list[Path] = []
    try:
        for path, text in texts.items():
            for parent in reversed(path.parents):
                if not parent.exists():
                    parent.mkdir()
                    made.append(parent)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except BaseException as error:
        for created in reversed(made):
            created.rmdir() if created.is_dir() else created.unlink()
        if not isinstance(error, OSError):
            raise
        raise AdoptError(
            f"cannot write {path}: {error.strerror}. Check that its folder can be written, "
            "and that the disk has space."
        ) from error


def adopt(options: argparse.Namespace) -> Iterator[str]:
    """Write the files of the image, and yield the lines of a report.

    Raises:
        AdoptError: Nothing was written.
    """
    project = read(options)
    folder, own = project.folder, project.dockerfile
    alpine = "alpine" in last(project.stage, "FROM")
    base = options.base or ("alpine" if alpine else "slim")
    pythons = choose_python(project, base, options.python)
    python = next(iter(pythons))
    image = variables(project, options)
    context = answers(project) | {"python_version": python, "base_image": base}
    name, dockerfile = context["project_slug"], image["dockerfile"]
    # With this image's list of files, the build of another image would fail.
    shared = own or (folder / ".dockerignore").exists()
    written = {
        dockerfile: "Dockerfile",
        f"{dockerfile if shared else ''}.dockerignore": ".dockerignore",
        **{file: file for file in TOOLS},
        **{file: file for file in PUBLISHING if options.publish},
    }
    write(folder, context | {"_image": image}, written)

    command = shlex.join(image["entry_point"] + image["command"])
    yield f"Read pyproject.toml, poetry.lock{' and ' + own if own else ''}."
    yield f"The image runs {command} on Python {python}."
    for tag, names in pythons.items():
        if names and Version.parse(tag) > Version.parse(python):
            yield f"Python {tag}: no wheels of {', '.join(names)}."
    yield f"Wrote {', '.join(written)}."
    if own:
        yield f"\nWhat changes for users of the image, compared with {own}:"
        yield from map(
            "- {}".format, changes(project, image, f"python:{python}-{base}")
        )
    yield "\nNext:"
    if pythons[python]:
        yield f"- Install a compiler for {', '.join(pythons[python])}: {COMPILE}"
    if built := [needed.name for needed, names in project.wheels.items() if not names]:
        yield f"- If pip cannot build {', '.join(built)} from source: {COMPILE}"
    if project.poetry.local_config.get("source"):
        yield f"- Give the build the password: {RECIPE.format('Use a private package index')}"
    if not project.poetry.locker.is_locked_groups_and_markers():
        yield "- If all who use the lock file have Poetry 2, run `poetry lock`"
    git = partial(output_of, "git", "-C", folder)
    if ignored := git("check-ignore", *written, *image["files"]).splitlines():
        yield f"- Git ignores files that the build needs: git add --force {shlex.join(ignored)}"
    if git("rev-parse", "--show-prefix").strip():
        yield (
            "- The build does not see the .gitignore of a folder above. Write one in the "
            "project's folder, or the image can contain files that Git ignores"
        )
    if options.publish:
        yield f"- In release.yml, name your own tests: {PUBLISH}"
    file = f" --file {dockerfile}" if dockerfile != "Dockerfile" else ""
    if folder.resolve() != Path.cwd():
        yield f"  cd {shlex.quote(str(folder))}"
    yield f"  docker build{file} --tag {name} ."
    ports = "".join(f" --publish {n}:{n}" for n in re.findall(r"\d+", image["ports"]))
    yield f"  docker run --rm --read-only --tmpfs /tmp --cap-drop=ALL{ports} {name}"


def main(arguments: list[str] | None = None) -> None:
    """Adopt a project as the arguments say, and print a report.

    Raises:
        SystemExit: The project cannot be adopted. The message has the reason.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path, help="folder with pyproject.toml")
    for name, settings in OPTIONS.items():
        parser.add_argument(f"--{name}", **settings)
    try:
        print(*adopt(parser.parse_args(arguments)), sep="\n")
    except AdoptError as error:
        sys.exit(f"error: {error} Nothing was written.")


if __name__ == "__main__":
    main()
