"""Existing projects get an image with one command, adopt.py."""

import json
import os
import re
import shlex
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import tomlkit
from poetry.packages import Locker

import adopt
from tests import MIRROR, ROOT, commit, contents
from tests.pages import blocks
from tools.images import run

PAGE = ROOT / "docs" / "adopting.md"
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
sample = "sample:main"

[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""
Sample = Callable[..., Path]


class Project(NamedTuple):
    """A project from the package index, and how to try its image.

    Attributes:
        name: Its name in the index.
        version: Its version.
        command: A command of the image, with arguments.
        output: A part of what the command prints.
        has: What is special about the project, for the page.
        options: Options of adopt.py.
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


def lock(folder: Path, package: str) -> None:
    """Write a lock file with a package, as Poetry would."""
    data = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    path = folder / "poetry.lock"
    metadata = {
        "lock-version": "2.1",
        "python-versions": ">=3.11",
        "content-hash": Locker(path, data)._content_hash,
    }
    path.write_text(f"{package}\n{tomlkit.dumps({'metadata': metadata})}", "utf-8")


def locked(*wheels: str, markers: str = "") -> str:
    """Return the entry of the dependency `native`, with these files, for a lock file."""
    files = [{"file": f"native-1.0{wheel}", "hash": "sha256:0"} for wheel in wheels]
    package = {"name": "native", "version": "1.0", "optional": False}
    more = {"python-versions": "*", "groups": ["main"], "files": files}
    more |= {"markers": markers} if markers else {}
    return tomlkit.dumps({"package": [package | more]})


@pytest.fixture
def sample(person: Path) -> Sample:
    """Return a function that writes a small project and returns its folder."""

    def sample(
        *changes: tuple[str, str], package: str = "package = []", **files: str
    ) -> Path:
        text = PYPROJECT
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        folder = person / "sample"
        default = {"sample.py": "def main(): print('Hello')\n", "pyproject.toml": text}
        for name, content in (default | files).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, "utf-8")
        lock(folder, package)
        return folder

    return sample


MODE = ("[build", "[tool.poetry]\npackage-mode = false\n[build")
NATIVE = ("dependencies = []", 'dependencies = ["native"]')
BOTH = (
    "-cp314-cp314-manylinux_2_28_x86_64.whl",
    "-cp314-cp314-manylinux_2_28_aarch64.whl",
)


@pytest.mark.parametrize(
    ("change", "wheels", "options", "python"),
    [
        (NATIVE, ["-py3-none-any.whl"], [], "3.15"),
        (NATIVE, [".tar.gz"], [], "3.15"),
        (NATIVE, BOTH, [], "3.14"),
        (NATIVE, BOTH, ["--base=alpine"], "3.15"),
        (NATIVE, BOTH, ["--python=3.13"], "3.13"),
        (NATIVE, ["-cp312-cp312-manylinux2014_x86_64.whl", "-cp312-cp312-manylinux2014_aarch64.whl", *BOTH[:1]], [], "3.12"),
        (NATIVE, ["-cp39-abi3-manylinux_2_28_x86_64.whl", "-cp39-abi3-manylinux_2_28_aarch64.whl"], [], "3.15"),
        (NATIVE, ["-cp314-cp314-musllinux_1_2_x86_64.whl", "-cp314-cp314-musllinux_1_2_aarch64.whl"], ["--base=alpine"], "3.14"),
        ((">=3.11", ">=3.11,<3.14"), [], [], "3.13"),
        ((">=3.11", ">=3.11,<=3.12.9"), [], [], "3.12.9"),
    ],
)  # fmt: skip
def test_the_python_is_the_newest_with_wheels(
    sample: Sample,
    change: tuple[str, str],
    wheels: list[str],
    options: list[str],
    python: str,
) -> None:
    """The project allows it, and it needs no compiler on Intel and ARM, if possible."""
    package = {"package": locked(*wheels)} if wheels else {}
    folder = sample(change, **package)
    adopt.main([str(folder), *options])
    base = "alpine" if "--base=alpine" in options else "slim"
    assert f"FROM python:{python}-{base} AS base" in (folder / "Dockerfile").read_text()


def test_a_dependency_for_other_pythons_is_not_considered(sample: Sample) -> None:
    """Its wheels do not matter if no marker of the lock file needs it."""
    marker = "python_version < '3.13'"
    native = locked(*BOTH, markers=marker)
    folder = sample((NATIVE[0], f'dependencies = ["native; {marker}"]'), package=native)
    adopt.main([str(folder)])
    assert "FROM python:3.15-slim" in (folder / "Dockerfile").read_text("utf-8")


def test_each_locked_version_has_its_own_wheels(sample: Sample) -> None:
    """Markers decide which one the image gets."""
    old, new = (
        locked(*BOTH, markers="python_version < '3.15'"),
        locked("-py3-none-any.whl"),
    )
    new = new.replace("1.0", "2.0")
    new = new.replace("optional", "markers = \"python_version >= '3.15'\"\noptional")
    native = "\"native (==1.0) ; python_version < '3.15'\", \"native (==2.0) ; python_version >= '3.15'\""
    dependencies = (NATIVE[0], f"dependencies = [{native}]")
    for package in (old + new, new + old):
        folder = sample(dependencies, package=package)
        adopt.main([str(folder)])
        dockerfile = folder / "Dockerfile"
        assert "FROM python:3.15-slim" in dockerfile.read_text("utf-8")
        for name in IMAGE_FILES:
            (folder / name).unlink()


def test_a_dependency_without_wheels_is_named(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report says for which dependency a compiler is missing."""
    adopt.main([str(sample(NATIVE, package=locked("-cp314-cp314-win_amd64.whl")))])
    assert "Install a compiler for native" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "files", "expected"),
    [
        ([], {"README.md": "", "LICENSE": "", "tests/test.py": ""}, ["LICENSE", "sample.py"]),
        ([("version", 'readme = "docs/README.md"\nversion')], {"docs/README.md": "", "docs/a.md": ""}, ["docs/README.md", "sample.py"]),
        ([("[build", '[tool.poetry]\npackages = [{ include = "one", from = "src" }, { include = "two" }]\n[build')], {"src/one/__init__.py": "", "two/a.py": ""}, ["src", "two"]),
        ([("[build", '[tool.poetry]\ninclude = [{ path = "data", format = "wheel" }]\n[build')], {"data/a.csv": ""}, ["data", "sample.py"]),
        ([("[build", '[tool.poetry.scripts]\nx = { reference = "bin/x.sh", type = "file" }\n[build')], {"bin/x.sh": ""}, ["bin/x.sh", "sample.py"]),
        ([MODE], {"Dockerfile": 'FROM python\nCOPY app.py pages ./\nCMD ["python", "app.py"]', "app.py": "", "pages/a": ""}, ["app.py", "pages"]),
        ([MODE], {"Dockerfile": 'FROM python\nCOPY . .\nCMD ["python", "app.py"]', "app.py": "", "pages/a": "", "tests/a.py": "", ".env": ""}, ["app.py", "pages", "sample.py"]),
    ],
)  # fmt: skip
def test_the_build_reads_the_sources_only(
    sample: Sample,
    changes: list[tuple[str, str]],
    files: dict[str, str],
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The list of files for the build has the package's or the application's own.

    The folder is a relative path, as in the README.
    """
    folder = sample(*changes, **files)
    (folder.parent / "clone").mkdir()
    monkeypatch.chdir(folder.parent / "clone")
    adopt.main([f"../{folder.name}"])
    ignore = folder / (
        "container.Dockerfile.dockerignore"
        if "Dockerfile" in files
        else ".dockerignore"
    )
    lines = re.findall(
        "(?m)^!(.*)", ignore.read_text("utf-8").partition("# docker/")[0]
    )
    assert set(lines) - {*adopt.TOOLS, "pyproject.toml", "poetry.lock"} == set(expected)


@pytest.mark.parametrize(
    ("dockerfile", "copied"),
    [
        ("COPY app.py start.sh ./", "/layer/app /layer/venv && cp -R app.py start.sh /layer/app"),
        ("COPY app.py ./\nCOPY config ./", "/layer/app /layer/venv && cp -R app.py config/. /layer/app"),
        ("COPY config docker/sub ./", "/layer/app /layer/venv && cp -R config/. docker/sub/. /layer/app"),
        ("COPY app.py .\nCOPY config/a.toml config/", "/layer/app /layer/app/config /layer/venv && cp -R app.py /layer/app && cp -R config/a.toml /layer/app/config"),
        ("COPY *.py /srv/\nCOPY config etc/app", "/layer/app /layer/app/etc/app /layer/venv && cp -R app.py sample.py /layer/app && cp -R config/. /layer/app/etc/app"),
        ("COPY . web", "/layer/app/web /layer/venv && cp -R app.py config sample.py start.sh /layer/app/web"),
        ("COPY --from=build /srv /srv\nCOPY start.sh /start.sh", "/layer/app /layer/venv && cp -R app.py config sample.py start.sh /layer/app"),
        ("COPY --from=build /srv/.venv /srv/.venv\nCOPY app.py .", "/layer/app /layer/venv && cp -R app.py /layer/app"),
    ],
)  # fmt: skip
def test_sources_are_copied_as_the_dockerfile_does(
    sample: Sample, dockerfile: str, copied: str
) -> None:
    """Each path has the place that the application expects."""
    text = f"FROM python AS build\nFROM python\nWORKDIR /srv\n{dockerfile}\nCMD python -m app"
    files = dict.fromkeys(
        ("app.py", "config/a.toml", "start.sh", "docker/sub/a.sh"), ""
    )
    folder = sample(MODE, Dockerfile=text, **files)
    adopt.main([str(folder)])
    lines = (folder / "container.Dockerfile").read_text("utf-8").splitlines()
    assert f" && install -d {copied} \\" in lines


def test_files_at_other_paths_are_reported(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    """The image has only the folder /app."""
    text = "FROM python\nWORKDIR /srv\nCOPY a.py b.py\nCOPY sample.py c /srv/\nCOPY a.py /\nCMD python -m sample"
    adopt.main([str(sample(MODE, Dockerfile=text, **{"a.py": "", "c/d": ""}))])
    assert "other paths left out: a.py to b.py, a.py to /" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "files", "options", "message"),
    [
        ([], {"pyproject.toml": "[project"}, [], "Poetry cannot read pyproject.toml"),
        ([(">=3.11", ">=3.8,<3.11")], {}, [], "allows none of 3.15"),
        ([("poetry.core.masonry.api", "hatchling.build")], {}, [], "'hatchling.build' is not Poetry's"),
        ([("[build", '[tool.poetry]\npackages = [{ include = "other" }]\n[build')], {}, [], "cannot build the package"),
        ([("[build", "[tool.poetry-dynamic-versioning]\nenable = true\n[build")], {}, [], "poetry-dynamic-versioning"),
        ([("[project.scripts]", "[project.entry-points.x]")], {}, [], "--entry-point="),
        ([("[project.scripts]", "[project.entry-points.x]")], {"Dockerfile": 'FROM x\nCMD ["java"]'}, [], "--entry-point="),
        ([], {}, ["--extras", "fast"], "'fast' is not in pyproject.toml. Use one of: none"),
        ([], {}, ["--with", "prod"], "'prod' is not in pyproject.toml. Use one of: main"),
        ([], {"Containerfile": "RUN true"}, ["--dockerfile", "Containerfile"], "no line FROM. Name another"),
        ([], {}, ["--dockerfile", "/no such/file"], "'/no such/file'. Name another"),
        ([], {"Dockerfile": "FROM a\nENV A=${B:+x}"}, [], "'A=${B:+x}' has more than ${NAME}"),
        ([], {"Dockerfile": "FROM a\nENV A=${B%1}"}, [], "'A=${B%1}' has more than ${NAME}"),
        ([MODE, ("[project.scripts]", "[project.entry-points.x]")], {"Dockerfile": 'FROM a\nCOPY . .\nCMD ["./docker/start.sh"]', "docker/start.sh": ""}, [], "--entry-point="),
        ([], {}, ["--python=foo"], "'foo' is not a supported Python. Use 3.11 or newer"),
        ([], {}, ["--python=3.10"], "'3.10' is not a supported Python. Use 3.11 or newer"),
        ([], {"docker/poetry.in": ""}, [], "poetry.in exists"),
        ([], {"docker": ""}, [], "poetry.in: Not a directory. Check"),
        ([], {".github": ""}, ["--publish"], "release.yml: Not a directory. Check"),
    ],
)  # fmt: skip
def test_a_project_that_cannot_be_adopted_stays_unchanged(
    sample: Sample,
    changes: list[tuple[str, str]],
    files: dict[str, str],
    options: list[str],
    message: str,
) -> None:
    """One message says what is wrong and what to do, and nothing is written."""
    folder = sample(*changes)
    for name, text in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    before = contents(folder), sorted(folder.rglob("*"))
    with pytest.raises(SystemExit, match=re.escape(message)):
        adopt.main([str(folder), *options])
    assert (contents(folder), sorted(folder.rglob("*"))) == before


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


@pytest.mark.parametrize(
    ("name", "message"),
    [("pyproject.toml", "Name the folder"), ("poetry.lock", "Run `poetry lock`")],
)
def test_a_missing_file_is_named(sample: Sample, name: str, message: str) -> None:
    """A project needs metadata and a lock file."""
    folder = sample()
    (folder / name).unlink()
    with pytest.raises(SystemExit, match=f"{name} does not exist. {message}"):
        adopt.main([str(folder)])


def test_a_lock_file_that_is_out_of_date_is_refused(sample: Sample) -> None:
    """It was made for other dependencies."""
    folder = sample()
    text = PYPROJECT.replace("dependencies = []", 'dependencies = ["click"]')
    (folder / "pyproject.toml").write_text(text, "utf-8")
    with pytest.raises(SystemExit, match=r"out of date\. Run `poetry lock`"):
        adopt.main([str(folder)])


def test_a_dependency_without_a_hash_is_refused(sample: Sample) -> None:
    """It comes from a Git repository."""
    source = {"type": "git", "url": "https://example.com/a.git", "reference": "1"}
    source |= {"resolved_reference": "1"}
    package = locked() + tomlkit.dumps({"package": {"source": source}})
    native = (NATIVE[0], 'dependencies = ["native @ git+https://example.com/a.git@1"]')
    with pytest.raises(SystemExit, match=r"native @ git.* has no hash"):
        adopt.main([str(sample(native, package=package))])


DOCKERFILE = """\
ARG VERSION=3.12
FROM python:${VERSION}-slim AS common
ENV HOME=/home/me PIP_NO_CACHE_DIR=1 \\
    # The text has quotes.
    GREETING="Hello \\"you\\"" \\
    FOLDER=/var/lib/${VERSION}$MISSING/${MISSING:-a}
ENV DATABASE_URL postgres://h/db?ssl=1
ENV OPTS -a -b
ENV PRICE="costs \\$5"
RUN <<EOF
from a import b
ENV c=${d%e}
EOF
RUN apt-get update && apt-get install --yes --no-install-recommends curl \\
    libpq5 && rm -rf /var/lib/apt
FROM common AS unused
EXPOSE 1
FROM common
ARG COMMIT
LABEL maintainer="Jane Doe" version=1
WORKDIR /srv
VOLUME ["/var/lib/sample"]
EXPOSE 8000
USER jane
{last}
"""


@pytest.mark.parametrize(
    ("last", "expected", "report"),
    [
        ("ENTRYPOINT /srv/.venv/bin/sample --all", ['ENTRYPOINT ["sample", "--all"]'], ""),
        ('ENTRYPOINT ["poetry", "run"]\nCMD ["sample"]', ['CMD ["sample"]'], ""),
        ("CMD exec sample $HOME $GREETING", ['CMD ["sh", "-c", "exec sample $HOME $GREETING"]'], ""),
        ("CMD python -m sample\nSTOPSIGNAL SIGQUIT", ['CMD ["python", "-m", "sample"]', "STOPSIGNAL SIGQUIT"], ""),
        ("CMD echo it's", ['ENTRYPOINT ["sample"]'], "command: sample instead of sh -c"),
        ("CMD ./start.sh", ['ENTRYPOINT ["sample"]'], "command: sample instead of ./start.sh"),
        ("HEALTHCHECK CMD python -m check", ["HEALTHCHECK CMD python -m check"], ""),
        ("HEALTHCHECK CMD curl localhost", [], "HEALTHCHECK: left out"),
        ('HEALTHCHECK --interval=1s CMD ["pg_isready"]', [], "HEALTHCHECK: left out"),
        ("CMD poetry run sample --port $PORT", ['CMD ["sh", "-c", "sample --port $PORT"]'], ""),
        ("CMD exec .venv/bin/sample $PORT", ['CMD ["sh", "-c", "exec sample $PORT"]'], ""),
    ],
)  # fmt: skip
def test_the_contract_of_the_dockerfile_is_kept_or_reported(
    sample: Sample,
    capsys: pytest.CaptureFixture[str],
    last: str,
    expected: list[str],
    report: str,
) -> None:
    """What its last stage sets is in the new Dockerfile, or in the report."""
    dockerfile = DOCKERFILE.replace("{last}", last)
    urls = '[project.urls]\nRepository = "https://example.com/$a"\n[build'
    folder = sample(("[build", urls), Dockerfile=dockerfile, **{".dockerignore": "a"})
    before = contents(folder)
    adopt.main([str(folder)])
    after = contents(folder)
    assert before.items() <= after.items()
    lines = after["container.Dockerfile"].decode().splitlines()
    kept = [
        '      org.opencontainers.image.source="https://example.com/\\$a"',
        "EXPOSE 8000",
        'VOLUME ["/var/lib/sample"]',
        '    GREETING="Hello \\"you\\"" \\',
        '    FOLDER="/var/lib/3.12/a" \\',
        '    DATABASE_URL="postgres://h/db?ssl=1" \\',
        '    OPTS="-a -b" \\',
        '    PRICE="costs \\$5"',
    ]
    assert set(lines) >= {*kept, *expected}
    assert any("HEALTHCHECK" in line for line in lines) == ("python -m check" in last)
    assert "-g 65532 /layer/data /layer/var/lib/sample " in "\n".join(lines)
    printed = capsys.readouterr().out
    for line in (
        "base image: python:3.15-slim instead of python:3.12-slim",
        "user: 65532:65532 instead of jane",
        "working directory: /data instead of /srv",
        "writable folders: only /data, /var/lib/sample",
        "system packages left out: curl, libpq5.",
        "build arguments left out: COMMIT",
        "labels left out: maintainer, version",
        "docker build --file container.Dockerfile --tag sample .",
        report,
    ):
        assert line in printed


def test_a_procfile_has_the_command(sample: Sample) -> None:
    """Heroku starts it in the folder of the sources."""
    folder = sample(Procfile="release: true\nweb: poetry run python -m sample $PORT\n")
    adopt.main([str(folder)])
    command = 'CMD ["sh", "-c", "python -m sample $PORT"]'
    assert command in (folder / "Dockerfile").read_text("utf-8")


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


def test_files_that_git_ignores_are_named(
    sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    """`git add` leaves them out without a message, and the build removes them."""
    files = {
        ".gitignore": "*.txt\n",
        "Dockerfile": "FROM a\nCOPY a.txt ./\nCMD python -m a",
    }
    folder = sample(MODE, **files)
    commit(folder)
    (folder / "a.txt").touch()
    adopt.main([str(folder)])
    assert "git add --force docker/poetry.txt a.txt" in capsys.readouterr().out


def test_a_folder_of_a_repository_needs_its_own_gitignore(
    sample: Sample, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The build reads only the project's folder, where the report's commands run."""
    folder = sample()
    commit(folder.parent)
    monkeypatch.chdir(folder.parent)
    adopt.main(["sample"])
    report = capsys.readouterr().out
    assert "does not see the .gitignore of a folder above" in report
    assert "\n  cd sample\n  docker build" in report


def test_publishing_uses_the_new_dockerfile(sample: Sample) -> None:
    """The build of the workflow is not that of the project's own Dockerfile."""
    folder = sample(Dockerfile="FROM python")
    adopt.main([str(folder), "--publish"])
    assert (
        'dockerfile = "container.Dockerfile"'
        in (folder / "docker-bake.hcl").read_text()
    )
    assert (folder / ".github" / "workflows" / "release.yml").exists()


@pytest.fixture(scope="session")
def environment(shared: Path) -> dict[str, str]:
    """Return variables for Poetry, with a cache for all tests."""
    return MIRROR | os.environ | {"POETRY_CACHE_DIR": str(shared / "poetry-cache")}


def build(report: str, folder: Path, tag: str) -> None:
    """Run the command that a report prints, with another tag for the image."""
    (command,) = re.findall("(?m)^  (docker build .*)", report)
    run(*shlex.split(re.sub("(?<=--tag )[^ ]+", tag, command)), cwd=folder)


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
        volume = f"--volume={tag}:/data"
        options = [option for option in HARDENED if option != "--rm"]
        run(
            "docker",
            "run",
            "--detach",
            f"--name={tag}",
            volume,
            *options,
            tag,
            *arguments,
        )
        url = f"http://127.0.0.1:{port}{path}"
        code = f"from urllib.request import urlopen; print(urlopen({url!r}).read().decode())"
        for _ in range(600):
            result = run("docker", "exec", tag, "python", "-c", code, check=False)
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
    existing: Path, project: Project, tag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One command leaves the project's files alone, and the image needs no privileges."""
    before = contents(existing)
    adopt.main([str(existing), *project.options])
    after = contents(existing)
    assert before.items() <= after.items()
    assert after.keys() - before.keys() == IMAGE_FILES
    build(capsys.readouterr().out, existing, tag)
    _, *arguments = project.command.split()
    assert project.output in run("docker", "run", *HARDENED, tag, *arguments).stdout
    if project.also:
        other, *options = project.also.split()
        run("docker", "run", *HARDENED, f"--entrypoint={other}", tag, *options)


@pytest.mark.engine
@pytest.mark.parametrize("project", [SERVICE], ids=["connexion"])
def test_a_service_gets_an_image(
    existing: Path,
    project: Project,
    tag: str,
    capsys: pytest.CaptureFixture[str],
    serve: Callable[..., str],
) -> None:
    """It reads its description from a volume, which a container has filled."""
    adopt.main([str(existing), *project.options])
    build(capsys.readouterr().out, existing, tag)
    example = {"description": "", "content": {"application/json": {"example": "Hello"}}}
    path = {"get": {"operationId": "hello", "responses": {"200": example}}}
    api = {
        "openapi": "3.0.0",
        "info": {"title": "", "version": "1"},
        "paths": {"/": path},
    }
    fill = ("--interactive", f"--volume={tag}:/data", "--entrypoint=tee")
    run("docker", "run", *HARDENED, *fill, tag, "api.json", stdin=json.dumps(api))
    _, *arguments = project.command.split()
    assert serve(5000, "/", *arguments, "--mock=all") == project.output
    assert stop(tag) == "0"


def stop(container: str) -> str:
    """Stop a container, and return its exit status."""
    run("docker", "stop", "--timeout=30", container)
    return run(
        "docker", "inspect", "--format={{.State.ExitCode}}", container
    ).stdout.strip()


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
WORKDIR /app
RUN pip install poetry
COPY . .
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
    return [os.environ["GREETING"].encode(), Path("pages/index.txt").read_bytes()]
""",
    "pages/index.txt": ", world",
}


@pytest.mark.engine
def test_an_application_that_is_no_package_gets_an_image(
    person: Path,
    environment: dict[str, str],
    tag: str,
    capsys: pytest.CaptureFixture[str],
    serve: Callable[..., str],
) -> None:
    """It runs as the project's Dockerfile runs it, and the page shows the report."""
    folder = person / "visits"
    for name, text in APPLICATION.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    run("poetry", "lock", cwd=folder, env=environment)
    commit(folder)
    adopt.main([str(folder)])
    report = capsys.readouterr().out
    build(report, folder, tag)
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
    table = (
        PAGE.read_text("utf-8").partition("## Tested with\n")[2].partition("\n## ")[0]
    )
    assert [
        row.strip("| ").split(" | ") for row in table.splitlines() if "`" in row
    ] == [
        [f"{project.name} {project.version}", f"`{project.command}`", project.has]
        for project in [*PROJECTS, SERVICE]
    ]
