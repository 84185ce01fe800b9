"""However people come to a project, they come to the same one."""

import json
import re
import shlex
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import ROOT, commit, contents, run

Same = Callable[..., None]

ADDRESS = "https://github.com/OWNER/REPOSITORY"

pytestmark = pytest.mark.usefixtures("person")


@pytest.fixture
def same(output: Path, project: Path) -> Same:
    """Return a function that runs a command, which must generate the default project."""

    def same(*command: str, besides: tuple[str, ...] = ()) -> None:
        run(*command, cwd=output)
        generated = contents(output / project.name)
        for name in besides:
            assert generated.pop(name)
        assert generated == contents(project)

    return same


@pytest.fixture
def released(repository: Path, person: Path) -> None:
    """Have a repository at GitHub with a release, and an unfinished thing after it."""
    run("git", "tag", "2026.1.1", cwd=repository)
    (repository / "cookiecutter.json").write_text("unfinished")
    run("git", "commit", "--all", "--message=Begin something", cwd=repository)
    for address in (ADDRESS, f"{ADDRESS}.git"):
        name = f"url.{repository.as_uri()}.insteadOf"
        run("git", "config", "--global", "--add", name, address, cwd=person)


@pytest.fixture
def archive(repository: Path, person: Path) -> Path:
    """Return an archive such as GitHub makes of a repository."""
    path = person / "REPOSITORY-2026.1.1.zip"
    command = ("git", "archive", f"--prefix={path.stem}/", f"--output={path}", "HEAD")
    run(*command, cwd=repository)
    return path


@pytest.fixture
def site(person: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the address of a web site that offers the files in the home directory."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    handler = partial(SimpleHTTPRequestHandler, directory=str(person))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.usefixtures("released")
@pytest.mark.parametrize("template", ["gh:OWNER/REPOSITORY", ADDRESS, f"{ADDRESS}.git"])
def test_the_template_is_taken_by_git(template: str, same: Same) -> None:
    """At a release, whatever happened since."""
    same("cookiecutter", template, "--checkout=2026.1.1", "--no-input")


def test_the_template_is_a_folder_with_spaces_in_its_name(
    repository: Path, same: Same
) -> None:
    """A checkout may lie anywhere."""
    assert " " in str(repository)
    same("cookiecutter", str(repository), "--no-input")


def test_the_template_is_an_archive(archive: Path, same: Same) -> None:
    """It was downloaded before."""
    same("cookiecutter", str(archive), "--no-input")


def test_the_template_is_an_archive_on_the_web(
    archive: Path, site: str, same: Same
) -> None:
    """Cookiecutter downloads it."""
    same("cookiecutter", f"{site}/{archive.name}", "--no-input")


@pytest.mark.parametrize("runner", [("pipx", "run"), ("uvx",)], ids=" ".join)
def test_cookiecutter_is_not_installed(runner: tuple[str, ...], same: Same) -> None:
    """It is brought for this one run."""
    same(*runner, "cookiecutter", str(ROOT), "--no-input")


def test_the_answers_are_replayed(same: Same, output: Path, project: Path) -> None:
    """Cookiecutter has kept the last ones."""
    same("cookiecutter", str(ROOT), "--no-input")
    shutil.rmtree(output / project.name)
    same("cookiecutter", str(ROOT), "--replay")


def test_a_configuration_has_answers_of_its_own(person: Path, output: Path) -> None:
    """The questions take their defaults from it."""
    config = person / "team.yaml"
    config.write_text(
        "default_context:\n"
        '  author: "Mary-Jane O\'Neil"\n'
        "  github_user: Splines-Inc\n"
        "  license: Apache-2.0\n"
    )
    options = (f"--config-file={config}", "--no-input")
    run("cookiecutter", str(ROOT), *options, cwd=output)
    generated = output / "hypermodern-python"
    answers = json.loads((generated / ".cookiecutter.json").read_text("utf-8"))
    assert answers["author"] == "Mary-Jane O'Neil"
    assert answers["license"] == "Apache-2.0"
    # What follows from an answer follows from this one, too.
    assert answers["dockerhub_user"] == "splinesinc"


def test_cruft_creates_it(repository: Path, same: Same) -> None:
    """It adds a file of its own."""
    same("cruft", "create", str(repository), "--no-input", besides=(".cruft.json",))


def test_cruft_is_told_what_is_refused(repository: Path, output: Path) -> None:
    """It has no answers to replay, so none are mentioned."""
    answers = json.dumps({"package_name": "class"})
    result = run(
        *("cruft", "create", str(repository), "--no-input"),
        f"--extra-context={answers}",
        check=False,
        cwd=output,
    )
    assert result.returncode == 1
    first, last, *_ = result.stderr.splitlines()
    assert first.startswith("package_name: 'class' is refused: ")
    assert last == "Nothing was written; answer cruft otherwise."
    assert not list(output.iterdir())


def test_git_on_windows_changes_no_file_of_it(
    repository: Path, person: Path, same: Same
) -> None:
    """It is told there to end lines otherwise."""
    clone = person / "clone"
    command = ("git", "-c", "core.autocrlf=true", "clone")
    run(*command, str(repository), str(clone))
    same("cookiecutter", str(clone), "--no-input")


def test_git_on_windows_changes_no_file_of_the_project(
    project: Path, person: Path
) -> None:
    """Nor does a checkout of the new project: its image would be another."""
    folder = shutil.copytree(project, person / "project")
    commit(folder)
    clone = person / "clone"
    run("git", "-c", "core.autocrlf=true", "clone", str(folder), str(clone))
    shutil.rmtree(clone / ".git")
    assert contents(clone) == contents(project)


def test_windows_takes_every_name_of_the_template(repository: Path) -> None:
    """Some characters are refused there, some names, long paths, and links."""
    listed = run("git", "ls-files", "-z", "--stage", cwd=repository).stdout
    paths = set()
    for entry in listed.rstrip("\0").split("\0"):
        mode, _, _, path = re.split("[ \t]", entry, maxsplit=3)
        assert mode in {"100644", "100755"}, path
        paths.add(path.lower())
        assert len(path) < 150, path
        for name in path.split("/"):
            assert not re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', name), path
            stem = name.split(".", maxsplit=1)[0].lower()
            assert not re.fullmatch(r"aux|con|nul|prn|(com|lpt)\d", stem), path
    assert len(paths) == len(listed.rstrip("\0").split("\0"))


@pytest.mark.usefixtures("released")
def test_the_command_after_a_refusal_goes_from_and_to_the_same_places(
    output: Path, person: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is run as it is printed, once the answer is mended."""
    monkeypatch.setenv("PWD", str(output))
    options = ("--checkout=2026.1.1", "--output-dir=else where", "--no-input")
    result = run(
        *("cookiecutter", "gh:OWNER/REPOSITORY", *options, "package_name=class"),
        check=False,
        cwd=output,
    )
    *_, last = filter(
        lambda line: line.startswith("Nothing was written."), result.stderr.splitlines()
    )
    elsewhere = output / "else where"
    command = last.partition(", then run: ")[2]
    assert shlex.split(command) == [
        *("cookiecutter", "gh:OWNER/REPOSITORY", "--replay"),
        *("--checkout", "2026.1.1", "--output-dir", str(elsewhere.resolve())),
    ]
    (replay,) = (person / ".cookiecutter_replay").glob("*.json")
    replay.write_text(replay.read_text("utf-8").replace('"class"', '"classes"'))
    # Cookiecutter asks whether to download it again.
    run(*shlex.split(command), cwd=output, stdin="y\n")
    assert (elsewhere / "hypermodern-python" / "src" / "classes").exists()
