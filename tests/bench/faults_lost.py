"""Requests lost. Two clients of 16 connections ask without pause and never retry, one with a new
connection for each request, one with keep-alive; a request has failed if its answer did not come."""

import os
import signal
import socket

from fault_rows import Found, Theme, ended, listed
from fault_sides import wait_for
from load import Load
from sites import free_port

LOST = Theme("lost", "requests lost: connection per request, keep-alive", alone=True)
CONNECTIONS = 16
# How long service may be away after an event, in seconds, before it counts as an outage.
PATIENCE = 8


class Scene:
    """A server under a side, with its load."""

    def __init__(self, side, load_tool, **app):
        self.side = side
        self.tool = load_tool
        self.port = free_port()
        self.count = app.get("instances", 1)
        env = {"PORT": str(self.port), "APP": "web", "BEHAVE": "", "CLOSE": "", **app.pop("env", {})}
        self.app = {"name": "web", "script": "server.js", "exec_mode": "cluster", "env": env, **app}
        side.take("state.js", "server.js")
        side.save(self.app)
        side.first()
        wait_for("the instances", lambda: len(side.up("web")) == self.count)
        wait_for("the server", self.serves)

    def serves(self):
        """Whether a connection can be made."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def edit(self, **env):
        """A release with other variables; the exit code."""
        self.app["env"] |= env
        self.side.save(self.app)
        return self.side.release()

    def during(self, event):
        """Does something under load: the counts of both clients, its exit code, and whether there is
        service after it."""
        loads = [Load(self.tool, self.port, close=close, path="/") for close in (True, False)]
        try:
            if not all([load.answers(30) for load in loads]):
                raise TimeoutError("no answers before the event")
            code = event(self)
            # What it does after its command has returned counts, too.
            self.side.settled("web", self.count, 4)
            serves = all([load.answers(PATIENCE) for load in loads])
            return [load.stop() for load in loads], code, serves
        finally:
            for load in loads:
                load.end()


def words(counts):
    """The counts of one client in words."""
    kinds = [("refused", counts["refused"]), ("cut", counts["cut"] + counts["idle_races"]),
             ("hung", counts["hung"]), ("bad", counts["bad_status"] + counts["other"])]
    some = [f"{count} {kind}" for kind, count in kinds if count]
    return " ".join(some) or "0"


def failed(counts):
    """How many answers did not come."""
    return counts["hard"] + counts["idle_races"]


def found(result, inside=0, wanted=(None, 0)):
    """The words of a row. Clean is: service after it, the exit code wanted, nobody refused or hung, and no
    more cut off than were `inside` a process that was killed, per client."""
    counts, code, serves = result
    text = ", ".join(words(one) for one in counts)
    if code is not None:
        text += f"; {ended(code)}"
    if not serves:
        text += f"; **no service for {PATIENCE} s after it**"
    clean = serves and code in wanted and all(
        failed(one) <= inside and one["refused"] + one["hung"] == 0 for one in counts)
    # Without a shared port there is nobody to wait for, either: what was told.
    told = serves and code in wanted and all(one["hung"] == 0 for one in counts)
    return Found(text, clean, told)


def reload(scene):
    """A reload by command."""
    return scene.side.ask("reload", "web").returncode


def release(**env):
    """A release with these variables."""
    return lambda scene: scene.edit(**env)


def kill(scene):
    """One process of the app dies."""
    os.kill(scene.side.up("web")[0], signal.SIGKILL)


def pair(name, what, says, event, quick=False, told="", inside=0, wanted=(None, 0), **app):
    """A row that is one event under load."""
    @LOST.row(name, what, says, quick, told)
    def look(side):
        scene = Scene(side, side.load_tool, **{**app, "env": dict(app.get("env", {}))})
        return found(scene.during(event), inside, wanted)


FORK = "fork mode shares no port under eco either: `cluster` does, for programs in any language"
CUTS = "PM2 cuts off what is open; eco ends open requests and idle connections before the signal"

pair("reload", "reload, cluster ×2, no signal handler", CUTS, reload, instances=2)
pair("reload-close", "reload, cluster ×2, server.close() on SIGINT", CUTS, reload, instances=2,
     env={"CLOSE": "1"})
pair("reload-close-idle", "the same with closeIdleConnections()", CUTS, reload, instances=2,
     env={"CLOSE": "idle"})
pair("reload-one", "reload, cluster ×1", CUTS, reload, instances=1)
pair("reload-fork", "reload, fork ×1, server.close() on SIGINT",
     "PM2 stops, then starts; eco does so too in fork mode, and `eco diff` says so", reload,
     told=FORK, instances=1, exec_mode="fork", env={"CLOSE": "1"})
pair("kill-one", "kill -9 of one of two",
     "PM2 loses what was inside; eco too, and nothing else", kill, inside=CONNECTIONS, instances=2)
pair("kill-only", "kill -9 of the only one, cluster",
     "PM2 refuses until the next one listens; under eco connections wait meanwhile", kill,
     inside=CONNECTIONS, instances=1)
pair("kill-fork", "kill -9 of the only one, fork",
     "both refuse until the next one listens", kill, inside=CONNECTIONS, told=FORK, instances=1,
     exec_mode="fork")
pair("throws", "a release that throws at boot, cluster ×2",
     "PM2 ends the good release and has none left; eco keeps it, undoes the change and exits 1",
     release(BEHAVE="throw"), quick=True, wanted=(1,), instances=2)
pair("slow", "a release that needs 5 s to listen, cluster ×1",
     "PM2 ends the old one after 3 s whatever the new one does; eco waits until it listens",
     release(BEHAVE="slow"), instances=1)
pair("never", "a release that never listens or says 'ready', wait_ready, cluster ×1",
     "PM2 takes the timeout for 'ready'; eco takes it for a failure",
     release(BEHAVE="deaf"), wanted=(1,), instances=1, wait_ready=True, listen_timeout=3000)
pair("listen-timeout", "needs 5 s to listen, listen_timeout 8000, cluster ×1",
     "both wait; PM2 then cuts off what is open", release(BEHAVE="slow"), instances=1,
     listen_timeout=8000)


@LOST.row("update", "update of the daemon, cluster ×2",
          "`pm2 update` stops all apps and starts them again; `eco daemon upgrade` touches none")
def update(side):
    """Puts the same version in its place."""
    words_of = ["update"] if side.name == "pm2" else ["daemon", "upgrade"]
    scene = Scene(side, side.load_tool, instances=2, env={"CLOSE": "1"})
    before = set(side.up("web"))
    result = scene.during(lambda scene: side.ask(*words_of).returncode)
    out = found(result)
    kept = len(before & set(side.up("web")))
    return Found(f"{out.text}; {kept} of 2 pids kept", out.clean and kept == 2)


@LOST.row("hung", "kill -STOP of the only one, cluster; for eco `live: {accept: 2s}` in the imported file",
          "PM2 has no such check, it is `online` for ever; eco replaces it and serves those who wait")
def hung(side):
    """One hangs. What is lost is inside it; what is looked at is whether there is service again."""
    scene = Scene(side, side.load_tool, instances=1)
    if side.name == "eco":
        side.ask("import", str(side.file), "-o", "ecosystem.yaml")
        side.file = side.dir / "ecosystem.yaml"
        text = side.file.read_text()
        check = "    listen: auto\n    live: { accept: 2s }\n"
        side.file.write_text(text.replace("    listen: auto\n", check, 1))
        side.first()
    load = Load(scene.tool, scene.port, close=True, path="/")
    try:
        if not load.answers(30):
            raise TimeoutError("no answers before the event")
        [pid] = side.up("web")
        os.kill(pid, signal.SIGSTOP)
        before = load.counts()["ok"]
        # Who was inside gives up after 8 s; only then does anybody wait at the port.
        serves = load.answers(PATIENCE + 10)
        state = [one["word"] for one in side.instances("web")]
        counts = load.stop()
    finally:
        load.end()
    text = f"{words(counts)}; {counts['ok'] - before} answers after it; status {listed(state)}"
    return Found(text if serves else f"{text}; **no service for {PATIENCE + 10} s**",
                 serves and counts["refused"] == 0 and failed(counts) <= CONNECTIONS)


@LOST.row("stopped", "kill -STOP of the daemon for 9 s, cluster ×2",
          "PM2's daemon accepts every connection itself; eco's processes are in nobody's way")
def stopped(side):
    """All of its own processes hang: longer than the clients wait."""
    scene = Scene(side, side.load_tool, instances=2)
    pids = side.supervisors()

    def event(scene):
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            scene.side.until(lambda: False, 9)
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    return found(scene.during(event))
