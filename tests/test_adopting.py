"""Existing projects get an image with one command, adopt.py."""

import json
import os
import re
import shlex
import sys
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
import tomlkit
from poetry.packages import Locker

import adopt
from tests import MIRROR, ROOT, commit, contents
from tests.pages import blocks
from tools.dockerfile import exec_last
from tools.images import run

PAGE = ROOT / "docs" / "adopting.md"
SOURCE = Path(adopt.__file__).read_text("utf-8")
HARDENED = (
    *("--rm", "--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--network=none"),
    *("--security-opt=no-new-privileges", "--pids-limit=64"),
)
IMAGE_FILES = {"Dockerfile", ".dockerignore", *adopt.TOOLS}
PYPROJECT = """\
[project]
name = "sample"
version = "1.0"
requires-python = ">=3.11"
dependencies = []

[project.scripts]
another = "sample:main"
sample = "sample:main"

[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""
Changes = list[tuple[str, str]]
Files = Mapping[str, str | None]
Words = list[str]
Sample = Callable[..., Path]
Adopt = Callable[..., str]


class Project(NamedTuple):
    """A project from the package index, and how to try its image.

    Attributes:
        name: Its name in the index.
        version: Its version.
        command: A command of the image, with arguments.
        output: A part of what the command prints.
        has: What is special about the project, for the page.
        options: Words of adopt.py.
        also: Another command of the image.
    """

    name: str
    version: str
    command: str
    output: str
    has: str
    options: tuple[str, ...] = ()
    also: str = ""


PROJECTS = [
    Project("docformatter", "1.7.8", "docformatter --version", "1.7.8", "a `src` folder; `[tool.poetry]` metadata"),
    # This release prints the previous version, which is a mistake in its own code.
    Project("rich-cli", "1.8.1", "rich --version", "1.8.0", "a `src` folder; another command name"),
    Project("poethepoet", "0.49.0", "poe --version", "0.49.0", "no `src` folder; data files in the package"),
    # The compiled part of its MarkupSafe is optional.
    Project("commitizen", "3.31.0", "cz --help", "usage: cz ", "several commands; a README elsewhere", ("--python", "3.14"), "git-cz --help"),
    # With --color, isort fails if its extra is not installed.
    Project("isort", "5.13.2", "isort --color --check-only --verbose -", "SUCCESS", "several commands; extras for the image", ("--extras=colors",), "isort-identify-imports --help"),
    Project("darglint", "1.8.1", "darglint --version", "1.8.1", "no dependencies"),
    Project("dotenv-linter", "0.9.0", "dotenv-linter --version", "0.9.0", "no `src` folder; the base image Alpine", ("--base=alpine", "--python=3.13")),
    Project("mitmproxy2swagger", "0.14.0", "mitmproxy2swagger --help", "usage: mitmproxy2swagger", "compiled dependencies that lack wheels for new Pythons"),
    Project("maigret", "0.6.6", "maigret --version", "0.6.6", "83 locked dependencies, many compiled"),
]  # fmt: skip
SERVICE = Project("connexion", "3.3.0", "connexion run --host=0.0.0.0 api.json", '"Hello"', "a service on uvicorn; extras for the image", ("--extras=uvicorn", "--extras=flask"))  # fmt: skip


def write(folder: Path, files: Files) -> None:
    """Write files into a folder, without those that are None.

    A script that names its interpreter is executable.
    """
    for name, text in files.items():
        path = folder / name
        if text is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", "surrogateescape")
            path.chmod(0o755 if text.startswith("#!") else 0o644)


def locked(*wheels: str, **more: object) -> str:
    """Return the entry of the dependency `native`, with these files, for a lock file."""
    files = [{"file": f"native-1.0{wheel}", "hash": "sha256:0"} for wheel in wheels]
    package = {"name": "native", "version": "1.0", "optional": False, "files": files}
    more = {"python-versions": "*", "groups": ["main"]} | more
    return tomlkit.dumps({"package": [package | more]})


@pytest.fixture
def sample(person: Path) -> Sample:
    """Return a function that writes a small project and returns its folder.

    It takes changes of pyproject.toml, values for poetry.lock, and files, which can
    replace those of the project.
    """

    def sample(
        *changes: tuple[str, str],
        package: str | None = "package = []",
        version: str | None = "2.1",
        **files: str | None,
    ) -> Path:
        text = PYPROJECT
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        folder = person / "sample"
        locker = Locker(folder / "poetry.lock", tomllib.loads(text))
        metadata = {"lock-version": version, "python-versions": ">=3.11"}
        metadata["content-hash"] = locker._content_hash
        default = {
            "sample.py": "def main(): print('Hello')\n",
            "pyproject.toml": text,
            "poetry.lock": f"{package}\n{tomlkit.dumps({'metadata': metadata})}",
        }
        write(folder, {**default, **files})
        return folder

    return sample


@pytest.fixture
def adopted(capsys: pytest.CaptureFixture[str]) -> Adopt:
    """Return a function that adopts a project with options, and returns the report."""

    def adopted(folder: Path, *options: str) -> str:
        adopt.main([str(folder), *options])
        return capsys.readouterr().out

    return adopted


MODE = ("[build", "[tool.poetry]\npackage-mode = false\n[build")
NO_COMMAND = ("[project.scripts]", "[project.entry-points.x]")
NATIVE = ("dependencies = []", 'dependencies = ["native"]')
BOTH = (
    "-cp314-cp314-manylinux_2_28_x86_64.whl",
    "-cp314-cp314-manylinux_2_28_aarch64.whl",
)
URL = "https://example.com/native-1.0-py3-none-any.whl"
OLDER, NEWER = "python_version < '3.15'", "python_version >= '3.15'"
TWO = (
    NATIVE[0],
    f'dependencies = ["native (==1.0) ; {OLDER}", "native (==2.0) ; {NEWER}"]',
)
FIRST = locked(*BOTH, markers=OLDER)
SECOND = locked("-py3-none-any.whl", markers=NEWER).replace("1.0", "2.0")


def tool(text: str) -> tuple[str, str]:
    """Return a change of pyproject.toml that adds lines to [tool.poetry]."""
    return ("[build", f"[tool.poetry]\n{text}\n[build")


EXTRA = ("[build", '[project.optional-dependencies]\nfast = ["native"]\n[build')
GROUP = ("[build", '[dependency-groups]\nprod = ["native"]\n[build')
FILE = tool('scripts.x = { reference = "bin/x", type = "file" }')


@pytest.mark.parametrize(("change", "package", "options", "python"), [
    (NATIVE, locked("-py3-none-any.whl"), [], "3.15-slim"),
    (NATIVE, locked(".tar.gz"), [], "3.15-slim"),
    (NATIVE, locked(*BOTH), [], "3.14-slim"),
    (NATIVE, locked(*BOTH), ["--python=3.13"], "3.13-slim"),
    (NATIVE, locked("-cp312-cp312-manylinux2014_x86_64.whl", "-cp312-cp312-manylinux2014_aarch64.whl", *BOTH[:1]), [], "3.12-slim"),
    (NATIVE, locked("-cp39-abi3-manylinux_2_28_x86_64.whl", "-cp39-abi3-manylinux_2_28_aarch64.whl"), [], "3.15-slim"),
    (NATIVE, locked("-cp314-cp314-musllinux_1_2_x86_64.whl", "-cp314-cp314-musllinux_1_2_aarch64.whl"), ["--base=alpine"], "3.14-alpine"),
    # A release without wheels often does not compile for a newer Python.
    (NATIVE, locked(*BOTH), ["--base=alpine"], "3.11-alpine"),
    (NATIVE, locked("-no-wheel.whl"), [], "3.11-slim"),
    # A download has a hash.
    ((NATIVE[0], f'dependencies = ["native @ {URL}"]'), locked("-cp314-cp314-manylinux_2_28_x86_64.whl", source={"type": "url", "url": URL}), [], "3.11-slim"),
    ((NATIVE[0], f'dependencies = ["native @ {URL}"]'), locked("-py3-none-any.whl", source={"type": "url", "url": URL}), [], "3.15-slim"),
    ((">=3.11", ">=3.11,<3.14"), "package = []", [], "3.13-slim"),
    ((">=3.11", ">=3.11,<=3.12.9"), "package = []", [], "3.12.9-slim"),
    # Markers decide whether wheels matter, and which version the image gets.
    ((NATIVE[0], "dependencies = [\"native; python_version < '3.13'\"]"), locked(*BOTH, markers="python_version < '3.13'"), [], "3.15-slim"),
    (TWO, FIRST + SECOND, [], "3.15-slim"),
    (TWO, SECOND + FIRST, [], "3.15-slim"),
    # Extras and groups have wheels, too.
    (EXTRA, locked(*BOTH, optional=True, markers="extra == 'fast'"), [], "3.15-slim"),
    (EXTRA, locked(*BOTH, optional=True, markers="extra == 'fast'"), ["--extras=fast"], "3.14-slim"),
    (GROUP, locked(*BOTH, groups=["prod"]), [], "3.15-slim"),
    (GROUP, locked(*BOTH, groups=["prod"]), ["--with=prod"], "3.14-slim"),
])  # fmt: skip
def test_the_python_is_the_newest_with_wheels(
    sample: Sample, change: tuple[str, str], package: str, options: Words, python: str
) -> None:
    """The project allows it, and it needs no compiler on x86-64 and ARM64, if possible."""
    folder = sample(change, package=package)
    adopt.main([str(folder), *options])
    dockerfile = (folder / "Dockerfile").read_text("utf-8")
    assert f"FROM python:{python} AS base" in dockerfile
    exported = [each for each in options if each.startswith(("--extras", "--with"))]
    assert f"poetry {shlex.join(['export', *exported])} --output" in dockerfile


POETRY_ONLY = (
    (PYPROJECT.partition("[project.scripts]")[0], '[tool.poetry]\nname = "sample"\nversion = "1"\ndescription = ""\nauthors = []\ndependencies = { python = "^3.11" }\n\n'),
    ("[project.scripts]", "[tool.poetry.scripts]"),
)  # fmt: skip


@pytest.mark.parametrize(("changes", "files", "expected"), [
    ([], ["README.md", "LICENSE", "tests/test.py"], ["LICENSE", "sample.py"]),
    ([("version", 'readme = "docs/README.md"\nversion'), tool('include = [{ path = "docs/README.md", format = "wheel" }]')], ["docs/README.md", "docs/a.md"], ["docs/README.md", "sample.py"]),
    ([*POETRY_ONLY, ("version", 'readme = ["a.md", "docs/b.md"]\nversion')], ["a.md", "docs/b.md"], ["a.md", "docs/b.md", "sample.py"]),
    ([("version", 'license = { file = "COPYING" }\nversion')], ["COPYING"], ["COPYING", "sample.py"]),
    ([tool('packages = [{ include = "one", from = "src" }, { include = "two", to = "x" }]')], ["src/one/__init__.py", "two/a.py"], ["src", "two"]),
    ([tool('include = [{ path = "data/*.csv", format = ["wheel"] }, { path = "CHANGES", format = "sdist" }]')], ["data/a.csv", "CHANGES"], ["data", "sample.py"]),
    ([FILE], ["bin/x"], ["bin/x", "sample.py"]),
    # The README of an application that is not installed can be missing.
    ([NO_COMMAND, ("version", 'readme = "README.md"\nversion')], ["Procfile"], ["Procfile", "sample.py"]),
    ([MODE], ["Procfile", "app.py", "pages/a", "tests/a.py", ".env"], ["Procfile", "app.py", "pages", "sample.py"]),
])  # fmt: skip
def test_the_build_reads_the_sources_only(
    sample: Sample,
    monkeypatch: pytest.MonkeyPatch,
    changes: Changes,
    files: Words,
    expected: Words,
) -> None:
    """The list of files for the build has the package's or the application's own.

    The folder is a relative path, as in the README.
    """
    folder = sample(*changes, **dict.fromkeys(files, "web: python -m sample"))
    (folder.parent / "clone").mkdir()
    monkeypatch.chdir(folder.parent / "clone")
    adopt.main([f"../{folder.name}"])
    text, _, _ = (folder / ".dockerignore").read_text("utf-8").partition("# Of Git")
    lines = set(re.findall("(?m)^!(.*)", text))
    assert lines - {*adopt.TOOLS, "pyproject.toml", "poetry.lock"} == set(expected)


@pytest.mark.parametrize(("copy", "copied", "left_out"), [
    ("ENV D=/srv\nCOPY app.py start.sh ./\nRUN chmod +x ${D}/start.sh $D/app.py", "app.py start.sh /layer/srv/ && chmod +x /layer/srv/start.sh /layer/srv/app.py", ""),
    ("COPY --chmod=755 app.py ./start.sh /usr/bin/a web", "app.py start.sh /layer/srv/web/ && chmod +x /layer/srv/web/app.py /layer/srv/web/start.sh", "/usr/bin/a to /srv/web"),
    ("COPY app.py ./\nCOPY config ./", "app.py /layer/srv/ && cp -R config/. /layer/srv/", ""),
    ("COPY config docker/sub ./\nCOPY app.py ./", "config/. /layer/srv/ && cp -R docker/sub/. /layer/srv/ && cp -R app.py /layer/srv/", ""),
    # GNU's cp refuses to replace what the same command has copied.
    ("COPY . .\nCOPY app.py .\nCOPY docker/app.py .", "app.py config pyproject.toml sample.py start.sh /layer/srv/ && cp -R docker/app.py /layer/srv/", ""),
    ("COPY app.py .\nCOPY config/a.toml config/", "app.py /layer/srv/ && cp -R config/a.toml /layer/srv/config/", ""),
    ("COPY *.py /srv/\nCOPY config etc/app", "app.py sample.py /layer/srv/ && cp -R config/. /layer/srv/etc/app/", ""),
    ("COPY app.py /usr/local/bin\nCOPY app.py /opt\nCOPY start.sh /bin/a\nCOPY config /var/run/", "app.py /layer/usr/local/bin/ && cp -R app.py /layer/opt/ && cp -R start.sh /layer/usr/bin/a && cp -R config/. /layer/run/", ""),
    ("COPY . web", "app.py config pyproject.toml sample.py start.sh /layer/srv/web/", ""),
    ("COPY . /\nCOPY app.py b.py", "app.py config pyproject.toml sample.py start.sh /layer/ && cp -R app.py /layer/srv/b.py", ""),
    ('COPY --chown=1:1 ["app.py", "../start.sh", "/a b/"]', "app.py start.sh /layer/a\\ b/", ""),
    ("COPY app.py missing <<EOF ./\nCOPY x y\nEOF\nCOPY <<A <<B /x\nA\nCMD a\nB\nADD https://example.com/a /b", "app.py /layer/srv/", "missing to /srv, here-document to /x, https://example.com/a to /b"),
    # What other stages have copied.
    ("COPY --from=build /srv /srv\nCOPY start.sh /start.sh", "app.py config pyproject.toml sample.py start.sh /layer/srv/ && cp -R start.sh /layer/", ""),
    ("COPY --from=build / /", "app.py config pyproject.toml sample.py start.sh /layer/srv/ && cp -R config/. /layer/etc/a/b/", ""),
    ("COPY --from=build /srv/.venv /srv/.venv\nCOPY app.py .", "app.py /layer/srv/", ""),
    ("COPY --from=0 /srv/docs docs\nCOPY --from=build /srv/a*.py /etc/a x/\nCOPY --from=build /usr/local/bin /opt/poetry /\nCOPY --from=build /dist static\nCOPY --from=ffmpeg /ffmpeg /usr/local/bin/\nCOPY start.sh /tmp/", "docs /layer/srv/ && cp -R app.py /layer/srv/x/ && cp -R config/. /layer/srv/x/b/", "/dist to /srv/static, /ffmpeg to /usr/local/bin, start.sh to /tmp"),
    # The Dockerfile is that of a folder above.
    ("COPY backend/pyproject.toml .\nCOPY backend .", "app.py config pyproject.toml sample.py start.sh /layer/srv/", "backend/pyproject.toml to /srv, backend to /srv"),
    # What is named is copied, except for passwords and environments.
    ("COPY .streamlit .streamlit\nCOPY docs docs\nCOPY README.md pyproject.toml poetry.lock* ./\nCOPY .env.prod .env\nCOPY .env* .git ./\nCOPY .venv* venv /v/", ".streamlit docs README.md pyproject.toml poetry.lock /layer/srv/ && cp -R .env.prod /layer/srv/.env && cp -R .env.prod /layer/srv/", ".env to /srv, .git to /srv, .venv to /v, venv to /v"),
    ("WORKDIR app\nCOPY . .\nWORKDIR ..", "app.py config pyproject.toml sample.py start.sh /layer/srv/app/", ""),
])  # fmt: skip
def test_sources_are_copied_as_the_dockerfile_does(
    sample: Sample, adopted: Adopt, copy: str, copied: str, left_out: str
) -> None:
    """Each path has the place that the application expects, or is in the report."""
    build = "FROM python AS build\nWORKDIR /srv\nCOPY . .\nCOPY config /etc/a/b\n"
    text = f"{build}FROM python\nWORKDIR /srv\n{copy}\nCMD python -m app"
    files = [
        *("app.py", "config/a.toml", "start.sh", "docker/app.py", "docker/sub/a"),
        *(".streamlit/a", ".env", ".env.prod", ".venv/a", "docs/a", "README.md"),
    ]
    folder = sample(MODE, Dockerfile=text, **dict.fromkeys(files, ""))
    report = " ".join(adopted(folder).split())
    dockerfile = (folder / "container.Dockerfile").read_text("utf-8")
    assert f" /layer/venv && cp -R {copied} \\\n" in dockerfile
    assert "WORKDIR /srv\n" in dockerfile
    printed = re.findall("- files left out: (.*?) (?:-|Next:)", report)
    assert printed == ([left_out] if left_out else [])


FROM_A = "FROM a\nCOPY . .\nRUN poetry install --only main"
RUN_MODULE = "\nCMD python -m sample"


@pytest.mark.parametrize(("changes", "files", "options", "has"), [
    ([], {}, ["--entry-point=python -m sample"], "package"),
    ([], {}, ["--entry-point=python sample.py"], "package, sources"),
    ([], {}, ["--entry-point=serve --all"], "package"),
    ([], {}, ["--application"], "package, sources"),
    ([], {"Dockerfile": f"{FROM_A}\nCMD python sample.py"}, [], "package, sources"),
    ([NATIVE], {"Dockerfile": f"{FROM_A}\nCMD python native_app.py", "native_app.py": "", "package": locked(".tar.gz")}, [], "package, sources"),
    ([], {"Dockerfile": f"{FROM_A} --no-root"}, [], "package"),
    ([], {"Dockerfile": f"{FROM_A} --no-root\nCMD sample"}, [], "package"),
    # Without a command of its own, a package can read files of the folder that it runs in.
    ([NO_COMMAND], {}, ["--entry-point=python -m sample"], "package"),
    ([NO_COMMAND], {"a.csv": ""}, ["--entry-point=python -m sample"], "package, sources"),
    ([NO_COMMAND, tool('include = [{ path = "a.csv", format = "wheel" }]')], {"a.csv": ""}, ["--entry-point=python -m sample"], "package, sources"),
    ([NO_COMMAND], {"Procfile": "web: python -m sample"}, [], "package, sources"),
    ([NO_COMMAND], {"Dockerfile": f"{FROM_A}{RUN_MODULE}"}, [], "package"),
    ([NO_COMMAND], {"Dockerfile": f"{FROM_A} --no-root{RUN_MODULE}"}, [], "sources"),
    ([NO_COMMAND], {"Dockerfile": f"{FROM_A} --no-root\nRUN poetry install{RUN_MODULE}"}, [], "package"),
    ([NO_COMMAND], {"Dockerfile": f"FROM a\nCOPY . .\nRUN poetry export >a && pip install -r a{RUN_MODULE}"}, [], "sources"),
    ([NO_COMMAND], {"Dockerfile": f"{FROM_A} --no-root && poetry build{RUN_MODULE}"}, [], "package"),
    ([NO_COMMAND], {"Dockerfile": f"{FROM_A} --no-root && pip install --no-deps .{RUN_MODULE}"}, [], "package"),
    ([NO_COMMAND, FILE], {"bin/x": ""}, [], "package"),
    ([NO_COMMAND, NATIVE], {"Dockerfile": "FROM a\nCOPY sample.py .\nCMD native run", "package": locked(".tar.gz")}, [], "package"),
    # What Poetry cannot build is not installed.
    ([('"sample"\nversion', '"other"\nversion')], {"Procfile": "web: python -m sample"}, [], "sources"),
    ([NO_COMMAND, ("poetry.core.masonry.api", "hatchling.build")], {"Procfile": "web: python -m sample"}, [], "sources"),
    ([tool('packages = [{ include = "other" }]')], {"Procfile": "web: python -m sample"}, ["--application"], "sources"),
    ([MODE], {"Procfile": "web: python -m sample"}, [], "sources"),
])  # fmt: skip
def test_the_image_has_the_package_and_the_sources_that_run(
    sample: Sample, changes: Changes, files: Files, options: Words, has: str
) -> None:
    """Sources are copied for a program that can need the folder that it runs in."""
    folder = sample(*changes, **files)
    adopt.main([str(folder), *options])
    dockerfile = "container.Dockerfile" if "Dockerfile" in files else "Dockerfile"
    lines = (folder / dockerfile).read_text("utf-8")
    assert ("-m installer" in lines) == ("package" in has)
    copied = re.search(r" && cp -R (\S+ )*sample\.py /layer/app/ \\\n", lines)
    assert bool(copied) == ("sources" in has)
    assert f"\nWORKDIR {'/app' if 'sources' in has else '/data'}\n" in lines


# Dependencies from a Git repository and from a folder.
GIT = {"type": "git", "url": "https://example.com/a.git", "reference": "1", "resolved_reference": "1"}  # fmt: skip
FOLDER = {"type": "directory", "url": "native"}
LOCAL = {"native/pyproject.toml": PYPROJECT.replace("sample", "native")}
NO_HASH = " ; python_version >= \"3.11\"' is not from a package index. Use a release, or follow the recipe 'Depend on a Git repository or a folder'"


@pytest.mark.parametrize(("changes", "files", "options", "message"), [
    ([], {"pyproject.toml": None}, [], "pyproject.toml does not exist. Name the folder"),
    ([], {"poetry.lock": None}, [], "poetry.lock does not exist. Run `poetry lock`"),
    ([], {"poetry.lock": None, "uv.lock": ""}, [], "poetry.lock does not exist. Use Poetry instead of uv"),
    ([], {"pyproject.toml": PYPROJECT.replace("dependencies = []", 'dependencies = ["click"]')}, [], "poetry.lock is out of date. Run `poetry lock`"),
    ([], {"pyproject.toml": "[project"}, [], "Poetry cannot read pyproject.toml"),
    ([('version = "1.0"', 'dynamic = ["version"]')], {}, [], "[tool.poetry.version] is required in package mode. Run `poetry check`"),
    ([(">=3.11", ">=3.8,<3.11")], {}, [], "allows none of 3.15"),
    ([("poetry.core.masonry.api", "hatchling.build")], {}, [], "'hatchling.build' is not Poetry's"),
    ([tool('packages = [{ include = "other" }]')], {}, [], "cannot build the package"),
    ([NO_COMMAND, tool('packages = [{ include = "other", from = ".." }]')], {"../other/a.py": ""}, [], "cannot build the package"),
    ([("version", 'readme = "README.md"\nversion')], {}, [], "README.md` does not exist. Fix this, or"),
    ([NO_COMMAND, FILE, ("version", 'readme = "README.md"\nversion')], {"bin/x": ""}, [], "README.md` does not exist. Fix this, or"),
    ([("version", 'readme = "../README.md"\nversion')], {"../README.md": ""}, [], "cannot build the package: '"),
    ([("[build", "[tool.poetry-dynamic-versioning]\nenable = true\n[build")], {}, [], "the recipe 'Take the version from Git tags'"),
    ([(NATIVE[0], 'dependencies = ["native (<=1.0)", "native (==2.0)"]')], {"package": f"{FIRST}\n{SECOND}", "version": "2.0"}, [], "poetry.lock cannot be exported: The"),
    ([NO_COMMAND], {}, [], "Name one with --dockerfile, or the command itself"),
    ([NO_COMMAND], {"Dockerfile": "FROM a", "docker/api.Dockerfile": "", "Dockerfile.dockerignore": ""}, [], "Name one with --dockerfile, such as docker/api.Dockerfile, or"),
    ([NO_COMMAND], {"Dockerfile": 'FROM x\nRUN apk add a java\nCMD ["java", "-jar"]'}, [], "Dockerfile: the new image has no 'java' for the command java -jar. Use --entry-point with this command, and follow the recipe 'Compile"),
    ([NO_COMMAND], {"Dockerfile": "FROM x\nCOPY . .\nCMD ./a.sh", "a.sh": ""}, [], "has no './a.sh' for the command ./a.sh. Make its file executable with `chmod +x a.sh`, or"),
    ([NO_COMMAND], {"Dockerfile": "FROM x\nCMD python -m sample && gunicorn x"}, [], "has no 'gunicorn' for the command sh -c 'python -m sample && exec gunicorn x'. Add"),
    ([NO_COMMAND, GROUP], {"Dockerfile": "FROM x\nCMD native"}, [], "no 'native' for the command native. Use --with prod, or"),
    ([NO_COMMAND], {"Dockerfile": "FROM x\nCOPY . .\nCMD ./folder", "folder/a": ""}, [], "has no './folder' for the command ./folder. Add this file to the project, or"),
    ([MODE, NO_COMMAND], {"Dockerfile": 'FROM a\nCOPY . .\nCMD ["./docker/start.sh"]', "docker/start.sh": ""}, [], "--entry-point="),
    ([], {}, ["--extras", "fast"], "'fast' is not in pyproject.toml. Leave this option out"),
    ([], {}, ["--with", "prod"], "'prod' is not in pyproject.toml. Leave this option out"),
    ([], {}, ["--target=b"], "--target: 'b' is not in a Dockerfile. Leave this option out"),
    ([], {"Dockerfile": "FROM a AS c\nFROM b"}, ["--target=b"], "--target: 'b' is not in Dockerfile. Use one of: c"),
    ([], {}, ["--include", "data"], "--include: 'data' does not exist"),
    ([], {"Containerfile": "RUN true"}, ["--dockerfile", "Containerfile"], "no line FROM. Name another"),
    ([], {}, ["--dockerfile", "/no such/file"], "/no such/file cannot be read: No such file or directory. Name another"),
    ([], {"Dockerfile/a": ""}, [], "Is a directory"),
    ([], {"Dockerfile": "FROM a\nENV A=${B%1}"}, [], "'ENV A=${B%1}': it has a variable in another form than ${NAME}"),
    ([], {"Dockerfile": 'FROM a\nLABEL b="c'}, [], "'LABEL b=\"c': No closing quotation. Name another"),
    ([], {"Dockerfile": "# syntax=docker/dockerfile:1\n# escape=`\nFROM a"}, [], "escape character"),
    ([], {"Procfile": "web: \udce9"}, [], "Procfile cannot be read: 'utf-8' codec"),
    ([], {}, ["--entry-point=sample 'a"], "--entry-point: \"sample 'a\": No closing quotation. Write it as in a shell"),
    ([], {"Dockerfile": "COPY docker/_sigterm.py ./"}, [], "Dockerfile is from this template, so the project needs no other one. To adopt it again, delete Dockerfile, .dockerignore, docker/_sigterm.py, docker/poetry.in"),
    ([], {}, ["--python=foo"], "'foo' is not a supported Python. Use 3.11 or newer"),
    ([], {}, ["--python=3.10"], "'3.10' is not a supported Python. Use 3.11 or newer"),
    ([], {"docker/poetry.in": ""}, [], "sample already contains docker/poetry.in. Delete or rename these files"),
    ([], {"Dockerfile": "FROM a", "container.Dockerfile": "", ".dockerignore": "", "docker/wheel.py": ""}, [], "sample already contains container.Dockerfile and docker/wheel.py. Delete"),
    ([tool('dependencies.native = { git = "https://example.com/a.git", rev = "1" }')], {"package": locked(source=GIT)}, [], NO_HASH),
    ([tool('dependencies.native = { path = "native" }')], {"package": locked(source=FOLDER), **LOCAL}, [], f"native{NO_HASH}"),
    ([tool('dependencies.native = { path = "native", develop = true }')], {"package": locked(source=FOLDER, develop=True), **LOCAL}, [], f"native{NO_HASH}"),
    ([(NATIVE[0], f'dependencies = ["native @ {URL}"]')], {"package": locked(source={"type": "url", "url": URL})}, [], f"native @ {URL}{NO_HASH}"),
    ([], {"docker": ""}, [], "_sigterm.py: Not a directory. Move away"),
    ([], {".github": ""}, ["--publish"], "release.yml: Not a directory. Move away"),
])  # fmt: skip
def test_a_project_that_cannot_be_adopted_stays_unchanged(
    sample: Sample, changes: Changes, files: Files, options: Words, message: str
) -> None:
    """One message says what is wrong and what to do, and nothing is written."""
    folder = sample(*changes, **files)
    before = contents(folder), sorted(folder.rglob("*"))
    with pytest.raises(SystemExit, match=re.escape(message)) as error:
        adopt.main([str(folder), *options])
    assert (contents(folder), sorted(folder.rglob("*"))) == before
    assert "\n" not in str(error.value)


def test_an_interrupted_run_leaves_nothing(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C removes the files that were written before."""
    folder = sample()
    before = sorted(folder.rglob("*"))

    def interrupt(_: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "mkdir", interrupt)
    with pytest.raises(KeyboardInterrupt):
        adopt.main([str(folder)])
    assert sorted(folder.rglob("*")) == before


