"""An answer that cannot work is refused in one line, and nothing is left behind."""

import ast
import json
import os
import sys
import tomllib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from cookiecutter.exceptions import FailedHookException
from cookiecutter.main import cookiecutter

from tests import ROOT, run
from tests.cases import CASES, TAKEN, Case
from tests.conftest import Generate
from tests.questions import ANSWERS, QUESTIONS
from tests.survival import assert_answers_survive, context, load_hook, render

TEMPLATE = ROOT / "{{cookiecutter.project_slug}}"


def ids(cases: list[Case]) -> list[str]:
    """Return what pytest calls the tests with these cases."""
    return [f"{number} {ascii(case.answers)[:50]}" for number, case in enumerate(cases)]


# Cookiecutter makes text of what is none; only a replay file can hold that.
SLUGS = [
    case
    for case in CASES
    if case.refused == ["project_slug"]
    and isinstance(case.answers["project_slug"], str)
]


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """Return the module that Cookiecutter runs before it generates a project."""
    return load_hook("pre_gen_project")


def lines_of_hook(errors: str) -> list[str]:
    """Return the lines that our hook wrote, before Cookiecutter's own."""
    lines = errors.splitlines()
    end = next(
        number for number, line in enumerate(lines) if line.startswith("Nothing was")
    )
    return lines[: end + 1]


def test_there_are_more_cases_than_the_66_that_were_tried_on_peers() -> None:
    """Each is refused or taken, for a reason."""
    assert len(CASES) > 66
    assert TAKEN
    assert SLUGS


@pytest.mark.parametrize("case", CASES, ids=ids(CASES))
def test_exactly_the_answers_that_cannot_work_are_refused(
    hook: ModuleType, case: Case
) -> None:
    """One line each names the question, the answer, what is allowed and a remedy."""
    answers, refused, says = case
    lines = list(hook.refusals(ANSWERS | answers))
    assert [line.partition(": ")[0] for line in lines] == refused
    for question, line in zip(refused, lines, strict=True):
        assert line.startswith(f"{question}: {ascii(answers[question])[:60]}")
        assert " is refused: " in line
        assert line.isprintable()
        assert len(line) < 400
        remedy = line.partition(" is refused: ")[2]
        assert any(
            word in remedy for word in ("such as", "use ", "put it", "begin and")
        )
    assert not lines or any(says in line for line in lines)


@pytest.mark.parametrize(
    ("refused", "beside"),
    [
        ("\u202a\u202e\u2066\u2069", "\u202f\u2065\u206a"),
        ("\ufdd0\ufdef", "\ufdcf\ufdf0"),
        ("\ufeff", "\ufefe\uff00"),
        ("\ufffe\uffff\U0001fffe\U0010ffff", "\ufffd\U00010000\U0001fffd"),
    ],
    ids=ascii,
)
def test_a_character_is_refused_and_not_those_beside_it(
    hook: ModuleType, refused: str, beside: str
) -> None:
    """At both ends of each range."""
    assert not [character for character in refused if hook.is_text(character)]
    assert all(map(hook.is_text, beside))


def test_of_a_long_answer_the_beginning_is_quoted(hook: ModuleType) -> None:
    """With its quotes, sixty characters are quoted whole."""
    assert hook.quoted("x") == "'x'"
    assert hook.quoted("x" * 58) == f"'{'x' * 58}'"
    assert hook.quoted("x" * 59) == f"'{'x' * 59}...' (59 characters)"


def test_names_are_compared_in_their_normal_form(hook: ModuleType) -> None:
    """A run of separators is one hyphen."""
    assert hook.normalized("Sphinx-_.Click") == "sphinx-click"


@pytest.mark.parametrize("question", ANSWERS)
def test_only_a_slug_has_a_stand_in(hook: ModuleType, question: str) -> None:
    """Whatever else begins like one is an answer."""
    typed = "(refused slug by hand)"
    answers = {question: typed, "__refused_slug": "../evil"}
    expected = "../evil" if question == "project_slug" else typed
    assert hook.answered(answers, question) == expected


