//! What the keeper's self test found, as one line of text.

/// Error numbers of the system, 0 where something works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SelfTest {
    /// Answering `bind` of another process with a socket of ours.
    pub answer: i32,
    /// Taking a descriptor of another process.
    pub look: i32,
    /// Deciding which of several listening sockets gets a connection.
    pub steer: i32,
}

impl SelfTest {
    /// As a line.
    pub fn to_line(self) -> String {
        let Self { answer, look, steer } = self;
        format!("answer={answer} look={look} steer={steer}\n")
    }

    /// From such a line; `None` for any other.
    pub fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split_ascii_whitespace();
        let mut number = |name: &str| -> Option<i32> {
            fields.next()?.strip_prefix(name)?.strip_prefix('=')?.parse().ok()
        };
        Some(Self { answer: number("answer")?, look: number("look")?, steer: number("steer")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        let found = SelfTest { answer: 16, look: 0, steer: 1 };
        assert_eq!(SelfTest::parse(&found.to_line()), Some(found));
        assert_eq!(SelfTest::parse("answer=1 look=x steer=2"), None);
        assert_eq!(SelfTest::parse(""), None);
    }
}
