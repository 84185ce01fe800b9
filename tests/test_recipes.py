"""The recipes in the generated docs/recipes.md work as written."""

import functools
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from benchmarks.images import free_port, inspect
from tests import MIRROR, PROJECT, commit, edit, run
from tests.answers import build_wheel
from tests.conftest import Bake, Nox
from tests.images import TAGS, build
from tests.packages import serving, write_package
from tests.pages import Block, blocks
from tests.test_project import DEFAULT_SESSIONS, JSONSCHEMA

# The slug is also the name of the image, which must differ between the workers.
SLUG = f"{TAGS}-recipes"
TESTS = DEFAULT_SESSIONS[2]
CODE = ("lint", "mypy", TESTS, "coverage")


def recipes(project: Path) -> dict[str, list[Block]]:
    """Return the blocks of code of each recipe by its heading.

    The last one is the diff for a service in CONTRIBUTING.md.
    """
    page = blocks(project / "docs" / "recipes.md")
    services = [
        block
        for block in blocks(project / "CONTRIBUTING.md")
        if (block.heading, block.language) == ("Connect services", "diff")
    ]
    found = itertools.groupby([*page, *services], key=lambda block: block.heading)
    return {heading: list(group) for heading, group in found}


class Recipe:
    """Follows a recipe in a new project.

    Attributes:
        project: The project, a Git repository with one commit.
        env: The environment of the commands.
        outputs: The output of each block of commands.
    """

    def __init__(
        self, heading: str, project: Path, request: pytest.FixtureRequest
    ) -> None:
        """Prepare to follow the recipe under a heading."""
        self.heading, self.project, self.request = heading, project, request
        self.nox: Nox = request.getfixturevalue("nox")
        # Poetry must not leave environments in the user's cache.
        self.env = MIRROR | os.environ | {"POETRY_VIRTUALENVS_IN_PROJECT": "true"}
        # Otherwise, Poetry would use the tests' environment, even with the wrong Python.
        self.env.pop("VIRTUAL_ENV", None)
        self.outputs: list[str] = []
        self.slug = SLUG

    def follow(self, *replacements: tuple[str, str]) -> list[str]:
        """Apply the diffs, run the commands, and return their output.

        Args:
            replacements: Addresses in the page's examples, each with a replacement.
        """
        # A mirror of Debian can have expired indexes.
        apt = "apt-get update", "apt-get -o Acquire::Check-Valid-Until=false update"
        replacements += (apt,)
        for _, language, text, _ in recipes(self.project)[self.heading]:
            for old, new in replacements:
                text = text.replace(old, new)
            if language == "diff":
                run("git", "apply", "-", cwd=self.project, stdin=text)
            elif language == "sh":
                result = run("sh", "-ec", text, cwd=self.project, env=self.env)
                self.outputs.append(result.stdout)
        return self.outputs

    def check(self, *sessions: str) -> None:
        """Run sessions of nox."""
        self.nox.run(self.project, "--session", *sessions)

    def not_run(self, part: str, reason: str) -> None:
        """Report a part of the recipe that cannot run here."""
        with self.request.getfixturevalue("subtests").test(part):
            pytest.skip(reason)

    def docker(self, *options: str) -> str:
        """Run a container of the image and return its output."""
        return run("docker", "run", "--rm", *options).stdout

    def enter_shared_folder(self) -> None:
        """Move the project to a folder that the engine can mount.

        The engine may be on another machine or have its own root folder.
        """
        for parent in (self.project.parent, Path("/dev/shm")):  # noqa: S108
            folder = parent / f"{TAGS}-{os.urandom(4).hex()}"
            shutil.copytree(self.project, folder / self.slug)
            # A container's user may own some files, which only root can remove.
            remove = functools.partial(shutil.rmtree, folder, ignore_errors=True)
            self.request.addfinalizer(remove)
            mounted = f"--volume={folder}:/mounted"
            if self.docker(mounted, "--entrypoint=ls", self.slug, "/mounted"):
                self.project = folder / self.slug
                return
        pytest.skip("the Docker Engine cannot mount folders of this machine")

    def reach_loopback(self) -> None:
        """Give builds access to servers on this machine's loopback interface."""
        docker = shlex.quote(shutil.which("docker") or "docker")
        script = f"""
case "$1 $2" in
"build "*) shift && exec {docker} build --network=host "$@" ;;
"buildx bake") shift 2
    exec {docker} buildx bake --allow=network.host "$@" ;;
*) exec {docker} "$@" ;;
esac"""
        self.request.getfixturevalue("fake")("docker", script)
        target = 'target "default" {\n'
        file = self.project / "docker-bake.hcl"
        edit(file, re.escape(target), f'{target}  network = "host"\n')
        self.env["PATH"] = os.environ["PATH"]


