"""A server under eco or under PM2: the same releases and the same events for both."""

import json
import os
import signal
import socket
import subprocess

import machine
from contenders import Eco, Pm2
from servers import program


def free_port():
    """A port of 127.0.0.1 that nothing listens at just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Site:
    """One server under one supervisor, in a directory of its own."""

    # Set by the mixed-in contender.
    dir = None

    def prepare_site(self, server, instances):
        """Puts the files there; nothing runs yet."""
        self.server = server
        self.instances = instances
        self.port = free_port()
        self.variables = {"VERSION": "first"}
        self.watch = False
        server.copy_to(self.dir)

    def argv(self):
        """The server's command with its port."""
        return [word.replace("{port}", str(self.port)) for word in self.server.argv]

    def save(self, **variables):
        """Writes the file; None unsets a variable."""
        self.variables.update(variables)
        for name in [name for name, value in self.variables.items() if value is None]:
            del self.variables[name]
        self.write()

    def write(self):
        """Writes the file as things are."""
        raise NotImplementedError

    def tool_args(self, event):
        """The supervisor's command for an event."""
        raise NotImplementedError

    def do(self, event):
        """Runs the supervisor's command for an event; its exit code."""
        done = subprocess.run([self.tool, *self.tool_args(event)], cwd=self.dir, env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=180, check=False)
        return done.returncode

    def app_pids(self):
        """The first processes of the instances."""
        raise NotImplementedError

    def supervisor_pids(self):
        """The supervisor's own processes."""
        raise NotImplementedError

    def deciding_pid(self):
        """The process that decides: eco's controller, PM2's God."""
        raise NotImplementedError

    def settle(self):
        """Waits until every instance is up."""
        machine.wait_for("all instances", lambda: len(self.app_pids()) >= self.running(), 60)

    def running(self):
        """How many instances can run."""
        return self.instances


class EcoSite(Eco, Site):
    """A server under eco."""

    def write(self):
        app = {
            "command": self.argv(), "instances": self.instances,
            "listen": {"port": self.port, "share": self.server.share},
            "env": {**self.server.env, **self.variables},
            "rollout": {"min_ready": "1s", "deadline": "10s"}, "stop": {"drain": "5s"},
        }
        if self.watch:
            app["watch"] = {"paths": self.server.source}
        draft = self.dir / "draft"
        draft.write_text(json.dumps({"name": "bench", "apps": {"app": app}}))
        draft.rename(self.dir / "ecosystem.yaml")

    def tool_args(self, event):
        return {"edit": ["apply"], "follow": ["apply", "--watch"], "restart": ["restart", "app"],
                "reload": ["reload", "app"], "scale 4": ["scale", "app", "4"],
                "scale 1": ["scale", "app", "1"]}[event]

    def app_pids(self):
        status = json.loads(subprocess.run(
            [self.tool, "status", "--json"], cwd=self.dir, env=self.env, capture_output=True,
            text=True, check=False, timeout=60).stdout)
        return [one["pid"] for app in status["apps"] for one in app["instances"]
                if one["phase"] == "ready"]

    def supervisor_pids(self):
        return self.pids()

    def deciding_pid(self):
        return json.loads(self.run(self.tool, "daemon", "status", "--json"))["controller_pid"]


class Pm2Site(Pm2, Site):
    """A server under PM2: a cluster for Node programs, one process for all others, since PM2 cannot
    share a port among those."""

    def write(self):
        argv = self.argv()
        app = {"name": "app", "cwd": str(self.dir), "env": {
            **self.server.env, **self.variables, "PORT": str(self.port)}}
        if self.server.node:
            app |= {"script": argv[1], "exec_mode": "cluster", "instances": self.instances}
        else:
            script = argv[0] if argv[0].startswith(".") else program(argv[0])
            app |= {"script": script, "args": argv[1:], "interpreter": "none",
                    "exec_mode": "fork", "instances": 1}
        if self.watch:
            app["watch"] = [self.server.source]
        # PM2 keeps a variable that is no longer in the file: an empty one says the same here.
        app["env"].setdefault("BEHAVE", "")
        (self.dir / "ecosystem.json").write_text(json.dumps({"apps": [app]}))

    def tool_args(self, event):
        file = str(self.dir / "ecosystem.json")
        return {"edit": ["reload", file, "--update-env"], "follow": ["start", file],
                "start": ["start", file], "restart": ["restart", "app"],
                "reload": ["reload", "app"], "scale 4": ["scale", "app", "4"],
                "scale 1": ["scale", "app", "1"]}[event]

    def listed(self):
        """What PM2 says about its processes."""
        text = self.run(self.tool, "jlist")
        return json.loads(text[text.index("["):])

    def app_pids(self):
        return [app["pid"] for app in self.listed() if app["pm2_env"]["status"] == "online"]

    def supervisor_pids(self):
        return self.pids()

    def deciding_pid(self):
        return self.pids()[0]

    def running(self):
        return self.instances if self.server.node else 1

    def stop(self):
        # After its death, a new one knows nothing: what it left is ended here.
        left = getattr(self, "known_pids", [])
        super().stop()
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass


def started(contender, server, instances, watch=False):
    """Starts the server under the contender and waits until it serves."""
    contender.prepare_site(server, instances)
    contender.watch = watch
    contender.save()
    contender.do("start" if contender.name == "pm2" else "edit")
    contender.settle()
    contender.known_pids = contender.app_pids()

    def serves():
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", contender.port)) == 0

    machine.wait_for("the server", serves, 60)
    return contender
