# /// script
# requires-python = ">=3.11"
# dependencies = ["jinja2>=3", "packaging>=24.2", "poetry>=2.2,<3", "poetry-plugin-export>=1.9"]
# ///
"""Write the files of the image into an existing Poetry project; see docs/adopting.md."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
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
from functools import cache, partial
from pathlib import Path, PurePosixPath
from typing import Any

from tools.dockerfile import Stage, last_stage, pairs, words

try:
    import jinja2
    from cleo.io.buffered_io import BufferedIO
    from packaging import licenses, tags, utils
    from poetry.core.constraints.version import Version
    from poetry.core.masonry.builders.wheel import WheelBuilder
    from poetry.core.masonry.metadata import Metadata
    from poetry.core.masonry.utils.module import ModuleOrPackageNotFoundError
    from poetry.core.packages.dependency import Dependency
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
RECIPE = "the recipe '{}' in templates/recipes/{}.md of the template"
COMPILE = RECIPE.format(
    "Compile a dependency, and add a system library", "dependencies"
)
DIRECT = RECIPE.format("Depend on a Git repository or a folder", "dependencies")
INDEX = RECIPE.format("Use a private package index", "dependencies")
VERSION = RECIPE.format("Take the version from Git tags", "releases")
PUBLISH = "see 'Publish an adopted image' in docs/adopting.md of the template"
APPLICATION = "or use --application, if the program runs from the sources in its folder"

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
# Assignments before a command, and commands of the shell itself.
BUILTIN = re.compile(
    r"\s*(?:(?:exec|\w+=\S*)\s+)*(?:(?:cd|echo|export|set|sleep)\b.*)?"
)
# The arguments of `poetry install`.
INSTALL = re.compile(r"poetry (?:install|sync)((?:\\\n|[^&|;\n])*)")
# Other ways to install the project.
BUILD = re.compile(r"poetry build|pip install [^&|;\n]*(?<=\s)\.")
# Options of `poetry install` for more than the main dependencies.
GROUPS = re.compile(r"(?:--with|--extras|-E|--all-\w+)\b(?:[= ]\"[^\"]+\"|[= ]\S+)?")
# Variables that the image sets itself, or that only package managers read.
OWN_VARIABLES = re.compile(
    "HOME|PATH|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|VIRTUAL_ENV|DEBIAN_FRONTEND"
    "|(PIP|POETRY|UV)_.*"
)
# Names at the top of a project that no application reads when it runs.
NOT_SOURCES = re.compile(
    r"\..*|.*\.(lock|md|rst|whl)|.*(Dockerfile|compose).*|(COPYING|LICEN[CS]E|Makefile).*"
    r"|(build|dist|docs?|docker|node_modules|site-packages|tests?|venv|__pycache__)"
    r"|(conftest|noxfile|setup)\.py|(pyproject\.toml|(pytest|tox)\.ini|requirements.*\.txt)"
)
# Characters that a shell needs a backslash before.
UNSAFE = re.compile(r"([^\w./+-])")

# Paths in the image, each with its source in the project.
Files = list[tuple[PurePosixPath, str]]


class AdoptError(Exception):
    """The project cannot be adopted, for this reason, with this remedy.

    Functions that take a project or its files raise it.
    """


@dataclasses.dataclass
class Project:
    """What a project's files say.

    Attributes:
        folder: The folder with pyproject.toml and poetry.lock.
        poetry: The metadata and the lock file.
        dockerfile: The name of the Dockerfile or Procfile, or an empty string.
        text: The text of that file.
        stage: The last stage of the Dockerfile, or the command of the Procfile.
        files: The sources of an application.
        left_out: The files that the Dockerfile copies, but the new one does not.
        wheels: The dependencies of the image, each with the names of its wheels.
    """

    folder: Path
    poetry: Poetry
    dockerfile: str
    text: str
    stage: Stage
    files: Files
    left_out: list[str]
    wheels: list[tuple[Dependency, list[str]]]


def read(options: argparse.Namespace) -> Project:
    """Read a project's files."""
    poetry = read_metadata(options.project)
    for name in options.include:
        if not (options.project / name).exists():
            raise AdoptError(
                f"--include: '{name}' does not exist in {options.project}. Use a path from "
                "the project's folder."
            )
    name, text, stage = read_dockerfile(options.project, options.dockerfile)
    wheels = read_lock(poetry, options)
    files = sources(options.project, stage)
    return Project(options.project, poetry, name, text, stage, *files, wheels)


