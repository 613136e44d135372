//! `eco schema`

use clap::Args;

use super::{Outcome, error::CliError, ui::Ui};
use crate::{
    config,
    render::reference::{Reference, reference_page},
};

/// Print the JSON Schema of the ecosystem file, for editors
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco schema > ecosystem.schema.json
  then, as the first line of ecosystem.yaml:
  # yaml-language-server: $schema=./ecosystem.schema.json")]
pub(super) struct SchemaArgs {
    /// Print the reference of all keys, made of the schema, as a page in Markdown
    #[arg(long)]
    reference: bool,
}

/// Carries the command out.
pub(super) fn run(args: &SchemaArgs, ui: &Ui) -> Outcome {
    if args.reference {
        return ui.print(&reference_page(&Reference::of(&config::json_schema()))).map(|()| 0);
    }
    let text = serde_json::to_string_pretty(&config::json_schema()).map_err(|error| {
        CliError::Io { what: "write the schema".to_owned(), source: error.into() }
    })?;
    ui.print(&(text + "\n"))?;
    Ok(0)
}
