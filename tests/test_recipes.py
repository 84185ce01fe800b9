"""The recipes in the generated docs/recipes.md work as written."""

import functools
import http.client
import itertools
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests import MIRROR, PROJECT, TAGS, commit, edit
from tests.answers import build_wheel
from tests.conftest import Bake, Nox
from tests.packages import serving, write_package
from tests.pages import Block, blocks, follow
from tests.test_project import DEFAULT_SESSIONS, JSONSCHEMA
from tools.images import build, free_port, run

# The slug is also the name of the image, which must differ between the workers.
SLUG = f"{TAGS}-recipes"
TESTS = DEFAULT_SESSIONS[2]
CODE = ("lint", "mypy", TESTS, "coverage")
# The sessions that must pass after a recipe. The page has its commands and their output.
SESSIONS = {
    "Replace the sample": DEFAULT_SESSIONS,
    "Add a second command": CODE,
    "Make a command group": (*CODE, "docs-build"),
    "Add a second package": CODE,
    "Add data files": CODE,
    "Rename the project": ("lint", "mypy", TESTS),
    "Depend on a Git repository or a folder": ("mypy", TESTS),
    "Use a private package index": ("lint",),
    "Compile an extension of your own": CODE,
    "Run a web service": CODE,
    "Use a web framework": CODE,
    "Use Docker Compose": ("lint",),
    # The project no longer supports Python 3.11, which may run these tests.
    "Stop supporting a Python": ("mypy", TESTS) if sys.version_info >= (3, 12) else (),
    "Take the version from Git tags": ("lint",),
    "Connect services": ("lint",),
}
SCHEMAS = {
    "compose.yaml": "vendor.compose-spec",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
    ".github/workflows/*.yml": "vendor.github-workflows",
}
LONGEST = {
    "Develop in a container",
    "Depend on a Git repository or a folder",
    "Compile a dependency, and add a system library",
    # Without an engine, a single worker gets these, and installs their environments once.
    "Replace the sample",
    "Rename the project",
    "Connect services",
}


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


@dataclass
class Recipe:
    """A recipe to follow in a new project.

    Attributes:
        project: The project, a Git repository with one commit.
        request: The test.
        env: The environment of the commands.
        replacements: Names in the page, each with a replacement.
        output: The output of the commands after they have run.
    """

    project: Path
    request: pytest.FixtureRequest
    env: dict[str, str]
    replacements: dict[str, str]
    output: str = ""

    def enter_shared_folder(self) -> None:
        """Build the image, and move the project to a folder that the engine can mount.

        The engine may be on another machine or have its own root folder.
        """
        build(self.project, SLUG)
        for parent in (self.project.parent, Path("/dev/shm")):  # noqa: S108
            folder = parent / f"{TAGS}-{os.urandom(4).hex()}"
            shutil.copytree(self.project, folder / SLUG)
            # A container's user may own some files, which only root can remove.
            remove = functools.partial(shutil.rmtree, folder, ignore_errors=True)
            self.request.addfinalizer(remove)
            ls = ("--entrypoint=ls", SLUG, "/mounted")
            if run("docker", "run", "--rm", f"--volume={folder}:/mounted", *ls).stdout:
                self.project = folder / SLUG
                return
        pytest.skip("the Docker Engine cannot mount folders of this machine")

    def reach_loopback(self) -> None:
        """Give builds access to servers on this machine's loopback interface."""
        target = 'target "default" {\n'
        file = self.project / "docker-bake.hcl"
        edit(file, re.escape(target), f'{target}  network = "host"\n')
        self.replacements |= {
            "docker build ": "docker build --network=host ",
            "buildx bake\n": "buildx bake --allow=network.host\n",
        }

    def check_graceful_stop(self, answer: str, read: str, stopping: str) -> None:
        """Check that `docker stop` lets the service answer the request in progress.

        Args:
            answer: The start of the program's first line that answers.
            read: An expression that waits for the body of the request.
            stopping: A part of the service's log that shows that it is stopping.
        """
        file = self.project / "src" / "hypermodern_python" / "web.py"
        edit(file, rf"( +){answer}", rf'\1print("Reading.")\n\1{read}\n\g<0>')
        build(self.project, SLUG)
        port = free_port()
        options = ("--read-only", "--tmpfs=/tmp", f"--publish=127.0.0.1:{port}:8000")
        run("docker", "run", "--detach", f"--name={SLUG}", *options, SLUG)
        command = ["docker", "logs", "--follow", SLUG]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as logs:
            assert logs.stdout is not None
            assert any("Listening" in line for line in logs.stdout)
            client = http.client.HTTPConnection("127.0.0.1", port)
            client.putrequest("GET", "/")
            client.putheader("Content-Length", "1")
            client.endheaders()
            assert any("Reading." in line for line in logs.stdout)
            with subprocess.Popen(["docker", "stop", SLUG]):
                assert any(stopping in line for line in logs.stdout)
                client.send(b".")
                assert client.getresponse().read() == b"All splines are reticulated.\n"
        status = run("docker", "inspect", "--format={{.State.ExitCode}}", SLUG)
        assert status.stdout == "0\n"


