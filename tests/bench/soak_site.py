"""What the soak runs: one project under eco, the load on it, and what should be true of both."""

import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from load import Load
from servers import SERVERS
from sites import free_port

# Of each of the two loads.
CONNECTIONS = 8
THINK_MS = 15
PATIENCE = 120.0
DISK = "24m"
# Writes a little all the time, and 12 MB in one go when told to.
LOGGER = """
import os, signal, sys, time
told = []
signal.signal(signal.SIGUSR1, lambda *_: told.append(True))
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
floods, line = 0, b"x" * 119 + b"\\n"
while True:
    sys.stdout.buffer.write(line)
    sys.stdout.flush()
    if told:
        told.clear()
        for _ in range(100_000):
            sys.stdout.buffer.write(line)
        sys.stdout.flush()
        floods += 1
        with open("floods.draft", "w") as file:
            file.write(f"{os.getpid()} {floods}")
        os.rename("floods.draft", "floods")
    time.sleep(0.05)
"""


class Failed(Exception):
    """Something is not as it should be."""


class SoakLoad(Load):
    """A running load client, and what was seen of it before the step that runs."""

    def __init__(self, tool, port, close):
        super().__init__(tool, port, close=close, connections=CONNECTIONS, think_ms=THINK_MS)
        self.name = "a connection each" if close else "keep-alive"
        self.close = close
        self.seen = self.counts()
        self.spared = 0

    def answered(self):
        """Waits for further answers: whoever waited during a step has its answer then."""
        before = self.counts()["ok"]
        deadline = time.monotonic() + PATIENCE
        while self.counts()["ok"] < before + 4 * CONNECTIONS:
            if time.monotonic() > deadline:
                raise Failed(f"no answers any more ({self.name}): {self.counts()}")
            time.sleep(0.02)

    def look(self, killed, replaced):
        """What failed since the last look. What was inside `killed` processes is spared, and on kept
        connections the idle race: one for each connection to each of so many replaced instances."""
        self.answered()
        now, before = self.counts(), self.seen
        self.seen = now
        grown = {kind: now[kind] - before[kind] for kind in
                 ("hard", "cut", "idle_races", "refused", "hung", "bad_status", "other")}
        inside = grown["cut"] if killed else 0
        self.spared += inside
        races = 0 if self.close else CONNECTIONS * (killed + replaced)
        if grown["hard"] > inside or inside > CONNECTIONS * killed or grown["idle_races"] > races:
            raise Failed(f"requests failed ({self.name}): {grown}, spared are up to "
                         f"{CONNECTIONS * killed} cut and {races} idle races; {now['problem']}")


