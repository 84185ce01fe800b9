"""A build can use a private index, and nothing of the way in is in the image."""

import base64
import re
import secrets
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests import run
from tests.engine import TAGS, base_of, build, dockerfile_of, inspect, save

pytestmark = pytest.mark.engine

USER = "builder"
PASSWORD = secrets.token_urlsafe()


@dataclass
class Index:
    """A private index on loopback, and what a build needs to use it."""

    url: str
    certificate: Path
    served: list[str] = field(default_factory=list)


def fill(folder: Path, project: Path) -> None:
    """Download into a folder what a build of this project installs.

    The base image's own pip does, which knows what fits it.
    """
    pinned = re.findall(r"[\w-]+==[\w.]+", dockerfile_of(project))
    run("poetry", "export", f"--output={folder}/requirements.txt", cwd=project)
    requirements = (folder / "requirements.txt").read_text("utf-8")
    pinned += re.findall(r"^\S+==[^\s;]+", requirements, re.MULTILINE)
    name = f"{TAGS}-index"
    run("docker", "rm", "--force", name, check=False)
    run(
        *("docker", "run", f"--name={name}", base_of(project)),
        *("pip", "download", "--quiet", "--dest=/wheels", *pinned),
    )
    run("docker", "cp", "--quiet", f"{name}:/wheels/.", str(folder))
    run("docker", "rm", name)


@pytest.fixture(scope="session")
def index(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    """Return an index that wants a password, and has a certificate nobody knows."""
    folder = tmp_path_factory.mktemp("index")
    certificate = tmp_path_factory.mktemp("certificate") / "certificate.pem"
    key = certificate.with_name("key.pem")
    run(
        "openssl",
        *("req", "-x509", "-noenc", "-newkey", "ec"),
        *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "1"),
        *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        *("-keyout", str(key), "-out", str(certificate)),
    )
    fill(folder, project)
    for wheel in folder.glob("*.whl"):
        name = re.sub("[-_.]+", "-", wheel.name.partition("-")[0]).lower()
        page = folder / "simple" / name / "index.html"
        page.parent.mkdir(parents=True)
        page.write_text(f'<a href="/{wheel.name}">{wheel.name}</a>')
    expected = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    served: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        """Serve the folder to whom the password is known."""

        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=folder)  # type: ignore[arg-type]

        def do_GET(self) -> None:
            if self.headers["Authorization"] == f"Basic {expected}":
                served.append(self.path)
                super().do_GET()
            else:
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic realm=index")
                self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Index(
            url=f"https://{USER}:{PASSWORD}@127.0.0.1:{server.server_port}/simple",
            certificate=certificate,
            served=served,
        )
        server.shutdown()


def test_a_private_index_leaves_no_trace(
    project: Path, index: Index, tmp_path: Path
) -> None:
    """Neither its password nor its certificate, in no layer of any stage."""
    configuration = tmp_path / "pip.conf"
    configuration.write_text(
        f"[global]\nindex-url = {index.url}\ncert = /run/secrets/ca.pem\n"
    )
    # Requests lets this variable, if the base image has it, go before the setting.
    copy = tmp_path / "project"
    run("cp", "-R", str(project), str(copy))
    text = dockerfile_of(project).replace(
        " AS base\n", " AS base\nENV REQUESTS_CA_BUNDLE=\n"
    )
    (copy / "Dockerfile").write_text(text)
    options = (
        "--network=host",
        f"--secret=id=pip.conf,src={configuration}",
        f"--secret=id=ca.pem,src={index.certificate}",
    )
    index.served.clear()
    build(copy, "private", "--no-cache", *options)
    assert any("/click-" in path for path in index.served)
    assert any("/poetry-" in path for path in index.served)
    result = run("docker", "run", "--rm", f"{TAGS}-private", "--count=1")
    assert result.stdout == "Reticulating spline 1...\n"

    certificate = index.certificate.read_bytes().splitlines()[1]
    hidden = [PASSWORD.encode(), base64.b64encode(PASSWORD.encode()), certificate]
    for stage in ("dependencies", "application", ""):
        build(copy, f"private{stage}", *options, f"--target={stage}")
        image = f"{TAGS}-private{stage}"
        history = run("docker", "history", "--no-trunc", image).stdout.encode()
        config = run("docker", "image", "inspect", image).stdout.encode()
        archive = save(image, tmp_path / "image.tar")
        assert not any(secret in history + config for secret in hidden)
        base = len(inspect(base_of(project))["RootFS"]["Layers"])
        for digest in archive.layers[base:]:
            with archive.layer(digest) as layer:
                for member in filter(lambda member: member.isfile(), layer):
                    file = layer.extractfile(member)
                    content = file.read() if file else b""
                    assert not any(secret in content for secret in hidden), member.name
