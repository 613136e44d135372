//! The steps of reading a file, in order, and what comes out.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
    rc::Rc,
};

use serde_json::Value;

use super::{
    accounts::Accounts,
    decode,
    fault::{Fault, Faults, Problem, Span},
    field::Field,
    files::Files,
    fill, foreign,
    log::Log,
    merge, names,
    origins::{Layers, Origins, Places},
    resolve,
    secret_key::SecretKey,
    suggest::{choices, did_you_mean, quoted},
    text::Text,
    tree::{self, Node},
    vars::Vars,
    vars_file,
    written::Document,
};
use crate::model::{AppName, AppSpec, DashboardPolicy, MetricsPolicy, ProjectName, Receivers};

/// What a file is read with. `Debug` hides the values: logs leak.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// The caller's environment. To read a file again later: `Loaded::vars_used` of the last time.
    pub env: &'a BTreeMap<String, String>,
    /// The profile to merge over the document.
    pub profile: Option<&'a str>,
    /// The number of CPUs, for `max` and `50%`.
    pub cpus: u32,
    /// The machine's users, for `user` and `group`.
    pub accounts: &'a dyn Accounts,
    /// The key of the digests of secret files.
    pub secret_key: SecretKey,
    /// Files that are not read from the disk.
    pub files: Option<&'a dyn Files>,
}

impl fmt::Debug for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("profile", &self.profile)
            .field("cpus", &self.cpus)
            .finish_non_exhaustive()
    }
}

/// A good file. `Debug` hides the values taken from the environment: logs leak.
#[derive(Clone)]
pub struct Loaded {
    /// The project.
    pub name: ProjectName,
    /// The file's directory as it was named, absolute, symbolic links kept.
    pub dir: PathBuf,
    /// The file, absolute, symbolic links kept.
    pub file: PathBuf,
    /// The profile it was read with.
    pub profile: Option<String>,
    /// By name.
    pub apps: BTreeMap<AppName, AppSpec>,
    /// Where measured values are offered.
    pub metrics: Option<MetricsPolicy>,
    /// Who is told of alerts.
    pub notify: Receivers,
    /// Where a page for browsers is offered.
    pub dashboard: Option<DashboardPolicy>,
    /// Everything that was taken from `Source::env`, by `${…}` and by `inherit_env`. With it as
    /// the environment the same file gives the same apps.
    pub vars_used: BTreeMap<String, String>,
    /// Every file that was read, absolute: the file itself first, then `vars_file`, `env_file`s
    /// and files of env values. (Artifacts are not among them.)
    pub inputs: Vec<PathBuf>,
    /// SHA-256 of the file's bytes, in hex.
    pub text_digest: String,
    /// The same of other files whose text says what apps are: those it loads as a program, the
    /// `vars_file` and `env_file`s.
    pub other_digests: BTreeMap<PathBuf, String>,
    /// Where the values of the apps come from.
    pub origins: Origins,
    /// Whether unknown keys were let pass; they are when it is read again.
    pub lenient: bool,
    /// What is odd but hinders nothing.
    pub warnings: Faults,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("name", &self.name)
            .field("file", &self.file)
            .field("profile", &self.profile)
            .field("apps", &self.apps.keys())
            .field("inputs", &self.inputs)
            .finish_non_exhaustive()
    }
}

/// Reads a file with everything it names: all its apps, or all its faults.
pub fn load(path: &Path, source: &Source<'_>) -> Result<Loaded, Faults> {
    let text = Text::read(path)?;
    foreign::refuse_by_name(path)?;
    load_own(text, source)
}

/// Reads a text as if it were the content of the file at `path`.
pub fn load_text(path: &Path, bytes: &[u8], source: &Source<'_>) -> Result<Loaded, Faults> {
    foreign::refuse_by_name(path)?;
    load_own(Text::new(path, bytes)?, source)
}

fn load_own(text: Text, source: &Source<'_>) -> Result<Loaded, Faults> {
    let root = own(&text.log, tree::parse(&text.log));
    load_tree(text, root.as_ref(), Origin::default(), source)
}

/// What else a tree was made of than the text of its file.
#[derive(Default)]
pub(crate) struct Origin {
    /// Other files, and their digests.
    pub(crate) inputs: Vec<PathBuf>,
    pub(crate) digests: BTreeMap<PathBuf, String>,
    /// Variables of `Source::env`.
    pub(crate) vars: BTreeMap<String, String>,
    /// Whether unknown keys were let pass.
    pub(crate) lenient: bool,
}

