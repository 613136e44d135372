//! The reference as a manual page: `ecosystem.yaml(5)`.

use std::fmt::Write as _;

use super::{Reference, Section, effects, takes};
use crate::render::roff;

const HEAD: &str = ".SH NAME
ecosystem.yaml \\- what eco keeps running
.SH SYNOPSIS
.nf
name: shop
apps:
  web:
    command: node server.js
    instances: 2
    listen: 3000
    ready: { http: /healthz }
.fi
.SH DESCRIPTION
The file says what should run. \\fBeco apply\\fR makes the machine so, and \\fBeco diff\\fR tells what that
would do. Keys that are not listed here are refused, but for those that begin with \\fBx\\-\\fR.
.PP
\\fB${NAME}\\fR, \\fB${NAME:\\-default}\\fR and \\fB${NAME:?message}\\fR in a value are filled from the
caller\\(aqs environment, then from \\fBvars_file\\fR. Paths are relative to the file.
";

const FOOT: &str = ".SH FILES
.TP
\\fIecosystem.yaml\\fR
What commands take if no file is named; else \\fIecosystem.config.js\\fR, \\fI.cjs\\fR, \\fI.mjs\\fR or
\\fI.json\\fR, which are PM2\\(aqs.
.SH SEE ALSO
.BR eco (1),
.BR eco\\-apply (1),
.BR eco\\-explain (1)
";

/// The manual page, in the language of `man`.
pub fn file_manual(reference: &Reference, version: &str) -> String {
    let mut out = roff::title("ECOSYSTEM.YAML", "5", version);
    out.push_str(HEAD);
    for section in &reference.sections {
        one_section(&mut out, section);
    }
    out.push_str(".SH KINDS OF VALUES\n");
    for kind in &reference.kinds {
        let mut about = kind.about.clone();
        if !kind.examples.is_empty() {
            let _ignored = write!(about, " As in {}.", kind.examples.join(", "));
        }
        let name = takes::spaced(&kind.name);
        let _ignored =
            write!(out, ".TP\n{}\n{}\n", roff::text(&name), roff::text(about.trim_start()));
    }
    out.push_str(FOOT);
    out
}

fn one_section(out: &mut String, section: &Section) {
    let title = match section.name.as_str() {
        "Ecosystem" => "THE TOP OF THE FILE".to_owned(),
        "App" => "AN APP".to_owned(),
        _ => section.paths.join(", ").to_uppercase(),
    };
    let _ignored = writeln!(out, ".SH {}", roff::quoted(&title));
    if !section.about.is_empty() {
        let _ignored = writeln!(out, "{}", roff::text(&section.about));
    }
    for key in &section.keys {
        let _ignored = write!(out, ".TP\n\\fB{}\\fR\n", roff::escaped(&key.name));
        let mut about = format!("{} Takes {}.", key.full_about(), takes::words(&key.takes));
        if let Some(default) = &key.default {
            let _ignored = write!(about, " Default: `{default}`.");
        }
        let path = section.paths.first().map_or_else(String::new, |path| key.below(path));
        if let Some(effect) = effects::of(&section.name, &path) {
            let _ignored = write!(about, " On a change: {effect}.");
        }
        let _ignored = writeln!(out, "{}", roff::text(&about));
    }
}