DOCKERFILE = """\
\ufeffARG VERSION=3.12
# Docker skips the mark at the start.
FROM --platform=$BUILDPLATFORM python:${VERSION}-slim AS Common
ENV HOME=/home/ignored PIP_INDEX_URL=ignored \\
    # The text has quotes.

    GREETING="Hello \\"you\\"" \\
    FOLDER=/var/lib/${VERSION}$MISSING/${MISSING:-a}${MISSING:+b}
ENV DATABASE_URL postgres://h/db?ssl=1
ENV OPTS -a -b
ENV SINGLE='$HOME "' DOUBLE="it's $VERSION, it's" ESCAPED=it\\'s$VERSION
ENV PATH=/srv/tools:/srv/.venv/bin:/root/.local/bin:$PATH
ENV\tPRICE="costs \\$5"
RUN <<EOF
from a import b
ENV c=${d%e}
EOF
RUN apt-get update && apt-get install --yes --no-install-recommends curl tini \\
    libpq5 && rm -rf /var/lib/apt
RUN poetry install --without dev \\
    --with prod -E "a b" && poetry install --with prod
FROM common AS unused
EXPOSE 1
from COMMON
ONBUILD CMD ["other"]
ARG COMMIT BRANCH=main
LABEL maintainer="Jane Doe" version=1
LABEL version=2
WORKDIR /srv
VOLUME ["/var/lib/sample"]
EXPOSE 8000 8000$version 9000-9001/udp
USER jane
{last}"""


