//! Finding and reading the ecosystem file a command is about.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Component, Path, PathBuf},
};

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::{at_commit::AtCommit, client::Client, error::CliError, ui::Ui};
use crate::{
    api::{ApplyRequest, LookupReply, LookupRequest, path},
    config,
    controller::{self, Home, git, secret_key},
    import,
    model::{AppName, AppSpec},
};

/// The name of our own file.
pub(super) const DEFAULT_FILE: &str = "ecosystem.yaml";

/// The names of PM2's, where there is none of ours.
const PM2_FILES: [&str; 4] = [
    "ecosystem.config.js",
    "ecosystem.config.cjs",
    "ecosystem.config.mjs",
    "ecosystem.config.json",
];

/// The ecosystem file of a directory; ours by name if it has none.
pub(super) fn own_file(dir: &Path) -> PathBuf {
    let names = std::iter::once(&DEFAULT_FILE).chain(&PM2_FILES);
    let found = names.map(|name| dir.join(name)).find(|file| file.exists());
    found.unwrap_or_else(|| dir.join(DEFAULT_FILE))
}

/// The file and how to read it.
#[derive(Clone, Debug, Args)]
pub(super) struct FileArgs {
    /// The ecosystem file, eco's own or PM2's [default: ecosystem.yaml, else ecosystem.config.js,
    /// .cjs, .mjs or .json]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,

    /// Let pass keys of a PM2 file that PM2 does not know either
    #[arg(long)]
    lenient: bool,

    /// Merge this profile over the file; it is remembered
    #[arg(
        long,
        alias = "env",
        value_name = "PROFILE",
        add = ArgValueCandidates::new(super::target::profiles)
    )]
    pub(super) profile: Option<String>,

    /// Forget the remembered profile
    #[arg(long, conflicts_with = "profile")]
    pub(super) no_profile: bool,
}

impl FileArgs {
    /// The file, absolute. The person is told which it is if no other eco would take it.
    pub(super) fn path(&self, ui: &Ui) -> Result<PathBuf, CliError> {
        if let Some(file) = &self.file {
            if file == Path::new("-") {
                return Err(CliError::input(
                    "the standard input cannot be a project's file",
                    "the file is read again by `diff`, while it is followed and when the machine has \
                     started: write it to disk and name it",
                ));
            }
            refuse_repository(file)?;
            return absolute(file);
        }
        let file = own_file(&current_dir()?);
        if let Some(name) = file.file_name().filter(|name| *name != DEFAULT_FILE) {
            ui.talk(&format!("no {DEFAULT_FILE} here: reading {}\n", name.display()));
        }
        Ok(file)
    }

    /// How strict to be.
    pub(super) fn options(&self) -> import::Options {
        import::Options { lenient: self.lenient }
    }

    /// The file as it was named.
    pub(super) fn shown(&self) -> PathBuf {
        let name = || own_file(Path::new("")).file_name().map(PathBuf::from).unwrap_or_default();
        self.file.clone().unwrap_or_else(name)
    }
}

/// A commit is no file: what runs is code beside the file, which has to be checked out with it.
fn refuse_repository(file: &Path) -> Result<(), CliError> {
    let shown = file.display();
    if let Some(name) = file.to_str().and_then(|text| text.strip_prefix("git:"))
        && !file.exists()
    {
        return Err(CliError::input(
            format!("a commit cannot be applied by itself: `{shown}`"),
            format!(
                "the apps run the code beside the file, so check out both: `git checkout {name} && eco \
                 apply`; `eco diff --git {name}` shows what the file here changes against it"
            ),
        ));
    }
    if file.join("HEAD").is_file() && file.join("objects").is_dir() {
        return Err(CliError::input(
            format!("{shown} is a repository without files"),
            format!("check it out and apply the file there: `git -C {shown} worktree add DIR`"),
        ));
    }
    if file.is_dir() {
        let inside = own_file(file);
        return Err(CliError::input(
            format!("{shown} is a directory"),
            format!("name the ecosystem file in it: {}", inside.display()),
        ));
    }
    Ok(())
}

/// What `apply` and `diff` compare, and how.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command line")]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) file: FileArgs,

    /// Only these apps
    #[arg(long, value_name = "APP,…", value_delimiter = ',')]
    pub(super) only: Vec<AppName>,

    /// Keep apps that are no longer in the file
    #[arg(long)]
    no_prune: bool,

    /// Capture inherited variables anew
    #[arg(long)]
    refresh_env: bool,

    /// Show values of env
    #[arg(long)]
    show_values: bool,

    /// Print JSON, one object a line
    #[arg(long)]
    pub(super) json: bool,
}

impl PlanArgs {
    /// Whether values of env are shown.
    pub(super) fn shows_values(&self) -> bool {
        self.show_values
    }

    /// What the file that was read asks for, as the flags have it.
    pub(super) fn request(&self, loaded: &config::Loaded) -> ApplyRequest {
        ApplyRequest {
            prune: !self.no_prune,
            refresh_env: self.refresh_env,
            show_values: self.show_values,
            ..request(loaded, &self.only)
        }
    }
}

/// This process's directory as the person typed it: symbolic links are kept.
pub(super) fn current_dir() -> Result<PathBuf, CliError> {
    let real = std::env::current_dir()
        .map_err(|source| CliError::Io { what: "find the current directory".to_owned(), source })?;
    let typed = std::env::var_os("PWD").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let same = |dir: &PathBuf| {
        use std::os::unix::fs::MetadataExt as _;
        let ids = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
        ids(dir).is_some() && ids(dir) == ids(&real)
    };
    Ok(typed.filter(same).map_or(real, |dir| clean(&dir)))
}

