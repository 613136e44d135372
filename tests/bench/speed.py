"""Measures how fast two Express servers answer on one port. `tests/bench/speed` runs it.

Every contender is started once; then wrk asks one after another in rounds, so that a busier moment
of the machine hits all of them. Figures are medians over the rounds, and ratios.
"""

import argparse
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import machine
from contenders import BASE_ENV
from servers import SERVERS
from sites import EcoSite, Pm2Site, free_port, started

CONNECTIONS = 64


class Bare:
    """Express without a supervisor: so many processes, each on a port of its own."""

    def __init__(self, work, processes):
        self.name = "one process" if processes == 1 else f"{processes} ports"
        self.processes = []
        self.ports = []
        server = SERVERS["express"]
        for number in range(processes):
            directory = Path(work) / f"bare-{processes}-{number}"
            server.copy_to(directory)
            port = free_port()
            process = subprocess.Popen(
                server.argv, cwd=directory, env=dict(BASE_ENV, **server.env, PORT=str(port)),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            process.stdout.readline()
            self.processes.append(process)
            self.ports.append(port)

    def app_pids(self):
        """The servers."""
        return [process.pid for process in self.processes]

    def supervisor_pids(self):
        """Nobody."""
        return []

    def stop(self):
        """Ends them."""
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=30)
            process.stdout.close()


def milliseconds(text):
    """A time as wrk writes it, in ms; infinite if nothing was answered."""
    if "nan" in text:
        return float("inf")
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[unit]


def wrk(ports, close, seconds):
    """Asks all ports at once; requests, requests per second, worst p99 in ms, errors."""
    share = CONNECTIONS // len(ports)
    header = ["-H", "Connection: close"] if close else []
    runs = [subprocess.Popen(
        ["wrk", "-t1", f"-c{share}", f"-d{seconds}s", "--latency", *header,
         f"http://127.0.0.1:{port}/"],
        stdout=subprocess.PIPE, text=True) for port in ports]
    requests, rate, p99, errors = 0, 0.0, 0.0, 0
    for run in runs:
        text, _ = run.communicate(timeout=seconds + 60)
        requests += int(re.search(r"(\d+) requests in", text)[1])
        rate += float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])
        p99 = max(p99, milliseconds(re.search(r"^ +99%\s+(\S+)", text, re.M)[1]))
        found = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)",
                          text)
        errors += sum(map(int, found.groups())) if found else 0
        found = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        errors += int(found[1]) if found else 0
    return requests, rate, p99, errors


def measure(contender, ports, close, seconds):
    """One round of one contender."""
    apps = contender.app_pids()
    everyone = apps + contender.supervisor_pids()
    each = [machine.cpu_seconds([pid]) for pid in apps]
    before = machine.cpu_seconds(everyone)
    requests, rate, p99, errors = wrk(ports, close, seconds)
    cpu = machine.cpu_seconds(everyone) - before
    shares = [machine.cpu_seconds([pid]) - begin for pid, begin in zip(apps, each)]
    balance = max(shares) / max(min(shares), 0.01) if len(shares) > 1 else 1.0
    return {"rate": rate, "p99": p99, "cpu": cpu * 1e6 / max(requests, 1), "balance": balance,
            "errors": errors}


def table(found):
    """The medians, and ratios to one process."""
    lines = ["| | requests/s | to one process | p99 ms | CPU µs/request | CPU balance | errors |",
             "|---|---|---|---|---|---|---|"]
    base = found.get("one process")
    for name, figures in found.items():
        ratio = f"{figures['rate'] / base['rate']:.2f}×" if base else "–"
        lines.append(f"| {name} | {figures['rate']:.0f} | {ratio} | {figures['p99']:.1f} | "
                     f"{figures['cpu']:.0f} | {figures['balance']:.2f} | {figures['errors']:.0f} |")
    return "\n".join(lines)


def aims(close, found):
    """What has to hold, and whether it did."""
    eco, pm2, two = (found.get(name) for name in ("eco ×2", "PM2 ×2", "2 ports"))
    if not eco:
        return
    checks = []
    if pm2:
        least = 2.5 if close else 1.1
        checks += [(f"rate at least {least}× PM2's", eco["rate"] / pm2["rate"], ">=", least),
                   ("p99 at most half of PM2's", eco["p99"] / pm2["p99"], "<=", 0.5)]
    if two:
        checks.append(("CPU per request at most that of two processes + 5%",
                       eco["cpu"] / two["cpu"], "<=", 1.05))
    if close:
        checks.append(("CPU of the two within 25%", eco["balance"], "<=", 1.25))
    for what, value, relation, bound in checks:
        good = value >= bound if relation == ">=" else value <= bound
        print(f"{'yes' if good else 'NO '}  {what}: {value:.2f}")


def main():
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", required=True)
    parser.add_argument("--eco", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--without", action="append", default=[])
    options = parser.parse_args()
    # Being ended is no reason to leave anything running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    work = tempfile.mkdtemp(prefix="es")
    contenders = {}
    try:
        for processes, name in ((1, "one process"), (2, "2 ports")):
            bare = Bare(work, processes)
            contenders[name] = (bare, bare.ports)
        server = SERVERS["express"]
        for name, make in (("eco", lambda: EcoSite(options.cache, work, options.eco)),
                           ("pm2", lambda: Pm2Site(options.cache, work))):
            if name not in options.without:
                site = started(make(), server, 2)
                contenders["eco ×2" if name == "eco" else "PM2 ×2"] = (site, [site.port])
        for close in (True, False):
            rounds = {name: [] for name in contenders}
            for number in range(options.rounds + 1):
                for name, (contender, ports) in contenders.items():
                    figures = measure(contender, ports, close, options.seconds)
                    # The first round only warms up.
                    if number > 0:
                        rounds[name].append(figures)
                print(f"   round {number} of {options.rounds}", file=sys.stderr, flush=True)
            found = {name: {key: statistics.median(one[key] for one in figures)
                            for key in figures[0]} for name, figures in rounds.items()}
            print(f"\n{'A connection per request' if close else 'Keep-alive'}, {CONNECTIONS} "
                  f"connections, medians of {options.rounds} rounds of {options.seconds} s\n")
            print(table(found))
            print()
            aims(close, found)
    finally:
        for contender, _ in contenders.values():
            contender.stop()
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    main()