@pytest.mark.parametrize(("last", "expected", "report"), [
    ("ENTRYPOINT /srv/.venv/bin/sample --all", ['ENTRYPOINT ["sample", "--all"]'], ""),
    ('ENTRYPOINT exec sample --all\nCMD ["ignored"]', ['ENTRYPOINT ["sample", "--all"]'], ""),
    ('ENTRYPOINT sample $0 "$@"\nCMD ["-a", "b"]', ['ENTRYPOINT ["sh", "-c", "exec sample $0 \\"$@\\""]', 'CMD ["-a", "b"]'], ""),
    ("WORKDIR /var/lib/sample\nCMD sample --all", ['CMD ["sample", "--all"]', "WORKDIR /var/lib/sample"], ""),
    ('ENTRYPOINT ["poetry"]\nCMD ["run", "sample"]', ['CMD ["sample"]'], ""),
    ('CMD ["poetry", "run", "--", "sample"]', ['CMD ["sample"]'], ""),
    ("CMD python -m sample\nSTOPSIGNAL SIGQUIT", ['CMD ["python", "-m", "sample"]', "STOPSIGNAL SIGQUIT"], ""),
    ("CMD poetry run sample --port $PORT", ['CMD ["sh", "-c", "exec sample --port $PORT"]'], ""),
    ("CMD exec .venv/bin/sample $HOME $GREETING", ['CMD ["sh", "-c", "exec sample $HOME $GREETING"]'], ""),
    ('CMD ["sh", "-c", "/srv/.venv/bin/sample --all"]', ['CMD ["sh", "-c", "exec sample --all"]'], ""),
    ('CMD sh -c "cd / && A=1 sample; sample"', ['CMD ["sh", "-c", "cd / && A=1 sample; exec sample"]'], ""),
    ('CMD ["env", "A=1", "timeout", "-k", "5", "60s", "sample"]', ['CMD ["env", "A=1", "timeout", "-k", "5", "60s", "sample"]'], ""),
    ("CMD [ -d /a ] && mkdir -p /tmp/a; if true; then nice -n 5 sample & wait; fi", ['CMD ["sh", "-c", "[ -d /a ] && mkdir -p /tmp/a; if true; then nice -n 5 sample & wait; fi"]'], ""),
    ("CMD A='b c' env B=\"d e\" nice -n 5 sample; python -W 'a b' -m sample", ['CMD ["sh", "-c", "A=\'b c\' env B=\\"d e\\" nice -n 5 sample; exec python -W \'a b\' -m sample"]'], ""),
    ("CMD umask 027; (sample 2>&1) | tee /tmp/log", ['CMD ["sh", "-c", "umask 027; (sample 2>&1) | tee /tmp/log"]'], ""),
    ('CMD ["bash", "-euo", "pipefail", "-c", "sample"]', ['CMD ["bash", "-euo", "pipefail", "-c", "sample"]'], ""),
    ('CMD ["sh", "-ec", "cd / && missing"]', ['ENTRYPOINT ["sample"]'], "command: sample instead of sh -ec"),
    ("CMD cp a /tmp/b && python /tmp/b", ['CMD ["sh", "-c", "cp a /tmp/b && exec python /tmp/b"]'], ""),
    ('ENTRYPOINT ["/usr/bin/tini", "-g", "--", "gosu", "app"]\nCMD ["poetry", "--quiet", "run", "sample"]', ['CMD ["sample"]'], ""),
    ('ENTRYPOINT ["dumb-init", "env/bin/sample"]', ['ENTRYPOINT ["sample"]'], ""),
    ("CMD . /app/.venv/bin/activate && exec sample", ['CMD ["sh", "-c", "exec sample"]'], ""),
    ('CMD ["bash", "-c", "source venv/bin/activate; sample"]', ['CMD ["bash", "-c", "exec sample"]'], ""),
    ('CMD "sample"', ['CMD ["sample"]'], ""),
    # A file of the sources needs them.
    ("COPY . .\nCMD python -u sample.py", ['CMD ["python", "-u", "sample.py"]', "WORKDIR /srv"], "new files at the top of the project: add their names to container.Dockerfile and container.Dockerfile.dockerignore"),
    ("COPY . .\nCMD python3.12 -X dev -W ignore sample.py", ['CMD ["python3", "-X", "dev", "-W", "ignore", "sample.py"]', "WORKDIR /srv"], ""),
    ('COPY run.sh /usr/local/bin\nCMD ["run.sh"]', ['CMD ["run.sh"]', "WORKDIR /srv"], ""),
    ("COPY run.sh /bin/a.sh\nCMD /bin/a.sh", ['CMD ["/bin/a.sh"]', "WORKDIR /srv"], ""),
    ("COPY . .\nCMD sh sample.py sample", ['CMD ["sh", "sample.py", "sample"]', "WORKDIR /srv"], ""),
    ("CMD it's", ['ENTRYPOINT ["sample"]'], "command: sample instead of sh -c"),
    ("CMD 5", ['ENTRYPOINT ["sample"]'], "command: sample instead of 5"),
    ("CMD\nENTRYPOINT", ['ENTRYPOINT ["sample"]'], "command: sample instead of none"),
    ("CMD ./start.sh", ['ENTRYPOINT ["sample"]'], "Dockerfile starts ./start.sh, which is neither a dependency nor a program of the image. Add it, or keep `sample`"),
    ("HEALTHCHECK CMD python -m check", ["HEALTHCHECK CMD python -m check"], ""),
    ("HEALTHCHECK CMD curl localhost", [], "HEALTHCHECK: left out"),
    ("HEALTHCHECK NONE", [], ""),
    ('HEALTHCHECK --interval=1s CMD ["pg_isready"]', [], "HEALTHCHECK: left out"),
    # A package without sources has no script for it.
    ("COPY . .\nHEALTHCHECK CMD python sample.py", [], "HEALTHCHECK: left out"),
])  # fmt: skip
@pytest.mark.parametrize(("newline", "url"), [
    ("\n", 'Homepage = "https://example.com"\nSource'),
    ("\r\n", "Homepage"),
])  # fmt: skip
def test_the_contract_of_the_dockerfile_is_kept_or_reported(
    sample: Sample,
    adopted: Adopt,
    last: str,
    expected: Words,
    report: str,
    newline: str,
    url: str,
) -> None:
    """What its last stage sets is in the new Dockerfile, or in the report."""
    dockerfile = DOCKERFILE.replace("{last}", last).replace("\n", newline)
    urls = f'[project.urls]\n{url} = "https://example.com/$a"\n[build'
    files = {"Dockerfile": dockerfile, ".dockerignore": "a", "run.sh": "#!/bin/sh"}
    folder = sample(("[build", urls), **files)
    before = contents(folder)
    printed = " ".join(adopted(folder).split())
    after = contents(folder)
    assert before.items() <= after.items()
    lines = after["container.Dockerfile"].decode().splitlines()
    kept = [
        '      org.opencontainers.image.source="https://example.com/\\$a"',
        "EXPOSE 8000 9000-9001/udp",
        'VOLUME ["/var/lib/sample"]',
        '    GREETING="Hello \\"you\\"" \\',
        '    FOLDER="/var/lib/3.12/a" \\',
        '    DATABASE_URL="postgres://h/db?ssl=1" \\',
        '    OPTS="-a -b" \\',
        '    SINGLE="\\$HOME \\"" \\',
        "    DOUBLE=\"it's 3.12, it's\" \\",
        '    ESCAPED="it\'s3.12" \\',
        '    PRICE="costs \\$5"',
    ]
    assert set(lines) >= {*kept, *expected}
    assert any("HEALTHCHECK" in line for line in lines) == ("python -m check" in last)
    assert '-g 65532 /layer/data "/layer/var/lib/sample" ' in "\n".join(lines)
    assert "ignored" not in "\n".join(lines)
    for line in (
        "base image: python:3.15-slim instead of python:3.12-slim (use --python 3.12 to keep that version) -",
        "user: 65532:65532 instead of jane",
        "writable folders: /data (with --read-only, mount a volume there), /var/lib/sample",
        "system packages left out: curl, libpq5.",
        'options of `poetry install` left out: --with prod, -E "a b". Use',
        "The stage is the last one. To read another one, use --target: Common, unused. The image",
        "folders of PATH left out: /srv/tools. Add them to PATH in container.Dockerfile -",
        "build arguments left out: COMMIT, BRANCH -",
        "labels left out: maintainer, version Next:",
        "docker build --file container.Dockerfile --tag sample .",
        "--publish 8000:8000 --publish 9000-9001:9000-9001/udp sample",
        report,
    ):
        assert line in printed
    assert ("HEALTHCHECK" in printed) == report.startswith("HEALTHCHECK")
    assert "Check that the image has" not in printed


