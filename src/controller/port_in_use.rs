//! Which port a program could not have, as its last words tell: for programs whose sockets eco has
//! nothing to do with.

/// How programs say it: as the system's error is called, or its text.
const SIGNS: [&str; 3] = ["eaddrinuse", "address already in use", "address in use"];

/// The port that is in use if one of these lines says that an address is: the one it names, else the
/// one the program was `given`.
pub(super) fn port_in_use(lines: &[String], given: impl Fn() -> Option<u16>) -> Option<u16> {
    let lines = lines.iter().map(|line| line.to_ascii_lowercase());
    let saying: Vec<String> =
        lines.filter(|line| SIGNS.iter().any(|sign| line.contains(sign))).collect();
    let named = saying.iter().find_map(|line| port_of(line));
    named.or_else(|| (!saying.is_empty()).then(given).flatten())
}

/// The last `:3000` of a line, else its last `port 3000`.
fn port_of(line: &str) -> Option<u16> {
    [":", "port "].iter().find_map(|mark| {
        // What stands before the first mark is no port.
        let parts: Vec<&str> = line.split(mark).skip(1).collect();
        parts.into_iter().rev().find_map(leading_number)
    })
}

/// A port at the beginning of a text, which ends with it or goes on with no letter.
fn leading_number(text: &str) -> Option<u16> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at_checked(end)?;
    let goes_on = rest.starts_with(|c: char| c.is_alphanumeric() || c == '.');
    digits.parse().ok().filter(|port| *port != 0 && !goes_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_say_it_in_many_ways() {
        let said = |line: &str| port_in_use(&["starting".to_owned(), line.to_owned()], || Some(1));
        for (line, port) in [
            ("Error: listen EADDRINUSE: address already in use :::3000", 3000),
            ("Error: listen EADDRINUSE: address already in use 127.0.0.1:8080", 8080),
            ("listen tcp :9090: bind: address already in use", 9090),
            ("bind() to 0.0.0.0:80 failed (98: Address already in use)", 80),
            ("[::]:443: Address already in use (os error 98)", 443),
            ("port 5000 is taken: address in use", 5000),
        ] {
            assert_eq!(said(line), Some(port), "{line}");
        }
        assert_eq!(said("OSError: [Errno 98] Address already in use"), Some(1));
        assert_eq!(said("cannot connect to 10.0.0.1:5432"), None);
        assert_eq!(port_in_use(&[], || Some(1)), None);
    }
}
