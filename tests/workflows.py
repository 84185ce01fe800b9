"""Run workflows with act, without a network: stubs replace all actions."""

import json
import os
import re
import signal
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import yaml

from tools.images import run

# What the stubs of some actions do.
SCRIPTS = {
    "actions/checkout": """
git clone --quiet --shared --template= "$SOURCE" . && git checkout --quiet "${IN_REF:-$GITHUB_SHA}" """,
    "actions/download-artifact": """
for name in "$ARTIFACTS"/${IN_PATTERN:-$IN_NAME}; do cp -R "$name/." .; done""",
    "actions/upload-artifact": """
[ "$IN_INCLUDE_HIDDEN_FILES" != true ] || shopt -s dotglob
mkdir "$ARTIFACTS/$IN_NAME" && cp -R $IN_PATH "$ARTIFACTS/$IN_NAME" """,
    "anchore/scan-action": '[ -z "$FINDING" ]',
    "docker/bake-action": """
set -- --metadata-file=metadata.json
[ "$IN_PUSH" != true ] || set -- "$@" --push
[ -z "$IN_PROVENANCE" ] || set -- "$@" --provenance="$IN_PROVENANCE,builder-id=https://run.example"
for override in $IN_SET; do set -- "$@" --set="$override"; done
docker buildx bake "$@" $IN_TARGETS
printf 'metadata<<END\\n%s\\nEND\\n' "$(cat metadata.json)" >> "$GITHUB_OUTPUT" """,
    "docker/login-action": '[ -n "$IN_PASSWORD$DOCKERHUB_OIDC_CONNECTIONID" ]',
    "pypa/gh-action-pypi-publish": "ls dist/*",
}
# The inputs that the pinned versions of the actions have, of those that projects use.
INPUTS = {
    "actions/attest": "subject-name subject-digest push-to-registry create-storage-record",
    "actions/checkout": "fetch-depth persist-credentials ref",
    "actions/download-artifact": "name pattern merge-multiple",
    "actions/setup-python": "python-version",
    "actions/upload-artifact": "name path include-hidden-files",
    "anchore/scan-action": "image only-fixed severity-cutoff output-format",
    "docker/bake-action": "source targets set pull push provenance",
    "docker/login-action": "registry username password",
    "docker/setup-buildx-action": "",
    "docker/setup-qemu-action": "",
    "peter-evans/dockerhub-description": "username password repository short-description",
    "pypa/gh-action-pypi-publish": "",
}
# Replacements for programs of GitHub's runners. The session $RED of nox fails, and Poetry cannot
# build an $APPLICATION.
PROGRAMS = {
    "gh": """
case "$1 $2" in
"release list") printf '%s\\n' $RELEASES ;;
"release create") echo "$@" && shift $(($# - 1)) && cat "${1#*=}" ;;
"api repos/"*) echo "${PRIVATE:-false}" ;;
"auth setup-git") ;;
*) exit 2 ;;
esac""",
    "node": "echo $0",  # act asks for its path in each job, and the stubs do not need it
    "nox": """
[ "${NOXSESSION:-$2}" != "${RED-no session}" ] || exit 1
mkdir -p .nox/coverage/bin && touch .coverage.data
echo 'echo "| TOTAL |"' > .nox/coverage/bin/coverage
chmod +x .nox/coverage/bin/coverage""",
    "pip": '[ "${*% uv}" = "install nox" ]',
    "pipx": """
case "$*" in
"install "*) ;;
"run poetry build") [ -z "$APPLICATION" ] && mkdir dist && touch dist/wheel ;;
"run cookiecutter "* | "run poetry version --short") shift && "$@" ;;
*) exit 2 ;;
esac""",
    "sudo": '[ "$1" = tee ] && cat || echo "$@"',
}


class Result(NamedTuple):
    """What a run did.

    Attributes:
        jobs: The jobs that ran. Those that failed have an exclamation mark before their name.
            All jobs of the workflow "Tests" together are the job "tests".
        log: The output and the error messages of all steps, and the inputs of the stubs.
        summary: What the steps wrote for the page of the run.
    """

    jobs: set[str]
    log: str
    summary: str