Around = Callable[[Recipe], Iterator[None]]
AROUND: dict[str, Callable[[Recipe], AbstractContextManager[None]]] = {}


def around(heading: str) -> Callable[[Around], Around]:
    """Return a decorator for a function that prepares a recipe, yields, and checks it."""

    def register(function: Around) -> Around:
        AROUND[heading] = contextmanager(function)
        return function

    return register


@around("Rename the project")
def rename_the_project(r: Recipe) -> Iterator[None]:
    """The old name is gone, and updates still work."""
    template: Path = r.request.getfixturevalue("repository")
    parent = template.parent / "projects"
    run("cruft", "create", str(template), f"--output-dir={parent}", "--no-input")
    r.project = parent / "hypermodern-python"
    commit(r.project)
    yield
    commit(r.project, "Rename the project")
    old = r"hypermodern[-_]python"
    assert not run("git", "grep", "-E", old, check=False, cwd=r.project).stdout
    module = "src/{{cookiecutter.package_name}}/splines.py"
    edit(template / PROJECT.name / module, "Reticulation of", "Reticulating")
    commit(template)
    run("cruft", "update", "--skip-apply-ask", cwd=r.project)
    text = (r.project / "src" / "new_name" / "splines.py").read_text("utf-8")
    assert "Reticulating splines" in text


@around("Depend on a Git repository or a folder")
def depend_on_git_or_a_folder(r: Recipe) -> Iterator[None]:
    """The libraries are in a repository, in the project, and beside it."""
    r.request.getfixturevalue("person")
    r.reach_loopback()
    write_package(r.project / "libraries" / "from-folder", "from-folder")
    write_package(r.project.parent / "from-folder", "from-folder")
    server = r.project.parent / "server"
    source = write_package(server / "source", "from-git")
    commit(source)
    bare = server / "yourname" / "from-git.git"
    run("git", "clone", "--bare", str(source), str(bare))
    run("git", "update-server-info", cwd=bare)
    with serving(server) as (address, _):
        r.replacements["https://github.com"] = f"http://{address}"
        yield


@around("Use a private package index")
def use_a_private_package_index(r: Recipe) -> Iterator[None]:
    """The password is not in the project."""
    r.reach_loopback()
    # Poetry caches hashes by the source's name. Another run's wheel has another hash.
    r.env["POETRY_CACHE_DIR"] = str(r.project.parent / "cache")
    server = r.project.parent / "server"
    build_wheel(write_package(server, "private-splines"), server)
    with serving(server, login="me:secret") as (address, _):
        r.replacements["https://packages.example.com"] = f"http://{address}"
        r.replacements["packages.example.com"] = "127.0.0.1"
        yield
    assert "secret" not in (r.project / "pyproject.toml").read_text("utf-8")


@around("Read and write files")
def read_and_write_files(r: Recipe) -> Iterator[None]:
    """You own the file that the program writes to your folder."""
    r.enter_shared_folder()
    yield
    assert (r.project / "output" / "file").read_text() == "mine\n"
    assert (r.project / "output" / "file").stat().st_uid == os.getuid()


@around("Run a web service")
def run_a_web_service(r: Recipe) -> Iterator[None]:
    """The server waits for its threads."""
    yield
    r.check_graceful_stop("self.send_response", "self.rfile.read(1)", "Stopping.")


@around("Use a web framework")
def use_a_web_framework(r: Recipe) -> Iterator[None]:
    """Gunicorn waits for its workers."""
    yield
    read = "flask.request.get_data()"
    r.check_graceful_stop("return", read, "Handling signal: term")


@around("Run changed code without a build")
def run_changed_code(r: Recipe) -> Iterator[None]:
    """The image contains the program before the change."""
    r.enter_shared_folder()
    yield


@around("Resolve a conflict in the lock file")
def resolve_a_conflict(r: Recipe) -> Iterator[None]:
    """The lock file matches the merged pyproject.toml."""
    r.request.getfixturevalue("person")
    lock = r.project / "poetry.lock"
    run("git", "switch", "--create", "theirs", cwd=r.project)
    edit(r.project / "pyproject.toml", r"dependencies = \[", r'\g<0>"idna", ')
    edit(lock, "content-hash = .*", 'content-hash = "theirs"')
    commit(r.project)
    run("git", "switch", "-", cwd=r.project)
    edit(lock, "content-hash = .*", 'content-hash = "ours"')
    commit(r.project)
    run("git", "merge", "theirs", check=False, cwd=r.project)
    yield
    run("poetry", "check", "--lock", cwd=r.project)
    run("git", "commit", "--message=Merge", cwd=r.project)


@around("Stop supporting a Python")
def stop_supporting_a_python(r: Recipe) -> Iterator[None]:
    """No file mentions the removed version any more."""
    found = run("poetry", "python", "list", env=r.env).stdout
    if not re.search(r"^ *3\.(1[2-9]|[2-9]\d)\.", found, re.MULTILINE):
        pytest.skip("Poetry finds no Python 3.12 or newer; install one")
    yield
    names = ("--", ".", ":!poetry.lock", ":!docker/poetry.txt", ":!docs/recipes.md")
    command = ("git", "grep", "--fixed-strings", "3.11", *names)
    assert not run(*command, check=False, cwd=r.project).stdout
    nox: Nox = r.request.getfixturevalue("nox")
    assert "tests-3.11" not in nox.run(r.project, "--list")