@pytest.mark.parametrize("script", ["(a)", "A=$(b c) d", "a || :", "a &> b", "a; cd b", "function a { b; }; a", "a <<B\nB", "trap a TERM; b"])  # fmt: skip
def test_a_script_that_exec_would_break_is_unchanged(script: str) -> None:
    """Its last command is not the program, or not one that can replace the shell."""
    assert exec_last(script) == script


@pytest.mark.parametrize(("changes", "files", "options", "reported"), [
    ([NATIVE], {}, [], "Install a compiler for native: the recipe 'Compile a dependency, and add a system library' in templates/recipes/dependencies.md of the template"),
    ([], {"Procfile": "release: true\nweb: poetry run python -m sample $PORT\nworker: other"}, [], "Read pyproject.toml, poetry.lock and Procfile. The image runs sh -c 'exec python -m sample $PORT'"),
    # `git add` leaves these out without a message, and the build removes them.
    ([MODE], {".gitignore": "*.txt\n", "Dockerfile": "FROM a\nCOPY . .\nCOPY ä.txt ./\nCMD python -m a", "a.txt": "", "ä.txt": ""}, [], "git add --force docker/poetry.txt 'ä.txt' docker build"),
    ([], {"Dockerfile": "FROM a"}, ["--publish"], "Wrote container.Dockerfile, container.Dockerfile.dockerignore, docker/_sigterm.py, docker/poetry.in, docker/poetry.txt, docker/wheel.py, docker-bake.hcl and .github/workflows/release.yml. What"),
    ([], {"Dockerfile": "FROM python:3.13-alpine"}, [], "base image: python:3.11-alpine instead of python:3.13-alpine (use --python 3.13 to"),
    ([], {"Dockerfile": "FROM python:3.9"}, [], "base image: python:3.11-slim instead of python:3.9 - user"),
    ([], {"Dockerfile": "FROM a\nRUN poetry install --with main"}, ["--with=main"], "mount a volume there) Next:"),
    ([NATIVE], {"package": locked(*BOTH)}, [], "on Python 3.14. Python 3.15: no wheels of native. Wrote"),
    ([NATIVE], {"Dockerfile": "FROM a\nCMD native_run sample"}, [], "The image runs native_run sample on"),
    ([NATIVE], {"package": locked(".tar.gz")}, [], "If pip cannot build native from source: the recipe"),
    ([], {"version": "2.0"}, [], "- The lock file has an old format. If all who use it have Poetry 2, run `poetry lock`"),
    ([], {".dockerignore": ""}, [], "Wrote Dockerfile, Dockerfile.dockerignore, docker"),
    ([EXTRA], {"package": locked(*BOTH, optional=True, markers='extra == "fast"'), "Procfile": "web: native"}, [], "Procfile starts native, which is neither a dependency nor a program of the image. Adopt the project again with --extras fast, or keep"),
    ([], {"Dockerfile.web": ""}, [], "- To read another Dockerfile, such as Dockerfile.web, delete the files listed after 'Wrote', and"),
    ([], {}, ["--entry-point=serve --all"], "Check that the image has serve: no dependency has this name -"),
    ([], {"Dockerfile": "FROM a\nCOPY . .", "data/a.csv": "", "a.toml": "", "tests/a": ""}, ["--include=data"], "files left out: a.toml, data. Use --application, which copies them and keeps the working directory Next"),
    ([MODE], {"Dockerfile": "FROM a\nCOPY . .\nRUN chmod +x a && chmod 755 ./a b.sh\nCMD ./a", "a": ""}, [], "commands of RUN left out: `chmod 755 ./a b.sh`. To"),
    ([], {"Dockerfile": "FROM a\nRUN pip install -U pip 'poetry==2' && poetry install\nRUN [\"pip\", \"install\", \"--no-cache-dir\", \"idna\"]\nRUN A=$(a b; c d) D=`e f` (g; h) && $B/bin/pip install poetry && . a/activate"}, [], "commands of RUN left out: `pip install idna`, `g`, `h`. To replace them, see 'Replace commands of RUN' in docs/adopting.md of the template Next"),
    ([], {"Dockerfile": "FROM a AS b\nRUN npm ci && ls\nFROM c\nCOPY --from=b /a /b\nRUN if true; then A=1 poetry run python -c 'a; b' \\\n && sed -i s/a/b/ x & fi\nRUN mkdir /x | rm x 2>&1"}, [], "RUN left out: `npm ci`, `python -c 'a; b'`, `sed -i s/a/b/ x`, `mkdir /x`."),
    ([], {"Dockerfile": "FROM a AS Base\nFROM base AS prod\nCMD sample --one\nFROM base AS dev\nRUN poetry install --with dev\nCMD sample --two"}, ["--target=Prod"], "The stage is prod. To read another one, use --target: Base, dev. The image runs sample --one on"),
    ([], {"Dockerfile": "FROM a AS b\nRUN poetry install --with dev\nFROM a"}, [], "mount a volume there) Next:"),
    ([], {"Dockerfile": "FROM a AS b\nRUN for a in b; do A=$(ls x) npm ci; done\nFROM a AS c\nCOPY --from=b /a /a\nFROM d\nCOPY --chown=a --from=C /a /a\nCOPY --from=uv /uv /bin/\nRUN python --version"}, [], "files left out: /a to /a - commands of RUN left out: `npm ci`. To"),
    ([], {"Dockerfile": "FROM a AS unused\nRUN npm ci\nFROM a AS b\nRUN <<EOF\nset -e\nif x; then\nnpm \\\n y\nfi\npoetry install --with dev --only main,x; poetry export --only=main\nEOF\nFROM b\nRUN --mount=a echo a >b; curl https://install.python-poetry.org | python3 -\nRUN uv pip install https://example.com/very-long-name/b.whl a-b"}, [], "options of `poetry install` left out: --with dev, --only main,x. Use --extras and --with - commands of RUN left out: `x`, `npm y`, `echo a >b`, `uv pip install ...`."),
    ([MODE], {"Dockerfile": "FROM a\nENV S=run\nCOPY . .\nCMD sh $S && sh a.sh", "run": "#!/usr/bin/env bash\n# poetry run a\npoetry run a\nexec uv run b\npoetry run c", "a.sh": ". venv/bin/activate && a; /bin/ls"}, [], "- Remove `poetry run` and `uv run` from run: the image finds its programs without it - Remove `. venv/bin/activate &&` from a.sh: the image finds its programs without it - Write `exec` before the last command of a.sh,"),
    ([], {"Dockerfile": "FROM a\nCOPY pyproject.toml sample.py ./\nCOPY a b\nCOPY docs docs", "docs/a": ""}, [], "files left out: docs. Use --application, which copies them and keeps the working directory - files left out: a to /app/b Next"),
    ([tool('package-mode = false\ninclude = [{ path = "a/b/*", format = "wheel" }]')], {"Dockerfile": "FROM a\nCOPY . .\nCMD python sample.py", ".gitignore": "b/\n*.txt\n__pycache__\n.env", "a/f/b/c.js": "", "a/__pycache__/d": "", "a/g/__pycache__/d": "", "a/b/x": "", "a/.env": "", "a/d.txt": "", "a/e": "", "e.txt": ""}, [], "files that Git ignores left out: a/d.txt, a/f/b/. To keep them, add `include = [{ path = \"FILE\", format = \"wheel\" }]` to [tool.poetry] in pyproject.toml Next: - Install a"),
    ([tool('packages = [{ include = "a", from = "src" }]')], {"Dockerfile": "FROM a\nCOPY . .", "src/a/b.py": "", "src/a.md": "", "src/c.csv": ""}, [], "files left out: sample.py, src/c.csv."),
    ([("[build", '[[tool.poetry.source]]\nname = "own"\nurl = "https://example.com/"\n[build')], {}, [], "the recipe 'Use a private package index'"),
])  # fmt: skip
def test_the_report_names_what_is_left_to_do(
    sample: Sample,
    adopted: Adopt,
    changes: Changes,
    files: Files,
    options: Words,
    reported: str,
) -> None:
    """Each line has a remedy, which the template's pages describe."""
    windows = {"package": locked("-cp314-cp314-win_amd64.whl")}
    folder = sample(*changes, **{**windows, **files})
    commit(folder)
    report = adopted(folder, *options)
    assert reported in " ".join(report.split())
    assert all(len(line) <= 80 or line[:2] == "  " for line in report.split("\n"))
    if "--publish" in options:
        bake = (folder / "docker-bake.hcl").read_text("utf-8")
        assert 'dockerfile = "container.Dockerfile"' in bake