class Site:
    """The project, its file as it should be, and eco."""

    def __init__(self, options):
        self.tool = str(Path(options.eco).resolve())
        self.verbose = options.verbose
        self.dir = Path(tempfile.mkdtemp(prefix="es"))
        self.home = self.dir / "h"
        self.env = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self.env |= {"HOME": str(self.dir), "ECO_HOME": str(self.home)}
        self.port = free_port()
        self.disk = self.dir / "disk"
        self.disk.mkdir()
        self.has_disk = options.disk
        if self.has_disk:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK}", "soak", self.disk],
                           check=True)
        SERVERS["express"].copy_to(self.dir)
        shutil.copy(Path(__file__).parents[1] / "apps/python/worker.py", self.dir)
        (self.dir / "logger.py").write_text(LOGGER)
        self.apps = self.first()
        # What `eco scale` and `eco stop` asked for since the last apply.
        self.scaled = {}
        self.loads = []

    def first(self):
        """The apps to begin with."""
        return {
            "web": {
                "command": ["node", "server.js"], "instances": 2, "listen": self.port,
                "env": {"VERSION": "first", "NODE_ENV": "production"},
                "rollout": {"min_ready": "1s", "deadline": "60s"},
                "stop": {"drain": "5s", "timeout": "5s"},
            },
            "worker": {"command": ["python3", "worker.py", "0"], "env": {"MESSAGE": "m0"}},
            "tick": {"command": {"shell": "echo tick"}, "kind": "job",
                     "schedule": "*/7 * * * * *"},
            "logger": {
                "command": ["python3", "logger.py"], "cwd": ".",
                "logs": {"dir": "disk", "rotate": {"size": "2M", "keep": 3}},
            },
            "crasher": {
                "command": {"shell": "echo up; sleep 2; exit 3"},
                "restart": {"backoff": {"initial": "100ms", "max": "1s"}, "limit": "none"},
            },
        }

    def write(self, apps=None):
        """Writes the file, in one go. JSON is YAML."""
        draft = self.dir / "draft"
        draft.write_text(json.dumps({"name": "soak", "apps": apps or self.apps}, indent=1))
        draft.rename(self.dir / "ecosystem.yaml")

    def changed(self, app, **fields):
        """The apps with some fields of one of them changed; `env` is merged."""
        apps = copy.deepcopy(self.apps)
        env = fields.pop("env", {})
        apps[app].update(fields)
        if env:
            apps[app]["env"] = {**apps[app].get("env", {}), **env}
        return apps

    def eco(self, *args):
        """Runs a command of eco: exit code and output."""
        done = subprocess.run([self.tool, *args], cwd=self.dir, env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        return done.returncode, done.stdout

    def ok(self, *args):
        """Runs a command that has to end well; its output."""
        code, output = self.eco(*args)
        if code != 0:
            raise Failed(f"eco {' '.join(args)} ended with {code}:\n{output}")
        return output

    def json(self, *args):
        """What a command says as JSON, whatever its exit code."""
        code, output = self.eco(*args, "--json")
        try:
            return json.loads(output)
        except ValueError as error:
            raise Failed(f"eco {' '.join(args)} --json ended with {code}:\n{output}") from error

    def apply(self, apps=None, *more):
        """Writes the file and applies it, which has to go well."""
        if apps:
            self.apps = apps
        self.write()
        self.ok("apply", "--timeout", "2m", *more)
        self.scaled = {}

    def instances(self, app):
        """How many there should be."""
        return self.scaled.get(app, self.apps[app].get("instances", 1))

    def status(self):
        """`status --json`, by app."""
        return {app["name"]: app for app in self.json("status")["apps"]}

    def pids(self, app):
        """The first processes of an app."""
        return {one["id"]: one["pid"] for one in self.status()[app]["instances"] if one["pid"]}

    def roles(self):
        """The processes of eco."""
        found = self.json("daemon", "status")
        return {role: found[f"{role}_pid"] for role in ("keeper", "recorder", "controller")}

    def wait(self, what, condition, patience=PATIENCE):
        """Waits until `condition` gives something true, and returns it; else says what it said."""
        begin = time.monotonic()
        deadline = begin + patience
        pause, said = 0.02, 1
        while True:
            found, why = condition()
            if found:
                return found
            if time.monotonic() > deadline:
                raise Failed(f"waited in vain for {what}: {why}")
            if self.verbose and time.monotonic() > begin + 10 * said:
                said += 1
                print(f"     waiting for {what}: {why}", file=sys.stderr, flush=True)
            time.sleep(pause)
            pause = min(pause * 1.5, 0.3)

    def start(self, options):
        """Brings all of it up, and the load on it."""
        self.write()
        self.ok("apply")
        for close in (True, False):
            self.loads.append(SoakLoad(options.load, self.port, close))

    def stop(self, keep):
        """Ends everything."""
        for load in self.loads:
            load.process.kill()
            load.process.wait()
        try:
            self.eco("daemon", "stop")
        finally:
            if keep:
                if self.has_disk:
                    shutil.copytree(self.disk, self.dir / "disk-copy", dirs_exist_ok=True)
                print(f"left there: {self.dir}", file=sys.stderr)
            if self.has_disk:
                subprocess.run(["umount", "--lazy", self.disk], check=False)
            if not keep:
                shutil.rmtree(self.dir, ignore_errors=True)
