//! `eco init`

use std::{fs::OpenOptions, io::Write as _, path::PathBuf};

use clap::Args;

use super::{
    Outcome,
    error::CliError,
    file::{self, DEFAULT_FILE},
    ui::Ui,
};
use crate::model::ProjectName;

/// Write a first ecosystem file to start from
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco init
  eco init deploy/ecosystem.yaml")]
pub(super) struct InitArgs {
    /// Where to
    #[arg(value_name = "FILE", default_value = DEFAULT_FILE)]
    file: PathBuf,

    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// Carries the command out.
pub(super) fn run(args: &InitArgs, ui: &Ui) -> Outcome {
    let path = file::absolute(&args.file)?;
    let dir = path.parent().and_then(|dir| dir.file_name()).unwrap_or_default();
    let name = ProjectName::from_directory(&dir.to_string_lossy());
    let is_node = path.parent().is_some_and(|dir| dir.join("package.json").exists());
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    if !args.force {
        options.create_new(true);
    }
    let written =
        options.open(&path).and_then(|mut out| out.write_all(template(&name, is_node).as_bytes()));
    match written {
        Ok(()) => {
            let shown = args.file.display();
            ui.talk(&format!("wrote {shown}; next: edit it, then `eco diff` and `eco apply`\n"));
            Ok(0)
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let text = format!("{} is already there", args.file.display());
            Err(CliError::input(text, "`--force` writes over it"))
        }
        Err(source) => Err(CliError::Io { what: format!("write {}", args.file.display()), source }),
    }
}

fn template(name: &ProjectName, is_node: bool) -> String {
    let command =
        if is_node { "npm start" } else { "{ shell: \"while :; do date; sleep 5; done\" }" };
    format!(
        "# What runs here. `eco diff` shows what an edit would do, `eco apply` does it.
version: 1
name: {name}
apps:
  web:
    command: {command}
    instances: 1
    env:
      GREETING: hello
    restart: always            # or on-failure, never
    stop: {{ timeout: 10s }}     # SIGTERM first, SIGKILL after this
"
    )
}