def test_each_recipe_that_a_message_names_exists() -> None:
    """The page that a message names has it."""
    named = re.findall(r"RECIPE\.format\(\s*['\"](.*?)['\"],\s*['\"](.*?)['\"]", SOURCE)
    assert len(named) == 4
    for name, page in named:
        text = (ROOT / "templates" / "recipes" / f"{page}.md").read_text("utf-8")
        assert f"\n## {name}\n" in text
    for name in re.findall(r'PAGE\.format\("(.*?)"\)', SOURCE):
        assert f"\n## {name}\n" in PAGE.read_text("utf-8")


def test_a_generated_project_gets_its_dockerfile_back(
    project: Path, copy: Callable[[Path], Path]
) -> None:
    """The template has one Dockerfile for new projects and for others."""
    folder = copy(project)
    for name in IMAGE_FILES:
        (folder / name).unlink()
    adopt.main([str(folder), "--python=3.14"])
    assert contents(folder).keys() == contents(project).keys()
    for name in IMAGE_FILES - {".dockerignore"}:
        assert (folder / name).read_bytes() == (project / name).read_bytes()


def test_cookiecutter_alone_accepts_the_variables(home: Path, tmp_path: Path) -> None:
    """They are in its configuration, and the others keep their defaults."""
    settings = {"default_context": {"_image": {"entry_point": ["serve", "--all"]}}}
    config = tmp_path / "config.yaml"
    config.write_text(json.dumps(settings))
    options = ("--no-input", f"--config-file={config}", f"--output-dir={home}")
    run(sys.executable, "-m", "cookiecutter", ROOT, *options)
    dockerfile = (home / "hypermodern-python" / "Dockerfile").read_text("utf-8")
    assert dockerfile.endswith('WORKDIR /data\nENTRYPOINT ["serve", "--all"]\n')


