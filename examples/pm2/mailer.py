# Pretends to send mail.
import sys
import time

print("sending from", *sys.argv[1:], flush=True)
time.sleep(86400)
