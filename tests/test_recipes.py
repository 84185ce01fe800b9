"""The recipes in templates/recipes/ work as written."""

import http.client
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from tests import MIRROR, PROJECT, ROOT, TAGS, commit, edit
from tests.answers import build_wheel
from tests.conftest import Bake, Nox
from tests.packages import serving, write_package
from tests.pages import Block, blocks, follow
from tests.test_project import DEFAULT_SESSIONS, JSONSCHEMA
from tools.images import build, free_port, run

# The slug is also the name of the image, which must differ between the workers.
SLUG = f"{TAGS}-recipes"
# The blocks of code of each recipe by its heading. The project itself describes services.
RECIPES = {
    heading: list(page)
    for file in sorted(ROOT.glob("templates/recipes/*.md"))
    for heading, page in groupby(blocks(file), key=lambda block: block.heading)
}
RECIPES["Connect services"] = [
    block for block in blocks(PROJECT / "CONTRIBUTING.md") if block.language == "diff"
]
TESTS = DEFAULT_SESSIONS[2]
CODE = ["lint", "mypy", TESTS, "coverage"]
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


@dataclass
class Recipe:
    """A recipe to follow in a new project."""

    page: list[Block]
    sessions: list[str]  # those that must pass after it
    project: Path  # a Git repository with one commit
    nox: Nox
    env: dict[str, str]
    names: dict[str, str]  # and other texts in the page, each with a replacement

    def follow(self) -> str:
        """Follow the page, check the project, and return the output of the page."""
        output = follow(self.page, self.project, *self.names.items(), env=self.env)
        if self.sessions:
            self.nox.run(self.project, "--session", *self.sessions)
        changed = ("git", "ls-files", "--modified", "--others", "--exclude-standard")
        for pattern, schema in SCHEMAS.items():
            if files := run(*changed, pattern, cwd=self.project).stdout.splitlines():
                run(*JSONSCHEMA, schema, *files, cwd=self.project)
        for manifest in (b.code for b in self.page if b.language == "yaml"):
            kubernetes_validate.validate(yaml.safe_load(manifest), "1.37", strict=True)
        return output

    def reach_loopback(self) -> None:
        """Give builds access to servers on this machine's loopback interface."""
        target = 'target "default" {\n'
        file = self.project / "docker-bake.hcl"
        edit(file, re.escape(target), f'{target}  network = "host"\n')
        self.names |= {
            "docker build ": "docker build --network=host ",
            "buildx bake\n": "buildx bake --allow=network.host\n",
        }


@pytest.fixture
def recipe(heading: str, bake: Bake, nox: Nox, tmp_path: Path) -> Iterator[Recipe]:
    """Return a recipe, for a checkout that only its owner can read."""
    fresh = bake(project_slug=SLUG, package_name="hypermodern_python")
    project = shutil.copytree(fresh, tmp_path / SLUG)
    commit(project)
    run("chmod", "-R", "go=", project)
    page = [Block(heading, "sh", "umask 077\n", ""), *RECIPES[heading]]
    # By default, the sessions are those that check the files in the page's diffs.
    diffs = "".join(block.code for block in page if block.language == "diff")
    checked = re.findall(r"(?m)^\+\+\+ .*\.(py|ya?ml)$", diffs)
    sessions = CODE if "py" in checked else ["lint"] * bool(checked)
    # Poetry must leave no environments in the user's cache, and not use that of the tests.
    env = MIRROR | os.environ | {"POETRY_VIRTUALENVS_IN_PROJECT": "true"}
    env.pop("VIRTUAL_ENV", None)
    names = {
        "hypermodern-python": SLUG,
        "127.0.0.1:8000": f"127.0.0.1:{free_port()}",
        # A mirror of Debian can have expired indexes.
        "apt-get update": "apt-get -o Acquire::Check-Valid-Until=false update",
    }
    yield Recipe(page, sessions, project, nox, env, names)
    if shutil.which("docker"):
        run("docker", "rm", "--force", SLUG, check=False)


