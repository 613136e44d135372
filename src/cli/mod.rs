//! The command line: one file per command, named after it. Only this layer prints, and only it
//! picks exit codes.

mod apply;
mod at_commit;
mod client;
mod completions;
mod daemon;
mod dashboard;
mod describe;
mod diff;
mod doctor;
mod down;
mod error;
mod events;
mod explain;
mod file;
mod habits;
mod history;
mod import;
mod init;
mod live;
mod logs;
mod man;
mod operate;
mod reload;
mod restart;
mod rollback;
mod run;
mod run_job;
mod scale;
mod schema;
mod signal;
mod start;
mod startup;
mod status;
mod stop;
mod target;
mod top;
mod typed;
mod ui;
mod validate;

use std::process::ExitCode;

use clap::{
    ArgAction, CommandFactory as _, Parser, Subcommand,
    error::{ContextKind, ContextValue},
};

use error::CliError;
use ui::Ui;

/// Keeps the processes of this machine as a file in git says they should be
#[derive(Debug, Parser)]
#[command(
    name = "eco",
    version,
    about,
    disable_version_flag = true,
    after_help = "Examples:
  eco init                      write a first ecosystem.yaml
  eco diff                      what `eco apply` would change, do and interrupt
  eco apply                     make the machine as ./ecosystem.yaml says
  eco apply --watch             the same, and follow the file's edits from now on
  eco status                    how things stand, and why
  eco logs web -f               what an app prints

Exit codes: 0 done, 1 the answer is no, 2 the input is wrong, 3 eco cannot be reached or failed."
)]
struct Cli {
    /// Print the version
    #[arg(short = 'v', short_alias = 'V', long, action = ArgAction::Version)]
    version: (),

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Apply(apply::ApplyArgs),
    Diff(diff::DiffArgs),
    #[command(aliases = ["list", "l", "ps"])]
    Status(status::StatusArgs),
    #[command(aliases = ["show", "info", "desc"])]
    Describe(describe::DescribeArgs),
    Logs(logs::LogsArgs),
    Events(events::EventsArgs),
    Top(top::TopArgs),
    Start(start::StartArgs),
    Stop(stop::StopArgs),
    Restart(restart::RestartArgs),
    Reload(reload::ReloadArgs),
    Rollback(rollback::RollbackArgs),
    Scale(scale::ScaleArgs),
    Signal(signal::SignalArgs),
    Down(down::DownArgs),
    Run(run::RunArgs),
    RunJob(run_job::RunJobArgs),
    Import(import::ImportArgs),
    #[command(alias = "ecosystem")]
    Init(init::InitArgs),
    Validate(validate::ValidateArgs),
    Schema(schema::SchemaArgs),
    History(history::HistoryArgs),
    Dashboard(dashboard::DashboardArgs),
    Daemon(daemon::DaemonArgs),
    Doctor(doctor::DoctorArgs),
    Startup(startup::StartupArgs),
    Explain(explain::ExplainArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    clap_complete::CompleteEnv::with_factory(Cli::command).complete();
    let ui = Ui::detect();
    let words: Vec<String> =
        std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            return habit(&error, &words)
                .map_or_else(|| error::usage(&error, &words, &ui), |it| it.report(&ui));
        }
    };
    match run(cli.command, &ui) {
        Ok(code) => ExitCode::from(code),
        Err(failure) if failure.is_about_words() => {
            habits::answer(&words, None).unwrap_or(failure).report(&ui)
        }
        Err(failure) => failure.report(&ui),
    }
}

/// What to say to who has typed something of PM2 that is none here.
fn habit(error: &clap::Error, words: &[String]) -> Option<CliError> {
    let named = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.as_str()),
        Some(_) | None => None,
    };
    if let Some(word) = named(ContextKind::InvalidSubcommand) {
        // Not one that follows a command of ours.
        let is_first = words.first().map(String::as_str) == Some(word);
        return is_first.then(|| habits::answer(words, None)).flatten();
    }
    let word = named(ContextKind::InvalidArg).filter(|_| error.use_stderr())?;
    habits::answer(words, word.split('=').next())
}

