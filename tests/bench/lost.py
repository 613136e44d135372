"""Counts what events cost under load and prints one table. `tests/bench/lost_requests` runs it.

A request on a connection that has served before may meet its end: the idle race. It is `late` if
the server had had the request for 10 ms: then it was rather an answer cut off.
"""

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback

from load import Load
from servers import SERVERS
from sites import EcoSite, Pm2Site, free_port, started

# The events. Each takes a site and does it; what it returns is the exit code, if one is of interest.

def edit(site):
    """A new value of a variable."""
    site.save(VERSION="second")
    return site.do("edit")


def bad(behave):
    """A release that misbehaves."""
    def event(site):
        site.save(BEHAVE=behave, VERSION="bad")
        return site.do("edit")
    return event


def restart(site):
    """A restart by command."""
    return site.do("restart")


def reload(site):
    """A reload by command."""
    return site.do("reload")


def scale(site):
    """Up, and down again."""
    return max(site.do("scale 4"), site.do("scale 1"))


def kill(site):
    """One instance dies."""
    os.kill(site.app_pids()[0], signal.SIGKILL)


def kill_supervisor(site):
    """The process that decides dies."""
    os.kill(site.deciding_pid(), signal.SIGKILL)
    time.sleep(5)


def stop_supervisor(site):
    """The process that decides hangs for 10 s."""
    pid = site.deciding_pid()
    os.kill(pid, signal.SIGSTOP)
    time.sleep(10)
    os.kill(pid, signal.SIGCONT)


def move(site):
    """The port is moved, and back again; the clients know both."""
    codes = []
    for port in (site.other_port, site.port):
        site.port = port
        site.save()
        codes.append(site.do("edit"))
    return max(codes)


def edit_source(site):
    """The source is saved every 200 ms for 10 s, under watch."""
    source = site.dir / site.server.source
    text = source.read_text()
    for count in range(50):
        draft = site.dir / "draft-of-source"
        draft.write_text(f"{text}\n")
        draft.write_text(text if count % 2 else f"{text}\n")
        draft.rename(source)
        time.sleep(0.2)


# Name, words, event, whether also with one instance, whether under watch.
EVENTS = {
    "edit": ("env change", edit, (2, 1), False),
    "restart": ("restart", restart, (2, 1), False),
    "reload": ("reload", reload, (2, 1), False),
    "throw": ("release throws at boot", bad("throw"), (2,), False),
    "deaf": ("release never listens", bad("deaf"), (2,), False),
    "crash": ("release crashes after 0.5 s", bad("crash"), (2,), False),
    "slow": ("release takes 5 s to listen", bad("slow"), (2, 1), False),
    "kill": ("kill -9 of one instance", kill, (2, 1), False),
    "scale": ("scale 2→4→1", scale, (2,), False),
    "move": ("port moved, and back", move, (2,), False),
    "kill-supervisor": ("supervisor killed", kill_supervisor, (2,), False),
    "stop-supervisor": ("supervisor stopped 10 s", stop_supervisor, (2,), False),
    "edits": ("source edited every 200 ms for 10 s", edit_source, (2,), True),
}


def words(counts):
    """The counts of one load as a person reads them."""
    kinds = [("refused", counts["refused"]), ("cut", counts["cut"]), ("hung", counts["hung"]),
             ("bad", counts["bad_status"] + counts["other"])]
    text = "**0**"
    if counts["hard"]:
        some = [f"{count} {kind}" for kind, count in kinds if count]
        text = f"{counts['hard']} ({', '.join(some)})" if len(some) > 1 else some[0]
        text += f" after ≤ {counts['slowest_failure']:.0f} ms"
    if counts["idle_races"]:
        text += f" + {counts['idle_races']} idle race"
        if counts["late_races"]:
            text += f" ({counts['late_races']} late)"
    return f"{text}, gap {counts['gap']:.0f} ms"


class Bench:
    """One run."""

    def __init__(self, options, work):
        self.options = options
        self.work = work
        self.count = 0

    def site(self, name):
        """A fresh one of this name."""
        self.count += 1
        work = f"{self.work}/{self.count}"
        if name == "eco":
            return EcoSite(self.options.cache, work, self.options.eco)
        return Pm2Site(self.options.cache, work)

    def cell(self, name, server, instances, event, watch):
        """What one event costs under one supervisor: with and without keep-alive."""
        site = self.site(name)
        try:
            started(site, server, instances, watch)
            site.other_port = free_port()
            also = site.other_port if event is move else None
            loads = [Load(self.options.load, site.port, also, close) for close in (True, False)]
            for load in loads:
                if not load.answers(60):
                    raise TimeoutError("no answers before the event")
            code = event(site)
            serves = [load.answers(20) for load in loads]
            found = [words(load.stop()) for load in loads]
            ends = [] if code is None else [f"exit {code}"]
            if not all(serves):
                ends.append("**no service after it**")
            return [*found, ", ".join(ends)]
        finally:
            try:
                site.stop()
            except Exception:
                traceback.print_exc()

    def rows(self, server_name, event_name):
        """The rows of one server and one event, one for each number of instances."""
        what, event, numbers, watch = EVENTS[event_name]
        server = SERVERS[server_name]
        for instances in numbers:
            cells = [f"{server_name} ×{instances}", what]
            for name in ("eco", "pm2"):
                if name in self.options.without:
                    continue
                try:
                    cells += self.cell(name, server, instances, event, watch)
                except Exception:  # One failure must not hide the other figures.
                    print(f"-- {name} {server_name} {event_name} failed", file=sys.stderr)
                    traceback.print_exc()
                    cells += ["failed", "failed", ""]
            print("| " + " | ".join(cells) + " |", flush=True)


def main():
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", required=True)
    parser.add_argument("--eco", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--servers", default=",".join(SERVERS))
    parser.add_argument("--events", default=",".join(EVENTS))
    parser.add_argument("--without", action="append", default=[])
    options = parser.parse_args()
    # Being ended is no reason to leave anything running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work = tempfile.mkdtemp(prefix="el")
    head = ["server", "event"]
    for name in ("eco", "PM2"):
        if name.lower() not in options.without:
            head += [f"{name}: connection per request", f"{name}: keep-alive", "then"]
    print("| " + " | ".join(head) + " |")
    print("| " + " | ".join("---" for _ in head) + " |", flush=True)
    bench = Bench(options, work)
    try:
        for server in options.servers.split(","):
            for event in options.events.split(","):
                bench.rows(server, event)
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