@pytest.fixture
def mounted(recipe: Recipe, tmp_path: Path) -> Iterator[None]:
    """Build the image, and move the project to a folder that the engine can mount.

    The engine may be on another machine or have its own root folder.
    """
    build(recipe.project, SLUG)
    for parent in (tmp_path, Path("/dev/shm")):  # noqa: S108
        folder = parent / f"{TAGS}-{os.urandom(4).hex()}"
        shutil.copytree(recipe.project, folder / SLUG)
        ls = ("--entrypoint=ls", SLUG, "/mounted")
        if run("docker", "run", "--rm", f"--volume={folder}:/mounted", *ls).stdout:
            recipe.project = folder / SLUG
            yield
        # A container's user may own some files, which only root can remove.
        shutil.rmtree(folder, ignore_errors=True)
        if recipe.project.parent == folder:
            return
    pytest.skip("the Docker Engine cannot mount folders of this machine")


# The recipes that no test has followed yet.
REST = dict(RECIPES)


def follows(*headings: str) -> pytest.MarkDecorator:
    """Return a mark for the test that follows these recipes, with their other marks."""
    parameters = []
    for heading in headings:
        commands = "".join(b.code for b in REST.pop(heading) if b.language == "sh")
        marks = [pytest.mark.engine] * bool(re.search("docker|npx", commands))
        marks += [pytest.mark.longest] * (heading in LONGEST)
        parameters.append(pytest.param(heading, marks=marks))
    return pytest.mark.parametrize("heading", parameters)


@follows("Rename the project")
def test_rename_the_project(recipe: Recipe, repository: Path) -> None:
    """The old name is gone, and updates still work."""
    parent = repository.parent / "projects"
    run("cruft", "create", str(repository), f"--output-dir={parent}", "--no-input")
    recipe.project = parent / "hypermodern-python"
    commit(recipe.project)
    del recipe.names["hypermodern-python"]
    recipe.sessions = ["lint", "mypy", TESTS]
    recipe.follow()
    commit(recipe.project, "Rename the project")
    old = r"hypermodern[-_]python"
    assert not run("git", "grep", "-E", old, check=False, cwd=recipe.project).stdout
    module = "src/{{cookiecutter.package_name}}/splines.py"
    edit(repository / PROJECT.name / module, "Reticulation of", "Reticulating")
    commit(repository)
    run("cruft", "update", "--skip-apply-ask", cwd=recipe.project)
    text = (recipe.project / "src" / "new_name" / "splines.py").read_text("utf-8")
    assert "Reticulating splines" in text


@follows("Depend on a Git repository or a folder")
@pytest.mark.usefixtures("recipe", "person")
def test_depend_on_git_or_a_folder(recipe: Recipe) -> None:
    """The libraries are in a repository, in the project, and beside it."""
    recipe.sessions = ["mypy", TESTS]
    recipe.reach_loopback()
    write_package(recipe.project / "libraries" / "from-folder", "from-folder")
    write_package(recipe.project.parent / "from-folder", "from-folder")
    server = recipe.project.parent / "server"
    source = write_package(server / "source", "from-git")
    commit(source)
    bare = server / "yourname" / "from-git.git"
    run("git", "clone", "--bare", str(source), str(bare))
    run("git", "update-server-info", cwd=bare)
    with serving(server) as (address, _):
        recipe.names["https://github.com"] = f"http://{address}"
        recipe.follow()


@follows("Use a private package index")
def test_use_a_private_package_index(recipe: Recipe) -> None:
    """The password is not in the project."""
    recipe.reach_loopback()
    # Poetry caches hashes by the source's name. Another run's wheel has another hash.
    recipe.env["POETRY_CACHE_DIR"] = str(recipe.project.parent / "cache")
    server = recipe.project.parent / "server"
    build_wheel(write_package(server, "private-splines"), server)
    with serving(server, login="me:secret") as (address, _):
        recipe.names["https://packages.example.com"] = f"http://{address}"
        recipe.names["packages.example.com"] = "127.0.0.1"
        recipe.follow()
    assert "secret" not in (recipe.project / "pyproject.toml").read_text("utf-8")


