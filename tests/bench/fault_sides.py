"""PM2 and eco on one and the same PM2 file, each in a directory and a home of its own."""

import json
import os
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import machine
from contenders import Eco, Pm2

APPS = Path(__file__).resolve().parents[1] / "apps/faults"
# Set once all has to end: nothing is started any more.
ENDING = threading.Event()


class Side:
    """One of the two, with the apps of one row."""

    # Set by the mixed-in contender.
    dir = env = tool = None
    name = ""

    def begin(self):
        """Tells its programs where to write down who they are."""
        self.env |= {"STATE": str(self.dir / "state"), "PM2_DISABLE_VERSION_CHECK": "true"}
        (self.dir / "state").mkdir()
        self.file = self.dir / "ecosystem.config.js"

    def take(self, *names):
        """Puts programs of tests/apps/faults into its directory."""
        for name in names:
            shutil.copy(APPS / name, self.dir / name)

    def save(self, *apps, text=None, name="ecosystem.config.js"):
        """Writes the file, the same for both; by another name, that one is used from now on."""
        self.file = self.dir / name
        if text is None:
            text = json.dumps({"apps": apps}, indent=2)
            text = f"module.exports = {text};\n" if name.endswith(".js") else text
        draft = self.dir / "draft"
        draft.write_text(text)
        draft.rename(self.file)

    def ask(self, *args, patience=60):
        """Runs a command of it: how it ended and what it said."""
        if ENDING.is_set():
            raise InterruptedError("all ends")
        try:
            return subprocess.run([self.tool, *args], cwd=self.dir, env=self.env, text=True,
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=patience, check=False)
        except subprocess.TimeoutExpired as late:
            said = (late.stdout or b"").decode(errors="replace")
            return subprocess.CompletedProcess(late.cmd, None, said)

    def first(self):
        """Starts what the file says; the exit code."""
        raise NotImplementedError

    def follow(self):
        """Brings an edit of the file to what runs, by all that a user would try; the exit codes."""
        raise NotImplementedError

    def release(self):
        """Brings an edit of the file to what runs, as a release script does; the exit code."""
        raise NotImplementedError

    def instances(self, app=None):
        """What it lists: name, pid, its own word for how it is, restarts."""
        raise NotImplementedError

    def up(self, app=None):
        """The pids of what it calls running."""
        raise NotImplementedError

    def supervisors(self):
        """Its own processes that have to do with apps."""
        raise NotImplementedError

    def states(self, app):
        """What the runs of an app wrote down at their start (tests/apps/faults/state.js), oldest first."""
        found = []
        for path in sorted((self.dir / "state").glob(f"{app}.*.json"),
                           key=lambda path: path.stat().st_mtime_ns):
            try:
                found.append(json.loads(path.read_text()))
            except json.JSONDecodeError:
                pass  # It is about to be written.
        return found

    def living(self, app):
        """Those of them that live."""
        return [state for state in self.states(app) if lives(state["pid"])]

    def until(self, condition, patience):
        """Waits for a condition; whether it came."""
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if condition():
                return True
            time.sleep(0.05)
        return False

    def settled(self, app, count, patience=20):
        """Waits until it calls so many running, and no other run of the app lives."""
        return self.until(lambda: len(self.up(app)) == count and len(self.living(app)) == count,
                          patience)

    def end(self):
        """Ends whatever has its directory in its command line or environment: all of it was started
        by this program."""
        end_all_of(str(self.dir))
        shutil.rmtree(self.dir, ignore_errors=True)


class Pm2Side(Pm2, Side):
    """PM2."""

    def __init__(self, cache, work):
        super().__init__(cache, work)
        self.begin()

    def first(self):
        return self.ask("start", str(self.file)).returncode

    def release(self):
        return self.ask("reload", str(self.file), "--update-env").returncode

    def follow(self):
        return [self.release(), self.ask("start", str(self.file)).returncode,
                self.ask("restart", str(self.file)).returncode]

    def listed(self, app=None):
        """Its own list."""
        text = self.ask("jlist").stdout
        found = json.loads(text[text.index("[{"):].splitlines()[0]) if "[{" in text else []
        return [one for one in found if app in (None, one["name"])]

    def instances(self, app=None):
        return [{"name": one["name"], "pid": one["pid"], "word": one["pm2_env"]["status"],
                 "restarts": one["pm2_env"]["restart_time"]} for one in self.listed(app)]

    def up(self, app=None):
        return [one["pid"] for one in self.instances(app) if one["word"] == "online"]

    def supervisors(self):
        return self.pids()

    def daemons(self):
        """Every daemon of its home there is, also those it does not know of."""
        return running(f"God Daemon ({self.dir}/home)")

    def remove(self, app):
        """Takes an app away."""
        return self.ask("delete", app).returncode


class EcoSide(Eco, Side):
    """eco."""

    def __init__(self, cache, work, tool):
        super().__init__(cache, work, tool)
        # A user's path, not a deep one: sockets have to fit.
        self.env |= {"NO_COLOR": "1"}
        self.begin()

    def first(self):
        return self.ask("apply", str(self.file)).returncode

    release = first

    def follow(self):
        return [self.first()]

    def object(self, *args):
        """What a command says as one object; what it says besides comes first."""
        lines = self.ask(*args, "--json").stdout.splitlines()
        return json.loads(next((line for line in lines if line.startswith("{")), "{}"))

    def instances(self, app=None):
        return [{"name": it["name"], "pid": one["pid"], "word": one["phase"],
                 "restarts": one["restarts"]}
                for it in self.object("status").get("apps", []) if app in (None, it["name"])
                for one in it["instances"]]

    def app(self, name):
        """An app as it lists it."""
        return next(it for it in self.object("status")["apps"] if it["name"] == name)

    def up(self, app=None):
        return [one["pid"] for one in self.instances(app) if one["word"] == "ready"]

    def supervisors(self):
        return self.pids()

    def daemons(self):
        """Every keeper of its home there is."""
        return running(f"{self.dir}/h/run")

    def remove(self, app):
        """Takes an app away: it is no longer in the file."""
        self.save({"name": "other", "script": "sleep", "args": ["1000"]})
        return self.first()


def lives(pid):
    """Whether a process runs: one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def running(words):
    """The processes that live and have these words in their command line."""
    for name in os.listdir("/proc"):
        try:
            line = Path(f"/proc/{int(name)}/cmdline").read_text(errors="replace").replace("\0", " ")
        except (OSError, ValueError):
            continue
        if words in line and lives(name):
            yield int(name)


def belongs(pid, directory):
    """Whether a process names a directory in its command line or environment, or works there."""
    word = directory.encode()
    for part in ("cmdline", "environ"):
        try:
            if word in Path(f"/proc/{pid}/{part}").read_bytes():
                return True
        except OSError:
            pass
    try:
        return os.readlink(f"/proc/{pid}/cwd").startswith(directory)
    except OSError:
        return False


def end_all_of(directory):
    """Kills every process of a directory, again and again until there is none."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
        found = [pid for pid in pids if pid != os.getpid() and belongs(pid, directory) and lives(pid)]
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)
    raise RuntimeError(f"processes of {directory} do not end")


def environ(pid):
    """A process's environment as it was given."""
    text = Path(f"/proc/{pid}/environ").read_bytes().decode(errors="replace")
    return dict(item.split("=", 1) for item in text.split("\0") if "=" in item)


def wait_for(what, condition, patience=30):
    """As machine.wait_for, with the patience of a row."""
    return machine.wait_for(what, condition, patience)