@pytest.mark.parametrize("program", ["pipx", "uv"])
def test_the_commands_of_the_page_install_what_the_program_needs(
    sample: Sample, program: str
) -> None:
    """They need no package of the tests' environment."""
    (block,) = (block.code for block in blocks(PAGE) if block.language == "sh")
    (command,) = re.findall(f"(?m)^{program} .*", block)
    folder = sample()
    run(*shlex.split(command.replace("../my-project", str(folder))), cwd=ROOT)
    assert (folder / "Dockerfile").exists()


@pytest.mark.parametrize(("cwd", "name", "cd"), [("..", "sample", "  cd sample\n"), (".", ".", "")])  # fmt: skip
def test_a_folder_of_a_repository_needs_its_own_gitignore(
    sample: Sample,
    adopted: Adopt,
    monkeypatch: pytest.MonkeyPatch,
    cwd: str,
    name: str,
    cd: str,
) -> None:
    """The build reads only the project's folder, where the report's commands run."""
    nameless = (PYPROJECT, "[tool.poetry]\npackage-mode = false")
    folder = sample(nameless, Procfile="web: python -m sample")
    commit(folder.parent)
    monkeypatch.chdir(folder / cwd)
    report = adopted(Path(name))
    assert "does not see the .gitignore of a folder above" in report
    assert f"that Git ignores\n\n{cd}  docker build --tag sample ." in report


