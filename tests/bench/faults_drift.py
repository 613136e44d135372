"""Edits of the file: does what runs follow it? PM2 gets `reload FILE --update-env`, then `start FILE`, then
`restart FILE`; eco gets one `apply`. What is looked at is the processes themselves, where it can be."""

import os

from fault_rows import Found, Theme, ended
from fault_sides import wait_for
from sites import free_port

DRIFT = Theme("drift", "the file is edited: after reload + start + restart, or `eco apply`")
PROGRAMS = ("state.js", "probe.js", "probe2.js", "server.js")


def app(**more):
    """An app of one fork process."""
    env = {"APP": "app", **more.pop("env", {})}
    return {"name": "app", "script": "probe.js", "exec_mode": "fork", "env": env, **more}


def cluster(**more):
    """An app that shares a port."""
    env = {"PORT": str(free_port()), **more.pop("env", {})}
    return app(script="server.js", exec_mode="cluster", env=env) | more


def running(side, count=1):
    """Starts what the file says, and waits for it."""
    side.first()
    wait_for("the app", lambda: len(side.up("app")) == len(side.living("app")) == count)


def at_rest(side):
    """Whether as many live as are listed, and there are some: none is between two runs."""
    return len(side.up("app")) == len(side.living("app")) != 0


def exits(codes):
    """Several exit codes in words."""
    return "exit " + ", ".join("–" if code is None else str(code) for code in codes)


def drift(name, what, before, after, see, wanted, says, keeps=0):
    """A row that is one edit: `see` tells what runs, which has to become what `wanted` says. So many
    processes have to be the same as before."""
    @DRIFT.row(name, what, says, True)
    def look(side):
        side.take(*PROGRAMS)
        for name in ("one", "two"):
            (side.dir / name).mkdir()
        port = {"PORT": str(free_port())}
        one, two = before(), after()
        for it in (one, two):
            if it["script"] == "server.js":
                it["env"] = it["env"] | port
        side.save(one)
        running(side, one.get("instances", 1))
        known = set(side.up("app"))
        side.save(two)
        codes = side.follow()
        follows = side.until(lambda: at_rest(side) and see(side) == wanted, 4)
        text = "follows" if follows else f"still {see(side)}"
        kept = len(known & set(side.up("app")))
        if keeps:
            text += f", {kept} of {keeps} pids kept"
        return Found(f"{text}; {exits(codes)}",
                     follows and kept >= keeps and set(codes) == {0})


def last(side):
    """The newest run that lives."""
    living = side.living("app")
    return living[-1] if living else {"script": None, "args": None, "cwd": None, "pid": 0, "env": {}}


def variable(name):
    """A variable as the program has it: PM2's wrapper changes it after the start."""
    return lambda side: last(side)["env"].get(name)


def words(side):
    """The arguments as the program has them."""
    return last(side)["args"]


def directory(side):
    """The name of the working directory, as the system has it."""
    pid = last(side)["pid"]
    return os.path.basename(os.readlink(f"/proc/{pid}/cwd")) if pid else None


def log_directory(side):
    """Where the line of the newest run stands."""
    line = f"here {last(side)['pid']}\n"
    having = [path for path in side.dir.glob("logs*/*.log") if line in path.read_text()]
    return max(having, key=lambda path: path.stat().st_mtime_ns).parent.name if having else None


def count(side):
    """How many run."""
    return len(side.living("app"))


SILENT = "PM2 keeps it without a word; eco replaces the process"
ADDED = "PM2 takes it; eco too"

drift("instances", "`instances` 2 → 3", lambda: cluster(instances=2),
      lambda: cluster(instances=3), count, 3, "PM2 keeps two; eco adds one and touches no other", keeps=2)
drift("instances-down", "`instances` 3 → 1", lambda: cluster(instances=3),
      lambda: cluster(instances=1), count, 1, "PM2 keeps three; eco stops two", keeps=1)
drift("script", "`script` probe.js → probe2.js", app, lambda: app(script="probe2.js"),
      lambda side: last(side)["script"], "probe2.js", SILENT)
drift("args", "`args` added", app, lambda: app(args=["--more"]), words, ["--more"], ADDED)
drift("cwd", "`cwd` changed", lambda: in_directory("one"), lambda: in_directory("two"), directory,
      "two", SILENT)
drift("out-file", "`out_file`, `error_file` changed", lambda: logging("logs1"),
      lambda: logging("logs2"), log_directory, "logs2",
      "PM2 keeps the old path; eco writes into the new directory")
drift("exec-mode", "`exec_mode` fork → cluster, with 2 instances",
      lambda: cluster(exec_mode="fork"), lambda: cluster(instances=2), count, 2,
      "PM2 stays in fork mode with one; eco runs two that share the port")