/// Reads a tree in the format of an eco file, whose places are in `text`. Without a tree `text` has
/// its faults already.
pub(crate) fn load_tree(
    text: Text,
    root: Option<&Rc<Node>>,
    origin: Origin,
    source: &Source<'_>,
) -> Result<Loaded, Faults> {
    let file = text.absolute();
    let dir = file.parent().unwrap_or(Path::new("/")).to_owned();
    let reading = Reading { path: &text.path, dir: &dir, source: Some(source), log: &text.log };
    let done = root.and_then(|root| reading.run(root));
    let Text { path, log, digest } = text;
    let warnings = log.finish().map_err(|faults| faults.made_of(origin.inputs.clone()))?;
    let Some(done) = done else {
        // Every way to no result has said why; this is for the compiler.
        let fault = Fault::of_file(&path, "internal", "the file could not be read".to_owned());
        return Err(Faults::one(fault));
    };
    let mut inputs = vec![file.clone()];
    for input in origin.inputs.into_iter().chain(done.inputs) {
        if !inputs.contains(&input) {
            inputs.push(input);
        }
    }
    let mut vars_used = origin.vars;
    vars_used.extend(done.vars_used);
    Ok(Loaded {
        name: done.name.unwrap_or_else(|| name_of(&dir)),
        dir,
        file,
        profile: source.profile.map(str::to_owned),
        apps: done.apps,
        metrics: done.metrics,
        notify: done.notify,
        dashboard: done.dashboard,
        vars_used,
        inputs,
        text_digest: digest,
        other_digests: origin.digests.into_iter().chain(done.digests).collect(),
        origins: done.origins,
        lenient: origin.lenient,
        warnings,
    })
}

/// Checks what can be known from the text alone: no environment, no other files.
pub fn check_static(path: &Path, bytes: &[u8]) -> Result<(), Faults> {
    foreign::refuse_by_name(path)?;
    let text = Text::new(path, bytes)?;
    let root = own(&text.log, tree::parse(&text.log));
    check_tree(text, root.as_ref()).map(drop)
}

/// [`check_static`] of a tree in the format of an eco file; what is odd about it.
pub(crate) fn check_tree(text: Text, root: Option<&Rc<Node>>) -> Result<Faults, Faults> {
    let file = text.absolute();
    let dir = file.parent().unwrap_or(Path::new("/"));
    if let Some(root) = root {
        let _ = Reading { path: &text.path, dir, source: None, log: &text.log }.run(root);
    }
    text.log.finish()
}

/// The tree of a text, if it is no other program's file, which is said.
pub(crate) fn own(log: &Log, root: Option<Rc<Node>>) -> Option<Rc<Node>> {
    let root = root?;
    // An empty one is nobody's.
    let problem = if root.is_null() { None } else { foreign::problem(&root) };
    let Some(problem) = problem else { return Some(root) };
    log.push(problem);
    None
}

/// The file as plain data, with anchors and `<<` resolved: what a JSON Schema is held against.
pub fn plain_json(path: &Path, bytes: &[u8]) -> Result<Value, Faults> {
    let text = Text::new(path, bytes)?;
    let root = tree::parse(&text.log);
    let json = root.map_or(Value::Null, |root| root.to_json());
    text.log.finish().map(|_| json)
}

fn name_of(dir: &Path) -> ProjectName {
    let name = dir.file_name().and_then(OsStr::to_str).unwrap_or("root");
    ProjectName::from_directory(name)
}

/// One reading of a file.
struct Reading<'a> {
    path: &'a Path,
    dir: &'a Path,
    /// `None` if only the text is looked at.
    source: Option<&'a Source<'a>>,
    log: &'a Log,
}

struct Done {
    name: Option<ProjectName>,
    apps: BTreeMap<AppName, AppSpec>,
    metrics: Option<MetricsPolicy>,
    notify: Receivers,
    dashboard: Option<DashboardPolicy>,
    vars_used: BTreeMap<String, String>,
    inputs: Vec<PathBuf>,
    digests: BTreeMap<PathBuf, String>,
    origins: Origins,
}

