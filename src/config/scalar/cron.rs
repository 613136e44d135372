//! Cron expressions and time zones.

use croner::parser::{CronParser, Seconds, Year};

use super::{Complaint, Scalar, scalar};
use crate::config::suggest::quoted;

/// When something is due.
#[derive(Clone, Debug)]
pub(in crate::config) struct CronText(pub(in crate::config) String);

impl Scalar for CronText {
    const NOUN: &'static str = "a cron expression";

    fn read(text: &str) -> Result<Self, Complaint> {
        let parser =
            CronParser::builder().seconds(Seconds::Optional).year(Year::Disallowed).build();
        let wrong = |label: String| {
            Complaint::new(format!("{} is not a cron expression", quoted(text)), label).help(
                "five fields: minute, hour, day of month, month, day of week, as in `\"0 3 * * *\"`; \
                 or a word such as `@daily`",
            )
        };
        let cron = parser.parse(text).map_err(|error| {
            let fields = text.split_whitespace().count();
            wrong(if text.starts_with('@') {
                "expected `@hourly`, `@daily`, `@weekly`, `@monthly` or `@yearly`".to_owned()
            } else if fields == 5 || fields == 6 {
                let error = error.to_string();
                error.rsplit(": ").next().unwrap_or_default().trim_end_matches('.').to_lowercase()
            } else {
                format!("it has {fields} field{}", if fields == 1 { "" } else { "s" })
            })
        })?;
        // It would be passed over, and a field of nothing else never come.
        if text.split_whitespace().any(|field| field.split(',').any(str::is_empty)) {
            return Err(wrong("a comma has nothing on one side".to_owned()));
        }
        // Such as the 30th of February.
        let start = jiff::civil::date(2000, 1, 1).to_zoned(jiff::tz::TimeZone::UTC);
        let never = start.is_ok_and(|start| cron.find_next_occurrence(&start, true).is_err());
        if never {
            return Err(wrong("there is no such day".to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

scalar!(CronText, "Cron", {
    "description": "A cron expression of five fields (minute, hour, day of month, month, day of \
                    week), of six with seconds in front, or a word such as `@daily`.",
    "type": "string",
    "examples": ["0 3 * * *", "*/15 8-18 * * mon-fri", "@hourly"]
});

/// The name of a time zone.
#[derive(Clone, Debug)]
pub(in crate::config) struct ZoneText(pub(in crate::config) String);

impl Scalar for ZoneText {
    const NOUN: &'static str = "a time zone";

    fn read(text: &str) -> Result<Self, Complaint> {
        // Names are looked up case-insensitively.
        if jiff::tz::TimeZone::get(text).is_ok() {
            return Ok(Self(text.to_owned()));
        }
        let complaint = Complaint::new(
            format!("{} is not a time zone", quoted(text)),
            "not known on this machine",
        );
        let known: Vec<String> =
            jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
        let near = crate::config::suggest::did_you_mean(text, known.iter().map(String::as_str));
        let help = "an IANA name is needed, as in `Europe/Berlin` or `UTC`";
        Err(complaint.help(near.unwrap_or_else(|| {
            let none = known.is_empty().then_some("; this machine knows none (package `tzdata`)");
            format!("{help}{}", none.unwrap_or_default())
        })))
    }
}

scalar!(ZoneText, "TimeZone", {
    "description": "An IANA name of a time zone.",
    "type": "string",
    "examples": ["Europe/Berlin", "UTC"]
});
