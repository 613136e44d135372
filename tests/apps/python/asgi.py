"""The ASGI application of the load tests; see `tests/apps/express/server.js` for what it can do."""

import asyncio
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
    threading.Timer(0.5, lambda: os._exit(7)).start()


async def app(scope, receive, send):
    """Answers with the version; `/later` after 20 ms."""
    while scope["type"] == "lifespan":
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return
    if scope["path"] == "/later":
        await asyncio.sleep(0.02)
    head = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(VERSION)),
            (b"x-pid", b"%d" % os.getpid())]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": VERSION})
