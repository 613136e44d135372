//! The command as it was typed, which goes with each request into events and history. None of eco's
//! arguments is a secret: those are in files and variables.

use std::ffi::OsString;

use crate::{api::CallerReply, model::Operator};

/// What a request says of the one who sends it: names of headers with their values.
pub(super) fn headers() -> Vec<(&'static str, Vec<u8>)> {
    let command = command(std::env::args_os().skip(1));
    let mut headers = vec![(CallerReply::COMMAND, command)];
    let sudo = std::env::var("SUDO_USER").ok();
    // sudo is not always a way to another user.
    let by = sudo.filter(|name| !name.is_empty() && std::env::var("USER").as_ref() != Ok(name));
    headers.extend(
        by.map(|name| (CallerReply::SUDO_USER, Operator::bounded(&name, Operator::LONGEST_NAME))),
    );
    headers.into_iter().map(|(name, text)| (name, text.into_bytes())).collect()
}

/// `eco` and the words, as a shell would take them.
fn command(words: impl Iterator<Item = OsString>) -> String {
    let words = words.map(|word| quoted(&word.to_string_lossy()));
    let typed = std::iter::once("eco".to_owned()).chain(words).collect::<Vec<_>>().join(" ");
    Operator::bounded(&typed, Operator::LONGEST_COMMAND)
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:,=+@%~^".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(words: &[&str]) -> String {
        command(words.iter().map(OsString::from))
    }

    #[test]
    fn a_command_is_kept_as_it_could_be_typed_again() {
        assert_eq!(typed(&["restart", "web/0", "tag:edge"]), "eco restart web/0 tag:edge");
        assert_eq!(typed(&["apply", "my file.yaml", ""]), "eco apply 'my file.yaml' ''");
        assert_eq!(typed(&["logs", "it's"]), r"eco logs 'it'\''s'");
        assert_eq!(typed(&["stop", "a\nb\u{1b}"]), "eco stop 'a b '");
        assert_eq!(typed(&[&"x".repeat(9000)]).len(), Operator::LONGEST_COMMAND);
    }
}
