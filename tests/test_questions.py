"""The questions, and the ways to run Cookiecutter and answer them."""

import json
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cookiecutter
import pytest
from filelock import FileLock

from tests import ROOT, commit, contents, run
from tests.answers import ASKED, CHOICES, QUESTIONS
from tests.conftest import Bake, Generate

ADDRESS = "https://github.com/OWNER/REPOSITORY"
PROMISED = [
    *("project_name", "project_slug", "package_name", "description"),
    *("author", "email", "github_user", "dockerhub_user"),
    *("license", "python_version", "base_image", "docker_build", "git_init"),
]


@pytest.mark.parametrize("question", ASKED)
def test_every_question_has_a_prompt(question: str) -> None:
    """The prompt of a choice also describes each option."""
    prompt = QUESTIONS["__prompts__"].get(question)
    assert prompt, f"cookiecutter.json: add a prompt for {question} to __prompts__"
    if question in CHOICES:
        described = [name for name in prompt if name != "__prompt__"]
        assert described == CHOICES[question], (
            f"cookiecutter.json: describe each option of {question} in __prompts__"
        )
        assert prompt["__prompt__"]
        assert all(prompt[option].startswith(f"{option}: ") for option in described)


def test_questions_keep_their_names_and_order() -> None:
    """Configuration files and scripts depend on both. New questions may be added."""
    assert [question for question in ASKED if question in PROMISED] == PROMISED


@pytest.mark.parametrize(
    ("answers", "slug", "package"),
    [
        ({}, "hypermodern-python", "hypermodern_python"),
        ({"project_name": "Größe & Maß"}, "grosse-mass", "grosse_mass"),
        ({"project_slug": "acme.splines"}, "acme.splines", "acme_splines"),
    ],
)
def test_default_names_follow_from_the_project_name(
    bake: Bake, answers: dict[str, str], slug: str, package: str
) -> None:
    """The default slug follows from the name, and the default package from the slug."""
    project = bake(**answers)
    assert project.name == slug
    assert [path.name for path in (project / "src").iterdir()] == [package]


@pytest.mark.parametrize(
    ("github_user", "dockerhub_user"),
    [
        ("Jane-Doe", "janedoe"),
        ("jane_doe", "janedoe"),
        ("tim", "yourname"),
        ("t" * 31, "yourname"),
    ],
)
def test_the_docker_hub_user_follows_from_the_github_user(
    bake: Bake, github_user: str, dockerhub_user: str
) -> None:
    """The name is in lowercase without separators, if Docker Hub allows its length."""
    readme = (bake(github_user=github_user) / "README.md").read_text("utf-8")
    assert f"github.com/{github_user}/" in readme
    assert f"hub.docker.com/r/{dockerhub_user}/" in readme


@pytest.fixture(scope="session")
def oldest(shared: Path) -> Path:
    """Return a Python with the oldest supported Cookiecutter.

    Its dependencies are those of the Cookiecutter that runs the tests.
    """
    folder = shared / "oldest-cookiecutter"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            run(sys.executable, "-m", "venv", "--without-pip", str(folder))
            run(
                *(sys.executable, "-m", "pip", f"--python={python}", "install"),
                *("--no-deps", "cookiecutter==2.6.0"),
            )
            ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
            site_packages = run(str(python), "-c", ask).stdout.strip()
            newest = str(Path(cookiecutter.__file__).parent.parent)
            Path(site_packages, "newest.pth").write_text(newest)
    return python


@pytest.mark.usefixtures("home")
def test_the_oldest_cookiecutter_generates_the_same_project(
    oldest: Path, project: Path, output: Path
) -> None:
    """Pressing Enter at every prompt generates the default project."""
    command = (oldest, "-m", "cookiecutter", ROOT)
    result = run(*command, stdin="\n" * len(ASKED), cwd=output)
    for prompt in QUESTIONS["__prompts__"].values():
        assert isinstance(prompt, dict) or prompt in result.stdout
    assert contents(output / "hypermodern-python") == contents(project)


@pytest.mark.usefixtures("home")
def test_the_oldest_cookiecutter_refuses_without_a_traceback(
    oldest: Path, output: Path
) -> None:
    """Newer versions print a traceback of their own, which no hook can prevent."""
    command = (oldest, "-m", "cookiecutter", ROOT, "--no-input", "package_name=class")
    result = run(*command, check=False, cwd=output)
    assert result.returncode == 1
    assert result.stderr.startswith("package_name: 'class' is reserved by Python. ")
    assert "Traceback" not in result.stdout + result.stderr
    assert not list(output.iterdir())


