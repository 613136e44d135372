//! Why a command could not be carried out, and with which exit code it ends.

use std::{io, process::ExitCode};

use crate::{
    api::{ApiError, ErrorBody, SCHEMA},
    config::Faults,
    controller::HomeError,
    render,
};

use super::ui::Ui;

/// Why a command could not be carried out.
#[derive(Debug)]
pub(super) enum CliError {
    /// The ecosystem file is wrong.
    Faults(Faults),
    /// Something that was typed, or that lies around it, is wrong.
    Input {
        /// What.
        message: String,
        /// What to do.
        help: Option<String>,
    },
    /// The controller said no.
    Api(ApiError),
    /// eco does not run.
    NotRunning,
    /// The controller does not answer.
    NoAnswer,
    /// eco could not be started.
    CannotStart(io::Error),
    /// Nowhere to keep state.
    Home(HomeError),
    /// The system refused something.
    Io {
        /// What was tried.
        what: String,
        /// The system's answer.
        source: io::Error,
    },
    /// Whoever read the output is gone. Not an error.
    OutputClosed,
    /// The same, to be printed as JSON.
    Json(Box<Self>),
}

impl CliError {
    /// An error of input: exit code 2.
    pub(super) fn input(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Input { message: message.into(), help: Some(help.into()) }
    }

    /// Whether what was typed names nothing that eco knows.
    pub(super) fn is_about_words(&self) -> bool {
        match self {
            Self::Api(error) => error.error.exit == 2,
            Self::NotRunning => true,
            Self::Faults(_)
            | Self::Input { .. }
            | Self::NoAnswer
            | Self::CannotStart(_)
            | Self::Home(_)
            | Self::Io { .. }
            | Self::OutputClosed
            | Self::Json(_) => false,
        }
    }

    /// The same, to be printed as JSON.
    pub(super) fn into_json(self) -> Self {
        Self::Json(Box::new(self))
    }

    /// What is wrong and what to do about it, on one line.
    pub(super) fn words(&self) -> String {
        let error = self.to_api().error;
        error.help.map_or(error.message.clone(), |help| format!("{}: {help}", error.message))
    }

    fn exit_code(&self) -> u8 {
        match self {
            Self::OutputClosed => 0,
            Self::Faults(_) | Self::Input { .. } => 2,
            Self::Api(error) => error.error.exit,
            Self::NotRunning
            | Self::NoAnswer
            | Self::CannotStart(_)
            | Self::Home(_)
            | Self::Io { .. } => 3,
            Self::Json(inner) => inner.exit_code(),
        }
    }

    /// The error as the API would put it.
    fn to_api(&self) -> ApiError {
        let (code, message, help) = match self {
            Self::Faults(faults) => ("file", faults.one_line(), None),
            Self::Input { message, help } => ("input", message.clone(), help.clone()),
            Self::Api(error) => return error.clone(),
            Self::NotRunning => (
                "not_running",
                "eco does not run".to_owned(),
                Some("`eco apply` starts it".to_owned()),
            ),
            Self::NoAnswer => (
                "no_answer",
                "eco's controller does not answer".to_owned(),
                Some("the apps go on; look at `eco daemon status` in a moment".to_owned()),
            ),
            Self::CannotStart(error) => {
                ("cannot_start", format!("cannot start eco: {error}"), None)
            }
            Self::Home(error) => ("home", with_source(error), None),
            Self::Io { what, source } => ("io", format!("cannot {what}: {source}"), None),
            Self::OutputClosed => ("output", "the output was closed".to_owned(), None),
            Self::Json(inner) => return inner.to_api(),
        };
        let code = code.to_owned();
        let error = ErrorBody { code, message, help, exit: self.exit_code() };
        ApiError { schema: SCHEMA, error }
    }

    /// Prints what is wrong, and gives the exit code.
    pub(super) fn report(self, ui: &Ui) -> ExitCode {
        let code = ExitCode::from(self.exit_code());
        let api = self.to_api();
        match self {
            Self::OutputClosed => {}
            Self::Json(inner) if matches!(*inner, Self::OutputClosed) => {}
            Self::Json(_) => {
                let line = serde_json::to_string(&api).unwrap_or_default();
                // Nobody is left to be told that this cannot be told.
                drop(ui.print(&(line + "\n")));
            }
            Self::Faults(faults) => {
                let style = ui.talk_style();
                let code =
                    faults.iter().next().map(|fault| render::explain::more(fault.code, style));
                ui.talk(&(faults.render(style.width, style.color) + &code.unwrap_or_default()));
            }
            Self::Input { .. }
            | Self::Api(_)
            | Self::NotRunning
            | Self::NoAnswer
            | Self::CannotStart(_)
            | Self::Home(_)
            | Self::Io { .. } => {
                let more = render::explain::more(&api.error.code, ui.talk_style());
                ui.talk(&(render::error(&api, ui.talk_style()) + &more));
            }
        }
        code
    }
}

fn with_source(error: &HomeError) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Prints what clap says of the command line, as an object if that was asked for. Help is no error.
pub(super) fn usage(error: &clap::Error, words: &[String], ui: &Ui) -> ExitCode {
    if error.use_stderr() && words.iter().any(|word| word == "--json") {
        let text = error.to_string();
        let (message, help) = text.split_once("\n\n").unwrap_or((&text, ""));
        let message = message.trim().trim_start_matches("error: ");
        let api = ApiError::input("usage", message).help(help.trim());
        // Nobody is left to be told that this cannot be told.
        drop(ui.print_json(&api));
        return ExitCode::from(2);
    }
    // Nobody is left to be told that this cannot be told.
    drop(error.print());
    ExitCode::from(if error.use_stderr() { 2 } else { 0 })
}
