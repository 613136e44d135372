"""What `observe: node` costs an Express server: the same program with and without, in alternated rounds.

One eco runs both, each alone while it is asked. Of each round the server's processor time for a request,
the rate and the slowest of a hundred answers are taken; told are the ratios of the medians."""

import argparse
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from load import Load
from servers import SERVERS

TICK = os.sysconf("SC_CLK_TCK")


def free_port():
    import socket
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def computed(pid):
    """Seconds a process has computed."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def round_of(tool, site, seconds):
    """Asks one server for a while: processor time for a request, requests a second, p99 in ms."""
    load = Load(tool, site["port"], path="/", connections=8)
    try:
        load.answers(30)
        before, at, used = load.counts()["ok"], time.monotonic(), computed(site["pid"])
        time.sleep(seconds)
        asked, took = load.counts()["ok"] - before, time.monotonic() - at
        used = computed(site["pid"]) - used
        return {"cpu": used / asked * 1e6, "rate": asked / took, "p99": load.stop()["p99"]}
    finally:
        load.end()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--eco", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=5)
    args = parser.parse_args()
    # The apps have a directory of their own.
    args.eco, args.load = os.path.abspath(args.eco), os.path.abspath(args.load)
    with tempfile.TemporaryDirectory() as home:
        directory = Path(home, "site")
        SERVERS["express"].copy_to(directory)
        sites = {name: {"port": free_port()} for name in ("without", "with")}
        apps = {
            name: {"command": "node server.js", "observe": "node" if name == "with" else "off",
                   "env": {"PORT": site["port"], "NODE_ENV": "production"},
                   "ready": {"tcp": site["port"]}}
            for name, site in sites.items()
        }
        Path(directory, "ecosystem.yaml").write_text(json.dumps({"name": "bench", "apps": apps}))
        env = {**os.environ, "ECO_HOME": str(Path(home, "eco"))}

        def eco(*words):
            return subprocess.run([args.eco, *words], cwd=directory, env=env, check=True,
                                  capture_output=True, text=True).stdout

        eco("apply")
        try:
            for app in json.loads(eco("status", "--json"))["apps"]:
                sites[app["name"]]["pid"] = app["instances"][0]["pid"]
            rounds = {name: [] for name in sites}
            for number in range(args.rounds + 1):
                order = list(sites) if number % 2 else list(reversed(sites))
                for name in order:
                    found = round_of(args.load, sites[name], args.seconds)
                    # The first warms up.
                    if number:
                        rounds[name].append(found)
            print("| of a request | without | with | ratio |\n|---|---|---|---|")
            for key, what in (("cpu", "processor time, µs"), ("rate", "each second"), ("p99", "p99, ms")):
                of = {name: statistics.median(it[key] for it in rounds[name]) for name in sites}
                pairs = zip(rounds["with"], rounds["without"])
                ratio = statistics.median(one[key] / other[key] for one, other in pairs)
                print(f"| {what} | {of['without']:.2f} | {of['with']:.2f} | {ratio:.3f} |")
        finally:
            eco("daemon", "stop")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: exit(1))
    main()
