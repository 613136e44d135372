//! `eco completions`

use clap::{Args, CommandFactory as _, ValueEnum};
use clap_complete::env::Shells;

use super::{Cli, Outcome, error::CliError, ui::Ui};

/// Print a script by which a shell completes commands and app names
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  source <(eco completions bash)
  eco completions fish > ~/.config/fish/completions/eco.fish")]
pub(super) struct CompletionsArgs {
    /// Which shell
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Carries the command out.
pub(super) fn run(args: &CompletionsArgs, ui: &Ui) -> Outcome {
    let name = match args.shell {
        Shell::Bash => "bash",
        Shell::Zsh => "zsh",
        Shell::Fish => "fish",
    };
    let program = Cli::command().get_name().to_owned();
    let mut script = Vec::new();
    let shells = Shells::builtins();
    let Some(completer) = shells.completer(name) else {
        return Err(CliError::input(format!("no completions for {name}"), "bash, zsh or fish"));
    };
    completer
        .write_registration("COMPLETE", &program, &program, &program, &mut script)
        .map_err(|source| CliError::Io { what: "write the script".to_owned(), source })?;
    ui.print(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
