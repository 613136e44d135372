"""Works until it is asked to stop."""
import signal
import sys
import time

signal.signal(signal.SIGTERM, lambda *_: sys.exit("asked to stop"))
item = 0
while True:
    item += 1
    print("item", item)
    time.sleep(60)