@follows("Read and write files")
@pytest.mark.usefixtures("mounted")
def test_read_and_write_files(recipe: Recipe) -> None:
    """You own the file that the program writes to your folder."""
    recipe.follow()
    assert (recipe.project / "output" / "file").read_text() == "mine\n"
    assert (recipe.project / "output" / "file").stat().st_uid == os.getuid()


# The start of the service's first line that answers, an expression that waits for the body
# of the request, and a part of the log that shows that the service is stopping.
SERVERS = {
    "Run a web service": ("self.send_response", "self.rfile.read(1)", "Stopping."),
    "Use a web framework": ("return", "flask.request.get_data()", "signal: term"),
}


@follows(*SERVERS)
def test_a_service_stops_gracefully(recipe: Recipe, heading: str) -> None:
    """`docker stop` lets the service answer the request in progress."""
    recipe.follow()
    answer, read, stopping = SERVERS[heading]
    file = recipe.project / "src" / "hypermodern_python" / "web.py"
    edit(file, rf"( +){answer}", rf'\1print("Reading.")\n\1{read}\n\g<0>')
    build(recipe.project, SLUG)
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


@follows("Run changed code without a build")
@pytest.mark.usefixtures("mounted")
def test_run_changed_code(recipe: Recipe) -> None:
    """The image contains the program before the change."""
    recipe.follow()


@follows("Resolve a conflict in the lock file")
@pytest.mark.usefixtures("recipe", "person")
def test_resolve_a_conflict(recipe: Recipe) -> None:
    """The lock file matches the merged pyproject.toml."""
    lock = recipe.project / "poetry.lock"
    run("git", "switch", "--create", "theirs", cwd=recipe.project)
    edit(recipe.project / "pyproject.toml", r"dependencies = \[", r'\g<0>"idna", ')
    edit(lock, "content-hash = .*", 'content-hash = "theirs"')
    commit(recipe.project)
    run("git", "switch", "-", cwd=recipe.project)
    edit(lock, "content-hash = .*", 'content-hash = "ours"')
    commit(recipe.project)
    run("git", "merge", "theirs", check=False, cwd=recipe.project)
    recipe.follow()
    run("poetry", "check", "--lock", cwd=recipe.project)
    run("git", "commit", "--message=Merge", cwd=recipe.project)


@follows("Stop supporting a Python")
def test_stop_supporting_a_python(recipe: Recipe) -> None:
    """No file mentions the removed version any more."""
    found = run("poetry", "python", "list", env=recipe.env).stdout
    if not re.search(r"^ *3\.(1[2-9]|[2-9]\d)\.", found, re.MULTILINE):
        pytest.skip("Poetry finds no Python 3.12 or newer; install one")
    # The project no longer supports Python 3.11, which may run these tests.
    recipe.sessions = ["mypy", TESTS] if sys.version_info >= (3, 12) else []
    recipe.follow()
    files = ("--", ".", ":!poetry.lock", ":!docker/poetry.txt")
    command = ("git", "grep", "--fixed-strings", "3.11", *files)
    assert not run(*command, check=False, cwd=recipe.project).stdout
    assert "tests-3.11" not in recipe.nox.run(recipe.project, "--list")


@follows("Take the version from Git tags")
@pytest.mark.usefixtures("recipe", "person")
def test_take_the_version_from_tags(recipe: Recipe) -> None:
    """The version has the last tag and the number of later commits."""
    run("git", "tag", "--annotate", "--message=1.2.3", "v1.2.3", cwd=recipe.project)
    run("git", "commit", "--allow-empty", "--message=More", cwd=recipe.project)
    assert "version 1.2.3.post1+g" in recipe.follow()
    bake = ("docker", "buildx", "bake", "--print", "release")
    env = os.environ | {"TAGS": "1.3.0 latest"}
    assert '"VERSION": "1.3.0"' in run(*bake, cwd=recipe.project, env=env).stdout


