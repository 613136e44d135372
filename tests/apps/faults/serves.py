"""A server of Python's own at PORT, which says who it is as state.js does."""
import http.server
import json
import os

state = {"pid": os.getpid(), "env": dict(os.environ)}
name = f"{os.environ['STATE']}/{os.environ['APP']}.{os.getpid()}.json"
with open(name, "w") as file:
    file.write(json.dumps(state))
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])),
                                http.server.SimpleHTTPRequestHandler).serve_forever()
