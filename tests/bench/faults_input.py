"""Files with faults in them, and files used twice at once: which are refused, and with what words."""

import threading

from fault_rows import Found, Theme, ended
from fault_sides import wait_for
from faults_drift import PROGRAMS, app

INPUT = Theme("drift", "faults in the file")


def said(done, *words):
    """Whether a command named what is wrong in its words."""
    return all(word in done.stdout for word in words)


def started(side):
    """Starts the file: how that ended, if it did in 20 s."""
    return side.ask("start" if side.name == "pm2" else "apply", str(side.file), patience=20)


def fault(name, what, says, words, text=None, file="ecosystem.config.js", settle=True, **keys):
    """A row that is one fault: it has to be refused, with words, and nothing may start."""
    @INPUT.row(name, what, says, True)
    def look(side):
        side.take(*PROGRAMS)
        if text is None:
            side.save(app(**keys), name=file)
        else:
            side.save(text=text, name=file)
        done = started(side)
        # Whoever takes the file has it up by now: the command has returned.
        side.until(lambda: side.living("app"), 0.5)
        count = len(side.living("app"))
        told = said(done, *words)
        out = f"{'names the fault' if told else 'no word of it'}, {count} started; {ended(done.returncode)}"
        if "    at " in done.stdout and ".js:" in done.stdout:
            out = f"a JavaScript stack; {out}"
        return Found(out, told and count == 0 and done.returncode not in (0, None))


fault("misspelt-memory", "`max_memory_restrat: '300M'`",
      "PM2 drops the key; eco underlines it and suggests the right one", ("max_memory_restrat",),
      max_memory_restrat="300M")
fault("misspelt-instances", "`instanses: 3`",
      "PM2 drops the key; eco underlines it and suggests the right one", ("instanses",), instanses=3)
fault("instances-word", "`instances: 'two'`",
      "PM2 takes it for one per CPU; eco refuses it", ("two",), instances="two")
fault("bad-cron", "`cron_restart: 'bad'`", "PM2 exits 1 without a reason; eco names it",
      ("cron_restart", "bad"), cron_restart="bad")
fault("kill-timeout-unit", "`kill_timeout: '5s'`", "both refuse it; eco says where and what to write",
      ("kill_timeout",), kill_timeout="5s")
fault("empty-yaml", "an empty YAML file", "PM2 prints a stack of its own; eco says that it is empty",
      ("empty",), text="", file="apps.yaml")


@INPUT.row("same-name", "two apps of one name, then `restart FILE`",
           "PM2 doubles them at each restart; eco refuses the file", True)
def same_name(side):
    """Two of one name."""
    side.take(*PROGRAMS)
    side.save(app(), app(env={"APP": "app", "SECOND": "1"}))
    first = started(side)
    if side.name == "pm2":
        wait_for("both", lambda: len(side.up("app")) == 2)
        side.ask("restart", str(side.file))
        side.until(lambda: len(side.living("app")) == 4, 3)
    count = len(side.living("app"))
    refused = first.returncode != 0 and "two apps" in first.stdout
    return Found(f"{count} processes; {ended(first.returncode)}", refused and count == 0)


@INPUT.row("missing-script", "one app is right, the other's script is missing",
           "both start the other one, name the fault and exit 1", True,
           told="apps are independent unless the file says otherwise: one that cannot start holds up no other")
def missing_script(side):
    """All or nothing."""
    side.take(*PROGRAMS)
    side.save(app(), {**app(), "name": "other", "script": "missing.js"})
    done = started(side)
    side.until(lambda: side.living("app"), 0.5)
    count = len(side.living("app"))
    named = said(done, "missing.js")
    text = f"{count} of 2 started, {'names it' if named else 'no word of it'}; {ended(done.returncode)}"
    return Found(text, count == 0 and named and done.returncode not in (0, None),
                 told=named and done.returncode == 1)


@INPUT.row("concurrent", "the same file of 3 apps started twice at once, with no daemon yet",
           "PM2 gets two daemons, and a command that never ends; eco one, and the second finds all done", True)
def concurrent(side):
    """Two callers."""
    side.take(*PROGRAMS)
    apps = [{**app(env={"APP": f"app{n}"}), "name": f"app{n}"} for n in range(3)]
    side.save(*apps)
    codes = []
    callers = [threading.Thread(target=lambda: codes.append(started(side).returncode))
               for _ in range(2)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    wait_for("all", lambda: all(side.living(f"app{n}") for n in range(3)))
    count = sum(len(side.living(f"app{n}")) for n in range(3))
    daemons = len(list(side.daemons()))
    return Found(f"{count} processes, {daemons} daemon(s); {ended(codes[0])}, {ended(codes[1])}",
                 count == 3 and daemons == 1 and codes == [0, 0])


@INPUT.row("json-code", "a `.json` file that has a function call in it",
           "PM2 evaluates it as JavaScript; eco reads JSON as data", True)
def json_code(side):
    """The call would leave a file behind."""
    side.take(*PROGRAMS)
    mark = side.dir / "evaluated"
    call = f"process.binding('fs') && this.constructor.constructor('return process')().mainModule" \
           f".require('fs').writeFileSync('{mark}', '')"
    env = f'{{"APP": "app", "X": ({call}, "1")}}'
    side.save(name="apps.json",
              text=f'{{"apps": [{{"name": "app", "script": "probe.js", "env": {env}}}]}}')
    done = started(side)
    ran = mark.exists()
    return Found(f"{'evaluated' if ran else 'not evaluated'}; {ended(done.returncode)}",
                 not ran and done.returncode not in (0, None))
