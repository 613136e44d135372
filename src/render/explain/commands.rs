//! The codes of what commands and the controller say no with.

use super::{Entry, entries::command};

/// By code.
pub(super) const COMMANDS: &[Entry] = &[
    command(
        "cannot_start",
        "eco's own process could not be started.",
        "`eco apply` where no more processes may be created",
        "Read the system's answer; `eco doctor` checks what eco needs.",
    ),
    command(
        "controller_ending",
        "The controller ended while the command waited for it, as in an upgrade. Apps are not touched.",
        "`eco status` at the very moment of `eco daemon upgrade`",
        "Run the command again in a moment.",
    ),
    command(
        "ending",
        "eco is about to end, so that no change is taken any more.",
        "`eco apply` during `eco daemon stop`",
        "Run the command again once it has ended: `apply` starts eco anew.",
    ),
    command(
        "events",
        "The record of events could not be read.",
        "`eco events` while the disk fails",
        "Read the system's answer. Apps are not touched.",
    ),
    command(
        "file",
        "The ecosystem file has faults; under `--json` this stands for all of them.",
        "`eco apply --json` of a file with an unknown key",
        "`eco validate --json` lists each with its place and its own code.",
    ),
    command(
        "home",
        "There is no place for eco's state, sockets and logs, or it is not eco's alone.",
        "`ECO_HOME=/proc/none eco apply`",
        "Name a directory of your own in `ECO_HOME`, or mend the one that is named.",
    ),
    command(
        "input",
        "What was typed, or what lies around it, is wrong.",
        "`eco init` where there is an `ecosystem.yaml`",
        "Do as the help below the error says; `eco COMMAND --help` has examples.",
    ),
    command(
        "io",
        "The system refused something that a command has to do.",
        "`eco logs web` where the log may not be read",
        "Read the system's answer.",
    ),
    command(
        "job",
        "A job has one run at a time, so that it cannot be scaled.",
        "`eco scale nightly 3`",
        "`eco run-job` runs it once more.",
    ),
    command(
        "job_off",
        "The job is stopped, so that it cannot be run.",
        "`eco stop nightly`, then `eco run-job nightly`",
        "`eco start` lets it run again.",
    ),
    command(
        "keeper",
        "The controller cannot reach the keeper, the process that holds the apps.",
        "`eco daemon upgrade` right after the keeper was killed",
        "Run the command again in a moment: another keeper takes over by itself.",
    ),
    command(
        "no_answer",
        "eco runs, and its controller did not answer within 10 s. Apps go on.",
        "`eco status` while the controller is stopped by a debugger",
        "Look at `eco daemon status` in a moment.",
    ),
    command(
        "no_generation",
        "There is no such generation to go back to; old ones are dropped.",
        "`eco rollback --to 99`",
        "`eco history` lists those that are kept.",
    ),
    command(
        "no_job",
        "Only a job can be run by `run-job`, and this is none.",
        "`eco run-job web`",
        "`eco restart` replaces a service.",
    ),
    command(
        "no_project",
        "Nothing has been applied yet.",
        "`eco restart web` on a new machine",
        "Run `eco apply` in the directory of an ecosystem.yaml.",
    ),
    command(
        "not_an_app",
        "Single instances can only be restarted or signalled.",
        "`eco stop web/0`",
        "Name the app; `eco scale` changes how many run.",
    ),
    command(
        "not_running",
        "eco does not run, and this command does not start it.",
        "`eco logs web` on a new machine",
        "`eco apply` starts it.",
    ),
    command(
        "nothing_before",
        "Nothing was different before, so that there is nothing to go back to.",
        "`eco rollback` after the first `eco apply`",
        "`eco history` lists what was.",
    ),
    command(
        "nothing_runs",
        "A signal was to be sent, and no instance runs that could get it.",
        "`eco signal SIGHUP web` after `eco stop web`",
        "`eco status` tells why none runs.",
    ),
    command(
        "other_directory",
        "A project of this name belongs to another directory.",
        "`eco apply` in a second checkout with the same `name:`",
        "Give this file another `name:`, or move the project here with `eco apply --move`.",
    ),
    command(
        "other_name",
        "The directory belongs to a project, and its file now has another `name:`.",
        "`name: shop` edited to `name: store`",
        "Keep the name, or run `eco down -p` with the former one first; its apps stop.",
    ),
    command(
        "output",
        "Whoever read the output is gone. This is no error: the command exits 0.",
        "`eco logs web | head -n 1`",
        "Nothing.",
    ),
    command(
        "program",
        "The program that was named for an upgrade cannot be opened.",
        "`eco daemon upgrade /no/such/eco`",
        "Name the new eco: `eco daemon upgrade PROGRAM`.",
    ),
    command(
        "store",
        "The new state could not be written to disk. Nothing was changed.",
        "`eco apply` while the disk of `ECO_HOME` is full",
        "Make room or mend the disk, and try again.",
    ),
    command(
        "too_many_instances",
        "No machine is meant to run so many instances of an app.",
        "`eco scale web 20000`",
        "Ask for 10000 at most.",
    ),
    command(
        "unknown_project",
        "There is no project of this name.",
        "`eco status -p shpo`",
        "Take one of those that are listed; `eco status -A` shows all.",
    ),
    command(
        "upgrade",
        "The new program did not take over: it cannot read the state, or is none for this machine. \
         Nothing was changed.",
        "`eco daemon upgrade /bin/true`",
        "Name an eco that is not older than the one that runs.",
    ),
    command(
        "upgrading",
        "An upgrade is under way already.",
        "`eco daemon upgrade` twice at once",
        "Wait for the first one.",
    ),
    command(
        "usage",
        "There is no such command or option, or one that it needs is missing.",
        "`eco apply --profil production --json`",
        "`eco COMMAND --help` tells what a command takes.",
    ),
    command(
        "versions",
        "The controller answers in a way this eco does not know.",
        "an old `eco` in PATH beside a new one that runs",
        "Use the same version for both; `eco daemon upgrade` puts this one in place.",
    ),
    command(
        "which_project",
        "There are several projects, and none of them is this directory's.",
        "`eco restart web` in your home directory",
        "Name one with `-p PROJECT`, or go to its directory.",
    ),
];
