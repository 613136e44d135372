//! `eco schema`

use clap::Args;

use super::{Outcome, error::CliError, ui::Ui};
use crate::{
    api, config,
    render::reference::{Reference, reference_page},
};

/// Print the JSON Schema of the ecosystem file, for editors; or what describes the API
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco schema > ecosystem.schema.json
  then, as the first line of ecosystem.yaml:
  # yaml-language-server: $schema=./ecosystem.schema.json
  eco schema --api > openapi.json     how other programs talk to eco")]
pub(super) struct SchemaArgs {
    /// Print the reference of all keys, made of the schema, as a page in Markdown
    #[arg(long, conflicts_with = "api")]
    reference: bool,

    /// Print the `OpenAPI` document of the API instead
    #[arg(long)]
    api: bool,
}

/// Carries the command out.
pub(super) fn run(args: &SchemaArgs, ui: &Ui) -> Outcome {
    if args.reference {
        return ui.print(&reference_page(&Reference::of(&config::json_schema()))).map(|()| 0);
    }
    let schema = if args.api { api::document() } else { config::json_schema() };
    let text = serde_json::to_string_pretty(&schema).map_err(|error| CliError::Io {
        what: "write the schema".to_owned(),
        source: error.into(),
    })?;
    ui.print(&(text + "\n"))?;
    Ok(0)
}
