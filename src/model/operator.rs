//! The person, or the program, that gave a command.

use serde::{Deserialize, Serialize};

/// Who gave a command.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Operator {
    /// The number of the user, which the kernel vouches for.
    pub uid: u32,
    /// The name of that user, if there is one.
    pub user: Option<String>,
    /// Who became that user by sudo. The caller says so; nothing proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sudo_user: Option<String>,
    /// The command as typed, at most [`Operator::LONGEST_COMMAND`] bytes; or `dashboard`.
    pub command: Option<String>,
}

impl Operator {
    /// Of a command no more bytes than these are kept.
    pub const LONGEST_COMMAND: usize = 512;
    /// Nor of a name.
    pub const LONGEST_NAME: usize = 64;

    /// A text on one line, without characters that a terminal would act on, of at most so many bytes.
    pub fn bounded(text: &str, most: usize) -> String {
        const CUT: &str = "…";
        let visible: String =
            text.chars().map(|it| if it.is_control() { ' ' } else { it }).collect();
        let visible = visible.trim();
        if visible.len() <= most {
            return visible.to_owned();
        }
        let room = most.saturating_sub(CUT.len());
        let end = (0..=room).rev().find(|end| visible.is_char_boundary(*end)).unwrap_or_default();
        format!("{}{CUT}", visible.get(..end).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_command_is_one_short_line() {
        assert_eq!(Operator::bounded(" eco stop\u{1b}[31m\nweb\t", 40), "eco stop [31m web");
        assert_eq!(Operator::bounded("0123456789", 10), "0123456789");
        assert_eq!(Operator::bounded("0123456789x", 10), "0123456…");
        for most in 3..12 {
            let cut = Operator::bounded("日本語日本語", most);
            assert!(cut.len() <= most && cut.ends_with('…'), "{most}: {cut}");
        }
    }
}
