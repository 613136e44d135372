//! `eco startup`

mod init_system;

use std::{
    fs, io,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand};

use self::init_system::{InitSystem, Part, Service, What};
use super::{Outcome, error::CliError, ui::Ui};
use crate::controller::Home;

/// Have eco, and what was applied last, started with the machine
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco startup                   as root: a service of this machine
  eco startup --user            a service of this user (systemd)
  eco startup --print           only show what would be written
  eco startup status            what is there; exit 1 if eco is not started with the machine
  eco startup remove            take it away; what runs goes on")]
pub(super) struct StartupArgs {
    #[command(subcommand)]
    command: Option<StartupCommand>,

    /// A service of this user, which systemd starts
    #[arg(long, global = true)]
    user: bool,

    /// What starts services here [default: what runs this machine]
    #[arg(long, global = true, value_name = "SYSTEM")]
    init: Option<InitSystem>,

    /// The system below this directory, for images
    #[arg(long, global = true, value_name = "DIR", default_value = "/", hide_default_value = true)]
    root: PathBuf,

    /// Only show what would be written
    #[arg(long)]
    print: bool,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum StartupCommand {
    /// Show what is there; exit 1 if eco is not started with the machine
    Status,
    /// Take the service away; what runs goes on
    Remove,
}

/// Carries the command out.
pub(super) fn run(args: &StartupArgs, ui: &Ui) -> Outcome {
    let init = init_system(args)?;
    let service = service(args)?;
    let mut parts = init.parts(&service);
    for part in &mut parts {
        part.path = below(&args.root, &part.path);
    }
    match args.command {
        Some(StartupCommand::Status) => status(init, &parts, ui),
        Some(StartupCommand::Remove) => remove(&parts, ui),
        None if args.print => print(&parts, ui),
        None => install((init, &service), &parts, args, ui),
    }
}

fn init_system(args: &StartupArgs) -> Result<InitSystem, CliError> {
    let found = args.init.or_else(|| InitSystem::find(&args.root));
    let unknown = || {
        let message = "neither systemd nor OpenRC nor runit runs this machine";
        let help = "name one: `--init systemd`; in a container let it run `eco run` instead";
        CliError::input(message, help)
    };
    let init = found.ok_or_else(unknown)?;
    if args.user && init != InitSystem::Systemd {
        let message = format!("{} has no services of users", init.name());
        return Err(CliError::input(message, "as root, `eco startup` without `--user`"));
    }
    let is_root = rustix::process::geteuid().is_root();
    if !args.user && !is_root && args.root == Path::new("/") {
        let message = "only root may write services of the machine";
        let help = "`sudo eco startup` for root's eco, `eco startup --user` for yours";
        return Err(CliError::input(message, help));
    }
    Ok(init)
}

fn service(args: &StartupArgs) -> Result<Service, CliError> {
    // Refuses what could not work either when it is started by somebody else.
    Home::find().map_err(CliError::Home)?;
    let program = std::env::current_exe()
        .map_err(|source| CliError::Io { what: "find this program".to_owned(), source })?;
    let dir =
        |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let config = dir("XDG_CONFIG_HOME").or_else(|| Some(dir("HOME")?.join(".config")));
    let of_user = if args.user {
        let none = || CliError::input("HOME is not set", "it says where user units are");
        Some(config.ok_or_else(none)?)
    } else {
        None
    };
    Ok(Service { program, home: dir("ECO_HOME"), of_user })
}

/// A path as it is below another root.
fn below(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn print(parts: &[Part], ui: &Ui) -> Outcome {
    for part in parts {
        let path = part.path.display();
        match &part.what {
            What::File(text) | What::Program(text) => ui.print(&format!("==> {path}\n{text}\n"))?,
            What::Link(to) => ui.print(&format!("==> {path} -> {}\n", to.display()))?,
        }
    }
    Ok(0)
}

fn install(
    (init, service): (InitSystem, &Service),
    parts: &[Part],
    args: &StartupArgs,
    ui: &Ui,
) -> Outcome {
    for part in parts {
        write(part).map_err(|source| CliError::Io {
            what: format!("write {}", part.path.display()),
            source,
        })?;
        ui.talk(&format!("wrote {}\n", part.path.display()));
    }
    ui.talk("eco, and what was applied last, is started with the machine from now on\n");
    if args.root != Path::new("/") {
        return Ok(0);
    }
    let start = init.start_words(service);
    ui.talk(&format!("→ {start}\n  as a service now already; what runs goes on\n"));
    if args.user {
        ui.talk("→ loginctl enable-linger\n  before this user logs in, and after it logs out\n");
    }
    Ok(0)
}

/// Writes a part anew; the other way round nobody would know what an older eco has written.
fn write(part: &Part) -> io::Result<()> {
    if let Some(dir) = part.path.parent() {
        fs::create_dir_all(dir)?;
    }
    match &part.what {
        What::File(text) => fs::write(&part.path, text),
        What::Program(text) => {
            fs::write(&part.path, text)?;
            fs::set_permissions(&part.path, fs::Permissions::from_mode(0o755))
        }
        What::Link(to) => match symlink(to, &part.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::remove_file(&part.path)?;
                symlink(to, &part.path)
            }
            done => done,
        },
    }
}

fn status(init: InitSystem, parts: &[Part], ui: &Ui) -> Outcome {
    let mut fine = true;
    for part in parts {
        let path = part.path.display();
        let (is_there, is_same) = match &part.what {
            What::File(text) | What::Program(text) => {
                let found = fs::read_to_string(&part.path);
                (found.is_ok(), found.is_ok_and(|found| found == *text))
            }
            What::Link(to) => {
                let found = fs::read_link(&part.path);
                (found.is_ok(), found.is_ok_and(|found| found == *to))
            }
        };
        let word = match (is_there, is_same) {
            (true, true) => "as this eco writes it",
            (true, false) => "differs from what this eco writes; `eco startup` writes it anew",
            (false, _) => "missing",
        };
        fine &= is_there;
        ui.print(&format!("{path}: {word}\n"))?;
    }
    let name = init.name();
    ui.print(&if fine {
        format!("{name} starts eco with the machine\n")
    } else {
        format!("{name} does not start eco with the machine; `eco startup` changes that\n")
    })?;
    Ok(u8::from(!fine))
}

fn remove(parts: &[Part], ui: &Ui) -> Outcome {
    // Disabled first.
    for part in parts.iter().rev() {
        match fs::remove_file(&part.path) {
            Ok(()) => ui.talk(&format!("removed {}\n", part.path.display())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => {
                let what = format!("remove {}", part.path.display());
                return Err(CliError::Io { what, source });
            }
        }
    }
    ui.talk("eco is not started with the machine any more; what runs goes on\n");
    Ok(0)
}