def read_metadata(folder: Path) -> Poetry:
    """Read pyproject.toml and poetry.lock as Poetry does."""
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


def read_dockerfile(folder: Path, choice: str) -> tuple[str, str, Stage]:
    """Return the name, text and last stage of the Dockerfile, or of a Procfile."""
    patterns = ("Dockerfile", "docker/Dockerfile", "docker/*/Dockerfile", "Procfile")
    found = [path for p in patterns for path in sorted(folder.glob(p))]
    if choice:
        found = [folder / choice]
    if not found:
        return "", "", Stage()
    name = os.path.relpath(found[0], folder)
    try:
        text = found[0].read_text("utf-8-sig")
        if name == "Procfile":
            lines = re.findall("(?m)^web: *(.+)", text)
            return name, text, Stage(("CMD", line) for line in lines)
        return name, text, last_stage(text)
    except (OSError, ValueError) as error:
        raise AdoptError(
            f"{found[0]} cannot be read: {one_line(error)}. Name another Dockerfile, for "
            "example a changed copy, with --dockerfile."
        ) from error


def read_lock(
    poetry: Poetry, options: argparse.Namespace
) -> list[tuple[Dependency, list[str]]]:
    """Return the dependencies that `poetry export` lists, each with its wheels."""
    package = poetry.package
    for option, chosen, known in (
        ("--extras", options.extras, set(package.extras)),
        ("--with", options.groups, package.dependency_group_names(True)),
    ):
        for name in set(map(utils.canonicalize_name, chosen)) - known:
            names = ", ".join(sorted(known))
            remedy = f"Use one of: {names}." if names else "Leave this option out."
            raise AdoptError(f"{option}: '{name}' is not in pyproject.toml. {remedy}")
    output = BufferedIO()
    exporter = Exporter(poetry, output).with_hashes(False).with_urls(False)
    exporter.with_extras(list(map(utils.canonicalize_name, options.extras)))
    exporter.only_groups(list(map(utils.canonicalize_name, ["main", *options.groups])))
    exporter.export("requirements.txt", poetry.pyproject_path.parent, output)
    # A package can be locked in several versions, with different markers.
    locked = {
        (locked.name, locked.version.text): [file["file"] for file in locked.files]
        for locked in poetry.locker.locked_repository().packages
    }
    wheels = []
    for line in filter(None, output.fetch_output().splitlines()):
        if line.startswith("-e ") or " @ " in line:
            raise AdoptError(
                f"'{line}' is not from a package index, so it has no hash. Use a release, "
                f"or follow {DIRECT}."
            )
        needed = Dependency.create_from_pep_508(line)
        files = locked[needed.name, line.partition("==")[2].split()[0]]
        wheels.append((needed, [name for name in files if name.endswith(".whl")]))
    return wheels


def wheel_builder(poetry: Poetry, application: bool) -> WheelBuilder | None:
    """Return the builder of the project's wheel, or None if it is not a package.

    A project that runs from its sources does not need its package to be correct.
    """
    if not poetry.is_package_mode:
        return None
    optional = application or not commands(poetry)
    try:
        builder = WheelBuilder(poetry)
        builder.find_files_to_add()
        builder.convert_script_files()
    except (OSError, RuntimeError, ValueError) as error:
        missing = isinstance(error, OSError) and optional  # a README
        empty = isinstance(error, ModuleOrPackageNotFoundError)
        if application or missing or empty:
            return None
        raise AdoptError(
            f"poetry-core cannot build the package: {one_line(error)}. Fix this, "
            f"{APPLICATION}."
        ) from error
    backend = poetry.pyproject.build_system.build_backend
    if backend in BACKENDS:
        return builder
    if optional:
        return None
    raise AdoptError(
        f"build-backend: {backend!r} is not Poetry's. Use {BACKENDS[0]!r}, {APPLICATION}."
    )