impl Reading<'_> {
    fn run(&self, root: &Rc<Node>) -> Option<Done> {
        if root.is_null() {
            let problem =
                Problem::new("empty", "the file is empty", Span::default(), "nothing here");
            self.log.push(problem.help("an eco file has its apps under `apps:`"));
            return None;
        }
        let root = merge::expand(root);
        // The shape of everything, also of profiles that are not asked for. Values with variables
        // are looked at once they are filled.
        let shape = decode::Context::new(self.log, true);
        let whole = shape.decode::<Document>(&root)?;
        names::check(self.log, &whole);
        let profile = self.profile(&root);
        let merged = merge::merged(&root, profile.as_ref());
        let name = self.source.and_then(|source| source.profile).unwrap_or_default();
        let layers = Layers::of(&root, profile.as_deref().map(|node| (name, node)));
        self.resolve(&merged, &layers, root.span)
    }

    /// The profile that is asked for.
    fn profile(&self, root: &Node) -> Option<Rc<Node>> {
        let wanted = self.source?.profile?;
        let profiles = root.entry("profiles");
        let entries = profiles.and_then(|entry| entry.value.entries()).unwrap_or_default();
        if let Some(found) = entries.iter().find(|entry| &*entry.key == wanted) {
            return Some(Rc::clone(&found.value));
        }
        let message = format!("there is no profile {}", quoted(wanted));
        let names: Vec<&str> = entries.iter().map(|entry| &*entry.key).collect();
        let problem = if let Some(entry) = profiles {
            Problem::new("unknown_profile", message, entry.key_span, "not among these")
        } else {
            let first = root.entries().and_then(<[_]>::first).map(|entry| entry.key_span);
            let place = first.unwrap_or_default();
            Problem::new("unknown_profile", message, place, "this file has no `profiles`")
        };
        let known = match names.as_slice() {
            [] => None,
            names => Some(format!("the profiles are {}", choices(names).replace(" or ", " and "))),
        };
        self.log.push(problem.maybe_help(did_you_mean(wanted, names)).maybe_help(known));
        None
    }

    /// Everything after merging.
    fn resolve(&self, merged: &Rc<Node>, layers: &Layers, place: Span) -> Option<Done> {
        let env = self.source.map(|source| source.env);
        let reader = decode::Context::new(self.log, env.is_none());
        let shown_dir = self.path.parent().unwrap_or(Path::new(""));
        let plain = Vars::new(env);
        let mut vars = Vars::new(env);
        let make = |vars| resolve::Context {
            log: self.log,
            vars,
            dir: self.dir,
            shown_dir,
            cpus: self.source.map_or(1, |source| source.cpus.max(1)),
            env,
            accounts: self.source.map(|source| source.accounts),
            secret_key: self.source.map(|source| source.secret_key),
            files: self.source.and_then(|source| source.files),
            misspelled: &reader.misspelled,
            inputs: RefCell::default(),
            digests: RefCell::default(),
            env_files: RefCell::default(),
            env_lines: RefCell::default(),
            directories: RefCell::default(),
            claims: RefCell::default(),
        };
        let first = make(&plain);
        vars.set_file(vars_file::values(&first, merged));
        let mut inputs = first.inputs.into_inner();
        let mut digests = first.digests.into_inner();
        let context = make(&vars);
        context.env_lines.replace(first.env_lines.into_inner());
        let filled = fill::document(merged, &vars, self.log);
        let document = reader.decode::<Document>(&filled)?;
        let apps = self.apps(&context, &document, place);
        let metrics = resolve::resolve_metrics(&context, &document.metrics);
        let origins = Places { context: &context, layers, merged, filled: &filled }.origins();
        let notify = resolve::receivers(&context, &document);
        let dashboard = resolve::resolve_dashboard(&context, &document.dashboard, metrics.as_ref());
        inputs.extend(context.inputs.into_inner());
        digests.extend(context.digests.into_inner());
        inputs.sort();
        inputs.dedup();
        let mut vars_used = plain.used();
        vars_used.extend(vars.used());
        let name = document.name.get().map(|name| name.0.clone());
        Some(Done { name, apps, metrics, notify, dashboard, vars_used, inputs, digests, origins })
    }

    fn apps(
        &self,
        context: &resolve::Context<'_>,
        document: &Document,
        place: Span,
    ) -> BTreeMap<AppName, AppSpec> {
        let mut found = BTreeMap::new();
        let message = match self.source.and_then(|source| source.profile) {
            Some(profile) => format!("the file has no apps with the profile {}", quoted(profile)),
            None => "the file has no apps".to_owned(),
        };
        let none = |at: Span, label: &str| {
            let problem = Problem::new("no_apps", message.clone(), at, label);
            self.log.push(problem.help("as in `apps: { web: { command: node server.js } }`"));
        };
        let apps = match &document.apps {
            Field::Absent => {
                none(place, "there is no `apps:`");
                return found;
            }
            Field::Null(at) => {
                none(at.key, "nothing in it");
                return found;
            }
            Field::Bad(_) => return found,
            Field::Set(apps, at) if apps.0.is_empty() => {
                none(at.key, "nothing in it");
                return found;
            }
            Field::Set(apps, _) => apps,
        };
        for (name, field) in &apps.0 {
            let spec = match field {
                Field::Set(app, at) => resolve::resolve_app(context, name, app, *at),
                Field::Null(at) => {
                    resolve::resolve_app(context, name, &super::written::App::default(), *at)
                }
                Field::Absent | Field::Bad(_) => None,
            };
            if let (Ok(name), Some(spec)) = (name.parse(), spec) {
                found.insert(name, spec);
            }
        }
        resolve::resolve_order(context, apps, &mut found);
        found
    }
}
