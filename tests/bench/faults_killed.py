"""The supervisor is killed: which apps live on, and what the next command makes of them."""

import os
import signal

from fault_rows import Found, Theme, ended
from fault_sides import lives, wait_for
from sites import free_port

KILLED = Theme("killed", "kill -9 of the supervisor: all of its own processes at once")
# How long an app may take to notice, in seconds. Here the passing of time is what is looked at.
NOTICE = 5


def survivors(name, what, says, quick=False, **app):
    """A row for one kind of app, in one process."""
    @KILLED.row(name, what, says, quick)
    def look(side):
        env = {"PORT": str(free_port()), "APP": "app"}
        side.take("state.js", "server.js", "prints.sh", "silent.sh")
        side.save({"name": "app", "env": env, **app})
        side.first()
        wait_for("the app", lambda: len(side.up("app")) == len(side.living("app")) == 1)
        [pid] = side.up("app")
        for daemon in side.supervisors():
            os.kill(daemon, signal.SIGKILL)
        gone = side.until(lambda: not lives(pid), NOTICE)
        known = [one["pid"] for one in side.instances("app")]
        command = "ls" if side.name == "pm2" else "status"
        done = side.ask(command)
        text = "dies" if gone else "lives on"
        if pid not in known and not gone:
            text += ", **managed by nobody**"
        has = "it, with its pid" if pid in known else f"{len(known)} others" if known else "nothing"
        text += f"; the next `{command}` lists {has}, {ended(done.returncode)}"
        return Found(text, not gone and known == [pid] and done.returncode == 0)


ALL = "PM2's apps go with it or are forgotten; eco's next command has them as they were"

survivors("cluster", "a cluster worker", ALL, quick=True, script="server.js", exec_mode="cluster")
survivors("fork", "a Node program, fork", ALL, script="server.js", exec_mode="fork")
survivors("printing", "a bash program that prints", ALL, script="prints.sh")
survivors("silent", "a bash program that prints nothing", ALL, script="silent.sh")
