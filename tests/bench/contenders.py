"""Those who are measured: each starts N copies of a program and says who its own processes are."""

import json
import os
import subprocess
from pathlib import Path

import machine

BASE_ENV = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}


class Contender:
    """One supervisor in a directory of its own."""

    name = ""

    def __init__(self, cache, work):
        self.cache = Path(cache)
        self.dir = Path(work) / self.name
        self.dir.mkdir(parents=True)
        self.env = dict(BASE_ENV, HOME=str(self.dir))

    def run(self, *args):
        """Runs a command of it, which has to end well."""
        done = subprocess.run(args, cwd=self.dir, env=self.env, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            tail = (done.stdout + done.stderr)[-2000:]
            raise RuntimeError(f"{' '.join(args[:4])} ended with {done.returncode}:\n{tail}")
        return done.stdout

    def prepare(self):
        """Brings it up with nothing to do; whether it can."""
        return False

    def start(self, argv, copies):
        """Starts so many copies; returns as soon as its own command does."""
        raise NotImplementedError

    def pids(self):
        """Its own processes."""
        raise NotImplementedError

    def status(self):
        """The command that lists everything."""
        raise NotImplementedError

    def stop(self):
        """Stops everything and itself."""
        raise NotImplementedError


class Pm2(Contender):
    """PM2, with a home of its own."""

    name = "pm2"

    def __init__(self, cache, work):
        super().__init__(cache, work)
        self.env["PM2_HOME"] = str(self.dir / "home")
        self.tool = str(self.cache / "pm2/node_modules/.bin/pm2")

    def prepare(self):
        self.run(self.tool, "ping")
        return True

    def start(self, argv, copies):
        app = {"name": "app", "script": argv[0], "args": argv[1:], "interpreter": "none",
               "exec_mode": "fork", "instances": copies, "restart_delay": 0,
               "max_restarts": 1_000_000}
        file = self.dir / "ecosystem.json"
        file.write_text(json.dumps({"apps": [app]}))
        self.run(self.tool, "start", str(file))

    def pids(self):
        return [int((self.dir / "home/pm2.pid").read_text())]

    def status(self):
        return [self.tool, "ls"]

    def stop(self):
        if (self.dir / "home/pm2.pid").exists():
            self.run(self.tool, "kill")


class Supervisord(Contender):
    """supervisord, in the foreground of this program."""

    name = "supervisord"

    def __init__(self, cache, work):
        super().__init__(cache, work)
        self.daemon = None

    def start(self, argv, copies):
        command = " ".join(argv)
        (self.dir / "logs").mkdir(exist_ok=True)
        (self.dir / "supervisord.conf").write_text(f"""
[supervisord]
nodaemon=true
minfds=16384
logfile={self.dir}/supervisord.log
pidfile={self.dir}/supervisord.pid
childlogdir={self.dir}/logs
[unix_http_server]
file={self.dir}/s.sock
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://{self.dir}/s.sock
[program:app]
command={command}
process_name=%(process_num)04d
numprocs={copies}
startsecs=0
autorestart=true
stopsignal=KILL
stdout_logfile_maxbytes=0
""")
        tool = self.cache / "venv/bin/supervisord"
        self.daemon = subprocess.Popen(
            [tool, "-c", "supervisord.conf"], cwd=self.dir, env=self.env,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def pids(self):
        return [self.daemon.pid]

    def status(self):
        tool = self.cache / "venv/bin/supervisorctl"
        return [str(tool), "-c", "supervisord.conf", "status"]

    def stop(self):
        if self.daemon:
            self.daemon.terminate()
            self.daemon.wait(timeout=120)
            self.daemon = None


class Eco(Contender):
    """eco, with a home of its own."""

    name = "eco"

    def __init__(self, cache, work, tool):
        super().__init__(cache, work)
        self.env["ECO_HOME"] = str(self.dir / "h")
        self.tool = str(Path(tool).resolve())

    def prepare(self):
        self.start(["/bin/true"], 0)
        return True

    def start(self, argv, copies):
        app = {"command": argv, "instances": copies, "rollout": {"min_ready": "0s"},
               "restart": {"backoff": "none", "limit": "none"}}
        # JSON is YAML.
        text = json.dumps({"name": "bench", "apps": {"app": app}})
        (self.dir / "ecosystem.yaml").write_text(text)
        self.run(self.tool, "apply")

    def pids(self):
        status = json.loads(self.run(self.tool, "daemon", "status", "--json"))
        return [status[f"{role}_pid"] for role in ("keeper", "recorder", "controller")]

    def status(self):
        return [self.tool, "status"]

    def stop(self):
        self.run(self.tool, "daemon", "stop")


class SpawnLoop(Contender):
    """No supervisor at all: a posix_spawn loop in C."""

    name = "spawn-loop"

    def __init__(self, cache, work):
        super().__init__(cache, work)
        self.loop = None

    def start(self, argv, copies):
        self.loop = subprocess.Popen(
            [self.cache / "bin/spawn_loop", str(copies), *argv], cwd=self.dir, env=self.env,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.loop.stdout.readline()

    def pids(self):
        return [self.loop.pid]

    def stop(self):
        if self.loop:
            self.loop.stdin.close()
            self.loop.wait(timeout=60)
            self.loop.stdout.close()
            self.loop = None


def started_after(contender, argv, copies, stamp_file):
    """Starts copies; ms until the last copy's first instruction, and until the command returned."""
    begin = machine.now()
    contender.start(argv, copies)
    returned = machine.now()
    lines = machine.wait_for(
        f"{copies} copies under {contender.name}",
        lambda: (found := machine.stamps(stamp_file)) and len(found) >= copies and found)
    last = max(line[0] for line in lines)
    return (last - begin) / 1e6, (returned - begin) / 1e6
