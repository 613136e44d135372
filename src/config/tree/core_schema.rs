//! What a scalar without quotes means in YAML 1.2 (its core schema).

/// The meaning of a plain scalar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Core {
    Null,
    Bool(bool),
    Int(i64),
    UInt(u64),
    Float(f64),
    Text,
}

/// Reads a plain scalar.
pub(crate) fn core(text: &str) -> Core {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Core::Null,
        "true" | "True" | "TRUE" => return Core::Bool(true),
        "false" | "False" | "FALSE" => return Core::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Core::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Core::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Core::Float(f64::NAN),
        _ => {}
    }
    if has_leading_zero(text) {
        return Core::Text;
    }
    whole(text).or_else(|| float(text)).unwrap_or(Core::Text)
}

/// `0440` is 440 in YAML 1.2, 288 in YAML 1.1 and a post code to a person: it is no number here.
fn has_leading_zero(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut bytes = unsigned.bytes();
    bytes.next() == Some(b'0') && bytes.next().is_some_and(|byte| byte.is_ascii_digit())
}

fn whole(text: &str) -> Option<Core> {
    let digits = |prefix: &str| text.strip_prefix(prefix).filter(|rest| !rest.starts_with('+'));
    if let Some(value) = digits("0x").and_then(|rest| u64::from_str_radix(rest, 16).ok()) {
        return Some(Core::UInt(value));
    }
    if let Some(value) = digits("0o").and_then(|rest| u64::from_str_radix(rest, 8).ok()) {
        return Some(Core::UInt(value));
    }
    text.parse().map(Core::UInt).or_else(|_| text.parse().map(Core::Int)).ok()
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`
fn float(text: &str) -> Option<Core> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let starts = unsigned.starts_with(|c: char| c.is_ascii_digit())
        || unsigned
            .strip_prefix('.')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if starts { text.parse().map(Core::Float).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_mean_what_yaml_1_2_says() {
        assert_eq!(core("~"), Core::Null);
        assert_eq!(core("yes"), Core::Text);
        assert_eq!(core("0x1F"), Core::UInt(31));
        assert_eq!(core("0o17"), Core::UInt(15));
        assert_eq!(core("-3"), Core::Int(-3));
        assert_eq!(core("1.10"), Core::Float(1.1));
        assert_eq!(core("1e3"), Core::Float(1000.0));
        assert_eq!(core("inf"), Core::Text);
        assert_eq!(core("1.2.3"), Core::Text);
        assert_eq!(core("."), Core::Text);
        assert_eq!(core("0440"), Core::Text);
    }
}