@pytest.fixture(scope="session")
def environment(shared: Path) -> dict[str, str]:
    """Return variables for Poetry, with a cache for all tests."""
    return MIRROR | os.environ | {"POETRY_CACHE_DIR": str(shared / "poetry-cache")}


@pytest.fixture
def image(adopted: Adopt, tag: str) -> Adopt:
    """Return a function that adopts a project, and builds its image as the report says.

    The image gets another tag. The function returns the report.
    """

    def image(folder: Path, *options: str) -> str:
        report = adopted(folder, *options)
        (command,) = re.findall("(?m)^  (docker build .*)", report)
        result = run(*shlex.split(re.sub("(?<=--tag )[^ ]+", tag, command)), cwd=folder)
        assert "is not in the image" not in result.stderr
        return report

    return image


@pytest.fixture
def existing(project: Project, person: Path, environment: dict[str, str]) -> Path:
    """Return the folder of the project, with one commit."""
    run(
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary=:all:"),
        *("--no-build-isolation", f"--dest={person}"),
        f"{project.name}=={project.version}",
    )
    (archive,) = person.glob("*.tar.gz")
    folder = person / project.name
    folder.mkdir()
    # The module tarfile has no filters before Python 3.11.4.
    run(
        *("tar", "--extract", "--strip-components=1", "--no-same-owner"),
        *(f"--file={archive}", f"--directory={folder}"),
    )
    (folder / "PKG-INFO").unlink()
    path = folder / "pyproject.toml"
    settings = tomlkit.parse(path.read_text("utf-8"))
    # The image has no development dependencies, which take Poetry long to resolve.
    settings.pop("dependency-groups", None)
    for key in ("group", "dev-dependencies"):
        settings.get("tool", {}).get("poetry", {}).pop(key, None)
    path.write_text(tomlkit.dumps(settings), "utf-8")
    run("poetry", "lock", cwd=folder, env=environment)
    commit(folder)
    return folder


