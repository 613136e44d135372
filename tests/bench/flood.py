"""How fast a program can write under eco, and whether every byte of it is in its logs."""

import argparse
import array
import json
import os
import re
import subprocess
import tempfile
from pathlib import Path

import machine

NUMBERS = 131072
FILE = """
version: 1
name: flood
apps:
  flood:
    command: {command}
    restart: never
    logs: {{ dir: logs, rotate: {{ size: 256M, keep: 99 }} }}
"""


def rate(options, stamps):
    """MiB per s, by the program's own clock."""
    (begin, end) = machine.wait_for("the writer", lambda: machine.stamps(stamps))[0]
    return options.mebibytes / ((end - begin) / 1e9)


def without(options, directory, reader, out):
    """The rate into a pipe that `reader` copies to `out`."""
    stamps = directory / f"stamps-{reader}-{Path(out).name}"
    with open(out, "wb") as log:
        writer = subprocess.Popen([options.program, str(options.mebibytes), stamps, "end"],
                                  stdout=subprocess.PIPE)
        subprocess.run([reader], stdin=writer.stdout, stdout=log, check=True)
        writer.wait()
    return rate(options, stamps)


def parts(logs):
    """The log's files in order, the one being written last."""
    numbered = []
    for path in logs.iterdir():
        found = re.fullmatch(r"flood-0\.out\.(?:(\d+)\.)?log", path.name)
        if found:
            numbered.append((int(found[1]) if found[1] else 1 << 60, path))
    return [path for _, path in sorted(numbered)]


def differs(options, files):
    """The first MiB that is not as it was written; None if all are."""
    written = b""
    number = 0
    for path in files:
        with open(path, "rb") as log:
            while read := log.read((1 << 20) - len(written)):
                written += read
                if len(written) < 1 << 20:
                    continue
                first = number * NUMBERS
                if written != array.array("Q", range(first, first + NUMBERS)).tobytes():
                    return number
                number, written = number + 1, b""
    return None if number == options.mebibytes and not written else number


def under_eco(options, directory):
    """The rate under eco, and what became of the bytes and of the program."""
    stamps = directory / "stamps"
    command = json.dumps([options.program, str(options.mebibytes), str(stamps)])
    (directory / "ecosystem.yaml").write_text(FILE.format(command=command))
    env = {"PATH": os.environ["PATH"], "HOME": str(directory), "ECO_HOME": str(directory / "h")}

    def eco(*args):
        done = subprocess.run([options.eco, *args], cwd=directory, env=env, capture_output=True,
                              text=True, check=True)
        return done.stdout

    eco("apply")
    try:
        found = rate(options, stamps)
        logs = directory / "logs"
        size = options.mebibytes << 20
        machine.wait_for("all of it", lambda: sum(p.stat().st_size for p in parts(logs)) >= size)
        instance = json.loads(eco("status", "--json"))["apps"][0]["instances"][0]
        files = parts(logs)
        return found, differs(options, files), len(files), instance
    finally:
        eco("daemon", "stop")


def main():
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--eco", required=True, type=os.path.abspath)
    parser.add_argument("--program", required=True)
    parser.add_argument("--mebibytes", type=int, default=2048)
    parser.add_argument("--dir", help="where the logs go; a disk is often what limits")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="flood", dir=options.dir) as work:
        directory = Path(work)
        null = without(options, directory, "cat", "/dev/null")
        file = without(options, directory, "cat", directory / "plain.log")
        (directory / "plain.log").unlink()
        found, differing, count, instance = under_eco(options, directory)
    print(f"{options.mebibytes} MiB, MiB/s: {null:.0f} into `cat > /dev/null`, "
          f"{file:.0f} into `cat > file`, {found:.0f} under eco")
    kept = instance["restarts"] == 0 and instance["phase"] == "ready"
    whole = differing is None and instance.get("dropped") is None
    print(f"in {count} files: {'every byte as written' if whole else f'wrong from MiB {differing}'}; "
          f"the program {'lived on' if kept else 'did not live on'}")
    raise SystemExit(0 if whole and kept else 1)


if __name__ == "__main__":
    main()