Same = Callable[..., None]


@pytest.fixture
def same(output: Path, project: Path, person: Path) -> Same:
    """Return a function that checks that a command generates the default project."""

    def same(*command: str, besides: tuple[str, ...] = ()) -> None:
        run(*command, cwd=output, env=os.environ | {"HOME": str(person)})
        generated = contents(output / project.name)
        for name in besides:
            assert generated.pop(name)
        assert generated == contents(project)

    return same


@pytest.mark.parametrize("template", ["gh:OWNER/REPOSITORY", ADDRESS, f"{ADDRESS}.git"])
def test_the_template_can_be_on_github(
    template: str, repository: Path, person: Path, same: Same
) -> None:
    """A tag gives the files of the tag, even if there are later commits."""
    run("git", "tag", "2026.1.1", cwd=repository)
    (repository / "cookiecutter.json").write_text("unfinished")
    commit(repository)
    for address in (ADDRESS, f"{ADDRESS}.git"):
        name = f"url.{repository.as_uri()}.insteadOf"
        run("git", "config", "--global", "--add", name, address, cwd=person)
    same("cookiecutter", template, "--checkout=2026.1.1", "--no-input")


def test_the_template_can_be_a_folder_with_spaces_in_its_name(
    repository: Path, same: Same
) -> None:
    """A clone may be in any folder."""
    assert " " in str(repository)
    same("cookiecutter", str(repository), "--no-input")


@pytest.fixture
def archive(repository: Path, person: Path) -> Path:
    """Return an archive with the layout of GitHub's archives."""
    path = person / "REPOSITORY-2026.1.1.zip"
    command = ("git", "archive", f"--prefix={path.stem}/", f"--output={path}", "HEAD")
    run(*command, cwd=repository)
    return path


@pytest.fixture
def site(person: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of a website with the files in the home directory."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = partial(SimpleHTTPRequestHandler, directory=str(person))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_the_template_can_be_an_archive(archive: Path, site: str, same: Same) -> None:
    """The archive may be a local file or on the web."""
    same("cookiecutter", str(archive), "--no-input")
    same(
        "cookiecutter", f"{site}/{archive.name}", "--no-input", "--overwrite-if-exists"
    )


@pytest.mark.parametrize("runner", [("pipx", "run"), ("uvx",)], ids=" ".join)
def test_cookiecutter_can_run_without_installation(
    runner: tuple[str, ...], same: Same
) -> None:
    """The runner installs it for one run."""
    same(*runner, "cookiecutter", str(ROOT), "--no-input")


def test_replay_uses_the_same_answers(same: Same, output: Path, project: Path) -> None:
    """Cookiecutter keeps the answers of the last run."""
    same("cookiecutter", str(ROOT), "--no-input")
    shutil.rmtree(output / project.name)
    same("cookiecutter", str(ROOT), "--replay")


def test_cruft_creates_the_same_project(repository: Path, same: Same) -> None:
    """The command only adds a file of its own."""
    same("cruft", "create", str(repository), "--no-input", besides=(".cruft.json",))


def test_git_on_windows_does_not_change_line_endings(
    repository: Path, person: Path, same: Same, project: Path
) -> None:
    """Other line endings in the template or the project would change the image."""
    clone = ("git", "-c", "core.autocrlf=true", "clone")
    run(*clone, str(repository), str(person / "clone"))
    same("cookiecutter", str(person / "clone"), "--no-input")
    folder = shutil.copytree(project, person / "project")
    commit(folder)
    run(*clone, str(folder), str(person / "project clone"))
    assert contents(person / "project clone") == contents(project)


def test_a_configuration_file_sets_defaults(
    generate: Generate, home: Path, output: Path
) -> None:
    """A default that follows from another answer follows from these, too."""
    config = home / "team.yaml"
    config.write_text(
        "default_context:\n"
        '  author: "Mary-Jane O\'Neil"\n'
        "  github_user: Splines-Inc\n"
        "  license: Apache-2.0\n"
    )
    assert generate(f"--config-file={config}").returncode == 0
    text = (output / "hypermodern-python" / ".cookiecutter.json").read_text("utf-8")
    answers = json.loads(text)
    assert answers["author"] == "Mary-Jane O'Neil"
    assert answers["license"] == "Apache-2.0"
    assert answers["dockerhub_user"] == "splinesinc"
