"""The servers of the load benches: where their files are and how each is started."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
APPS = REPOSITORY / "tests/apps"
CACHE = REPOSITORY / "tests/.cache"


@dataclass
class Server:
    """A program that serves `/later` on the port PORT, from a directory of its own."""

    directory: str
    argv: list
    env: dict
    # The file whose edit is an edit of the source.
    source: str
    # Whether PM2's cluster mode can run it: Node programs only.
    node: bool = False
    # What its instances share under eco: one queue of connections, or only the port, as suits servers
    # that do not wait by epoll.
    share: str = "queue"

    def copy_to(self, directory):
        """Makes its files ready in a directory: copies, but what is big as a link."""
        directory.mkdir(parents=True, exist_ok=True)
        for path in (APPS / self.directory).iterdir():
            there = directory / path.name
            if path.name in ("node_modules", ".next"):
                there.symlink_to(path)
            elif path.is_dir():
                shutil.copytree(path, there)
            else:
                shutil.copy(path, there)


SERVERS = {
    "express": Server("express", ["node", "server.js"], {"NODE_ENV": "production"}, "server.js",
                      node=True),
    "express-graceful": Server("express", ["node", "server.js"], {"NODE_ENV": "production", "GRACEFUL": "1"},
                               "server.js", node=True),
    "fastify": Server("fastify", ["node", "server.js"], {"NODE_ENV": "production"}, "server.js",
                      node=True),
    "next": Server("next", ["node", "server.js"],
                   {"NEXT_TELEMETRY_DISABLED": "1", "NODE_ENV": "production"}, "server.js",
                   node=True),
    "gunicorn": Server("python", [str(CACHE / "venv/bin/gunicorn"), "--preload", "--workers", "4",
                                  "--bind", "127.0.0.1:{port}", "wsgi:app"], {}, "wsgi.py"),
    "uvicorn": Server("python", [str(CACHE / "venv/bin/uvicorn"), "--log-level", "warning",
                                 "--host", "127.0.0.1", "--port", "{port}", "asgi:app"], {},
                      "asgi.py"),
    "go": Server("go", [str(CACHE / "go/server")], {}, "main.go"),
    "java": Server("java", ["java", "-cp", str(CACHE / "bench/java"), "LoadServer"], {},
                   "LoadServer.java"),
    "bun": Server("bun", ["node_modules/.bin/bun", "server.js"], {}, "server.js"),
    "deno": Server("deno", ["node_modules/.bin/deno", "run", "--allow-net", "--allow-env",
                            "server.js"], {"DENO_NO_UPDATE_CHECK": "1"}, "server.js"),
    "puma": Server("ruby", ["puma", "--bind", "tcp://127.0.0.1:{port}", "--workers", "2",
                            "--threads", "8:8", "--preload", "config.ru"], {}, "config.ru", share="port"),
    "ruby": Server("ruby", ["ruby", "server.rb"], {}, "server.rb", share="port"),
    "php": Server("php", ["./serve.sh"], {"PHP_CLI_SERVER_WORKERS": "8"}, "index.php",
                  share="port"),
}


def program(name):
    """The path of a program on PATH, for those who do not look there."""
    return shutil.which(name) if os.sep not in name else name
