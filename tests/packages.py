"""Write packages, and serve them on loopback."""

import re
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tools.images import run


@contextmanager
def serving(
    folder: Path, login: str = "", certificate: Path | None = None
) -> Iterator[tuple[str, list[str]]]:
    """Serve a folder, and its wheels as a package index.

    Yields:
        The host and port, and the paths that the server has served so far.

    Args:
        folder: The folder. The page /simple/NAME/ links to its wheels of that name.
        login: A user and password, separated by a colon, which the server requires.
        certificate: A file with a certificate and its key, to serve HTTPS.
    """
    expected = f"Basic {b64encode(login.encode()).decode()}"
    served: list[str] = []

    class Handler(SimpleHTTPRequestHandler):
        """Serves files and pages of links if the login is correct."""

        def do_GET(self) -> None:
            page = folder / self.path.strip("/")
            if login and self.headers["Authorization"] != expected:
                self.send_response(401)
                self.send_header("WWW-Authenticate", "Basic realm=index")
                self.end_headers()
                return
            served.append(self.path)
            if not self.path.startswith("/simple/"):
                super().do_GET()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            for wheel in folder.glob("*.whl"):
                name = re.sub("[-_.]+", "-", wheel.name.split("-")[0]).lower()
                if name == page.name:
                    link = f'<a href="/{wheel.name}">{wheel.name}</a>\n'
                    self.wfile.write(link.encode())

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    handler = partial(Handler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}", served
        finally:
            server.shutdown()


def write_certificate(path: Path) -> None:
    """Write a certificate for the loopback address, and its key, to one file."""
    created = run(
        *("openssl", "req", "-x509", "-noenc", "-newkey", "ec", "-days", "1"),
        *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", "/CN=127.0.0.1"),
        *("-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "-"),
    )
    path.write_text(created.stdout)


def write_package(folder: Path, name: str) -> Path:
    """Write a project with a package of one empty module, and return its folder."""
    package = folder / name.replace("-", "_")
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "{name}"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        '[build-system]\nrequires = ["poetry-core>=2"]\n'
        'build-backend = "poetry.core.masonry.api"\n'
    )
    return folder
