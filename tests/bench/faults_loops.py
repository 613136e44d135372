"""Restarts: crash loops and their end, delays, limits of memory, watched sources, readiness."""

import json
import os
import signal
from pathlib import Path

from fault_rows import Found, Theme, ended
from fault_sides import lives, wait_for
from sites import free_port

LOOPS = Theme("restarts", "restarts and stops")
PROGRAMS = ("state.js", "dies.js", "content.js", "leaks.js", "server.js")


def app(script, env=None, **more):
    """An app of one fork process."""
    env = {"APP": "app", "PORT": str(free_port()), **(env or {})}
    return {"name": "app", "script": script, "exec_mode": "fork", "env": env, **more}


def begin(side, *apps):
    """Starts what the file says."""
    side.take(*PROGRAMS)
    side.save(*apps)
    return side.first()


def word(side, name="app"):
    """How it calls the state of an app."""
    if side.name == "eco":
        return side.app(name)["state"]
    return side.instances(name)[0]["word"]


# What each of them calls an app that it has given up, or holds to be in a loop.
GIVEN_UP = {"pm2": ("errored",), "eco": ("failed", "crash_looping")}
# What each of them calls an app that is over and done.
OVER = {"pm2": ("stopped", "errored"), "eco": ("failed", "done", "stopped", "off", "degraded")}


@LOOPS.row("late-loop", "well for 4 s, then it crashes at boot: max_restarts 4, min_uptime 500",
           "PM2 counts only while the app is young: never given up; eco counts at any age", True)
def late_loop(side):
    """The flag makes it crash."""
    flag = side.dir / "flag"
    begin(side, app("dies.js", {"CODE": "1", "FLAG": str(flag)}, max_restarts=4, min_uptime=500))
    wait_for("the app", lambda: side.up("app") and side.living("app"))
    side.until(lambda: False, 4)
    known = len(side.states("app"))
    flag.write_text("")
    os.kill(side.up("app")[0], signal.SIGKILL)
    stopped = side.until(lambda: word(side) in GIVEN_UP[side.name], side.seconds / 2)
    count = len(side.states("app")) - known
    return Found(f"{word(side)} after {count} restarts" if stopped else
                 f"never given up: {count} restarts in {side.seconds / 2:.0f} s, {word(side)}", stopped)


@LOOPS.row("slow-loop", "ends after 1.1 s each time: max_restarts 3",
           "PM2 goes on for ever, as each run is longer than min_uptime; eco gives up after the third")
def slow_loop(side):
    """Only time shows it."""
    begin(side, app("dies.js", {"CODE": "1", "AFTER": "1100"}, max_restarts=3))
    stopped = side.until(lambda: word(side) in GIVEN_UP[side.name], side.seconds)
    count = len(side.states("app")) - 1
    span = "" if stopped else f" in {side.seconds:.0f} s"
    return Found(f"{word(side)}, {count} restarts{span}", stopped)


def rest(name, what, says, code, **keys):
    """A row for an app that ends and is not to be started again: it must not be shown as waiting."""
    @LOOPS.row(name, what, says, True)
    def look(side):
        begin(side, app("dies.js", {"CODE": str(code), "AFTER": "1500"}, **keys))
        wait_for("the run", lambda: side.states("app"))
        wait_for("its end", lambda: not side.living("app"))
        over = side.until(lambda: word(side) in OVER[side.name], 3)
        # Nothing is started again: a moment is enough to see a delay of 100 ms.
        side.until(lambda: len(side.states("app")) > 1, 1)
        count = len(side.states("app")) - 1
        return Found(f"{word(side)}, {count} restarts", over and count == 0)


WAITING = "PM2 shows it as `waiting restart` for ever; eco says how it ended"
rest("no-restart", "autorestart false with exp_backoff_restart_delay", WAITING, 0,
     autorestart=False, exp_backoff_restart_delay=100)
rest("stop-code", "a code of stop_exit_codes with restart_delay", WAITING, 42,
     stop_exit_codes=[42], restart_delay=100)


