"""Reading clocks and /proc: what the figures are made of."""

import os
import shutil
import signal
import statistics
import subprocess
import time
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
PATIENCE = 180.0


def now():
    """CLOCK_MONOTONIC in ns: the clock the C programs write down."""
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC)


def wait_for(what, condition, patience=PATIENCE):
    """Waits until `condition` gives something true, and returns it."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.002)
    raise TimeoutError(f"waited in vain for {what}")


def stamps(path):
    """The whole lines of a file of stamps, each as a tuple of numbers."""
    try:
        text = Path(path).read_text()
    except FileNotFoundError:
        return []
    return [tuple(map(int, line.split())) for line in text.splitlines(True) if line.endswith("\n")]


def median_ms(args, env, cwd, rounds):
    """Median wall time of a command in ms; it has to end with 0 or 1."""
    times = []
    sink = os.open("/dev/null", os.O_RDWR)
    actions = [(os.POSIX_SPAWN_DUP2, sink, fd) for fd in (0, 1, 2)]
    before = os.getcwd()
    os.chdir(cwd)
    try:
        for _ in range(rounds):
            start = now()
            pid = os.posix_spawn(args[0], args, env, file_actions=actions)
            _, status = os.waitpid(pid, 0)
            times.append((now() - start) / 1e6)
            if os.waitstatus_to_exitcode(status) not in (0, 1):
                raise RuntimeError(f"{args} ended with {os.waitstatus_to_exitcode(status)}")
    finally:
        os.chdir(before)
        os.close(sink)
    return statistics.median(times)


def pss_kb(pids):
    """Proportional memory of some processes together, in KiB."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total


def cpu_seconds(pids):
    """CPU time some processes have taken so far, user and system."""
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def switches(pids):
    """Voluntary context switches of all threads of some processes so far."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for line in (task / "status").read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches"):
                    total += int(line.split()[1])
    return total


def system_calls(pids, seconds):
    """How many system calls some processes make in so many seconds, by strace; None without it."""
    if not shutil.which("strace"):
        return None
    args = ["strace", "-f", "-qq", "-e", "signal=none", "-o", "/dev/stdout"]
    for pid in pids:
        args += ["-p", str(pid)]
    trace = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    trace.send_signal(signal.SIGINT)
    lines, problems = trace.communicate(timeout=30)
    if "not permitted" in problems or "attach" in problems:
        return None
    # Attaching and detaching interrupt the call a thread waits in: those lines are strace's doing.
    marks = ("resumed", "<unfinished", "restart_syscall", "<detached", "EINTR", "ERESTART")
    return sum(not any(mark in line for mark in marks) for line in lines.splitlines())