@pytest.mark.engine
@follows("Run the checks on GitLab")
def test_run_the_checks_on_gitlab(recipe: Recipe) -> None:
    """The pipeline's jobs pass in a local shell, except the one that needs a registry."""
    recipe.follow()
    if missing := [tool for tool in ("npm", "rsync") if not shutil.which(tool)]:
        pytest.skip(f"gitlab-ci-local needs {' and '.join(missing)}; CI has them")
    tools = recipe.project.parent / "npm"
    run("npm", "install", "--no-save", f"--prefix={tools}", "gitlab-ci-local@4.65.0")
    local = f"{tools}/node_modules/.bin/gitlab-ci-local"
    # Jobs in a shell do not need this service, which gitlab-ci-local would pull.
    edit(recipe.project / ".gitlab-ci.yml", "  services: .*\n", "")
    jobs = ("checks: [lint]", f"tests: [{TESTS[6:]}]", "build")
    # Settings of the user's shell must not put another pip before the tests' own.
    env = recipe.env | {"HOME": str(recipe.project.parent)}
    result = run(local, "--force-shell-executor", *jobs, cwd=recipe.project, env=env)
    passed = re.findall(r"PASS\W+(\w+)", re.sub(r"\x1b\[\d*m", "", result.stdout))
    assert sorted(passed) == ["build", "checks", "tests"]


@follows("Develop in a container")
@pytest.mark.usefixtures("mounted", "person")
def test_develop_in_a_container(recipe: Recipe) -> None:
    """The project's tests pass in the container, whose user is not root."""
    if os.getuid() == 0:
        run("chown", "-R", "1000:1000", recipe.project)
    label = f"--filter=label=devcontainer.local_folder={recipe.project}"
    try:
        recipe.follow()
    finally:
        containers = run("docker", "ps", "--all", "--quiet", label).stdout.split()
        run("docker", "rm", "--force", *containers, check=False)


@follows("Replace the sample", "Make a command group")
def test_change_the_command_line(recipe: Recipe) -> None:
    """The documentation and the examples in docstrings are checked, too."""
    recipe.sessions = [*CODE, "xdoctest", "docs-build"]
    recipe.follow()


@follows(*REST)
def test_recipe(recipe: Recipe) -> None:
    """The diffs and commands work, and the checks pass afterwards."""
    recipe.follow()


def test_every_row_is_a_recipe() -> None:
    """No row is left of a recipe that has another heading now."""
    assert set(RECIPES) >= LONGEST


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"base_image": "alpine", "python_version": "3.15", "license": "Apache-2.0"},
        {"project_slug": "acme.splines_2", "package_name": "reticulator"},
        {"project_name": "A", "description": "B", "github_user": "c", "author": "D"},
    ],
    ids=str,
)
def test_every_diff_applies(
    answers: dict[str, str], bake: Bake, tmp_path: Path
) -> None:
    """The diffs apply with other answers, too, after any `rm` commands before them.

    The documented command applies them, with the project's names and without the last newline.
    Those that add to the packages and the dependencies apply together.
    """
    fresh = bake(**answers)
    (package,) = (fresh / "src").iterdir()
    names = {"my-app": fresh.name, "my_app": package.name}
    (command,) = (b for b in blocks(ROOT / "docs/changing.md") if b.language == "sh")
    together = ["Add a second package", "Depend on a Git repository or a folder"]
    pages = RECIPES | {"together": [b for name in together for b in RECIPES[name]]}
    for heading, page in pages.items():
        project = shutil.copytree(fresh, tmp_path / heading)
        run("git", "init", cwd=project)
        for block in page:
            if block.language == "diff":
                diff = block.code.removesuffix("\n")
                (tmp_path / "change.diff").write_text(diff, "utf-8", newline="\n")
                follow([command], project, *names.items())
            elif block.code.startswith("rm "):
                follow([block], project, ("hypermodern_python", package.name))


@pytest.mark.parametrize("repository", ["", "https://github.com/yourname/template"])
def test_the_project_links_to_the_recipes(repository: str, bake: Bake) -> None:
    """The link leads to the template's repository, if cookiecutter.json has its address."""
    project = bake(_repository=repository)
    page = "docs/changing.md"
    assert (ROOT / page).exists()
    for name in ("README.md", "CONTRIBUTING.md"):
        found = re.findall(r"\[Recipes\]\((.+?)\)", (project / name).read_text("utf-8"))
        assert found == [f"{repository}/blob/main/{page}"] * bool(repository)
