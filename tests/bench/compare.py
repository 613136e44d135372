"""Measures the figures and prints one table. `tests/bench/run` installs what it needs."""

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import machine
from contenders import BASE_ENV, Eco, Pm2, SpawnLoop, Supervisord, started_after

MEGABYTES = 200


class Bench:
    """One run: where things are, how many copies, and the rows found so far."""

    def __init__(self, options, work):
        self.options = options
        self.work = Path(work)
        self.cache = Path(options.cache)
        self.app = str(self.cache / "bin/copy_of_app")
        self.rows = []
        self.count = 0

    def contenders(self, *names):
        """Fresh ones of these names, less those that are left out."""
        self.count += 1
        work = self.work / str(self.count)
        make = {
            "eco": lambda: Eco(self.cache, work, self.options.eco),
            "pm2": lambda: Pm2(self.cache, work),
            "supervisord": lambda: Supervisord(self.cache, work),
            "spawn-loop": lambda: SpawnLoop(self.cache, work),
        }
        return [make[name]() for name in names if name not in self.options.without]

    def each(self, names, measure):
        """Measures each contender and stops it whatever happens; failures go to stderr."""
        found = {}
        for contender in self.contenders(*names):
            try:
                found[contender.name] = measure(contender)
            except Exception:  # One contender's failure must not hide the others' figures.
                print(f"-- {contender.name} failed", file=sys.stderr)
                traceback.print_exc()
            finally:
                try:
                    contender.stop()
                except Exception:
                    traceback.print_exc()
        return found

    def row(self, figure, unit, found, must, aim, digits=1):
        """Adds a row; ratios are to eco."""
        def text(name):
            value = found.get(name)
            return "–" if value is None else f"{value:.{digits}f}"

        ratios = []
        for name in ("pm2", "supervisord", "base"):
            if found.get(name) is not None and found.get("eco"):
                ratios.append(f"{name} {found[name] / found['eco']:.1f}×")
        self.rows.append([figure, unit, text("eco"), text("pm2"), text("supervisord"),
                          text("base"), ", ".join(ratios) or "–", must, aim])
        print(" | ".join(self.rows[-1]), file=sys.stderr, flush=True)

    def stamp_file(self, contender):
        return str(contender.dir / "stamps")

    # The figures.

    def status(self):
        """How long it takes to list everything, with all copies up."""
        def measure(contender):
            file = self.stamp_file(contender)
            started_after(contender, [self.app, file], self.options.copies, file)
            rounds = 100 if contender.name == "eco" else 10
            return machine.median_ms(contender.status(), contender.env, contender.dir, rounds)

        found = self.each(["eco", "pm2", "supervisord"], measure)
        found["base"] = machine.median_ms(["/bin/true"], BASE_ENV, "/", 100)
        self.row("status (base: /bin/true)", "ms", found, "PM2 ≥ 50×", "≤ 3× /bin/true", 2)

    def memory(self):
        """Memory of the supervisor itself, with all copies up."""
        def measure(contender):
            file = self.stamp_file(contender)
            started_after(contender, [self.app, file], self.options.copies, file)
            return machine.pss_kb(contender.pids()) / 1024

        found = self.each(["eco", "pm2", "supervisord"], measure)
        figure = f"memory (PSS), {self.options.copies} apps"
        self.row(figure, "MB", found, "PM2 ≥ 3×", "≤ 12 MB")

    def apply(self):
        """From the command to the last copy's first instruction."""
        def measure(copies):
            def inner(contender):
                file = self.stamp_file(contender)
                until_last, until_return = started_after(contender, [self.app, file], copies, file)
                print(f"   {contender.name}: {copies} started after {until_last:.0f} ms, "
                      f"command returned after {until_return:.0f} ms", file=sys.stderr)
                return until_last
            return inner

        for copies, names in [
            (self.options.copies, ["eco", "pm2", "supervisord", "spawn-loop"]),
            (self.options.copies * 10, ["eco", "pm2", "supervisord", "spawn-loop"]),
        ]:
            found = self.each(names, measure(copies))
            found["base"] = found.pop("spawn-loop", None)
            self.row(f"apply of {copies} (base: posix_spawn loop)", "ms", found,
                     "faster than both", "≤ 2× base")

    def replace(self):
        """From SIGKILL to the replacement's first instruction."""
        def measure(contender):
            file = self.stamp_file(contender)
            started_after(contender, [self.app, file], 1, file)
            times = []
            for _ in range(20):
                known = machine.stamps(file)
                begin = machine.now()
                os.kill(known[-1][1], signal.SIGKILL)
                found = machine.wait_for(
                    "a replacement",
                    lambda: (now := machine.stamps(file)) and len(now) > len(known) and now)
                times.append((found[-1][0] - begin) / 1e6)
            return statistics.median(times)

        found = self.each(["eco", "pm2", "supervisord"], measure)
        self.row("kill -9 → replacement runs", "ms", found, "PM2 ≥ 3×", "≤ 3 ms", 2)

    def idle(self):
        """What the supervisor does while nothing happens."""
        calls, switches = {}, {}

        def measure(contender):
            file = self.stamp_file(contender)
            started_after(contender, [self.app, file], self.options.copies, file)
            # What follows a start may take a few seconds to settle.
            pids = contender.pids()
            machine.wait_for("quiet", lambda: self.quiet_for(pids, 2), 60)
            before = machine.switches(pids)
            self.sleep(10)
            switches[contender.name] = machine.switches(pids) - before
            calls[contender.name] = machine.system_calls(pids, 10)
            return calls[contender.name]

        self.each(["eco", "pm2", "supervisord"], measure)
        self.row("idle 10 s: system calls", "calls", calls, "eco 0", "eco 0", 0)
        self.row("idle 10 s: context switches", "switches", switches, "eco 0", "eco 0", 0)

    def quiet_for(self, pids, seconds):
        """Whether processes hardly take CPU for so long."""
        before = machine.cpu_seconds(pids)
        self.sleep(seconds)
        return machine.cpu_seconds(pids) - before <= 0.02

    @staticmethod
    def sleep(seconds):
        """Lets time pass: here the passing of time is what is measured."""
        machine.time.sleep(seconds)

    def logs(self):
        """A child that writes a lot: cost to the supervisor, and to the child."""
        cpu, wall = {}, {}
        writer = str(self.cache / "bin/writer")

        def measure(contender):
            file = self.stamp_file(contender)
            # Only what the lines cost counts, not the supervisor's own start.
            before = machine.cpu_seconds(contender.pids()) if contender.prepare() else 0.0
            contender.start([writer, str(MEGABYTES), file], 1)
            pids = contender.pids()
            (begin, end) = machine.wait_for("the writer", lambda: machine.stamps(file))[0]
            machine.wait_for("quiet", lambda: self.quiet_for(pids, 1), 120)
            cpu[contender.name] = (machine.cpu_seconds(pids) - before) * 1000 / MEGABYTES
            wall[contender.name] = (end - begin) / 1e6

        self.each(["eco", "pm2", "supervisord"], measure)
        cpu["base"], wall["base"] = self.plain_logs(writer)
        self.row(f"{MEGABYTES} MB of lines: CPU (base: 64 KiB read+write)", "ms/MB", cpu,
                 "PM2 ≥ 3×", "base", 2)
        self.row(f"{MEGABYTES} MB of lines: child's wall (base: cat > file)", "ms", wall,
                 "≤ 1.5× base", "–", 0)

    def plain_logs(self, writer):
        """CPU of a plain copy in ms per MB, and the child's wall time into `cat` in ms."""
        directory = self.work / "plain"
        directory.mkdir()
        results = []
        for tool in (str(self.cache / "bin/plain_copy"), "/bin/cat"):
            stamps = directory / f"stamps-{len(results)}"
            with open(directory / "log", "wb") as log:
                feed = subprocess.Popen([writer, str(MEGABYTES), stamps, "end"],
                                        stdout=subprocess.PIPE)
                copy = subprocess.Popen([tool], stdin=feed.stdout, stdout=log,
                                        stderr=subprocess.PIPE)
                feed.stdout.close()
                _, said = copy.communicate(timeout=120)
                feed.wait()
            results.append((said, machine.stamps(stamps)[0]))
        (begin, end) = results[1][1]
        return int(results[0][0]) / 1000 / MEGABYTES, (end - begin) / 1e6


FIGURES = ["status", "memory", "apply", "replace", "idle", "logs"]


def table(rows):
    """The rows as an aligned table."""
    head = ["figure", "unit", "eco", "PM2", "supervisord", "base", "ratio to eco", "must", "aim"]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
             for row in [head, ["-" * width for width in widths], *rows]]
    return "\n".join(lines)


def main():
    """Reads the options, measures, prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", required=True)
    parser.add_argument("--eco", required=True)
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--only", default=",".join(FIGURES))
    parser.add_argument("--copies", type=int, default=100)
    options = parser.parse_args()
    work = tempfile.mkdtemp(prefix="eb")
    bench = Bench(options, work)
    try:
        for figure in options.only.split(","):
            if figure not in FIGURES:
                parser.error(f"no figure {figure!r}; there are {', '.join(FIGURES)}")
            print(f"== {figure}", file=sys.stderr, flush=True)
            getattr(bench, figure)()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(table(bench.rows))


if __name__ == "__main__":
    main()
