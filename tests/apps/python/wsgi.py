"""The WSGI application of the load tests; see `tests/apps/express/server.js` for what it can do."""

import os
import threading
import time

BEHAVE = os.environ.get("BEHAVE")
VERSION = os.environ.get("VERSION", "none").encode()

if BEHAVE == "throw":
    raise RuntimeError("a bad release")
if BEHAVE == "deaf":
    time.sleep(100_000)
if BEHAVE == "slow":
    time.sleep(5)
if BEHAVE == "crash":
    # The worker and, with it, the server: gunicorn would start another worker.
    threading.Timer(0.5, lambda: os.killpg(0, 9)).start()


def app(environ, start_response):
    """Answers with the version; `/later` after 20 ms."""
    if environ["PATH_INFO"] == "/later":
        time.sleep(0.02)
    head = [("Content-Type", "text/plain"), ("Content-Length", str(len(VERSION))),
            ("X-Pid", str(os.getpid()))]
    start_response("200 OK", head)
    return [VERSION]
