//! What stands in the manual page of every command, beside its options.

use super::roff;

/// A section with the lines of a command's examples.
pub fn manual_examples(examples: &str) -> String {
    format!(".SH EXAMPLES\n{}", roff::lines(examples))
}

/// A section of running text.
pub fn manual_notes(text: &str) -> String {
    let paragraphs: Vec<String> = text.split("\n\n").map(roff::text).collect();
    format!(".SH NOTES\n{}\n", paragraphs.join("\n.PP\n"))
}

/// The sections at the end of every page; `others` are the pages to see also.
pub fn manual_end(others: &[String]) -> String {
    let mut out = END.to_owned();
    out.push_str(".SH SEE ALSO\n");
    let pages: Vec<String> =
        others.iter().map(|name| format!(".BR {} (1),\n", roff::escaped(name))).collect();
    out.push_str(&pages.concat());
    out.push_str(".BR ecosystem.yaml (5)\n");
    out
}

/// The title line of a command's page.
pub fn manual_title(name: &str, version: &str) -> String {
    roff::title(&name.to_uppercase(), "1", version)
}

const END: &str = ".SH EXIT STATUS
.TP
.B 0
Done. \\fBdiff\\fR: nothing to do; \\fBstatus\\fR: all as desired.
.TP
.B 1
The answer is no: \\fBdiff\\fR found changes, something is not as desired or did not converge in time.
.TP
.B 2
The input is wrong: usage, file, names.
.TP
.B 3
The controller cannot be reached or failed; \\fBdaemon status\\fR with nothing running.
.SH FILES
.TP
.I ecosystem.yaml
What should run, in the current directory.
.TP
.I ~/.local/state/eco
State, sockets and logs of a user.
.TP
.IR /var/lib/eco ,\\  /run/eco ,\\  /var/log/eco
The same of root.
.SH ENVIRONMENT
.TP
.B ECO_HOME
A directory for state, sockets and logs instead of these.
.TP
.B ECO_CGROUP
The control group below which those of apps are made; \\fBnone\\fR does without.
.TP
.BR COLUMNS ,\\  NO_COLOR
The width of what is printed, and that it is to have no colours.
";
