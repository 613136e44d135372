//! Calendar expressions of systemd as lines of cron.

/// A schedule, and the time zone it names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Schedule<'a> {
    pub(super) cron: String,
    pub(super) zone: Option<&'a str>,
}

const WORDS: [(&str, &str); 9] = [
    ("minutely", "* * * * *"),
    ("hourly", "0 * * * *"),
    ("daily", "0 0 * * *"),
    ("weekly", "0 0 * * 1"),
    ("monthly", "0 0 1 * *"),
    ("quarterly", "0 0 1 1,4,7,10 *"),
    ("semiannually", "0 0 1 1,7 *"),
    ("yearly", "0 0 1 1 *"),
    ("annually", "0 0 1 1 *"),
];

const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// `None` if no line of cron says the same.
pub(super) fn schedule(text: &str) -> Option<Schedule<'_>> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let is_zone = |word: &str| {
        word == "UTC" || (word.contains('/') && word.starts_with(|c: char| c.is_ascii_uppercase()))
    };
    let zone = words.pop_if(|word| is_zone(word));
    if let [word] = words.as_slice()
        && let Some((_, cron)) = WORDS.iter().find(|(it, _)| it.eq_ignore_ascii_case(word))
    {
        return Some(Schedule { cron: (*cron).to_owned(), zone });
    }
    let mut words = words.into_iter().peekable();
    let is_days = |word: &&str| word.starts_with(|c: char| c.is_ascii_alphabetic());
    let days = words.next_if(is_days).map_or(Some("*".to_owned()), days)?;
    let date = words.next_if(|word| word.contains('-'));
    let (month, day) = date.map_or(Some(("*".to_owned(), "*".to_owned())), self::date)?;
    let (hour, minute) = match words.next() {
        Some(time) => self::time(time)?,
        None if date.is_some() || days != "*" => ("0".to_owned(), "0".to_owned()),
        None => return None,
    };
    // cron runs when either fits, systemd when both do.
    if words.next().is_some() || (day != "*" && days != "*") {
        return None;
    }
    Some(Schedule { cron: format!("{minute} {hour} {day} {month} {days}"), zone })
}

fn days(text: &str) -> Option<String> {
    let number = |name: &str| {
        let name = name.to_ascii_lowercase();
        let full = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];
        DAYS.iter().zip(full).position(|(short, full)| name == *short || name == full)
    };
    let mut out = Vec::new();
    for part in text.trim_end_matches(',').split(',') {
        let range = part.split_once("..").or_else(|| part.split_once('-'));
        match range {
            None => out.push(number(part)?.to_string()),
            Some((from, to)) => {
                let (from, to) = (number(from)?, number(to)?);
                // Sunday ends the week there.
                let to = if to == 0 { 7 } else { to };
                if to <= from {
                    return None;
                }
                out.push(format!("{from}-{to}"));
            }
        }
    }
    Some(out.join(","))
}

/// The month and the day.
fn date(text: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = text.split('-').collect();
    let (month, day) = match parts.as_slice() {
        ["*", month, day] | [month, day] => (*month, *day),
        _ => return None,
    };
    Some((component(month, 1, 12)?, component(day, 1, 31)?))
}

/// The hour and the minute.
fn time(text: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = text.split(':').collect();
    let (hour, minute, second) = match parts.as_slice() {
        [hour, minute] => (*hour, *minute, "00"),
        [hour, minute, second] => (*hour, *minute, *second),
        _ => return None,
    };
    let is_full = !second.is_empty() && second.bytes().all(|byte| byte == b'0');
    is_full.then(|| Some((component(hour, 0, 23)?, component(minute, 0, 59)?)))?
}

/// One field: numbers, ranges, lists and steps.
fn component(text: &str, first: u32, last: u32) -> Option<String> {
    let mut out = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, Some(number(step, 1, last)?)),
            None => (part, None),
        };
        let bounds = match range.split_once("..") {
            _ if range == "*" => None,
            Some((from, to)) => Some((number(from, first, last)?, number(to, first, last)?)),
            None => Some((number(range, first, last)?, last)),
        };
        out.push(match (bounds, step) {
            (None, None) => "*".to_owned(),
            (None, Some(step)) => format!("*/{step}"),
            (Some((from, _)), None) if !range.contains("..") => from.to_string(),
            (Some((from, to)), None) => format!("{from}-{to}"),
            (Some((from, to)), Some(step)) if from == first && to == last => format!("*/{step}"),
            (Some((from, to)), Some(step)) => format!("{from}-{to}/{step}"),
        });
    }
    Some(out.join(","))
}

fn number(text: &str, first: u32, last: u32) -> Option<u32> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| is_digits && (first..=last).contains(number))
}

#[cfg(test)]
mod tests {
    use super::schedule;

    #[test]
    fn what_cron_can_say_is_said() {
        for (text, cron) in [
            ("daily", "0 0 * * *"),
            ("Weekly", "0 0 * * 1"),
            ("*-*-* 03:00:00", "0 3 * * *"),
            ("03:30", "30 3 * * *"),
            ("Mon..Fri 09:00", "0 9 * * 1-5"),
            ("Mon-Fri *-*-* 9:00", "0 9 * * 1-5"),
            ("Sat,Sun 20:15", "15 20 * * 6,0"),
            ("Fri..Sun 1:00", "0 1 * * 5-7"),
            ("Sunday", "0 0 * * 0"),
            ("*:0/15", "*/15 * * * *"),
            ("*:5/15", "5-59/15 * * * *"),
            ("*-*-1,15 04:00", "0 4 1,15 * *"),
            ("*-1..6-01 00:00:00", "0 0 1 1-6 *"),
            ("12-24 18:00", "0 18 24 12 *"),
            ("0/4:00:00", "0 */4 * * *"),
        ] {
            let found = schedule(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!((found.cron.as_str(), found.zone), (cron, None), "{text}");
        }
        assert_eq!(schedule("*-*-* 03:00 Europe/Berlin").unwrap().zone, Some("Europe/Berlin"));
        assert_eq!(schedule("daily UTC").unwrap().zone, Some("UTC"));
    }

    #[test]
    fn what_it_cannot_say_is_not_guessed() {
        for text in [
            "",
            "*:*:0/10",
            "2026-01-01 00:00",
            "Mon *-*-1 00:00",
            "*-*~1",
            "Fri..Mon 1:00",
            "25:00",
            "*-13-1",
            "never",
            "1 2 3",
            "*-*-* 03:00 x",
            "12:00:30",
            "Mon..Fri,x 1:00",
            "UTC",
        ] {
            assert_eq!(schedule(text), None, "{text}");
        }
    }
}