@LOOPS.row("dies", "start of a program that exits 3 at once",
           "PM2 says Done, `online`, exit 0; eco exits 1 with the reason", True)
def dies(side):
    """Nothing else than the command's own word."""
    code = begin(side, app("dies.js", {"CODE": "3"}))
    return Found(ended(code), code == 1)


@LOOPS.row("never-ready", "wait_ready, listens but never says 'ready', listen_timeout 2000",
           "PM2 takes the timeout for 'ready', eco for a failure", quick=True)
def never_ready(side):
    """A first start."""
    code = begin(side, app("server.js", {"BEHAVE": "mute"}, wait_ready=True, listen_timeout=2000))
    state = word(side)
    return Found(f"{state}; {ended(code)}", code == 1)


def peak(pid):
    """The most memory a process has had, in MB."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return 0


@LOOPS.row("memory", "max_memory_restart 120M, 40 MB/s more",
           "PM2 looks every 30 s, eco every second")
def memory(side):
    """The most that the first run comes to."""
    begin(side, app("leaks.js", max_memory_restart="120M"))
    wait_for("the app", lambda: side.living("app"))
    [first] = side.living("app")
    most = [0]

    def gone():
        most[0] = max(most[0], peak(first["pid"]))
        return not lives(first["pid"])

    replaced = side.until(gone, 40)
    text = f"came to {most[0]:.0f} MB" + (", all it takes" if most[0] > 700 else "")
    return Found(text if replaced else f"{text}, never replaced", replaced and most[0] < 300)


@LOOPS.row("message", "shutdown_with_message on a cluster's reload",
           "PM2 sends the message on `stop`, and SIGINT on `reload`; eco the message on both", quick=True)
def message(side):
    """The program writes down that it was told."""
    begin(side, {**app("server.js"), "exec_mode": "cluster", "shutdown_with_message": True})
    wait_for("the app", lambda: side.up("app") and side.living("app"))
    [first] = side.living("app")
    side.ask("reload", "app")
    wait_for("its end", lambda: not lives(first["pid"]))
    told = (side.dir / f"state/told.{first['pid']}").exists()
    return Found("got the message" if told else "did not get it", told)


def watched(side, up=0, **more):
    """Starts a program that reads content.txt, under watch; gives how to write that file."""
    content = side.dir / "src/content.txt"
    content.parent.mkdir()

    content.write_text("0")
    side.take(*PROGRAMS)
    side.save(app("../content.js", {"UP": str(up)}, cwd="./src", watch=True, **more))
    side.first()
    wait_for("the app", lambda: side.up("app") and side.living("app"))
    # The watcher is there before the first edit: PM2 says nothing of that.
    side.until(lambda: False, 1)
    return content.write_text


def content_of(side):
    """What the newest living run has read."""
    living = side.living("app")
    return living[-1]["read"] if living else None


@LOOPS.row("watch-burst", "50 edits, 50 ms apart, under watch",
           "PM2 restarts again and again meanwhile; eco once the edits have settled", True)
def watch_burst(side):
    """The number of new processes, and what the last one has read."""
    write = watched(side)
    for count in range(1, 51):
        write(str(count))
        side.until(lambda: False, 0.05)
    last = side.until(lambda: content_of(side) == "50", 6)
    side.until(lambda: False, 1)
    # PM2 ends many before they can write anything down.
    count = max(len(side.states("app")) - 1, side.instances("app")[0]["restarts"])
    return Found(f"{count} restarts, then it runs {'the last edit' if last else content_of(side)}",
                 last and count <= 5)


@LOOPS.row("watch-start", "an edit while the app is starting, under watch",
           "PM2 loses it; eco runs the last edit in the end", True)
def watch_start(side):
    """It takes 1.5 s to say 'ready'."""
    write = watched(side, up=1500, wait_ready=True)
    write("four")
    wait_for("the next one", lambda: content_of(side) == "four")
    write("five")
    last = side.until(lambda: content_of(side) == "five", 12)
    return Found(f"on disk five, runs {content_of(side)}", last)
