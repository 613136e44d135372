"""What the soak looks at after each step, from outside: processes, groups, descriptors, memory."""

import json
import os
import time
from pathlib import Path

from soak_site import Failed

ROLES = ("keeper", "recorder", "controller")
# These come and go by themselves.
RESTLESS = ("tick", "crasher")
# For so many seconds nothing may move around a look at descriptors.
SETTLED = 0.1
# The first looks at a process do not count: what it needs once grows with the first of each step, and
# what it keeps of the past grows until it is full. Half of all looks at it, and so many at least.
WARM = 20
# A slope counts if it is seen in so many looks, is more than this many KiB per step, and surely more
# than chance. What is freed again leaves holes of some hundred KiB now and then; a step makes about
# thirty events, so that forgetting a hundred bytes of each is seen.
LOOKS = 40
KIB_PER_STEP = 3.0
SURELY = 4.0
# So much memory of its own, in KiB, no process of eco may have in any case.
MOST = {"keeper": 8 << 10, "recorder": 12 << 10, "controller": 48 << 10}


def variables(pid):
    """The environment a process was started with."""
    try:
        parts = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return {}
    pairs = (part.decode("utf-8", "replace").partition("=") for part in parts if part)
    return {name: value for name, _, value in pairs}


def state(pid):
    """The one letter of its state; "" if it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except OSError:
        return ""


def described(pid):
    """A process in words: what it runs, its state, parent and what it waits in."""
    def read(name):
        try:
            return Path(f"/proc/{pid}/{name}").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError as error:
            return str(error)
    return f"{pid} ({read('cmdline').strip()}; {state(pid)}; child of {parent(pid)}; in {read('wchan')}; {read('stack')})"


def parent(pid):
    """The number of its parent; 0 if it is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()[1])
    except OSError:
        return 0