drift("env-removed", "a variable removed", lambda: cluster(env={"GONE": "x"}), cluster, variable("GONE"),
      None, "PM2 hands it on for ever; eco's file is all there is")
drift("env-changed", "a variable changed", lambda: cluster(env={"IT": "1"}),
      lambda: cluster(env={"IT": "2"}), variable("IT"), "2", ADDED)


def in_directory(name):
    """An app in a directory beside its program."""
    return app(script="../probe.js", cwd=f"./{name}")


def logging(name):
    """An app with its log files in a directory."""
    return app(out_file=f"./{name}/out.log", error_file=f"./{name}/err.log")


@DRIFT.row("app-removed", "an app removed from the file", "PM2 lets it run; eco stops it", True)
def app_removed(side):
    """Two, then one."""
    side.take(*PROGRAMS)
    other = {**app(env={"APP": "other"}), "name": "other"}
    side.save(app(), other)
    side.first()
    wait_for("both", lambda: side.living("app") and side.living("other"))
    side.save(app())
    codes = side.follow()
    gone = side.until(lambda: not side.living("other"), 3)
    return Found(f"{'stopped' if gone else 'still runs'}; {exits(codes)}", gone and set(codes) == {0})


def setting(name, key, value, ours):
    """A row that takes a setting away which no process shows: PM2's own list has to be without it, and
    eco's diff with it before and empty after."""
    @DRIFT.row(name, f"`{key}` removed from the file",
               "PM2 keeps the old value; eco goes back to its default, and touches no process for it", True)
    def look(side):
        def is_there():
            if side.name == "pm2":
                return side.listed("app")[0]["pm2_env"].get(key) is not None
            return any(it["field"] == ours for it in side.object("diff")["changes"])

        side.take(*PROGRAMS)
        side.save(app(**{key: value}))
        running(side)
        side.save(app())
        if not is_there():
            return Found(f"never took {key}", False)
        [pid] = side.up("app")
        codes = side.follow()
        kept, same = is_there(), side.up("app") == [pid]
        text = f"{'kept' if kept else 'gone'}, {'the same process' if same else 'another process'}"
        return Found(f"{text}; {exits(codes)}", not kept and same and set(codes) == {0})


setting("kill-timeout-removed", "kill_timeout", 4321, "stop.timeout")
setting("memory-removed", "max_memory_restart", "321M", "restart.max_memory")
setting("cron-removed", "cron_restart", "0 3 * * *", "restart.cron")
setting("dates-removed", "log_date_format", "YYYY", "logs.timestamps")


@DRIFT.row("watch-added", "`watch: true` added, then a source edited",
           "PM2 says it watches and does not; eco replaces the process", True)
def watch_added(side):
    """An edit has to bring a new process."""
    side.take(*PROGRAMS)
    (side.dir / "src").mkdir()
    (side.dir / "src/it.js").write_text("1")
    side.save(app())
    running(side)
    side.save(app(watch=["src"]))
    codes = side.follow()
    wait_for("the app", lambda: len(side.up("app")) == 1)
    before = last(side)["pid"]
    (side.dir / "src/it.js").write_text("2")
    seen = side.until(lambda: last(side)["pid"] not in (0, before), 5)
    return Found(f"{'a new process' if seen else 'nothing happens'}; {exits(codes)}", seen)


@DRIFT.row("cron-changed", "`cron_restart` of a cluster changed to every 2 s; only `reload FILE`",
           "PM2 keeps the old times; eco follows")
def cron_changed(side):
    """Within 7 s it has to fire."""
    side.take(*PROGRAMS)
    it = cluster(cron_restart="0 3 1 1 *")
    side.save(it)
    running(side)
    side.save(it | {"cron_restart": "*/2 * * * * *"})
    code = side.release()
    before = last(side)["pid"]
    fired = side.until(lambda: last(side)["pid"] not in (0, before), 7)
    return Found(f"{'fires' if fired else 'never fires in 7 s'}; {ended(code)}", fired and code == 0)


@DRIFT.row("nothing", "nothing changed: `start FILE` again, `eco apply` again",
           "PM2 restarts all; eco touches none", True)
def nothing(side):
    """Five apps."""
    side.take(*PROGRAMS)
    apps = [{**app(env={"APP": f"app{n}"}), "name": f"app{n}"} for n in range(5)]
    side.save(*apps)
    side.first()
    wait_for("all", lambda: len(side.up()) == 5)
    before = set(side.up())
    code = side.first()
    wait_for("all", lambda: len(side.up()) == 5)
    kept = len(before & set(side.up()))
    return Found(f"{kept} of 5 pids kept; {ended(code)}", kept == 5 and code == 0)
