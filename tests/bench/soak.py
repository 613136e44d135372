"""Random steps for so many seconds, and a look at everything after each. `tests/bench/soak` runs it.

In the second half of a run of ten minutes or more no process of eco is killed or replaced: what grows
can be seen then.

A step does one thing to a running project and returns what requests it may have cost: how many
instances it killed, and how many it replaced. Steps wait for conditions; the pause of a stopped
controller is the only time that has to pass.
"""

import argparse
import json
import os
import random
import signal
import statistics
import sys
import time
import traceback

from soak_look import ROLES, Look
from soak_site import Failed, Site


# So many seconds have a calm half.
LONG = 600


class Soak:
    """One run."""

    def __init__(self, site, look, chance):
        self.site = site
        self.look = look
        self.chance = chance
        self.count = 0

    def fresh(self):
        """A number that was not there before."""
        self.count += 1
        return self.count

    def replaced(self, app="web"):
        """Who is replaced if all of an app are."""
        return self.site.instances(app)

    def same_pids(self, what, before):
        """Nobody was replaced."""
        now = self.leaders()
        if now != before:
            raise Failed(f"{what} replaced somebody: {before} became {now}")

    def leaders(self):
        """The first processes of all that should stay."""
        return {name: {one["id"]: one["pid"] for one in app["instances"]}
                for name, app in self.site.status().items() if name not in ("tick", "crasher")}

    # Edits.

    def edit_env(self):
        """Another release of the server."""
        replaced = self.replaced()
        version = f"v{self.fresh()}"
        self.site.apply(self.site.changed("web", env={"VERSION": version}))
        return 0, max(replaced, self.replaced())

    def edit_command(self):
        """Another command of the worker."""
        self.site.apply(self.site.changed("worker", command=["python3", "worker.py", str(self.fresh())]))
        return 0, self.site_differs_in_scale()

    def edit_limits(self):
        """Another limit of the worker."""
        limits = {"nofile": 512 + self.fresh(), "memory": f"{self.chance.choice((128, 256))}M"}
        self.site.apply(self.site.changed("worker", limits=limits))
        return 0, self.site_differs_in_scale()

    def edit_live(self):
        """Something that no process is touched for."""
        before = self.leaders()
        scaled = bool(self.site.scaled)
        self.site.apply(self.site.changed("worker", stop={"timeout": f"{5 + self.fresh() % 9}s"}))
        if not scaled:
            self.same_pids("an edit of stop.timeout", before)
        return 0, self.site_differs_in_scale()

    def edit_instances(self):
        """More or fewer instances of the server."""
        before = self.replaced()
        self.site.apply(self.site.changed("web", instances=self.chance.randint(1, 4)))
        return 0, before

    def site_differs_in_scale(self):
        """An apply takes an override back: so many instances may go."""
        return 4

    def more_or_less(self):
        """An app is added, or one that was is taken away."""
        extra = [name for name in self.site.apps if name.startswith("extra")]
        apps = dict(self.site.apps)
        if extra and (len(extra) > 2 or self.chance.random() < 0.5):
            del apps[self.chance.choice(extra)]
        else:
            apps[f"extra-{self.fresh()}"] = {"command": "sleep 100000"}
        self.site.apply(apps)
        return 0, self.site_differs_in_scale()

    def again(self):
        """The same file once more."""
        before = self.leaders()
        scaled = bool(self.site.scaled)
        self.site.apply()
        if not scaled:
            self.same_pids("the same file", before)
        return 0, self.site_differs_in_scale()

    def bad_edit(self):
        """A release that is bad: it is undone, and nobody is touched."""
        if self.site.scaled:
            self.site.apply()
        before = self.leaders()
        behave = self.chance.choice(("throw", "throw", "crash", "deaf"))
        rollout = {"min_ready": "1s", "deadline": "4s" if behave == "deaf" else "60s"}
        bad = self.site.changed("web", env={"BEHAVE": behave}, rollout=rollout)
        self.site.write(bad)
        code, output = self.site.eco("apply", "--timeout", "2m")
        if code != 1:
            raise Failed(f"a release that does `{behave}`: exit {code}\n{output}")
        self.same_pids(f"a release that does `{behave}`", before)
        self.site.apply()
        self.same_pids("going back to the good file", before)
        return 0, 4

    # Commands.

    def restart(self):
        """All instances of an app are replaced."""
        app = self.chance.choice(("web", "web", "worker", "logger"))
        before = set(self.site.pids(app).values())
        self.site.ok("restart", app)
        if before & set(self.site.pids(app).values()):
            raise Failed(f"a restart of {app} left some of {before} there")
        return 0, self.replaced()

    def reload(self):
        """The same by another word."""
        self.site.ok("reload", "web")
        return 0, self.replaced()

    def scale(self):
        """An override of the number of instances."""
        before = self.replaced()
        count = self.chance.randint(1, 4)
        self.site.ok("scale", "web", str(count))
        self.site.scaled = {} if count == self.site.apps["web"]["instances"] else {"web": count}
        return 0, before

    def stop_and_start(self):
        """An app is stopped, and started again."""
        app = self.chance.choice(("worker", "logger"))
        self.site.ok("stop", app)
        left = [one for one in self.look.marked() if one[0] == app]
        if left:
            raise Failed(f"after `stop {app}`: {left}")
        self.site.ok("start", app)
        return 0, 0

    def run_job(self):
        """The job runs now."""
        self.site.ok("run-job", "tick")
        return 0, 0

    def break_file(self):
        """While the file is followed, somebody saves a broken one, then a good one."""
        self.site.apply(None, "--watch")
        before = self.leaders()
        (self.site.dir / "ecosystem.yaml").write_text("apps: { web: { comand: x }\n")
        self.wait_file("broken")
        self.same_pids("a broken file", before)
        self.site.write()
        self.wait_file("in_sync")
        self.same_pids("a file that is whole again", before)
        self.site.apply(self.site.changed("worker", env={"MESSAGE": f"m{self.fresh()}"}), "--no-watch")
        return 0, self.site_differs_in_scale()

    def follow(self):
        """A followed file is edited."""
        self.site.apply(None, "--watch")
        version = f"f{self.fresh()}"
        self.site.apps = self.site.changed("web", env={"VERSION": version})
        before = set(self.site.pids("web").values())
        self.site.write()
        self.site.wait("the followed edit", lambda: (
            not before & set(self.site.pids("web").values()), self.site.status()["web"]))
        self.site.wait("all of it", self.look.all_is_as_desired)
        self.site.apply(None, "--no-watch")
        return 0, 4 + self.replaced()

    def wait_file(self, wanted):
        """Until the followed file is seen to be so."""
        def seen():
            file = self.site.json("status")["file"]
            return file["state"] == wanted, file
        self.site.wait(f"the file to be {wanted}", seen)

    # Deaths.

    def kill_web(self):
        """A server dies, with what it was at."""
        self.kill_instance("web")
        return 1, 0

    def kill_other(self):
        """A worker or a logger dies."""
        self.kill_instance(self.chance.choice(("worker", "logger")))
        return 0, 0

    def kill_instance(self, app):
        """One instance is killed; another one comes in its place."""
        name, pid = self.chance.choice(sorted(self.site.pids(app).items()))
        os.kill(pid, signal.SIGKILL)
        self.site.wait(f"another {name}", lambda: (
            self.site.pids(app).get(name, pid) != pid, self.site.status()[app]))

    def kill_eco(self):
        """Processes of eco die; others take their place, and nobody notices."""
        before = self.leaders()
        old = self.site.roles()
        victims = self.chance.choice((["controller"], ["recorder"], ["keeper"],
                                      ["controller", "keeper"], ["controller", "recorder"]))
        for role in victims:
            os.kill(old[role], signal.SIGKILL)

        def others():
            # Starts them where nobody else does.
            self.site.eco("status")
            code, output = self.site.eco("daemon", "status", "--json")
            now = json.loads(output) if code == 0 else {}
            return all(now.get(f"{role}_pid") not in (None, 0, old[role]) for role in victims), output
        self.site.wait(f"others for {victims}", others)
        self.same_pids(f"the death of {' and '.join(victims)}", before)
        return 0, 0

    def stop_controller(self):
        """The controller hangs for a while."""
        before = self.leaders()
        pid = self.site.roles()["controller"]
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(self.chance.uniform(0.2, 3))
        finally:
            os.kill(pid, signal.SIGCONT)
        self.same_pids("a controller that hung", before)
        return 0, 0

    def upgrade(self):
        """eco takes over from itself."""
        before = self.leaders()
        self.site.ok("daemon", "upgrade")
        self.same_pids("an upgrade", before)
        return 0, 0

    # Logs.

    def flood(self):
        """The logger writes as fast as it can."""
        [pid] = self.site.pids("logger").values()
        done = self.site.dir / "floods"
        done.unlink(missing_ok=True)
        os.kill(pid, signal.SIGUSR1)
        self.site.wait("the end of a flood", lambda: (done.exists(), self.site.status()["logger"]))
        if list(self.site.pids("logger").values()) != [pid]:
            raise Failed("the logger did not live through its own flood")
        return 0, 0

    def fill_disk(self):
        """The disk of the logs is full, and the logger writes on."""
        filler = self.site.disk / "filler"
        try:
            with open(filler, "wb", buffering=0) as file:
                while file.write(b"f" * 65536):
                    pass
        except OSError:
            pass
        try:
            result = self.flood()
            code, _ = self.site.eco("logs", "logger", "-n", "5")
            if code != 0:
                raise Failed(f"`eco logs` on a full disk: exit {code}")
        finally:
            filler.unlink()
        return result

    def steps(self, calm):
        """The steps, with how often each comes."""
        weights = {
            self.edit_env: 6, self.edit_command: 4, self.edit_limits: 3, self.edit_live: 3,
            self.edit_instances: 5, self.more_or_less: 6, self.again: 3, self.bad_edit: 4,
            self.restart: 5, self.reload: 3, self.scale: 5, self.stop_and_start: 3,
            self.run_job: 2, self.break_file: 3, self.follow: 2, self.kill_web: 4,
            self.kill_other: 3, self.kill_eco: 3, self.stop_controller: 3, self.upgrade: 1,
            self.flood: 4,
        }
        if self.site.has_disk:
            weights[self.fill_disk] = 3
        if calm:
            del weights[self.kill_eco], weights[self.upgrade]
        return list(weights), list(weights.values())