Check = Callable[[Recipe], None]
CHECKS: dict[str, Check] = {}
ENGINE = set[str]()
LONGEST = {
    "Develop in a container",
    "Depend on a Git repository or a folder",
    "Compile a dependency, and add a system library",
    # Without an engine, a single worker gets these, and installs their environments once.
    "Replace the sample",
    "Rename the project",
    "Connect services",
}


def recipe(heading: str, engine: bool = True) -> Callable[[Check], Check]:
    """Return a decorator for a function that follows a recipe and checks the result."""

    def register(check: Check) -> Check:
        CHECKS[heading] = check
        if engine:
            ENGINE.add(heading)
        return check

    return register


def workflows(project: Path) -> list[Path]:
    """Return the workflows of a project."""
    return sorted(project.glob(".github/workflows/*.yml"))


@recipe("Replace the sample", engine=False)
def replace_the_sample(r: Recipe) -> None:
    """All sessions of nox pass."""
    r.follow()
    r.check(*DEFAULT_SESSIONS)


@recipe("Add a second command")
def add_a_second_command(r: Recipe) -> None:
    """The second command is in the image."""
    assert r.follow() == ["Reticulating one spline...\n"]
    r.check(*CODE)


@recipe("Make a command group")
def make_a_command_group(r: Recipe) -> None:
    """The documentation lists the commands of the group."""
    (output,) = r.follow()
    assert output == "B is a spline.\nReticulating spline 1...\n"
    r.check(*CODE, "docs-build")
    page = (r.project / "docs" / "_build" / "usage.html").read_text("utf-8")
    assert "Describe the spline NAME." in page


@recipe("Add a second package")
def add_a_second_package(r: Recipe) -> None:
    """The second package is checked and installed like the first one."""
    assert r.follow() == ["4\n"]
    r.check(*CODE)


@recipe("Add data files")
def add_data_files(r: Recipe) -> None:
    """Both data files are in the image."""
    assert r.follow() == ["['spline']\npace = 1\n"]
    r.check(*CODE)


@recipe("Rename the project", engine=False)
def rename_the_project(r: Recipe) -> None:
    """The old name is gone, the checks pass, and updates still work."""
    template: Path = r.request.getfixturevalue("repository")
    parent = template.parent / "projects"
    run("cruft", "create", str(template), f"--output-dir={parent}", "--no-input")
    r.project = parent / "hypermodern-python"
    commit(r.project)
    r.follow()
    commit(r.project, "Rename the project")
    old = r"hypermodern[-_]python"
    assert not run("git", "grep", "-E", old, check=False, cwd=r.project).stdout
    module = "src/{{cookiecutter.package_name}}/splines.py"
    edit(template / PROJECT.name / module, "Reticulation of", "Reticulating")
    commit(template)
    run("cruft", "update", "--skip-apply-ask", cwd=r.project)
    text = (r.project / "src" / "new_name" / "splines.py").read_text("utf-8")
    assert "Reticulating splines" in text
    r.check("lint", "mypy", TESTS)


@recipe("Depend on a Git repository or a folder")
def depend_on_git_or_a_folder(r: Recipe) -> None:
    """Both dependencies are installed, and the image does not contain Git."""
    r.request.getfixturevalue("person")
    r.reach_loopback()
    write_package(r.project / "libraries" / "from-folder", "from-folder")
    server = r.project.parent / "server"
    source = write_package(server / "source", "from-git")
    commit(source)
    bare = server / "yourname" / "from-git.git"
    run("git", "clone", "--bare", str(source), str(bare))
    run("git", "update-server-info", cwd=bare)
    with serving(server) as (address, _):
        printed = r.follow(("https://github.com", f"http://{address}"))[-1]
        assert "version 0.1.0" in printed
        r.check("mypy", TESTS)
    code = "import from_folder, from_git, shutil; print(shutil.which('git'))"
    assert r.docker("--entrypoint=python", r.slug, "-c", code) == "None\n"


@recipe("Use a private package index")
def use_a_private_package_index(r: Recipe) -> None:
    """Poetry and the build of the image use the password."""
    r.reach_loopback()
    # Poetry caches hashes by the source's name. Another run's wheel has another hash.
    r.env["POETRY_CACHE_DIR"] = str(r.project.parent / "cache")
    server = r.project.parent / "server"
    build_wheel(write_package(server, "private-splines"), server)
    with serving(server, login="me:secret") as (address, _):
        outputs = r.follow(
            ("https://packages.example.com", f"http://{address}"),
            ("packages.example.com", "127.0.0.1"),
        )
    assert "version 0.1.0" in outputs[-1]
    assert r.docker("--entrypoint=python", r.slug, "-c", "import private_splines") == ""
    assert "secret" not in (r.project / "pyproject.toml").read_text("utf-8")
    r.check("lint")
    run(*JSONSCHEMA, "vendor.github-workflows", *workflows(r.project))
    r.not_run("workflows", "they need the secrets of a repository on GitHub")


