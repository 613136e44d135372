"""Processes and what is around them: whole trees, numbers of instances, environment, secrets, Python."""

import stat
import time

from fault_rows import Found, Theme, ended, listed
from fault_sides import belongs, environ, running, wait_for
from faults_loops import LOOPS, app
from sites import free_port

TREES = Theme(LOOPS.name, LOOPS.title)
PROGRAMS = ("state.js", "server.js", "leaves.js", "stubborn.sh", "serves.py", "probe.js")


def begin(side, *apps):
    """Starts what the file says."""
    side.take(*PROGRAMS)
    side.save(*apps)
    return side.first()


def tree(side, word):
    """The living processes of the side that have a word in their command line."""
    return [pid for pid in running(word) if belongs(pid, str(side.dir))]


@TREES.row("scale", "scale 4, then scale 2: NODE_APP_INSTANCE",
           "PM2 takes away the oldest, so there is no number 0 left; eco the highest", True)
def scale(side):
    """The numbers of those that live."""
    begin(side, {**app("server.js"), "exec_mode": "cluster", "instances": 2})
    wait_for("two", lambda: len(side.up("app")) == len(side.living("app")) == 2)
    for count in (4, 2):
        side.ask("scale", "app", str(count))
        if not side.settled("app", count):
            raise TimeoutError(f"never {count}")
    numbers = sorted(int(state["env"]["NODE_APP_INSTANCE"]) for state in side.living("app"))
    return Found(f"{{{listed(numbers)}}}", numbers == [0, 1])


@TREES.row("left-child", "a child with a session of its own and no parent, then delete",
           "PM2 leaves it behind; eco ends the whole tree", True)
def left_child(side):
    """It has to be gone with the app."""
    begin(side, app("leaves.js"))
    wait_for("the child", lambda: tree(side, "sleep 1000"))
    side.remove("app")
    gone = side.until(lambda: not [pid for pid in tree(side, "sleep 1000")
                                   if environ(pid).get("APP") == "app"], 3)
    return Found("gone" if gone else "lives on", gone)


@TREES.row("stubborn", "three generations that ignore SIGINT, then delete; kill_timeout 1000",
           "both kill the tree after the time", True)
def stubborn(side):
    """Nobody may be left."""
    begin(side, app("stubborn.sh", kill_timeout=1000))
    wait_for("the tree", lambda: len(tree(side, "stubborn.sh")) >= 3)
    begun = time.monotonic()
    code = side.remove("app")
    took = time.monotonic() - begun
    left = len(tree(side, "stubborn.sh"))
    return Found(f"{left} left after {took:.1f} s; {ended(code)}", left == 0 and code == 0)


# What a program may rely on by eco's own word.
DOCUMENTED = {"ECO_PROJECT", "ECO_APP", "ECO_INSTANCE", "ECO_RUN", "NODE_APP_INSTANCE",
              "NOTIFY_SOCKET", "NODE_OPTIONS", "ECO_NODE", "ECO_NOTIFY_FD"}


@TREES.row("environment", "which variables a child gets that neither the caller nor the file has",
           "PM2 adds its settings of the app, `name`, `status` …; eco seven, all documented", True)
def environment(side):
    """As the process has it."""
    begin(side, app("probe.js"))
    wait_for("the app", lambda: side.living("app"))
    names = set(environ(side.living("app")[0]["pid"])) - set(side.env) - {"APP", "PORT"}
    more = sorted(names - DOCUMENTED)
    text = f"{len(names)}"
    if more:
        text += f", such as {listed(f'`{name}`' for name in more[:5])}"
    return Found(text, not more)


@TREES.row("secrets", "a secret in `env`, then save: who may read it, and who may connect",
           "PM2's dump is readable for all and has it twice; eco's files are their owner's alone", True)
def secrets(side):
    """Files and sockets of the home that others may open, in directories that they may enter."""
    begin(side, app("probe.js", {"TOKEN": "s3cr3t-t0ken"}))
    wait_for("the app", lambda: side.living("app"))
    if side.name == "pm2":
        side.ask("save")
    home = side.dir / ("home" if side.name == "pm2" else "h")
    open_ones = []
    for path in home.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_socket()):
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        shut = any(stat.S_IMODE(up.stat().st_mode) & 0o077 == 0
                   for up in path.parents if home in up.parents or up == home)
        times = path.read_bytes().count(b"s3cr3t-t0ken") if path.is_file() else 0
        if (times or path.is_socket()) and mode & 0o077 and not shut:
            open_ones.append(f"{path.name} {mode:04o}" + (f" has it {times} times" if times else ""))
    return Found(f"open to others: {listed(open_ones)}", not open_ones)


def python(name, what, says, told="", **keys):
    """A row for two Python servers on one port."""
    @TREES.row(name, what, says, True, told)
    def look(side):
        env = {"APP": "app", "PORT": str(free_port())}
        code = begin(side, {"name": "app", "script": "serves.py", "interpreter": "python3",
                            "instances": 2, "env": env, **keys})
        side.until(lambda: len(side.living("app")) == 2, 1)
        both = side.until(lambda: len(side.up("app")) == len(side.living("app")) == 2, 3)
        pids, words = side.up("app"), [one["word"] for one in side.instances("app")]
        return Found(f"{listed(words)}; {ended(code)}",
                     both and code == 0 and len(pids) == len(words) == 2, told=code == 1)


python("python-fork", "a Python server, 2 instances, one port, fork",
       "nobody shares a port in fork mode; PM2 calls the first `online` and exits 0, eco exits 1 and says why",
       told="in fork mode each has its own port, as PM2 has it; `exec_mode: cluster` shares it")
python("python-cluster", "the same with exec_mode cluster",
       "PM2 lets node load the .py; eco shares the port between both", exec_mode="cluster")
