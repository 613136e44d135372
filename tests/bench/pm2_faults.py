"""Does the rows of the fault bench to PM2 and eco and prints what each did. `tests/bench/pm2_faults` runs it."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from fault_rows import Found
from fault_sides import ENDING, EcoSide, Pm2Side, end_all_of
from faults_drift import DRIFT
from faults_input import INPUT
from faults_killed import KILLED
from faults_lost import LOST
from faults_loops import LOOPS
from faults_trees import TREES

THEMES = {"lost": [LOST], "killed": [KILLED], "drift": [DRIFT, INPUT], "restarts": [LOOPS, TREES]}
# So many rows are done at once, but those under load; most of their time is waiting.
JOBS = 4


class Bench:
    """One run."""

    def __init__(self, options, work):
        self.options = options
        self.work = work
        self.sides = [name for name in ("pm2", "eco") if name not in options.without]

    def side(self, name):
        """A fresh one. Its path is short, since sockets lie in it, and says nothing that a row looks for."""
        work = tempfile.mkdtemp(prefix="s", dir=self.work)
        if name == "eco":
            side = EcoSide(self.options.cache, work, self.options.eco)
        else:
            side = Pm2Side(self.options.cache, work)
        side.load_tool = self.options.load
        side.seconds = self.options.seconds
        return side

    def one(self, name, row):
        """What one side does in one row."""
        if ENDING.is_set():
            return Found("not done", False)
        side = self.side(name)
        try:
            return row.look(side)
        except Exception as problem:  # One failure must not hide the other rows.
            traceback.print_exc()
            return Found(f"**the bench failed: {problem}**", False)
        finally:
            side.end()

    def both(self, row):
        """What both sides do in one row."""
        begin = time.monotonic()
        out = {name: self.one(name, row) for name in self.sides}
        took = time.monotonic() - begin
        marks = ", ".join(f"{name} {verdict(row, name, found)}" for name, found in out.items())
        print(f"-- {row.theme.name} {row.name} ({took:.0f} s): {marks}", file=sys.stderr, flush=True)
        return out

    def run(self, rows):
        """Does all rows; gives each with what was found, in their order."""
        alone = [row for row in rows if row.theme.alone]
        shared = [row for row in rows if not row.theme.alone]
        results = {id(row): self.both(row) for row in alone}
        with ThreadPoolExecutor(JOBS) as pool:
            results |= zip(map(id, shared), pool.map(self.both, shared))
        return [(row, results[id(row)]) for row in rows]


def chosen(options, parser):
    """The themes with those of their rows that are asked for."""
    wanted = [name for word in options.rows for name in word.split(",")]
    out = []
    for name in options.only.split(","):
        if name not in THEMES:
            parser.error(f"no theme {name!r}; there are {', '.join(THEMES)}")
        for theme in THEMES[name]:
            out += [row for row in theme.rows
                    if (not wanted or row.name in wanted) and (row.quick or not options.quick)]
    unknown = set(wanted) - {row.name for row in out}
    if unknown:
        parser.error(f"no row {', '.join(sorted(unknown))} in what is asked for")
    return out


def verdict(row, side, found):
    """What one side did in a row, in a word."""
    if found is None or found.clean:
        return "clean"
    return "told" if side == "eco" and row.told and found.told else "not clean"


def table(results, sides):
    """All rows as a table with what each side did."""
    heads = {"pm2": "PM2 7.0.4", "eco": "eco"}
    last = None
    for row, found in results:
        if row.theme.title != last:
            last = row.theme.title
            print(f"\n**{last}**\n")
            print("| row | what was done | " + " | ".join(heads[name] for name in sides)
                  + " | so |")
            print("|" + " --- |" * (len(sides) + 3))
        marks = {"clean": "", "told": "(✗) ", "not clean": "✗ "}
        cells = [marks[verdict(row, name, found[name])] + found[name].text for name in sides]
        print("| " + " | ".join([row.name, row.what, *cells, row.says]) + " |")


def summary(results, to):
    """Says what of eco is not clean; whether the run passes."""
    marks = [(row, verdict(row, "eco", found.get("eco"))) for row, found in results]
    for row, mark in marks:
        if mark == "told":
            print(f"{row.theme.name} {row.name}: on purpose: {row.told}", file=to)
        elif mark == "not clean":
            print(f"{row.theme.name} {row.name}: eco is not clean", file=to)
    bad = sum(mark == "not clean" for _, mark in marks)
    told = sum(mark == "told" for _, mark in marks)
    print(f"eco: {len(marks) - bad - told} of {len(marks)} rows clean, {told} differ on purpose, "
          f"{bad} not clean", file=to)
    return bad == 0


def options_of(args=None):
    """The options, and the rows they ask for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cache", required=True)
    parser.add_argument("--eco", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--only", default=",".join(THEMES))
    parser.add_argument("--rows", nargs="+", default=[])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--seconds", type=float, default=15,
                        help="how long those rows look that are about time")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--debug", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(args)
    return options, chosen(options, parser)


def stop_all(work):
    """Ends everything that has the directory of the run in its command line or environment."""
    ENDING.set()
    end_all_of(work)
    shutil.rmtree(work, ignore_errors=True)


def main():
    """Reads the options, does the rows, prints."""
    options, rows = options_of()
    work = tempfile.mkdtemp(prefix="ef")

    def interrupted(*_):
        stop_all(work)
        # What a thread was just about to start is there by now.
        time.sleep(0.2)
        stop_all(work)
        # Threads may still be waiting for what is no longer there.
        os._exit(130)

    signal.signal(signal.SIGINT, interrupted)
    signal.signal(signal.SIGTERM, interrupted)
    bench = Bench(options, work)
    try:
        results = bench.run(rows)
    finally:
        stop_all(work)
    if options.json:
        for row, found in results:
            print(json.dumps({
                "theme": row.theme.name, "row": row.name, "what": row.what, "says": row.says,
                "told": row.told, "verdict": verdict(row, "eco", found.get("eco")),
                **{name: {"text": it.text, "clean": it.clean} for name, it in found.items()}}))
    else:
        table(results, bench.sides)
        print()
    # The objects are to stay the only ones on stdout.
    return 0 if summary(results, sys.stderr if options.json else sys.stdout) else 1


if __name__ == "__main__":
    sys.exit(main())
