"""The Python worker of the tests: counts until SIGTERM, then says goodbye."""

import os
import signal
import sys
import threading

stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
count = 0
while not stop.wait(0.1):
    count += 1
    print(f"worker {os.environ['ECO_INSTANCE']} {os.environ.get('MESSAGE')} {count}", flush=True)
print("goodbye", file=sys.stderr, flush=True)
