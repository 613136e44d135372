"""The load client of tests/support/load, as the benches use it."""

import json
import subprocess
import time

ANSWERS = 200


class Load:
    """A running load client."""

    def __init__(self, tool, port, also=None, close=False, path="/later", connections=16, think_ms=0):
        args = [tool, str(port), "--path", path, "--connections", str(connections),
                "--think", str(think_ms)]
        if also:
            args += ["--also", str(also)]
        if close:
            args += ["--close"]
        self.process = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def counts(self):
        """The counts so far."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def answers(self, patience):
        """Waits for further answers; whether they came."""
        before = self.counts()["ok"]
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if self.counts()["ok"] >= before + ANSWERS:
                return True
            time.sleep(0.05)
        return False

    def stop(self):
        """Lets it finish; the last counts."""
        self.process.stdin.close()
        last = self.process.stdout.read().splitlines()[-1]
        self.process.wait(timeout=60)
        return json.loads(last)

    def end(self):
        """Ends it, if it has not."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
