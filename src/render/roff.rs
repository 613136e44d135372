//! Text in the language of `man`.

/// The line that a page begins with.
pub(super) fn title(name: &str, section: &str, version: &str) -> String {
    format!(".TH {} {section} \"\" \"eco {}\" \"eco\"\n", quoted(name), escaped(version))
}

/// Running text: what is in backquotes is bold, and nothing is taken for a request.
pub(super) fn text(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.replace('\n', " ").split('`').enumerate() {
        if index != 0 {
            out.push_str(if index % 2 == 1 { "\\fB" } else { "\\fR" });
        }
        out.push_str(&escaped(part));
    }
    if out.starts_with(['.', '\'']) { format!("\\&{out}") } else { out }
}

/// Text as it is.
pub(super) fn escaped(text: &str) -> String {
    text.replace('\\', "\\e").replace('-', "\\-").replace('\'', "\\(aq")
}

/// An argument of a request.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(&text.replace('"', "\"\"")))
}

/// Lines that keep their shape.
pub(super) fn lines(text: &str) -> String {
    let lines = text.lines().map(|line| {
        let line = escaped(line);
        if line.starts_with(['.', '\'']) { format!("\\&{line}\n") } else { format!("{line}\n") }
    });
    format!(".nf\n{}.fi\n", lines.collect::<String>())
}
