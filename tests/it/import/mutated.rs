//! Files of other programs, cut up and put together anew: no panic, faults within the text, and what
//! is written can be read again.

use std::path::Path;

use eco::{
    config::load_text,
    import::{Asked, Format, native},
};
use proptest::{prelude::*, sample::Index};

use super::with_source;

const TEXTS: [(&str, Format, &str); 6] = [
    ("a.conf", Format::Supervisor, include_str!("other/supervisord.conf")),
    ("a.ini", Format::Supervisor, include_str!("other/typo.ini")),
    ("a.service", Format::Systemd, include_str!("other/shop.service")),
    ("b@c.service", Format::Systemd, include_str!("other/queue.service")),
    ("dump.pm2", Format::Pm2List, include_str!("other/jlist.json")),
    ("Procfile", Format::Procfile, include_str!("other/Procfile")),
];

/// What syntax is made of, and what is not ASCII.
const BITS: [&str; 26] = [
    "\n",
    "[",
    "]",
    "=",
    "\"",
    "'",
    "\\",
    "%",
    "%(",
    ")s",
    "$",
    "${",
    "}",
    ";",
    " ;",
    "#",
    ",",
    "\t",
    "é",
    "\u{1F600}",
    ":",
    "0",
    "-",
    "[program:é]\ncommand=x\n",
    "%i",
    "\\x",
];

/// A place, how much is taken out there, and what is put in.
type Cut = (Index, usize, usize);

fn mutated(text: &str, cuts: &[Cut]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for (place, length, bit) in cuts {
        let from = place.index(text.len() + 1);
        let to = (from + length).min(text.len());
        text.splice(from..to, BITS[bit % BITS.len()].chars());
    }
    text.into_iter().collect()
}

fn check(name: &str, format: Format, text: &str) {
    let path = Path::new("/nowhere/at/all").join(name);
    let asked = Asked { bytes: Some(text.as_bytes()), format: Some(format), ..Asked::file(&path) };
    let faults = match with_source(None, |source| native(asked, source)) {
        Err(faults) => faults,
        Ok(None) => panic!("it is no eco file"),
        Ok(Some(native)) => {
            let ours = path.with_file_name("ecosystem.yaml");
            let read = with_source(None, |source| load_text(&ours, native.text.as_bytes(), source));
            match (read, native.here) {
                (Ok(loaded), _) => assert_eq!(loaded.apps.len(), native.apps),
                (Err(_), Err(_)) => {}
                (Err(faults), Ok(_)) => panic!("{}\n{}", native.text, faults.render(100, false)),
            }
            native.warnings
        }
    };
    for fault in &faults {
        for (span, _) in &fault.labels {
            assert!(span.start <= span.end && span.end <= text.len(), "{span:?}: {fault:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cut_up_files_are_read_or_have_faults(
        which in 0..TEXTS.len(),
        cuts in prop::collection::vec((any::<Index>(), 0..40_usize, any::<usize>()), 0..12),
    ) {
        let (name, format, text) = TEXTS[which];
        check(name, format, &mutated(text, &cuts));
    }

    #[test]
    fn any_text_is_read_or_has_faults(which in 0..TEXTS.len(), text in "[\\PC\n]{0,80}") {
        let (name, format, _) = TEXTS[which];
        check(name, format, &text);
    }
}