def test_other_files_in_the_replay_folder_are_no_hindrance(
    hook: ModuleType, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken ones, and those of other templates."""
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    folder = home / ".cookiecutter_replay"
    (folder / "folder.json").mkdir(parents=True)
    for number, text in enumerate(["{", "{}", "[]", '{"cookiecutter": {}}']):
        (folder / f"{number}.json").write_text(text)
    assert hook.replay_file(ANSWERS) == "the template's file in your replay folder"
    (folder / "ours.json").write_text(json.dumps({"cookiecutter": ANSWERS}))
    assert hook.replay_file(ANSWERS) == str(folder / "ours.json")


def test_a_megabyte_must_be_free(
    hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a byte less."""
    for free in (999_999, 0):
        usage = SimpleNamespace(free=free)
        monkeypatch.setattr(hook.shutil, "disk_usage", lambda _, usage=usage: usage)
        with pytest.raises(OSError, match="less than a megabyte"):
            hook.begin(tmp_path)
    assert not list(tmp_path.iterdir())
    for free in (1_000_000, 1_000_001):
        usage = SimpleNamespace(free=free)
        monkeypatch.setattr(hook.shutil, "disk_usage", lambda _, usage=usage: usage)
        hook.begin(tmp_path)
        (tmp_path / hook.MARKER).unlink()


@pytest.mark.parametrize("case", TAKEN, ids=ids(TAKEN))
def test_an_answer_that_is_taken_survives(case: Case, tmp_path: Path) -> None:
    """Every file parses, and the answer reads back as it was given."""
    answers = ANSWERS | case.answers
    assert_answers_survive(render(answers, tmp_path), answers)


@pytest.mark.parametrize("case", SLUGS, ids=ids(SLUGS))
def test_a_refused_slug_leaves_no_folder_anywhere(
    case: Case, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither within the folder to generate into, nor beside it; no name is too odd."""
    slug = case.answers["project_slug"]
    output = tmp_path / "a" / "b" / "c"
    output.mkdir(parents=True)
    config = tmp_path / "config.yaml"
    config.write_text(f"replay_dir: {tmp_path}\ncookiecutters_dir: {tmp_path}\n")
    before = set(tmp_path.rglob("*"))
    with pytest.raises(FailedHookException):
        cookiecutter(
            str(ROOT),
            no_input=True,
            extra_context={"project_slug": slug, "package_name": "splines"},
            output_dir=str(output),
            config_file=str(config),
        )
    (line, _) = lines_of_hook(capfd.readouterr().err)
    assert line.startswith(f"project_slug: {ascii(slug)[:60]}")
    assert case.says in line
    assert set(tmp_path.rglob("*")) - before == {tmp_path / f"{ROOT.name}.json"}
    assert not Path("/tmp/evil").exists()  # noqa: S108 (a case names it)


def test_all_bad_answers_are_refused_at_once_and_nothing_is_left(
    generate: Generate, output: Path, home: Path
) -> None:
    """The last line says how to keep the other answers."""
    result = generate(project_slug="Con", package_name="class", email="me")
    assert result.returncode == 1
    *lines, last = lines_of_hook(result.stderr)
    assert [line.partition(":")[0] for line in lines] == [
        *("project_slug", "package_name", "email")
    ]
    replay = home / ".cookiecutter_replay" / f"{ROOT.name}.json"
    assert str(replay) in last
    assert last.endswith(f"cookiecutter {ROOT} --replay")
    assert not list(output.iterdir())


def test_the_oldest_cookiecutter_refuses_without_a_traceback(
    old_cookiecutter: Path, output: Path, home: Path
) -> None:
    """The newest logs one of its own, which no hook can prevent."""
    result = run(
        *(str(old_cookiecutter), "-m", "cookiecutter", str(ROOT), "--no-input"),
        *("project_slug=../a/b", "package_name=class"),
        check=False,
        cwd=output,
        env=os.environ | {"HOME": str(home)},
    )
    assert result.returncode == 1
    assert len(lines_of_hook(result.stderr)) == 3
    assert "Traceback" not in result.stdout + result.stderr
    assert not list(output.iterdir())
    assert not (output.parent / "a").exists()


def test_the_way_to_keep_the_other_answers_works(
    generate: Generate, output: Path, home: Path
) -> None:
    """The bad answer is mended in the replay file; the good ones are still there."""
    assert generate(author="Jane Doe", email="jane").returncode == 1
    replay = home / ".cookiecutter_replay" / f"{ROOT.name}.json"
    replay.write_text(replay.read_text("utf-8").replace('"jane"', '"jane@example.com"'))
    assert generate("--replay").returncode == 0
    pyproject = output / "hypermodern-python" / "pyproject.toml"
    authors = tomllib.loads(pyproject.read_text("utf-8"))["project"]["authors"]
    assert authors == [{"name": "Jane Doe", "email": "jane@example.com"}]


def test_a_slug_is_mended_in_the_replay_file_too(
    generate: Generate, output: Path, home: Path
) -> None:
    """The file holds a stand-in for the slug that was refused."""
    assert generate(project_slug="../evil", package_name="evil").returncode == 1
    replay = home / ".cookiecutter_replay" / f"{ROOT.name}.json"
    answers = json.loads(replay.read_text("utf-8"))
    answers["cookiecutter"]["project_slug"] = "good"
    replay.write_text(json.dumps(answers))
    result = generate("--replay")
    assert result.returncode == 0, result.stderr
    assert (output / "good" / "pyproject.toml").exists()


@pytest.mark.parametrize("slug", ["x/y/z", "../a/b"])
def test_a_path_in_a_replay_file_is_refused(
    generate: Generate, output: Path, home: Path, slug: str
) -> None:
    """Cookiecutter makes its folders there before any code of ours runs; a line says so."""
    assert generate().returncode == 0
    replay = home / ".cookiecutter_replay" / f"{ROOT.name}.json"
    answers = json.loads(replay.read_text("utf-8"))
    answers["cookiecutter"]["project_slug"] = slug
    replay.write_text(json.dumps(answers))
    result = generate("--replay")
    assert result.returncode == 1
    project = (output / slug).resolve()
    assert lines_of_hook(result.stderr)[-2] == (
        f"Remove the empty folders on the way to {project}."
    )
    assert not list(project.parent.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("version", ["oldest", "newest"])
@pytest.mark.parametrize(
    ("answers", "refused"),
    [
        (
            {
                "description": "{{ 7 * 7 }} {% raw %} ${{ x }} {# \\ \" ' 🙂",
                "author": "{{ cookiecutter.email }}",
                "project_name": "{% endraw %}",
                "project_slug": "splines",
            },
            [],
        ),
        ({"project_slug": "../evil", "package_name": "evil"}, ["project_slug"]),
        ({"email": "me", "version": "one"}, ["email", "version"]),
    ],
    ids=["braces", "path", "two"],
)
def test_at_the_prompts_of_a_terminal(
    version: str,
    answers: dict[str, str],
    refused: list[str],
    home: Path,
    output: Path,
    request: pytest.FixtureRequest,
) -> None:
    """What is typed is not rendered; what is refused is refused there, too."""
    python = sys.executable
    if version == "oldest":
        python = str(request.getfixturevalue("old_cookiecutter"))
    typed = "".join(
        f"{answers.get(question, '')}\n"
        for question in QUESTIONS
        if not question.startswith("_")
    )
    main, terminal = os.openpty()
    os.write(main, typed.encode())
    result = run(
        *("sh", "-c", 'exec "$@" <"$0"', os.ttyname(terminal)),
        *(python, "-m", "cookiecutter", str(ROOT)),
        check=False,
        cwd=output,
        env=os.environ | {"HOME": str(home), "USERPROFILE": str(home)},
    )
    os.close(main)
    os.close(terminal)
    if refused:
        assert result.returncode == 1
        *lines, last = lines_of_hook(result.stderr)
        assert [line.partition(":")[0] for line in lines] == refused
        assert f"{ROOT.name}.json, then run: cookiecutter {ROOT} --replay" in last
        assert not list(output.iterdir())
    else:
        assert result.returncode == 0, result.stderr
        kept = json.loads(
            (home / ".cookiecutter_replay" / f"{ROOT.name}.json").read_text("utf-8")
        )["cookiecutter"]
        assert kept.items() >= answers.items()
        assert_answers_survive(output / "splines", kept)


def test_all_that_the_project_depends_on_is_taken(hook: ModuleType) -> None:
    """A distribution cannot be installed beside another of its name."""
    lock = tomllib.loads((TEMPLATE / "poetry.lock").read_text("utf-8"))
    names = {hook.normalized(package["name"]) for package in lock["package"]}
    assert set(hook.DEPENDENCIES) == names | {"poetry-core"}, (
        "set DEPENDENCIES in hooks/pre_gen_project.py to: "
        + " ".join(sorted(names | {"poetry-core"}))
    )


def test_all_that_the_tests_import_or_run_is_taken(
    hook: ModuleType, locked_environment: Path
) -> None:
    """Under whatever names the dependencies install modules and commands."""
    for path in locked_environment.iterdir():
        name = path.name.partition(".")[0]
        if name.isidentifier() and (path.is_dir() or path.suffix == ".py"):
            assert hook.check_package(name) or name in {"bin", "__pycache__"}, name
    for path in (locked_environment / "bin").iterdir():
        assert hook.check_slug(path.name), path.name


def test_an_older_python_is_told_so_in_one_line(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The module is one that any Python 3.8 can read."""
    for name in ("pre_gen_project", "post_gen_project"):
        source = (ROOT / "hooks" / f"{name}.py").read_text("utf-8")
        ast.parse(source, feature_version=(3, 8))
    monkeypatch.setattr(sys, "version_info", (3, 9, 18))
    with pytest.raises(SystemExit) as told:
        hook.main()
    assert told.value.code == (
        "error: Cookiecutter runs on Python 3.9; this template needs 3.10."
    )


def test_the_context_of_these_tests_is_cookiecutter_s(
    generate: Generate, home: Path, output: Path
) -> None:
    """The tests that call it as a library hand over what the command would."""
    assert generate().returncode == 0
    replay = home / ".cookiecutter_replay" / f"{ROOT.name}.json"
    kept = json.loads(replay.read_text("utf-8"))["cookiecutter"]
    assert set(context(ANSWERS, output)["cookiecutter"]) == set(kept)