def stub(action: str, inputs: dict[str, str], folder: Path) -> None:
    """Write a stub of an action, which prints its inputs.

    Raises:
        AssertionError: The action is not pinned, or does not have one of these inputs.
    """
    name, _, version = action.partition("@")
    known = INPUTS[name].split()
    assert re.fullmatch("[0-9a-f]{40}", version), action
    assert set(inputs) <= set(known), f"{action}: {inputs}"
    step = {
        "id": "stub",
        "shell": "bash",
        "env": {f"IN_{i.upper().replace('-', '_')}": f"${{{{ inputs.{i} }}}}" for i in known},
        "run": f'env | sed -n "s|^IN_|{name} |p"\n{SCRIPTS.get(name, "")}',
    }  # fmt: skip
    metadata = {
        "name": name,
        "inputs": {key: {"default": ""} for key in known},
        "outputs": {"metadata": {"value": "${{ steps.stub.outputs.metadata }}"}},
        "runs": {"using": "composite", "steps": [step]},
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "action.yml").write_text(yaml.safe_dump(metadata))


# The results of the workflow "Tests" by project and by the session that fails. Most events
# of release.yml call it.
CALLED: dict[tuple[Path, str | None], Result] = {}


def act(project: Path, event: str, ref: str, **env: str) -> Result:
    """Run the first workflow of a project, a Git repository, that an event starts.

    Args:
        project: The project. The branch or tag gets checked out in it.
        event: The name of the event.
        ref: The name of the branch or tag.
        env: Environment variables. Names that start with VAR_ or SECRET_ are those of
            variables and secrets of the repository.
    """
    run("git", "checkout", "--quiet", ref, cwd=project)
    kind = (
        "tags" if ref in run("git", "tag", cwd=project).stdout.split() else "branches"
    )
    for path in sorted(project.glob(".github/workflows/*.yml")):
        workflow = yaml.safe_load(path.read_text("utf-8"))
        workflow["on"] = workflow.pop(True)  # YAML 1.1 reads the key as a boolean
        # act ignores the branches and tags of a push.
        filters = (event == "push" and workflow["on"].get(event)) or {kind: [ref]}
        patterns = filters.get(kind, [])
        if event in workflow["on"] and any(
            fnmatch(ref, pattern) for pattern in patterns
        ):
            break
    else:
        return Result(set(), "", "")
    log = summary = ""
    for job in workflow["jobs"].values():
        # act stops after a called workflow that failed, so this runs it first.
        if job.pop("uses", ""):
            called = (project, env.get("RED"))
            if called not in CALLED:
                CALLED[called] = act(project, "workflow_call", ref, **env)
            log += CALLED[called].log
            step = {"run": "exit 1" if "!tests" in CALLED[called].jobs else "true"}
            job |= {"runs-on": "ubuntu-latest", "steps": [step]}
    # A scheduled event does not describe the repository.
    payload = {
        "ref": f"refs/{kind.replace('branches', 'heads')}/{ref}",
        "repository": {"default_branch": "main"} if event != "schedule" else {},
    }
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "event.json").write_text(json.dumps(payload))
        Path(folder, "workflow.yml").write_text(yaml.safe_dump(workflow))
        Path(folder, "artifacts").mkdir()
        env = {"SOURCE": str(project), "ARTIFACTS": f"{folder}/artifacts"} | env
        systems = ("macos", "ubuntu", "windows")
        options = [f"--platform={name}-latest=-self-hosted" for name in systems]
        for key, value in env.items():
            prefix, _, name = key.partition("_")
            setting = prefix in ("VAR", "SECRET")
            option = f"{prefix.lower()}={name}" if setting else f"env={key}"
            options.append(f"--{option}={value}")
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                if action := step.get("uses"):
                    target = Path(folder, action.partition("@")[0])
                    stub(action, step.get("with", {}), target)
                    options.append(f"--local-repository={action}={target}")
        for _ in range(2):
            # On a busy machine, act has hung once.
            result = run(
                *("timeout", "--signal=KILL", "180", "act", event, f"--workflows={folder}/workflow.yml"),
                *(f"--eventpath={folder}/event.json", "--json", "--no-cache-server", "--action-offline-mode"),
                *("--no-skip-checkout", "--actor=Jane-Doe", "--secret=GITHUB_TOKEN=token", "--defaultbranch=main"),
                *options,
                check=False,
                cwd=project,
                env={**os.environ, "XDG_CACHE_HOME": folder, "XDG_CONFIG_HOME": folder},
            )  # fmt: skip
            if result.returncode != -signal.SIGKILL:
                break
    jobs: dict[str, str] = {}
    for record in map(json.loads, result.stdout.splitlines()):
        if "jobResult" in record:
            name = "tests" if workflow["name"] == "Tests" else record["jobID"]
            jobs[name] = min(record["jobResult"], jobs.get(name, "success"))
        elif "raw_output" in record or record.get("command") == "error":
            log += record["msg"]
        elif record.get("command") == "summary":
            summary += record["content"]
    return Result({"!" * (jobs[n] == "failure") + n for n in jobs}, log, summary)
