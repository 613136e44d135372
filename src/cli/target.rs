//! The arguments by which a command names its apps.

use clap::Args;
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

use super::{error::CliError, file};
use crate::{
    api::{Selector, Target},
    config,
    controller::{self, Home},
    model::ProjectName,
};

/// Which project.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct ProjectArg {
    /// The project, when it is not the one of this directory
    #[arg(short, long, value_name = "PROJECT", add = ArgValueCandidates::new(project_names))]
    pub(super) project: Option<ProjectName>,
}

/// Which apps.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct AppsArg {
    /// Apps: `web`, `web/0`, `tag:edge`, `shop:web`, `all`
    #[arg(value_name = "APP", add = ArgValueCandidates::new(app_names))]
    pub(super) apps: Vec<Selector>,
}

/// The target the arguments name.
pub(super) fn target(project: &ProjectArg, apps: &[Selector]) -> Result<Target, CliError> {
    Ok(Target {
        project: project.project.clone(),
        dir: file::current_dir()?,
        every_project: false,
        memory: false,
        apps: apps.to_vec(),
    })
}

/// Apps of the project of a file that was read; none is all of them.
pub(super) fn of_file(loaded: &config::Loaded, apps: Vec<Selector>) -> Target {
    Target {
        project: Some(loaded.name.clone()),
        dir: loaded.dir.clone(),
        every_project: false,
        memory: false,
        apps,
    }
}

/// Names of the stored projects, for shell completion.
fn project_names() -> Vec<CompletionCandidate> {
    let Ok(home) = Home::find() else { return Vec::new() };
    let names = controller::recorded(&home).into_iter().map(|found| found.name.to_string());
    names.map(CompletionCandidate::new).collect()
}

/// Names of the stored apps, for shell completion: of this directory's project, else of all.
pub(super) fn app_names() -> Vec<CompletionCandidate> {
    let (Ok(home), Ok(here)) = (Home::find(), file::current_dir()) else { return Vec::new() };
    let recorded = controller::recorded(&home);
    let any_here = recorded.iter().any(|found| found.dir == here);
    let apps = recorded
        .into_iter()
        .filter(|found| !any_here || found.dir == here)
        .flat_map(|found| found.apps);
    apps.chain(["all".to_owned()]).map(CompletionCandidate::new).collect()
}

/// Names of the profiles of this directory's file, for shell completion.
pub(super) fn profiles() -> Vec<CompletionCandidate> {
    let Ok(here) = file::current_dir() else { return Vec::new() };
    let path = file::own_file(&here);
    let text = std::fs::read(&path).unwrap_or_default();
    let Ok(document) = config::plain_json(&path, &text) else { return Vec::new() };
    let profiles = document.get("profiles").and_then(serde_json::Value::as_object);
    let names = profiles.into_iter().flat_map(serde_json::Map::keys);
    names.map(CompletionCandidate::new).collect()
}

/// Generations to go back to of this directory's project, for shell completion.
pub(super) fn generations() -> Vec<CompletionCandidate> {
    let (Ok(home), Ok(here)) = (Home::find(), file::current_dir()) else { return Vec::new() };
    let recorded = controller::recorded(&home).into_iter();
    let own = recorded.filter(|found| found.dir == here);
    let known = own.flat_map(|found| controller::generations(&home, &found.name));
    known.map(|generation| CompletionCandidate::new(generation.to_string())).collect()
}