/// Takes `.` out, and `..` where no link is involved.
fn clean(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if !out.is_symlink() => {
                out.pop();
            }
            Component::ParentDir
            | Component::Prefix(_)
            | Component::RootDir
            | Component::Normal(_) => out.push(part),
        }
    }
    out
}

/// The absolute path of a file as typed.
pub(super) fn absolute(file: &Path) -> Result<PathBuf, CliError> {
    Ok(clean(&current_dir()?.join(file)))
}

/// Reads the file to compare it. The remembered profile is reused, and the person is told so.
pub(super) fn load(
    args: &FileArgs,
    home: &Home,
    client: Option<&Client>,
    ui: &Ui,
) -> Result<config::Loaded, CliError> {
    load_with(args, home, client, ui, secret_key(home)?)
}

/// Reads the file to store what it says, and with it the key of its digests.
pub(super) fn load_to_apply(
    args: &FileArgs,
    home: &Home,
    client: Option<&Client>,
    ui: &Ui,
) -> Result<config::Loaded, CliError> {
    let key = secret_key(home)?;
    let loaded = load_with(args, home, client, ui, key)?;
    if !loaded.apps.values().any(AppSpec::has_secret_files) {
        return Ok(loaded);
    }
    home.create().map_err(CliError::Home)?;
    let kept = secret_key::keep(home, key).map_err(no_key)?;
    if kept == key { Ok(loaded) } else { load_with(args, home, client, ui, kept) }
}

/// The home's key; where there is none, one that nothing stored was digested with.
fn secret_key(home: &Home) -> Result<secret_key::Bytes, CliError> {
    match secret_key::read(home).map_err(no_key)? {
        Some(key) => Ok(key),
        None => secret_key::fresh().map_err(no_key),
    }
}

fn no_key(source: io::Error) -> CliError {
    CliError::Io { what: "cannot use the key for secret files".to_owned(), source }
}

fn load_with(
    args: &FileArgs,
    home: &Home,
    client: Option<&Client>,
    ui: &Ui,
    key: secret_key::Bytes,
) -> Result<config::Loaded, CliError> {
    let file = args.path(ui)?;
    let profile = match (&args.profile, args.no_profile) {
        (Some(profile), _) => Some(profile.clone()),
        (None, true) => None,
        (None, false) => {
            let remembered = remembered_profile(&file, home, client)?;
            if let Some(profile) = &remembered {
                ui.talk(&format!("profile `{profile}`, as before (`--no-profile` drops it)\n"));
            }
            remembered
        }
    };
    read(&file, profile.as_deref(), args.options(), key)
}

/// Reads a file that nobody named just now, without a word about it.
pub(super) fn load_quietly(
    file: &Path,
    profile: Option<&str>,
    home: &Home,
) -> Result<config::Loaded, CliError> {
    read(file, profile, import::Options::default(), secret_key(home)?)
}

/// What a file said in a commit, read as [`load`] reads the file of today, with that one's profile;
/// `None` if it was not there.
pub(super) fn load_at(
    args: &FileArgs,
    loaded: &config::Loaded,
    commit: &AtCommit,
    home: &Home,
) -> Result<Option<config::Loaded>, CliError> {
    let Some(bytes) = commit.text(&loaded.file)? else { return Ok(None) };
    let (env, key) = (environment(), secret_key(home)?);
    let source = controller::source(&env, loaded.profile.as_deref(), key);
    let source = config::Source { files: Some(commit), ..source };
    import::load_text(&loaded.file, &bytes, &source, args.options())
        .map(Some)
        .map_err(CliError::Faults)
}

/// Reads the file with a profile.
fn read(
    file: &Path,
    profile: Option<&str>,
    options: import::Options,
    key: secret_key::Bytes,
) -> Result<config::Loaded, CliError> {
    let env = environment();
    import::load(file, &controller::source(&env, profile, key), options).map_err(CliError::Faults)
}

/// What another program's file says, as the text of an eco file; `None` if it is one already.
pub(super) fn native(asked: import::Asked<'_>) -> Result<Option<import::Native>, CliError> {
    let env = environment();
    // The text names the secret files; nothing of theirs is in it.
    let no_key = secret_key::Bytes::default();
    import::native(asked, &controller::source(&env, None, no_key)).map_err(CliError::Faults)
}

fn environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn remembered_profile(
    file: &Path,
    home: &Home,
    client: Option<&Client>,
) -> Result<Option<String>, CliError> {
    let dir = file.parent().unwrap_or(file).to_owned();
    if let Some(client) = client {
        let reply: LookupReply = client.post(path::LOOKUP, &LookupRequest { dir })?;
        return Ok(reply.profile);
    }
    let found = controller::recorded(home).into_iter().find(|found| found.dir == dir);
    Ok(found.and_then(|found| found.profile))
}

/// The same with the commit that the file is at: for what is stored.
pub(super) fn with_commit(request: ApplyRequest) -> ApplyRequest {
    let commit = git::commit_of(&request.file);
    let dirty = commit.as_ref().and_then(|it| it.dirty);
    ApplyRequest { git: commit.map(|it| it.id), dirty, ..request }
}

/// What a file that was read asks for.
pub(super) fn request(loaded: &config::Loaded, only: &[AppName]) -> ApplyRequest {
    ApplyRequest {
        only: only.iter().cloned().collect::<BTreeSet<_>>(),
        ..controller::request_of(loaded)
    }
}
