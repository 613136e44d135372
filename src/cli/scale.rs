//! `eco scale`

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::{
    Outcome,
    client::{Client, Starts},
    error::CliError,
    operate::{self, OperateArgs},
    target::{self, app_names},
    ui::Ui,
};
use crate::{
    api::{Operation, Selector, StatusAllReply, path},
    controller::Home,
};

/// Run so many instances of an app, until the file is applied again
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  eco scale web 4
  eco scale web +2
  eco scale worker 0")]
pub(super) struct ScaleArgs {
    /// The app
    #[arg(value_name = "APP", add = ArgValueCandidates::new(app_names))]
    app: Selector,

    /// How many instances, or how many more or less: `4`, `+2`, `-1`
    #[arg(value_name = "N", value_parser = count, allow_hyphen_values = true)]
    count: Count,

    #[command(flatten)]
    pub(super) operate: OperateArgs,
}

/// How many instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Exactly(u32),
    /// So many more than are wanted now.
    More(u32),
    /// So many less.
    Less(u32),
}

fn count(text: &str) -> Result<Count, String> {
    let (make, digits): (fn(u32) -> Count, &str) =
        match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(digits), _) => (Count::More, digits),
            (None, Some(digits)) => (Count::Less, digits),
            (None, None) => (Count::Exactly, text),
        };
    // The library takes a sign, too.
    let digits = digits.strip_prefix('+').map_or(digits, |_| "");
    let number = digits.parse().map_err(|_| "expected a number such as `4`, `+2` or `-1`");
    Ok(make(number?))
}

/// Carries the command out.
pub(super) fn run(args: &ScaleArgs, ui: &Ui) -> Outcome {
    let apps = std::slice::from_ref(&args.app);
    let count = match args.count {
        Count::Exactly(count) => count,
        Count::More(more) => wanted(args)?.saturating_add(more),
        Count::Less(less) => wanted(args)?.saturating_sub(less),
    };
    operate::operate((Operation::Scale(count), apps), &args.operate, Starts::UnlessEnded, ui)
}

/// How many instances are wanted now.
fn wanted(args: &ScaleArgs) -> Result<u32, CliError> {
    let home = Home::find().map_err(CliError::Home)?;
    let client = Client::connect(&home, Starts::UnlessEnded)?;
    let target = target::target(&args.operate.project, std::slice::from_ref(&args.app))?;
    let reply: StatusAllReply = client.post(path::STATUS, &target)?;
    let apps: Vec<_> = reply.projects.into_iter().flat_map(|project| project.apps).collect();
    let [app] = apps.as_slice() else {
        let text = format!("{} apps are meant, and each may have another number", apps.len());
        return Err(CliError::input(
            text,
            "name one app, or say how many instances: `eco scale web 4`",
        ));
    };
    Ok(app.desired)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_absolute_or_relative() {
        assert_eq!(count("4"), Ok(Count::Exactly(4)));
        assert_eq!(count("+2"), Ok(Count::More(2)));
        assert_eq!(count("-1"), Ok(Count::Less(1)));
        for wrong in ["", "+", "-", "x", "+-1", "++1", "-+1", "1.5", "99999999999"] {
            assert!(count(wrong).is_err(), "{wrong}");
        }
    }
}
