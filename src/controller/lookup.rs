//! Which project and which apps a caller means.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::projects::Meta;
use crate::{
    api::{ApiError, Selector, Target},
    model::{AppKey, AppName, Desired, ProjectName},
};

/// What a target means: apps of one or more projects, or single instances of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Meant {
    /// By app; an empty set is every instance.
    pub(super) apps: BTreeMap<AppKey, BTreeSet<u32>>,
}

/// The projects a target means.
pub(super) fn projects(
    target: &Target,
    metas: &BTreeMap<ProjectName, Meta>,
) -> Result<Vec<ProjectName>, ApiError> {
    if target.every_project {
        return Ok(metas.keys().cloned().collect());
    }
    if let Some(name) = &target.project {
        if metas.contains_key(name) {
            return Ok(vec![name.clone()]);
        }
        let known: Vec<_> = metas.keys().map(ToString::to_string).collect();
        let known = if known.is_empty() { "there is none".to_owned() } else { known.join(", ") };
        let error = ApiError::input("unknown_project", format!("there is no project `{name}`"));
        return Err(error.help(format!("known projects: {known}")));
    }
    let mut named: Vec<ProjectName> = Vec::new();
    for selector in &target.apps {
        if let Selector::App { project: Some(project), .. } = selector {
            named.push(project.clone());
        }
    }
    if let Some(name) = named.first() {
        let with_name = Target { project: Some(name.clone()), ..target.clone() };
        return projects(&with_name, metas);
    }
    here(&target.dir, metas).map(|found| found.into_iter().collect())
}

/// The project whose file lies in `dir`, else the only one.
fn here(dir: &Path, metas: &BTreeMap<ProjectName, Meta>) -> Result<Option<ProjectName>, ApiError> {
    if let Some(found) = bound_to(dir, metas) {
        return Ok(Some(found));
    }
    match metas.len() {
        0 => Ok(None),
        1 => Ok(metas.keys().next().cloned()),
        _ => {
            let known: Vec<_> = metas.keys().map(ToString::to_string).collect();
            let text = if dir.as_os_str().is_empty() {
                "there is more than one project".to_owned()
            } else {
                format!("no project's file lies in {}", dir.display())
            };
            Err(ApiError::input("which_project", text)
                .help(format!("name one with `-p PROJECT`: {}", known.join(", "))))
        }
    }
}

/// The project whose file lies in `dir`.
pub(super) fn bound_to(dir: &Path, metas: &BTreeMap<ProjectName, Meta>) -> Option<ProjectName> {
    metas.iter().find(|(_, meta)| meta.dir == dir).map(|(name, _)| name.clone())
}

/// The apps a target means. At least one app has to be meant by each selector.
pub(super) fn apps(
    target: &Target,
    metas: &BTreeMap<ProjectName, Meta>,
    desired: &Desired,
) -> Result<Meant, ApiError> {
    let projects = projects(target, metas)?;
    if projects.is_empty() {
        return Err(ApiError::input("no_project", "nothing has been applied yet")
            .help("run `eco apply` in the directory of an ecosystem.yaml"));
    }
    let mut meant = Meant::default();
    let every = [Selector::All];
    let selectors = if target.apps.is_empty() { &every[..] } else { &target.apps[..] };
    for selector in selectors {
        let before = meant.apps.len();
        let mut matched = false;
        for project in &projects {
            matched |= select(selector, project, desired, &mut meant);
        }
        if !matched && meant.apps.len() == before && *selector != Selector::All {
            return Err(unknown(selector, &projects, desired));
        }
    }
    Ok(meant)
}

fn select(
    selector: &Selector,
    project: &ProjectName,
    desired: &Desired,
    meant: &mut Meant,
) -> bool {
    let Some(found) = desired.projects.get(project) else { return false };
    let mut matched = false;
    for (name, app) in &found.apps {
        let key = AppKey { project: project.clone(), app: name.clone() };
        let instances = match selector {
            Selector::All => BTreeSet::new(),
            Selector::Tag(tag) if app.spec.tags.contains(tag) => BTreeSet::new(),
            Selector::App { app: wanted, index, project: of, .. }
                if wanted == name
                    && of.as_ref().is_none_or(|of| of == project)
                    && index.is_none_or(|index| index < app.instances()) =>
            {
                index.iter().copied().collect()
            }
            Selector::Tag(_) | Selector::App { .. } => continue,
        };
        matched = true;
        let whole = instances.is_empty();
        let entry = meant.apps.entry(key);
        match entry {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(instances);
            }
            std::collections::btree_map::Entry::Occupied(mut entry) if whole => {
                entry.insert(BTreeSet::new());
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                if !entry.get().is_empty() {
                    entry.get_mut().extend(instances);
                }
            }
        }
    }
    matched
}

fn unknown(selector: &Selector, projects: &[ProjectName], desired: &Desired) -> ApiError {
    let names: BTreeSet<&AppName> = projects
        .iter()
        .filter_map(|project| desired.projects.get(project))
        .flat_map(|project| project.apps.keys())
        .collect();
    let names: Vec<_> = names.into_iter().map(ToString::to_string).collect();
    let error = ApiError::input("unknown_app", format!("no app is named by `{selector}`"));
    match suggestion(selector, &names) {
        Some(name) => error.help(format!("did you mean `{name}`?")),
        None if names.is_empty() => error.help("the project has no apps"),
        None => error.help(format!("apps: {}", names.join(", "))),
    }
}

fn suggestion<'a>(selector: &Selector, names: &'a [String]) -> Option<&'a String> {
    let Selector::App { app, .. } = selector else { return None };
    names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(app.as_str(), name), name))
        .filter(|(distance, name)| *distance <= 1 + name.len().min(app.as_str().len()) / 3)
        .min()
        .map(|(_, name)| name)
}
