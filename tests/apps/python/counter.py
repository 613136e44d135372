"""Writes numbered lines until it is told to end; then says in the file `written` how many it wrote."""

import signal
import time

told = []
signal.signal(signal.SIGTERM, lambda *_: told.append(True))
count = 0
while not told:
    print(count, flush=True)
    count += 1
    time.sleep(0.001)
with open("written", "w") as file:
    file.write(str(count))