def commands(poetry: Poetry) -> list[str]:
    """Return the commands of a package, first the one with the package's name."""
    names = [*poetry.package.entry_points.get("console-scripts", {})]
    for script in poetry.local_config.get("scripts", {}).values():
        if isinstance(script, dict) and script.get("type") == "file":
            names.append(PurePosixPath(script["reference"]).name)
    return sorted(
        names, key=lambda name: utils.canonicalize_name(name) != poetry.package.name
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


def only_copied(project: Project, builder: WheelBuilder) -> list[str]:
    """Return the files and folders that the Dockerfile copies, but the wheel lacks."""
    root = project.poetry.pyproject_path.parent
    inside = {root / name for name in wheel_files(project.poetry, builder)}
    for file in builder.find_files_to_add(exclude_build=False):
        inside.add(root / file.relative_to_project_root())
    folders = {folder for path in inside for folder in path.parents}
    found = []
    paths = [root / source for _, source in project.files]
    for path in paths:  # the list grows
        if path in folders:
            children = sorted(path.iterdir())
            paths += [each for each in children if not NOT_SOURCES.fullmatch(each.name)]
        elif path not in inside:
            found.append(path.relative_to(root).as_posix())
    return list(dict.fromkeys(found))


def has_only_modules(builder: WheelBuilder) -> bool:
    """Check whether a wheel contains no other files than Python modules."""
    files = builder.find_files_to_add()
    return all(file.path.suffix in (".py", ".pyi", ".typed") for file in files)


def git(folder: Path, *arguments: str) -> str:
    """Return what Git prints in a folder, or nothing if it is not installed."""
    # By default, Git prints names with other letters than those of English in quotes.
    command = ["git", "-C", str(folder), "-c", "core.quotePath=false", *arguments]
    try:
        output = subprocess.run(command, capture_output=True).stdout
    except OSError:
        return ""
    return os.fsdecode(output)  # file names can be in any encoding


def sources(folder: Path, stage: Stage) -> tuple[Files, list[str]]:
    """Return what a stage copies from a project, and what cannot be copied.

    If it copies nothing from the project, the sources are all files.
    """
    names = set(re.findall(r"(?:^|\0)([^/\0]+)", git(folder, "ls-files", "-z")))
    names |= {path.name for path in folder.iterdir() if not names}
    everything = sorted(name for name in names if not NOT_SOURCES.fullmatch(name))
    home = stage.workdir()
    found: Files = []
    left_out = []
    for other, path, into, inside in stage.copied():
        name = posixpath.normpath(f"/{path}").strip("/").replace("**", "*")
        base = posixpath.basename(name) if other else name
        if NOT_SOURCES.fullmatch(base) and not (other and base in ("build", "dist")):
            continue
        if other:  # another stage has probably copied it to the same place
            name = posixpath.relpath(into, home)
            name = name if name.strip("./") else ""
        if not name:
            parent = home if other and not into.name else into
            found += [(parent / each, each) for each in everything]
            continue
        # A copy into /tmp would be hidden by a mount, and change the folder's mode.
        outside = name[0] == "." or into.parts[:2] == ("/", "tmp")
        matches = [] if outside else sorted(folder.glob(name))
        for match in matches:
            place = into / match.name if inside and match.is_file() else into
            found.append((place, match.relative_to(folder).as_posix()))
        left_out += [] if matches else [f"{path} to {into}"]
    if not found:
        return [(home / name, name) for name in everything], []
    return found, left_out


def copies(project: Project) -> list[list[str]]:
    """Return the arguments of each `cp -R` that copies the sources of an application.

    GNU's cp fails if it would replace a file that the same command has copied. Docker
    replaces it. So a second file for the same target has a command of its own, and so
    does the content of a folder, whose names are not known here.
    """
    found: list[list[str]] = []
    targets = set[PurePosixPath]()  # of the last command
    for target, source in project.files:
        name, place = re.sub(UNSAFE, r"\\\1", source), f"/layer{target}"
        if target.name == PurePosixPath(source).name:
            place = posixpath.dirname(place) + "/"
        elif (project.folder / source).is_dir():
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


@cache
def supported(python: str, base: str, machine: str) -> frozenset[tags.Tag]:
    """Return the tags of the wheels that fit a Python, a base image and a processor."""
    major, minor = map(int, python.split(".")[:2])
    platforms = [f"{name}_{machine}" for name in PLATFORMS[base]]
    abi = f"cp{major}{minor}"
    own = tags.cpython_tags((major, minor), [abi], platforms)
    return frozenset((*own, *tags.compatible_tags((major, minor), abi, platforms)))


def lacking(project: Project, python: str, base: str) -> list[str]:
    """Return the dependencies with compiled wheels of which none fits on Intel or ARM."""
    found = set()
    environment = LINUX | {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
    }
    for machine in ("x86_64", "aarch64"):
        environment["platform_machine"] = machine
        for needed, names in project.wheels:
            fitting = set[tags.Tag]()
            for name in names:
                with contextlib.suppress(utils.InvalidWheelFilename):
                    fitting |= utils.parse_wheel_filename(name)[3]
            compiled = any(not name.endswith("-any.whl") for name in names)
            fitting &= supported(python, base, machine)
            if compiled and not fitting and needed.marker.validate(environment):
                found.add(needed.name)
    return sorted(found)


def choose_python(project: Project, base: str, choice: str) -> dict[str, list[str]]:
    """Return the tags of the Pythons that the project allows, the best one first.

    The best is the newest one for which all dependencies have wheels. If there is none, it
    is the oldest one with the fewest to compile, because releases without wheels for a
    Python often do not compile for it, either. Each tag has the names of the dependencies
    that lack wheels.
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
    ordered = list(found.items())
    if all(found.values()):
        ordered.reverse()
    return dict(sorted(ordered, key=lambda item: len(item[1])))


def lacks(project: Project, own: list[str], files: Files, command: list[str]) -> str:
    """Return the program or the script of a command that the image does not have."""
    match command:
        case ["sh" | "bash", "-c", inner, *_]:
            parts = re.split(r"&&|\|\||[|;\n]", inner)
            each = [BUILTIN.sub("", part, count=1).split() for part in parts]
            return next(filter(None, (lacks(project, own, files, e) for e in each)), "")
        case ["python" | "python3" | "sh" | "bash", *rest]:
            named = (word for word in rest if word in ("-m", "-c") or word[:1] != "-")
            name, access = next(named, "-c"), os.R_OK
        case [name, *_]:
            access = os.X_OK
        case _:
            return ""
    known = {"-m", "-c", *own, *(needed.name for needed, _ in project.wheels)}
    path = PurePosixPath(posixpath.normpath(project.stage.workdir() / name))
    sources = (
        project.folder / source / path.relative_to(target)
        for target, source in files
        if path.is_relative_to(target)
    )
    copied = any(file.is_file() and os.access(file, access) for file in sources)
    return "" if name in known or copied else name


def start(
    project: Project,
    options: argparse.Namespace,
    own: list[str],
    entry_point: list[str],
    command: list[str],
) -> tuple[list[str], list[str], bool]:
    """Return ENTRYPOINT, CMD, and whether they start a file of the sources."""
    whole = entry_point + command
    lacking = lacks(project, own, project.files, whole)
    if whole and (options.entry_point or not lacking):
        file = not lacking and bool(lacks(project, own, [], whole))
        return entry_point, command, file
    if own:
        return own[:1], [], False
    example = "for example --entry-point='uvicorn my_package:app'"
    if not whole:
        raise AdoptError(
            "[project.scripts] has no command, and no Dockerfile or Procfile was found "
            f"that has one. Name one with --dockerfile, or the command itself, {example}."
        )
    raise AdoptError(
        f"{project.dockerfile}: the new image has no '{lacking}' for the command "
        f"{shlex.join(whole)}. Add its package to the dependencies, make its file "
        f"executable, or name another command, {example}."
    )


def is_installed(project: Project) -> bool:
    """Check whether the Dockerfile installs the project itself, if it uses Poetry."""
    installs = INSTALL.findall(project.text)
    skipped = bool(installs) and all("--no-root" in rest for rest in installs)
    return not skipped or bool(BUILD.search(project.text))


def variables(project: Project, options: argparse.Namespace) -> dict[str, Any]:
    """Return the template's variables for the image, which are in its cookiecutter.json."""
    poetry, stage, files = project.poetry, project.stage, project.files
    home = stage.workdir()
    builder = wheel_builder(poetry, options.application)
    left_out = only_copied(project, builder) if builder else []
    files += [(home / name, name) for name in options.include]
    given = words(options.entry_point)
    chosen = (given, []) if given else stage.command()
    whole = [*chosen[0], *chosen[1]]
    if whole and not is_installed(project) and not lacks(project, [], files, whole):
        builder = None
    own = commands(poetry) if builder else []
    entry_point, command, file = start(project, options, own, *chosen)
    # A package without commands can need files in the folder where it is started.
    installed = own or (builder and not left_out and has_only_modules(builder))
    application = options.application or file or not installed
    paths = [name for _, name in files] if application else options.include
    if builder:
        paths = [*wheel_files(poetry, builder), *paths]
    if not application:
        project.left_out = left_out
    health_check = stage.last("HEALTHCHECK")
    check = words(health_check.partition("CMD ")[2])
    if not check or lacks(project, own, files if application else [], check):
        health_check = ""
    environment = [item for rest in stage.values("ENV") for item in pairs(rest).items()]
    exported = [f" --extras={extra}" for extra in options.extras]
    exported += [f" --with={group}" for group in options.groups]
    urls = {name.lower(): url for name, url in poetry.package.urls.items()}
    source = urls.get("repository") or urls.get("source") or urls.get("homepage", "")
    exists = (project.folder / "Dockerfile").exists()
    return {
        "application": copies(project) if application else [],
        "command": command,
        "dockerfile": "container.Dockerfile" if exists else "Dockerfile",
        "entry_point": entry_point,
        "environment": {n: v for n, v in environment if not OWN_VARIABLES.fullmatch(n)},
        "export": "".join(exported),
        "files": list(dict.fromkeys(paths)),
        "folders": [path for rest in stage.values("VOLUME") for path in words(rest)],
        "health_check": health_check,
        "package": bool(builder),
        "ports": " ".join(dict.fromkeys(" ".join(stage.values("EXPOSE")).split())),
        "source": source,
        "stop_signal": stage.last("STOPSIGNAL"),
        "workdir": str(home) if application else "/data",
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
        "project_slug": re.sub("[^a-z0-9]+", "-", name.lower()).strip("-") or "app",
        "description": " ".join(package.description.split()),
        "license": license_,
        # The name of the published image is left to the owner.
        **{"github_user": "", "dockerhub_user": "yourname"},
    }


def changes(
    project: Project, image: dict[str, Any], base: str, pythons: dict[str, list[str]]
) -> Iterator[str]:
    """Yield what is different for users of the image."""
    stage = project.stage
    old_entry_point, old_command = stage.command()
    old_folder = str(stage.workdir("/"))
    command = shlex.join(image["entry_point"] + image["command"])
    python = next(iter(pythons))
    old_base = stage.last("FROM")
    old_python = "".join(re.findall(r"python:(3\.\d+)", old_base))
    if old_python in pythons and not f"{python}.".startswith(f"{old_python}."):
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
    folders = ["/data (with --read-only, mount a volume there)", *image["folders"]]
    yield f"writable folders: {', '.join(folders)}"
    check = stage.last("HEALTHCHECK", "NONE")
    if check.upper() != "NONE" and not image["health_check"]:
        yield "HEALTHCHECK: left out, because no dependency installs its program"
    install = r"(?:apt|apt-get|apk)\s[^&|;]*?(?:install|add)\s([^&|;]*)"
    found = " ".join(re.findall(install, " ; ".join(stage.values("RUN")))).split()
    labels = [name for rest in stage.values("LABEL") for name in pairs(rest)]
    keep = ". Use --application, which copies them and keeps the working directory"
    for what, left_out, remedy in (
        ("files", project.left_out, "" if image["application"] else keep),
        ("system packages", [n for n in found if n[0] not in "-$"], f". See {COMPILE}"),
        (
            "options of `poetry install`",
            [*dict.fromkeys(GROUPS.findall(" ".join(INSTALL.findall(project.text))))],
            ". Use --extras and --with",
        ),
        ("build arguments", [r.partition("=")[0] for r in stage.values("ARG")], ""),
        ("labels", labels, ""),
    ):
        if left_out and not (image["export"] and "--with" in remedy):
            yield f"{what} left out: {', '.join(left_out)}{remedy}"


def write(folder: Path, answers: dict[str, Any], names: dict[str, str]) -> None:
    """Render and write new files, each with its name in the template, or write none."""
    project = TEMPLATE / "{{cookiecutter.project_slug}}"
    loader = jinja2.FileSystemLoader([project, TEMPLATE / "templates"])
    templates = jinja2.Environment(  # noqa: S701
        loader=loader, keep_trailing_newline=True, undefined=jinja2.StrictUndefined
    )
    texts = {
        folder / name: templates.get_template(source).render(cookiecutter=answers)
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


def adopt(options: argparse.Namespace) -> Iterator[str]:
    """Write the files of the image, and yield the lines of a report."""
    project = read(options)
    folder, read_too = project.folder, project.dockerfile
    own = read_too if read_too != "Procfile" else ""
    alpine = "alpine" in project.stage.last("FROM")
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

    command = image["entry_point"] + image["command"]
    yield f"Read {listed('pyproject.toml', 'poetry.lock', *filter(None, [read_too]))}."
    yield f"The image runs {shlex.join(command)} on Python {python}."
    for tag, names in pythons.items():
        if names and Version.parse(tag) > Version.parse(python):
            yield f"Python {tag}: no wheels of {', '.join(names)}."
    yield f"Wrote {listed(*written)}."
    if own:
        yield from ("", f"What changes for users of the image, compared with {own}:")
        yield from map("- {}".format, changes(project, image, base, pythons))
    yield from ("", "Next:")
    scripts = commands(project.poetry) if image["package"] else []
    if lacking := lacks(project, scripts, project.files, command):
        yield f"- Check that the image has {lacking}: no dependency has this name"
    if pythons[python]:
        yield f"- Install a compiler for {', '.join(pythons[python])}: {COMPILE}"
    if built := [needed.name for needed, names in project.wheels if not names]:
        yield f"- If pip cannot build {', '.join(built)} from source: {COMPILE}"
    if project.poetry.local_config.get("source"):
        yield f"- Give the build the password: {INDEX}"
    if not project.poetry.locker.is_locked_groups_and_markers():
        yield "- If all who use the lock file have Poetry 2, run `poetry lock`"
    if ignored := git(folder, "check-ignore", *written, *image["files"]).splitlines():
        yield "- Git ignores files that the build needs, so run `git add` as below"
    if git(folder, "rev-parse", "--show-prefix").strip():
        yield (
            "- The build does not see the .gitignore of a folder above. Write one in the "
            "project's folder, or the image can contain files that Git ignores"
        )
    if options.publish:
        yield f"- In release.yml, name your own tests: {PUBLISH}"
    file = f" --file {dockerfile}" if dockerfile != "Dockerfile" else ""
    if folder.resolve() != Path.cwd():
        yield f"  cd {shlex.quote(str(folder))}"
    if ignored:
        yield f"  git add --force {shlex.join(ignored)}"
    yield f"  docker build{file} --tag {name} ."
    ports = "".join(
        f" --publish {port.partition('/')[0]}:{port}" for port in image["ports"].split()
    )
    yield f"  docker run --rm --read-only --tmpfs /tmp --cap-drop=ALL{ports} {name}"


def listed(*names: str) -> str:
    """Return names as a sentence has them, with 'and' before the last one."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def wrap(line: str) -> str:
    """Break a line of the report at 80 characters or in a narrower terminal.

    Commands stay whole.
    """
    if line.startswith("  "):
        return line
    indent = "  " if line.startswith("- ") else ""
    width = min(80, shutil.get_terminal_size().columns)
    wrapper = textwrap.TextWrapper(
        width, subsequent_indent=indent, break_on_hyphens=False
    )
    wrapper.break_long_words = False
    return wrapper.fill(line)


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
    add("--publish", action="store_true", help="add the files that publish the image")
    try:
        print(*map(wrap, adopt(parser.parse_args(arguments))), sep="\n")
    except AdoptError as error:
        sys.exit(f"error: {error} Nothing was written.")


if __name__ == "__main__":
    main()