@pytest.fixture
def serve(tag: str) -> Iterator[Callable[..., str]]:
    """Return a function that starts an image, and returns a service's first answer."""

    def serve(port: int, path: str, *arguments: str) -> str:
        options = ("--detach", f"--name={tag}", f"--volume={tag}:/data", *HARDENED[1:])
        run("docker", "run", *options, tag, *arguments)
        url = f"http://127.0.0.1:{port}{path}"
        code = f"from urllib.request import urlopen; print(urlopen({url!r}).read().decode())"
        for _ in range(600):
            result = run(
                *("docker", "exec", "--workdir=/", tag, "python", "-c", code),
                check=False,
            )
            if "Connection refused" not in result.stderr:
                assert not result.returncode, run("docker", "logs", tag).stderr
                return result.stdout.strip()
            time.sleep(0.1)
        raise AssertionError(f"{url} refuses connections for a minute")

    yield serve
    run("docker", "rm", "--force", "--volumes", tag, check=False)
    run("docker", "volume", "rm", "--force", tag, check=False)


@pytest.mark.engine
@pytest.mark.parametrize("project", PROJECTS, ids=lambda project: project.name)
def test_an_existing_project_gets_an_image(
    existing: Path, project: Project, tag: str, image: Adopt
) -> None:
    """One command leaves the project's files alone, and the image needs no privileges."""
    before = contents(existing)
    image(existing, *project.options)
    after = contents(existing)
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == IMAGE_FILES
    _, *arguments = project.command.split()
    assert project.output in run("docker", "run", *HARDENED, tag, *arguments).stdout
    if project.also:
        other, *options = project.also.split()
        run("docker", "run", *HARDENED, f"--entrypoint={other}", tag, *options)


@pytest.mark.engine
@pytest.mark.parametrize("project", [SERVICE], ids=["connexion"])
def test_a_service_gets_an_image(
    existing: Path, project: Project, tag: str, image: Adopt, serve: Callable[..., str]
) -> None:
    """It reads its description from a volume, which a container has filled."""
    image(existing, *project.options)
    example = {"description": "", "content": {"application/json": {"example": "Hello"}}}
    path = {"get": {"operationId": "hello", "responses": {"200": example}}}
    api = {"openapi": "3.0.0", "info": {"title": "", "version": "1"}}
    api["paths"] = {"/": path}
    fill = ("--interactive", f"--volume={tag}:/data", "--entrypoint=tee")
    run("docker", "run", *HARDENED, *fill, tag, "api.json", stdin=json.dumps(api))
    _, *arguments = project.command.split()
    assert serve(5000, "/", *arguments, "--mock=all") == project.output
    assert stop(tag) == "0"


def stop(container: str) -> str:
    """Stop a container, and return its exit status."""
    run("docker", "stop", "--timeout=30", container)
    status = ("docker", "inspect", "--format={{.State.ExitCode}}", container)
    return run(*status).stdout.strip()


LEDGER = {
    "src/ledger/__init__.py": """\
import importlib.metadata, pathlib
TEXT = pathlib.Path(__file__).parents[2] / "examples" / "a.txt"
def main(): print(importlib.metadata.version("sample"), TEXT.read_text())
""",
    "src/ledger/__main__.py": "import ledger; ledger.main()",
    "scripts/serve.py": "import ledger; ledger.main()",
    "examples/a.txt": "Hello",
}


@pytest.mark.engine
@pytest.mark.parametrize(
    ("scripts", "command", "options"),
    [
        (NO_COMMAND, '["poetry", "run", "python", "-m", "ledger"]', []),
        (("sample:main", "ledger:main"), "python scripts/serve.py", []),
        (("sample:main", "ledger:main"), "sample", ["--application"]),
    ],
)
def test_a_package_that_reads_files_of_its_folder_gets_an_image(
    sample: Sample,
    tag: str,
    image: Adopt,
    scripts: tuple[str, str],
    command: str,
    options: Words,
) -> None:
    """It is installed, and its sources are in the working directory."""
    text = f"FROM a\nWORKDIR /srv\nCOPY . .\nRUN poetry install\nCMD {command}"
    src = tool('packages = [{ include = "ledger", from = "src" }]')
    folder = sample(scripts, src, Dockerfile=text, **LEDGER)
    image(folder, *options)
    assert run("docker", "run", *HARDENED, tag).stdout == "1.0 Hello\n"


APPLICATION = {
    "pyproject.toml": """\
[tool.poetry]
package-mode = false

[tool.poetry.dependencies]
python = ">=3.11,<3.15"
gunicorn = "^23"
""",
    "Dockerfile": """\
FROM python:3.13
ENV GREETING="Hello" PIP_NO_CACHE_DIR=1
WORKDIR /srv
RUN pip install poetry
COPY . .
COPY pages/index.txt /texts/home.txt
COPY pages/index.txt /var/lib/visits/log
RUN poetry install --only main
VOLUME /var/lib/visits
EXPOSE 8000
HEALTHCHECK --interval=1s CMD ["python", "-c", "import web"]
CMD ["poetry", "run", "gunicorn", "--bind=0.0.0.0:8000", "web:app"]
""",
    "web.py": """\
import os
from pathlib import Path


def app(environ, start_response):
    with open("/var/lib/visits/log", "a") as log:
        log.write("visit\\n")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [os.environ["GREETING"].encode(), Path("/texts/home.txt").read_bytes()]
""",
    "pages/index.txt": ", world",
    # Modules that the build uses have these names, too.
    "email/__init__.py": "",
    "wheel/__init__.py": "",
}


@pytest.mark.engine
def test_an_application_that_is_no_package_gets_an_image(
    person: Path,
    environment: dict[str, str],
    tag: str,
    image: Adopt,
    serve: Callable[..., str],
) -> None:
    """It runs as the project's Dockerfile runs it, and the page shows the report."""
    folder = person / "visits"
    write(folder, APPLICATION)
    run("poetry", "lock", cwd=folder, env=environment)
    commit(folder)
    report = image(folder)
    assert serve(8000, "/") == "Hello, world"
    python = ("docker", "exec", tag, "python", "-c")
    cached = "import os, web; print(os.path.exists(web.__cached__))"
    assert run(*python, cached).stdout == "True\n"
    health = ("docker", "inspect", "--format={{.State.Health.Status}}", tag)
    for _ in range(300):
        if (status := run(*health).stdout.strip()) != "starting":
            break
        time.sleep(0.1)
    assert status == "healthy"
    assert stop(tag) == "0"
    assert report.replace(str(folder), "../my-project") in PAGE.read_text("utf-8")


def test_the_page_lists_the_tested_projects() -> None:
    """The page's table has the projects of the test above."""
    rows = (
        f"| {project.name} {project.version} | `{project.command}` | {project.has} |\n"
        for project in [*PROJECTS, SERVICE]
    )
    assert f"\n|---|---|---|\n{''.join(rows)}\n## " in PAGE.read_text("utf-8")
