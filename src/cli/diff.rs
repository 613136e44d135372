//! `eco diff`

use clap::Args;

use super::{
    Outcome,
    apply::warn,
    at_commit::AtCommit,
    client::{Client, Starts},
    error::CliError,
    file::{self, PlanArgs},
    ui::Ui,
};
use crate::{
    api::{ApplyRequest, DiffReply, path},
    config,
    controller::{self, Home, Other},
    render,
};

/// Show what `apply` would change, do and interrupt; exit 1 if there is anything
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco diff                            ./ecosystem.yaml against what runs
  eco diff --profile production
  eco diff --show-values              with the values of env
  eco diff --json | jq .actions
  eco diff --git HEAD~1               what the file changes against that commit's; nothing runs for it
  eco diff --from 12                  what it changes against generation 12 of `eco history`
  eco diff --from 12 --to 14          what changed between the two

Nothing is started for it: without a running eco, everything would be created.")]
pub(super) struct DiffArgs {
    #[command(flatten)]
    pub(super) plan: PlanArgs,

    /// Compare with the file, and what it reads, as this commit has them
    #[arg(long, value_name = "COMMIT", conflicts_with = "from")]
    git: Option<String>,

    /// Compare with this generation of `eco history` instead of what runs
    #[arg(long, value_name = "GENERATION")]
    from: Option<u64>,

    /// Compare that with another generation instead of the file
    #[arg(long, value_name = "GENERATION", requires = "from")]
    to: Option<u64>,
}

/// Carries the command out.
pub(super) fn run(args: &DiffArgs, ui: &Ui) -> Outcome {
    let home = Home::find().map_err(CliError::Home)?;
    if let (Some(from), Some(to)) = (args.from, args.to) {
        return between(&home, args, (from, to), ui);
    }
    // A machine that only compares texts may have no eco.
    let client = match &args.git {
        Some(_) => None,
        None => Client::connect(&home, Starts::No).ok(),
    };
    let loaded = file::load(&args.plan.file, &home, client.as_ref(), ui)?;
    warn(&loaded.warnings, ui);
    let request = args.plan.request(&loaded);
    if let Some(commit) = &args.git {
        return against_commit(&home, args, (&loaded, &request), (commit, ui));
    }
    let Some(from) = args.from else { return show(&home, &request, args.plan.json, ui) };
    let whose = (&loaded.name, request.show_values);
    let other = Other::File(&request);
    let reply =
        controller::compare_generations(&home, whose, from, other).map_err(CliError::Api)?;
    print(&reply, args.plan.json, ui)
}

/// Two accepted states of the project whose file is meant, which may be gone.
fn between(home: &Home, args: &DiffArgs, (from, to): (u64, u64), ui: &Ui) -> Outcome {
    let file = args.plan.file.path(ui)?;
    let found = controller::recorded(home);
    let found = found.into_iter().find(|found| Some(found.dir.as_path()) == file.parent());
    let Some(found) = found else {
        return Err(CliError::input(
            format!(
                "nothing is stored of a project in {}",
                file.parent().unwrap_or(&file).display()
            ),
            "run it where the ecosystem file is, or name that",
        ));
    };
    let whose = (&found.name, args.plan.shows_values());
    let other = Other::Generation(to);
    let reply = controller::compare_generations(home, whose, from, other).map_err(CliError::Api)?;
    print(&reply, args.plan.json, ui)
}

/// What the file changes of what it said in a commit.
fn against_commit(
    home: &Home,
    args: &DiffArgs,
    (loaded, request): (&config::Loaded, &ApplyRequest),
    (name, ui): (&str, &Ui),
) -> Outcome {
    let commit = AtCommit::open(&loaded.dir, name)?;
    let before = file::load_at(&args.plan.file, loaded, &commit, home).inspect_err(|_| {
        ui.talk(&format!("the file as it is in {name}:\n"));
    })?;
    let before = before.map(|before| args.plan.request(&before));
    let mut reply = controller::compare_files(before.as_ref(), request).map_err(CliError::Api)?;
    match before {
        Some(before) if before.name != request.name => reply.notes.push(format!(
            "the project was called {}: under another name it is another one",
            before.name
        )),
        Some(_) => {}
        None => reply.notes.push(format!("the file is not in {name}: all of it is new")),
    }
    reply.notes.extend(commit.notes());
    print(&reply, args.plan.json, ui)
}

/// Shows what an apply would do, and says by the exit code whether that is anything.
pub(super) fn show(home: &Home, request: &ApplyRequest, json: bool, ui: &Ui) -> Outcome {
    let reply: DiffReply = match Client::connect(home, Starts::No) {
        Ok(client) => client.post(path::DIFF, request)?,
        Err(CliError::NotRunning) => controller::preview_alone(request).map_err(CliError::Api)?,
        Err(other) => return Err(other),
    };
    print(&reply, json, ui)
}

/// Prints a comparison, and says by the exit code whether there is a difference.
pub(super) fn print(reply: &DiffReply, json: bool, ui: &Ui) -> Outcome {
    if json {
        ui.print_json(reply)?;
    } else {
        ui.print(&render::diff(reply, ui.style()))?;
    }
    Ok(u8::from(!reply.is_empty()))
}