def private_kib(pid):
    """Memory of its own: what is not backed by a file."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss_Anon:"):
            return int(line.split()[1])
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1])
    return 0


def descriptors(pid):
    """How many descriptors of each kind it has."""
    counts = {}
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            link = os.readlink(entry)
        except OSError:
            continue
        kind = link if link.startswith(("/", "anon")) else link.split(":")[0]
        counts[kind] = counts.get(kind, 0) + 1
    return counts


def bounded(kind):
    """Whether this kind is only bounded: a log is opened when there is something to write, and a
    file system gets a thread, with its event, when there is a log on it."""
    return kind.startswith("/") or kind == "anon_inode:[eventfd]"


def total(counts, of_bounded):
    """How many there are of the bounded kinds, or of all others."""
    return sum(count for kind, count in counts.items() if bounded(kind) == of_bounded)


class Look:
    """Looks at a site again and again, and remembers."""

    def __init__(self, site):
        self.site = site
        self.mark = None
        self.groups = None
        self.least = {}
        # By role: a list of (step, pid, KiB). Only those since `calm_from` make up a slope.
        self.calm_from = 0
        self.memory = {role: [] for role in ROLES}

    def learn(self):
        """Finds out how this home marks its processes, and where their groups are."""
        pid = next(iter(self.site.pids("web").values()))
        self.mark = variables(pid)["ECO_RUN"].partition("@")[2]
        line = Path(f"/proc/{pid}/cgroup").read_text().splitlines()[-1]
        group = line.split("::", 1)[-1]
        for mount in Path("/proc/mounts").read_text().splitlines():
            words = mount.split()
            if words[2] == "cgroup2" and "eco-" in group:
                self.groups = (Path(words[1]) / group.lstrip("/")).parent

    def marked(self):
        """The processes with this home's mark: (app, instance, pid)."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                env = variables(entry)
                if env.get("ECO_RUN", "").partition("@")[2] == self.mark and state(entry) not in ("", "Z"):
                    found.append((env.get("ECO_APP"), env.get("ECO_INSTANCE"), int(entry)))
        return found

    def own(self):
        """The processes of eco itself in this home."""
        return {int(entry) for entry in os.listdir("/proc") if entry.isdigit()
                and variables(entry).get("ECO_HOME") == str(self.site.home)
                and state(entry) not in ("", "Z")}

    def all_is_as_desired(self):
        """What eco says: the status of every app, and that there is nothing to do."""
        reply = self.site.json("status")
        apps = {app["name"]: app for app in reply["apps"]}
        if set(apps) != set(self.site.apps):
            return False, f"apps: {sorted(apps)}"
        for name, app in apps.items():
            wanted = self.site.instances(name)
            if app["desired"] != wanted and name != "tick":
                return False, json.dumps(app)
            good = {"tick": ("done", "ready"), "crasher": None}.get(name, ("ready",))
            if good and app["state"] not in good:
                return False, json.dumps(app)
            if name not in RESTLESS and len(app["instances"]) != wanted:
                return False, json.dumps(app)
        if not self.site.scaled and reply["file"]["state"] != "in_sync":
            return False, json.dumps(reply["file"])
        changes = self.site.json("diff")["changes"]
        if bool(changes) != bool(self.site.scaled):
            return False, json.dumps(changes)
        return apps, ""

    def processes(self):
        """What the system says: exactly those processes, with the pids that eco names."""
        apps, why = self.all_is_as_desired()
        if not apps:
            return False, why
        there = self.marked()
        expected = {one["pid"] for name, app in apps.items() if name not in RESTLESS
                    for one in app["instances"]}
        steady = sorted((app, number, pid) for app, number, pid in there if app not in RESTLESS)
        if {pid for _, _, pid in steady} != expected:
            return False, f"{steady}, and eco says {sorted(expected)}"
        for name in RESTLESS:
            # A shell and what it waits for.
            if sum(app == name for app, _, _ in there) > 2:
                return False, f"{[one for one in there if one[0] == name]}"
        own = self.own()
        roles = self.site.roles()
        if own != set(roles.values()):
            others = [described(pid) for pid in own - set(roles.values())]
            return False, f"eco says {roles}, and there are {sorted(own)}: {others}"
        if self.groups:
            made = {entry.name for entry in self.groups.iterdir() if entry.is_dir()}
            if not len(steady) <= len(made) <= len(steady) + len(RESTLESS):
                return False, f"groups left over: {sorted(made)} for {steady}"
        records = sorted(os.listdir(self.site.home / "run/runs"))
        if not len(steady) <= len(records) <= len(steady) + len(RESTLESS):
            return False, f"records of runs left over: {records} for {steady}"
        restless = sorted((app, pid) for app, _, pid in there if app in RESTLESS)
        return (roles, steady, restless), ""

    def nothing_leaked(self):
        """As `processes`, and no process of eco has more descriptors than in the same state before."""
        found, why = self.processes()
        if not found:
            return False, why
        roles, steady, restless = found
        # A keeper knows its children by themselves, and those of one before it by descriptors.
        keeper = roles["keeper"]
        own = [*steady, ("recorder", "", roles["recorder"])]
        names = tuple(sorted((app, parent(pid) == keeper) for app, _, pid in own))
        over = []
        try:
            before = {role: descriptors(pid) for role, pid in roles.items()}
            time.sleep(SETTLED)
            now = {role: descriptors(pid) for role, pid in roles.items()}
        except OSError as error:
            return False, str(error)
        # Of those that come and go, none was just about to.
        if self.processes()[0] != found or before != now:
            return False, f"it moves: {before} {now}"
        for role, counts in now.items():
            key = (role, names, tuple(sorted({app for app, _ in restless})))
            least = self.least.setdefault(key, counts)
            if total(counts, False) < total(least, False):
                self.least[key] = counts
            elif total(counts, False) > total(least, False):
                over.append(f"{role} has the descriptors {counts}; it had {least}")
            if total(counts, True) > 12 + 4 * (len(names) + len(RESTLESS)):
                over.append(f"{role} has too many files open: {counts}")
        return (False, "; ".join(over)) if over else (roles, "")

    def after(self, step):
        """Everything that should be so after a step."""
        roles = self.site.wait("all to be as desired and no more", self.nothing_leaked)
        for role, pid in roles.items():
            size = private_kib(pid)
            self.memory[role].append((step, pid, size))
            if size > MOST[role]:
                raise Failed(f"the {role} has {size} KiB of memory of its own")

    def slope(self, role):
        """KiB per step by least squares, one level for each process, and its standard error."""
        by_pid = {}
        for step, pid, size in self.memory[role]:
            by_pid.setdefault(pid, []).append((step, size))
        xs, ys, levels = [], [], 0
        for points in by_pid.values():
            points = points[max(WARM, len(points) // 2):]
            points = [point for point in points if point[0] >= self.calm_from]
            if len(points) < 3:
                continue
            levels += 1
            mean_x = sum(x for x, _ in points) / len(points)
            mean_y = sum(y for _, y in points) / len(points)
            xs += [x - mean_x for x, _ in points]
            ys += [y - mean_y for _, y in points]
        spread = sum(x * x for x in xs)
        if len(xs) < 10 or spread == 0:
            return None
        slope = sum(x * y for x, y in zip(xs, ys)) / spread
        rest = sum((y - slope * x) ** 2 for x, y in zip(xs, ys))
        return slope, (rest / max(len(xs) - levels - 1, 1) / spread) ** 0.5, len(xs)

    def judge(self):
        """Whether memory is flat."""
        for role in ROLES:
            found = self.slope(role)
            if found and found[2] >= LOOKS and found[0] > KIB_PER_STEP and found[0] > SURELY * found[1]:
                raise Failed(f"the {role} grows by {found[0]:.2f} KiB per step "
                             f"(± {found[1]:.2f}, {found[2]} looks): {self.memory[role]}")

    def nothing_is_left(self):
        """Whether everything has gone after the end."""
        there, own = self.marked(), self.own()
        if there or own:
            return False, f"still there: {there}, eco's own: {sorted(own)}"
        if self.groups and self.groups.is_dir():
            return False, f"groups left over: {sorted(os.listdir(self.groups))}"
        records = os.listdir(self.site.home / "run/runs")
        if records:
            return False, f"records of runs left over: {sorted(records)}"
        return True, ""
