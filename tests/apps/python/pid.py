"""WSGI and ASGI applications of the tests: they say the process id of who answers."""

import os


def wsgi(_environ, start_response):
    """For gunicorn."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]


async def asgi(scope, _receive, send):
    """For uvicorn."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(os.getpid()).encode()})