@around("Take the version from Git tags")
def take_the_version_from_tags(r: Recipe) -> Iterator[None]:
    """The version has the last tag and the number of later commits."""
    r.request.getfixturevalue("person")
    run("git", "tag", "--annotate", "--message=1.2.3", "v1.2.3", cwd=r.project)
    run("git", "commit", "--allow-empty", "--message=More", cwd=r.project)
    yield
    assert "version 1.2.3.post1+g" in r.output
    printed = run(
        *("docker", "buildx", "bake", "--print", "release"),
        cwd=r.project,
        env=os.environ | {"TAGS": "1.3.0 latest"},
    )
    assert '"VERSION": "1.3.0"' in printed.stdout


@around("Run the checks on GitLab")
def run_the_checks_on_gitlab(r: Recipe) -> Iterator[None]:
    """The pipeline's jobs pass in a local shell, except the one that needs a registry."""
    yield
    if missing := [tool for tool in ("npm", "rsync") if not shutil.which(tool)]:
        pytest.skip(f"gitlab-ci-local needs {' and '.join(missing)}; CI has them")
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


@around("Develop in a container")
def develop_in_a_container(r: Recipe) -> Iterator[None]:
    """The project's tests pass in the container, whose user is not root."""
    r.request.getfixturevalue("person")
    r.enter_shared_folder()
    if os.getuid() == 0:
        run("chown", "-R", "1000:1000", r.project)
    label = f"--filter=label=devcontainer.local_folder={r.project}"
    try:
        yield
    finally:
        containers = run("docker", "ps", "--all", "--quiet", label).stdout.split()
        run("docker", "rm", "--force", *containers, check=False)


def parameters() -> Iterator[object]:
    """Yield the headings, with the marks of the tests of these recipes."""
    for heading, found in recipes(PROJECT).items():
        commands = "".join(block.code for block in found if block.language == "sh")
        engine = [pytest.mark.engine] * ("docker" in commands or "npx" in commands)
        longest = [pytest.mark.longest] * (heading in LONGEST)
        yield pytest.param(heading, marks=[*engine, *longest])


@pytest.mark.parametrize("heading", [*parameters()])
def test_recipe(
    heading: str, bake: Bake, nox: Nox, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The recipe's diffs and commands work in a checkout that only its owner can read.

    Then the checks pass, and the recipe's configuration conforms to its schema.
    """
    fresh = bake(project_slug=SLUG, package_name="hypermodern_python")
    project = shutil.copytree(fresh, tmp_path / SLUG)
    commit(project)
    run("chmod", "-R", "go=", project)
    if shutil.which("docker"):
        remove = ("docker", "rm", "--force", SLUG)
        request.addfinalizer(lambda: run(*remove, check=False))
    # Poetry must leave no environments in the user's cache, and not use that of the tests.
    env = MIRROR | os.environ | {"POETRY_VIRTUALENVS_IN_PROJECT": "true"}
    env.pop("VIRTUAL_ENV", None)
    replacements = {
        "127.0.0.1:8000": f"127.0.0.1:{free_port()}",
        # A mirror of Debian can have expired indexes.
        "apt-get update": "apt-get -o Acquire::Check-Valid-Until=false update",
    }
    recipe = Recipe(project, request, env, replacements)
    with AROUND.get(heading, nullcontext)(recipe):
        found = recipes(recipe.project)[heading]
        page = (Block(heading, "sh", "umask 077\n", ""), *found)
        recipe.output = follow(page, recipe.project, *replacements.items(), env=env)
        if sessions := SESSIONS.get(heading):
            nox.run(recipe.project, "--session", *sessions)
        changed = ("git", "ls-files", "--modified", "--others", "--exclude-standard")
        for pattern, schema in SCHEMAS.items():
            if files := run(*changed, pattern, cwd=recipe.project).stdout.splitlines():
                run(*JSONSCHEMA, schema, *files, cwd=recipe.project)
        for manifest in (block.code for block in found if block.language == "yaml"):
            kubernetes_validate.validate(yaml.safe_load(manifest), "1.37", strict=True)


def test_every_row_is_a_recipe() -> None:
    """No row is left of a recipe that has another heading now."""
    assert {*SESSIONS, *AROUND, *LONGEST} <= set(recipes(PROJECT))


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
    """The diffs apply with other answers, too, after any `rm` commands before them.

    Those that add to the packages and the dependencies apply together.
    """
    fresh = bake(**answers)
    found = recipes(fresh)
    together = ["Add a second package", "Depend on a Git repository or a folder"]
    found["together"] = [block for heading in together for block in found[heading]]
    for heading, page in found.items():
        project = shutil.copytree(fresh, tmp_path / heading)
        run("git", "init", cwd=project)
        commands = [b for b in page if b.language == "sh" and b.code.startswith("rm ")]
        diffs = [block for block in page if block.language == "diff"]
        follow([*commands, *diffs], project)