@recipe("Install extras and groups in the image")
def install_extras_and_groups(r: Recipe) -> None:
    """The packages of the extra and the group can be imported."""
    r.follow()


@recipe("Compile a dependency, and add a system library")
def compile_a_dependency(r: Recipe) -> None:
    """The library is in the image, and the compiler is not."""
    assert r.follow()[-1].splitlines()[-1].isdigit()
    code = "import shutil; print(shutil.which('gcc'))"
    assert r.docker("--entrypoint=python", r.slug, "-c", code) == "None\n"


@recipe("Read and write files")
def read_and_write_files(r: Recipe) -> None:
    """Each way keeps or discards the files as described."""
    build(r.project, r.slug)
    r.enter_shared_folder()
    volume, _, temporary = r.follow()
    assert volume == f"kept\n{r.slug}\n"
    assert (r.project / "output" / "file").read_text() == "mine\n"
    assert (r.project / "output" / "file").stat().st_uid == os.getuid()
    assert temporary == "temporary\n"


@recipe("Run a web service")
def run_a_web_service(r: Recipe) -> None:
    """The service responds, is healthy and stops at once; its manifest is valid."""
    port = str(free_port())
    try:
        (output,) = r.follow(
            ("1:8000:", f"1:{port}:"),
            ("1:8000').read", f"1:{port}').read"),
        )
    finally:
        run("docker", "rm", "--force", r.slug, check=False)
    assert "All splines are reticulated." in output
    assert "Stopping." in output
    healthcheck = inspect(r.slug)["Config"]["Healthcheck"]["Test"]
    assert healthcheck[0] == "CMD"
    found = recipes(r.project)[r.heading]
    (manifest,) = (block.code for block in found if block.language == "yaml")
    kubernetes_validate.validate(yaml.safe_load(manifest), "1.37", strict=True)
    r.not_run("Deployment", "it needs a cluster; a schema accepts it")
    r.check(*CODE)


@recipe("Run changed code without a build")
def run_changed_code(r: Recipe) -> None:
    """The container prints the output of the changed code."""
    build(r.project, r.slug)
    r.enter_shared_folder()
    edit(r.project / "src/hypermodern_python/console.py", "Reticulating", "Bending")
    assert r.follow() == ["Bending spline 1...\n"]


@recipe("Look inside a running container")
def look_inside(r: Recipe) -> None:
    """The profiler shows the running function."""
    build(r.project, r.slug)
    try:
        files, stack = r.follow()
    finally:
        run("docker", "rm", "--force", r.slug, check=False)
    assert "65532\n" in files
    assert "/venv/lib/" in files
    assert "reticulate" in stack
    r.not_run("kubectl debug", "it needs a cluster")


@recipe("Use another Python in the image")
def use_another_python(r: Recipe) -> None:
    """The image and the answer have the other Python."""
    (output,) = r.follow()
    assert output.startswith("Python 3.15")
    answers = json.loads((r.project / ".cookiecutter.json").read_text("utf-8"))
    assert answers["python_version"] == "3.15"


@recipe("Stop supporting a Python")
def stop_supporting_a_python(r: Recipe) -> None:
    """No file mentions the removed version any more."""
    found = run("poetry", "python", "list", env=r.env).stdout
    if not re.search(r"^ *3\.(1[2-9]|[2-9]\d)\.", found, re.MULTILINE):
        pytest.skip("Poetry finds no Python 3.12 or newer; install one")
    r.follow()
    names = ("--", ".", ":!poetry.lock", ":!docker/poetry.txt", ":!docs/recipes.md")
    command = ("git", "grep", "--fixed-strings", "3.11", *names)
    assert not run(*command, check=False, cwd=r.project).stdout
    assert "tests-3.11" not in r.nox.run(r.project, "--list")
    if sys.version_info < (3, 12):
        r.not_run("nox", "the project no longer supports the Python of these tests")
    else:
        r.check("mypy", TESTS)