/// The exit code of a command that could be carried out, or why it could not.
type Outcome = Result<u8, CliError>;

fn run(command: Command, ui: &Ui) -> Outcome {
    let json = command.wants_json();
    let outcome = match command {
        Command::Apply(args) => apply::run(&args, ui),
        Command::Diff(args) => diff::run(&args, ui),
        Command::Status(args) => status::run(&args, ui),
        Command::Describe(args) => describe::run(&args, ui),
        Command::Logs(args) => logs::run(&args, ui),
        Command::Events(args) => events::run(&args, ui),
        Command::Top(args) => top::run(&args, ui),
        Command::Start(args) => start::run(&args, ui),
        Command::Stop(args) => stop::run(&args, ui),
        Command::Restart(args) => restart::run(&args, ui),
        Command::Reload(args) => reload::run(&args, ui),
        Command::Rollback(args) => rollback::run(&args, ui),
        Command::Scale(args) => scale::run(&args, ui),
        Command::Signal(args) => signal::run(&args, ui),
        Command::Down(args) => down::run(&args, ui),
        Command::Run(args) => run::run(&args, ui),
        Command::RunJob(args) => run_job::run(&args, ui),
        Command::Import(args) => import::run(&args, ui),
        Command::Init(args) => init::run(&args, ui),
        Command::Validate(args) => validate::run(&args, ui),
        Command::Schema(args) => schema::run(&args, ui),
        Command::History(args) => history::run(&args, ui),
        Command::Dashboard(args) => dashboard::run(&args, ui),
        Command::Daemon(args) => daemon::run(&args, ui),
        Command::Doctor(args) => doctor::run(&args, ui),
        Command::Startup(args) => startup::run(&args, ui),
        Command::Explain(args) => explain::run(&args, ui),
        Command::Completions(args) => completions::run(&args, ui),
        Command::Man(args) => man::run(&args, ui),
    };
    outcome.map_err(|failure| if json { failure.into_json() } else { failure })
}

impl Command {
    fn wants_json(&self) -> bool {
        match self {
            Self::Apply(args) => args.plan.json,
            Self::Diff(args) => args.plan.json,
            Self::Status(args) => args.json,
            Self::Describe(args) => args.json,
            Self::Events(args) => args.json,
            Self::Start(args) => args.operate.json,
            Self::Stop(args) => args.operate.json,
            Self::Restart(args) => args.operate.json,
            Self::Reload(args) => args.operate.json,
            Self::Rollback(args) => args.operate.json,
            Self::Scale(args) => args.operate.json,
            Self::Down(args) => args.operate.json,
            Self::RunJob(args) => args.operate.json,
            Self::Validate(args) => args.json,
            Self::History(args) => args.json,
            Self::Dashboard(args) => args.json,
            Self::Daemon(args) => args.wants_json(),
            Self::Doctor(args) => args.json,
            Self::Explain(args) => args.json,
            Self::Logs(_)
            | Self::Top(_)
            | Self::Signal(_)
            | Self::Run(_)
            | Self::Import(_)
            | Self::Init(_)
            | Self::Schema(_)
            | Self::Startup(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_of_pm2_works_or_is_answered() {
        let commands = Cli::command();
        for word in PM2.split_whitespace() {
            let works = commands.find_subcommand(word).is_some();
            assert_ne!(works, habits::instead(word).is_some(), "{word}");
        }
    }

    /// All that PM2 7 knows.
    const PM2: &str = "start stop restart reload delete del list ls l ps status logs monit dashboard dash
        imonit save dump resurrect cleardump startup unstartup describe desc info show scale
        startOrRestart startOrReload startOrGracefulReload env jlist prettylist flush reloadLogs
        logrotate kill update updatePM2 deepUpdate ecosystem init serve expose deploy sendSignal send
        attach trigger inspect reset pid id ping report set get unset multiset conf config install
        uninstall module:update module:generate publish package pull forward backward link unlink plus
        login logout open monitor unmonitor slist sysinfos profile:mem profile:cpu install-otel
        uninstall-otel create examples autoinstall completion gracefulReload";
}