class Story:
    """What was done, and what it took."""

    def __init__(self):
        self.steps = []

    def add(self, name, seconds):
        """One step more."""
        self.steps.append((name, seconds))

    def table(self, look, loads):
        """All of it for a person."""
        lines = ["| step | times | median s | longest s |", "|---|---|---|---|"]
        for name in sorted({name for name, _ in self.steps}):
            took = [seconds for one, seconds in self.steps if one == name]
            lines.append(f"| {name} | {len(took)} | {statistics.median(took):.1f} | {max(took):.1f} |")
        lines += ["", "| memory of its own, KiB | first | last | most | per step | ± | looks |",
                  "|---|---|---|---|---|---|---|"]
        for role in ROLES:
            sizes = [size for _, _, size in look.memory[role]] or [0]
            found = look.slope(role)
            slope = [f"{found[0]:+.3f}", f"{found[1]:.3f}", str(found[2])] if found else ["", "", "0"]
            lines.append(f"| {role} | {sizes[0]} | {sizes[-1]} | {max(sizes)} | {' | '.join(slope)} |")
        lines += ["", "| load | answers | failed | inside killed servers | idle races | p99 ms | longest gap ms |",
                  "|---|---|---|---|---|---|---|"]
        for load, counts in loads:
            lines.append(f"| {load.name} | {counts['ok']} | {counts['hard'] - load.spared} | {load.spared} | "
                         f"{counts['idle_races']} | {counts['p99']:.0f} | {counts['gap']:.0f} |")
        return "\n".join(lines)


