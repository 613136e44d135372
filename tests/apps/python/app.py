"""The WSGI application of the tests; gunicorn serves it."""

import os


def app(_environ, start_response):
    """Answers every request with the variable MESSAGE."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [os.environ.get("MESSAGE", "no message").encode()]
