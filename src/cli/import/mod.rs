//! `eco import`

mod secrets_file;

use std::{
    fs::OpenOptions,
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, builder::PossibleValuesParser};

use super::{Outcome, apply, error::CliError, file, ui::Ui};
use crate::{
    import::{self, Answer, Format},
    render,
};

/// Print what another program's file says as an ecosystem.yaml, for git
///
/// Reads PM2's files in every form and what PM2 runs now, supervisord.conf, units of systemd, files of
/// Docker Compose and process-compose, and Procfiles.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco import ecosystem.config.js                     print it
  eco import ecosystem.config.js -o ecosystem.yaml   write it
  eco import web.service worker.service -o eco.yaml  units of systemd, with what is beside
  pm2 jlist | eco import - -o ecosystem.yaml         what PM2 runs now
  eco import compose.yaml -o ecosystem.yaml          services of Docker Compose
  eco import --fields                                what becomes of every key of PM2
  eco import --fields --from systemd                 what becomes of every key of another format

What cannot be said in the new file is a comment in it. Values under `env` that look like secrets
are written to `.env` beside it, for nobody else to read. Nothing that runs is touched.")]
#[expect(clippy::struct_excessive_bools, reason = "each is one flag of the command line")]
pub(super) struct ImportArgs {
    /// The file to read; `-` reads standard input. Files of supervisor and systemd may be several
    #[arg(value_name = "FILE", required_unless_present = "fields")]
    files: Vec<PathBuf>,

    /// Where to write
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write over a file that is there
    #[arg(long, requires = "output")]
    force: bool,

    /// What the file is [default: told by its name, else by what it says]
    #[arg(long, value_name = "FORMAT", value_parser = formats())]
    from: Option<String>,

    /// Leave secrets where they stand
    #[arg(long)]
    keep_secrets: bool,

    /// Let pass keys that PM2 does not know either
    #[arg(long)]
    lenient: bool,

    /// Print what becomes of every key of a PM2 file, or of the format that `--from` names
    #[arg(long, conflicts_with_all = ["files", "output"])]
    fields: bool,
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(Format::ALL.map(|(name, _)| name))
}

impl ImportArgs {
    fn format(&self) -> Option<Format> {
        let from = self.from.as_ref()?;
        Format::ALL.iter().find(|(name, _)| name == from).map(|(_, format)| *format)
    }
}

/// Carries the command out.
pub(super) fn run(args: &ImportArgs, ui: &Ui) -> Outcome {
    let Some((file, more)) = args.files.split_first().filter(|_| !args.fields) else {
        return ui.print(&fields(args, ui)).map(|()| 0);
    };
    let Some(native) = read(args, file, more)? else {
        let text = format!("{} is an eco file already", file.display());
        return Err(CliError::input(text, "there is nothing to import"));
    };
    if let Ok(loaded) = &native.here {
        apply::warn(&loaded.warnings, ui);
    }
    let parted = native.without_secrets.as_ref().filter(|_| !args.keep_secrets);
    let (text, secrets) = match parted {
        Some((text, secrets)) => (text, secrets.as_slice()),
        None => (&native.text, &[][..]),
    };
    let Some(output) = &args.output else {
        ui.print(text)?;
        printed(secrets, ui);
        hindered(&native, ui);
        return Ok(0);
    };
    let kept = write(output, (text, secrets), args.force)?;
    let shown = output.display();
    let apps = if native.apps == 1 { "app" } else { "apps" };
    let notes = match native.notes {
        0 => String::new(),
        1 => "; what is to be said of it is a comment in it".to_owned(),
        notes => format!("; what is to be said of it are {notes} comments in it"),
    };
    ui.talk(&format!("wrote {shown}: {} {apps}{notes}\n", native.apps));
    ui.talk(&kept.unwrap_or_default());
    hindered(&native, ui);
    let next = native.next.as_ref();
    ui.talk(next.unwrap_or(&format!("next: `eco diff {shown}`\n")));
    Ok(0)
}

/// Reads the file, or standard input.
fn read(
    args: &ImportArgs,
    file: &Path,
    more: &[PathBuf],
) -> Result<Option<import::Native>, CliError> {
    let more = more.iter().map(|path| file::absolute(path)).collect::<Result<Vec<_>, _>>()?;
    let output = args.output.as_ref().map(|output| file::absolute(output)).transpose()?;
    let mut bytes = Vec::new();
    let is_stdin = file == Path::new("-");
    let path = if is_stdin {
        io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|source| CliError::Io { what: "read standard input".to_owned(), source })?;
        file::current_dir()?.join(name_of(&bytes))
    } else {
        file::absolute(file)?
    };
    file::native(import::Asked {
        path: &path,
        bytes: is_stdin.then_some(bytes.as_slice()),
        more: &more,
        format: args.format(),
        into: output.as_deref().and_then(Path::parent),
        options: import::Options { lenient: args.lenient },
    })
}

/// What a file with these bytes may be called: PM2's JSON is no YAML, and nothing else begins so.
fn name_of(bytes: &[u8]) -> &'static str {
    match bytes.trim_ascii_start() {
        [b'[' | b'{', ..] => "stdin.json",
        _ => "stdin",
    }
}

/// Says what is missing here.
fn hindered(native: &import::Native, ui: &Ui) {
    for fault in native.here.as_ref().err().into_iter().flatten() {
        ui.talk(&format!("missing on this machine: {}\n", fault.one_line()));
    }
}

/// Says what the printed text does not have.
fn printed(secrets: &[import::Secret], ui: &Ui) {
    let names: Vec<_> = secrets.iter().map(|secret| secret.name.as_str()).collect();
    if !names.is_empty() {
        ui.talk(&format!(
            "warning: the file holds secrets in clear text: {}. They are left out here; with `-o` \
             they are written to {}, and `--keep-secrets` leaves them in\n",
            names.join(", "),
            import::SECRETS_FILE
        ));
    }
}

/// Writes the new file, and its secrets beside it.
fn write(
    output: &Path,
    (text, secrets): (&str, &[import::Secret]),
    force: bool,
) -> Result<Option<String>, CliError> {
    let path = file::absolute(output)?;
    // What is wrong with the one is to be known before the other is there.
    let kept = match (secrets, path.parent()) {
        ([_, ..], Some(dir)) => Some(secrets_file::Kept::of(dir, secrets)?),
        ([_, ..], None) | ([], _) => None,
    };
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).create_new(!force);
    match options.open(path).and_then(|mut out| out.write_all(text.as_bytes())) {
        Ok(()) => kept.map(secrets_file::Kept::write).transpose(),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let text = format!("{} is already there", output.display());
            Err(CliError::input(text, "`--force` writes over it"))
        }
        Err(source) => Err(CliError::Io { what: format!("write {}", output.display()), source }),
    }
}

fn fields(args: &ImportArgs, ui: &Ui) -> String {
    let row = |names: String, answer: Answer| {
        let (what, how) = match answer {
            Answer::Mapped(to) => (to, String::new()),
            Answer::Differs(to, how) => (to, how.to_owned()),
            Answer::Nothing(why) => ("-", why.to_owned()),
            Answer::Refused(why) => ("refused", why.to_owned()),
        };
        [names, what.to_owned(), how]
    };
    let keys = args.format().map(Format::keys).filter(|keys| !keys.is_empty());
    let rows: Vec<_> = if let Some(keys) = keys {
        keys.into_iter().map(|(name, answer)| row(name, answer)).collect()
    } else {
        let fields = import::TOP.iter().chain(import::FIELDS);
        fields.map(|field| row(field.names().join(" "), field.answer)).collect()
    };
    render::fields(&rows, ui.style())
}