@recipe("Take the version from Git tags")
def take_the_version_from_tags(r: Recipe) -> None:
    """The version has the last tag and the number of later commits."""
    r.request.getfixturevalue("person")
    run("git", "tag", "--annotate", "--message=1.2.3", "v1.2.3", cwd=r.project)
    run("git", "commit", "--allow-empty", "--message=More", cwd=r.project)
    assert "version 1.2.3.post1+g" in r.follow()[-1]
    printed = run(
        *("docker", "buildx", "bake", "--print", "release"),
        cwd=r.project,
        env=os.environ | {"TAGS": "1.3.0 latest"},
    )
    assert '"VERSION": "1.3.0"' in printed.stdout
    run(*JSONSCHEMA, "vendor.github-workflows", *workflows(r.project))
    r.check("lint")
    r.not_run("workflows", "they need a repository on GitHub")


@recipe("Run the checks on GitLab")
def run_the_checks_on_gitlab(r: Recipe) -> None:
    """The pipeline conforms to the schema, and its jobs pass in a local shell."""
    r.follow()
    run(*JSONSCHEMA, "vendor.gitlab-ci", ".gitlab-ci.yml", cwd=r.project)
    for tool in ("npm", "rsync"):
        if not shutil.which(tool):
            pytest.skip(f"gitlab-ci-local needs {tool}; CI has it")
    tools = r.project.parent / "npm"
    run("npm", "install", "--no-save", f"--prefix={tools}", "gitlab-ci-local@4.65.0")
    local = f"{tools}/node_modules/.bin/gitlab-ci-local"
    # Jobs in a shell do not need this service, which gitlab-ci-local would pull.
    edit(r.project / ".gitlab-ci.yml", "  services: .*\n", "")
    jobs = ("checks: [lint]", f"tests: [{TESTS[6:]}]", "build")
    # Settings of the user's shell must not put another pip before the tests' own.
    env = r.env | {"HOME": str(r.project.parent)}
    result = run(local, "--force-shell-executor", *jobs, cwd=r.project, env=env)
    passed = re.findall(r"PASS\W+(\w+)", re.sub(r"\x1b\[\d*m", "", result.stdout))
    assert sorted(passed) == ["build", "checks", "tests"]
    r.not_run("publish", "it needs a registry on GitLab")


@recipe("Develop in a container")
def develop_in_a_container(r: Recipe) -> None:
    """The project's tests pass in the container."""
    build(r.project, r.slug)
    r.enter_shared_folder()
    label = f"--filter=label=devcontainer.local_folder={r.project}"
    try:
        r.follow()
    finally:
        listed = run("docker", "ps", "--all", "--format={{.ID}} {{.Image}}", label)
        for container, image in map(str.split, listed.stdout.splitlines()):
            run("docker", "rm", "--force", container)
            run("docker", "tag", image, f"{TAGS}-devcontainer")
    assert re.search(r"\d+ passed", r.outputs[-1])


@recipe("Connect services", engine=False)
def connect_services(r: Recipe) -> None:
    """The workflow with a step for Codecov conforms to the schema."""
    r.follow()
    assert any("codecov" in path.read_text("utf-8") for path in workflows(r.project))
    run(*JSONSCHEMA, "vendor.github-workflows", *map(str, workflows(r.project)))
    r.check("lint")


@pytest.mark.parametrize(
    "heading",
    [
        pytest.param(
            name,
            marks=[
                *([pytest.mark.engine] if name in ENGINE else []),
                *([pytest.mark.longest] if name in LONGEST else []),
            ],
        )
        for name in CHECKS
    ],
)
def test_recipe(
    heading: str, bake: Bake, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The recipe's commands and diffs work, and give the described result."""
    fresh = bake(project_slug=SLUG, package_name="hypermodern_python")
    project = shutil.copytree(fresh, tmp_path / SLUG)
    commit(project)
    CHECKS[heading](Recipe(heading, project, request))


def test_every_recipe_is_tested(project: Path) -> None:
    """The tests have the same order as the page."""
    assert list(recipes(project)) == list(CHECKS)


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"base_image": "alpine", "python_version": "3.15", "license": "Apache-2.0"},
        {"project_slug": "acme.splines_2", "package_name": "reticulator"},
    ],
    ids=str,
)
def test_every_diff_applies(
    answers: dict[str, str], bake: Bake, tmp_path: Path
) -> None:
    """The diffs apply with other answers, too, after any `rm` commands before them."""
    fresh = bake(**answers)
    for heading, found in recipes(fresh).items():
        project = shutil.copytree(fresh, tmp_path / heading)
        run("git", "init", cwd=project)
        for _, language, text, _ in found:
            if language == "sh" and text.startswith("rm "):
                run("sh", "-ec", text, cwd=project)
            elif language == "diff":
                result = subprocess.run(
                    ["git", "apply", "--whitespace=error-all", "-"],
                    cwd=project,
                    input=text,
                    encoding="utf-8",
                    capture_output=True,
                )
                assert result.returncode == 0, (
                    f"docs/recipes.md, {heading}: {result.stderr}"
                )