def soak(site, look, options, story):
    """Steps until the time is over, and everything once more at the end."""
    until = time.monotonic() + options.seconds
    soak_of = Soak(site, look, random.Random(options.seed))
    site.start(options)
    look.learn()
    for load in site.loads:
        load.look(0, 4)
    look.after(0)
    while time.monotonic() < until:
        calm = options.seconds >= LONG and until - time.monotonic() < options.seconds / 2
        if calm and not look.calm_from:
            look.calm_from = len(story.steps) + 1
        step = soak_of.chance.choices(*soak_of.steps(calm))[0]
        name = step.__name__.replace("_", "-")
        begin = time.monotonic()
        # Named before it is known whether it ends.
        story.add(name, 0.0)
        killed, replaced = step()
        look.after(len(story.steps))
        for load in site.loads:
            load.look(killed, replaced)
        story.steps[-1] = (name, time.monotonic() - begin)
        if options.verbose:
            print(f"{len(story.steps):4} {name} {story.steps[-1][1]:.1f} s", file=sys.stderr, flush=True)
    look.judge()
    loads = [(load, load.stop()) for load in site.loads]
    print(story.table(look, loads))
    site.loads = []
    site.ok("daemon", "stop")
    site.wait("nothing to be left", look.nothing_is_left)


def tell(error, site, options, story):
    """What a person needs to find out why."""
    done = ", ".join(name for name, _ in story.steps)
    print(f"soak: seed {options.seed}, step {len(story.steps)}: {error}\nsteps: {done}", file=sys.stderr)
    for words in (("status",), ("diff",), ("events", "-n", "40"), ("daemon", "status", "--json")):
        try:
            print(f"== eco {' '.join(words)}\n{site.eco(*words)[1]}", file=sys.stderr)
        except Exception:  # Whatever hangs now must not hide what came first.
            traceback.print_exc()


def main():
    """Reads the options, soaks, prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("seconds", type=int)
    parser.add_argument("--eco", required=True)
    parser.add_argument("--load", required=True)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--disk", action="store_true", help="mount a small disk for the logs")
    parser.add_argument("--debug", action="store_true", help="for `soak`: which build")
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--verbose", action="store_true", help="say what is done and waited for")
    options = parser.parse_args()
    # Being ended is no reason to leave anything running.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(f"soak: {options.seconds} s, seed {options.seed}", flush=True)
    site, story = Site(options), Story()
    if not site.has_disk:
        print("soak: nothing may be mounted here, so no disk is filled")
    keep, good = options.keep, False
    try:
        soak(site, Look(site), options, story)
        good = True
    except Failed as error:
        keep = True
        tell(error, site, options, story)
    finally:
        site.stop(keep or not good)
    if not good:
        sys.exit(1)
    print(f"{len(story.steps)} steps: all as desired after each, nothing left, nothing lost")


if __name__ == "__main__":
    main()
