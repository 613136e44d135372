"""Fetches work from the server, one item a second, until it is asked to stop."""

import json
import os
import signal
import threading
import urllib.error
import urllib.request

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
name = f"worker {os.environ['ECO_INSTANCE']}"

while not stop.is_set():
    try:
        with urllib.request.urlopen(os.environ["URL"], timeout=5) as answer:
            print(f"{name}: item {json.load(answer)['item']}")
    except (urllib.error.URLError, OSError) as error:
        print(f"{name}: the server does not answer yet: {error}")
    stop.wait(1)

print(f"{name}: stopped")
