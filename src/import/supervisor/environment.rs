//! `environment`: `A="b",C="d"`.

use crate::config::{
    Span,
    written_tree::{Log, Problem, quoted},
};

/// The variables, in order; `None` if they cannot be read, which is said.
pub(super) fn variables<'a>(log: &Log, text: &'a str, at: Span) -> Option<Vec<(&'a str, &'a str)>> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let Some((name, after)) = rest.split_once('=') else {
            return wrong(log, at, format!("{} has no value", quoted(rest)));
        };
        let name = name.trim();
        if name.is_empty() || name.contains([',', '"', '\'', '\n', ' ']) {
            return wrong(log, at, format!("{} is no name of a variable", quoted(name)));
        }
        let after = after.trim_start();
        let (value, after) =
            if let Some(quote) = after.chars().next().filter(|it| "\"'".contains(*it)) {
                let found = after.get(1..).and_then(|it| it.split_once(quote));
                let Some(found) = found else {
                    let message = format!("the quote of {} is never closed", quoted(name));
                    return wrong(log, at, message);
                };
                found
            } else {
                let end = after.find([',', '\n']).unwrap_or(after.len());
                let (value, after) = after.split_at(end);
                (value.trim(), after)
            };
        out.push((name, value));
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    Some(out)
}

fn wrong<T>(log: &Log, at: Span, message: String) -> Option<T> {
    let problem = Problem::new("value", message, at, "in here");
    log.push(problem.help("as in `environment=NODE_ENV=\"production\",PORT=\"3000\"`"));
    None
}

#[cfg(test)]
mod tests {
    use super::{Log, Span, variables};
    use crate::config::written_tree::SourceText;

    #[test]
    fn variables_are_told_apart() {
        let log = Log::new(SourceText::new("a.conf".into(), String::new()));
        let read = |text| variables(&log, text, Span::default());
        let both = Some(vec![("A", "b,c=d"), ("C", "e f")]);
        assert_eq!(read("A=\"b,c=d\",C='e f'"), both);
        assert_eq!(read("A = \"b,c=d\",\n  C=e f,\n"), both);
        assert_eq!(read(""), Some(vec![]));
        assert_eq!(read("A=,B=\"\""), Some(vec![("A", ""), ("B", "")]));
        for bad in ["A", "A=\"b", "A=1,B", "=1", "A,B=1"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
