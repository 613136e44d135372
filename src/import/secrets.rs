//! Secrets that a file holds in clear text: taken out of what goes to git.

use std::rc::Rc;

use super::tree::{Map, template};
use crate::config::written_tree::{Entry, Kind, Node};

/// A value that was taken out.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The variable the new file names instead.
    pub name: String,
    /// What it has to be.
    pub value: String,
}

/// Logs leak.
impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What is said where secrets stay.
pub(super) const STAYING: &str = "secrets under `env` stay in clear text: `vars_file`, where they could be, is another program's";

/// Whether secrets have to stay: a file has one `vars_file` only, and this one has another.
pub(super) fn stay(document: &Rc<Node>, vars_file: &str) -> bool {
    let mut secrets = Vec::new();
    in_apps(document, &mut secrets);
    !secrets.is_empty() && own(document).is_some_and(|own| own != vars_file)
}

fn own(document: &Node) -> Option<&str> {
    match &document.entry("vars_file")?.value.kind {
        Kind::Scalar(scalar) => Some(&scalar.text),
        Kind::List(_) | Kind::Map(_) => None,
    }
}

/// The document with `${NAME}` in place of every secret under `env`, and `vars_file` for them.
pub(super) fn taken_out(document: &Rc<Node>, vars_file: &str) -> (Rc<Node>, Vec<Secret>) {
    let mut secrets = Vec::new();
    if stay(document, vars_file) {
        return (Rc::clone(document), secrets);
    }
    let without = in_apps(document, &mut secrets);
    if secrets.is_empty() || own(document).is_some() {
        return (without, secrets);
    }
    let mut named = Map::new(without.span);
    for entry in without.entries().unwrap_or_default() {
        named.put(&entry.key, entry.key_span, Rc::clone(&entry.value));
    }
    named.put("vars_file", without.span, template(without.span, vars_file));
    (named.node(), secrets)
}

/// What is below `apps`, and below `profiles` in the same way.
fn in_apps(document: &Rc<Node>, secrets: &mut Vec<Secret>) -> Rc<Node> {
    mapped(document, |entry| match &*entry.key {
        "apps" => mapped(&entry.value, |app| in_env(app, secrets)),
        "defaults" => in_env(entry, secrets),
        "profiles" => mapped(&entry.value, |profile| in_apps(&profile.value, secrets)),
        _ => Rc::clone(&entry.value),
    })
}

/// What is under `env` of an app.
fn in_env(app: &Entry, secrets: &mut Vec<Secret>) -> Rc<Node> {
    mapped(&app.value, |part| match &*part.key {
        "env" => mapped(&part.value, |variable| taken(&app.key, variable, secrets)),
        _ => Rc::clone(&part.value),
    })
}

/// A mapping with other values; anything else as it is.
fn mapped(node: &Rc<Node>, mut change: impl FnMut(&Entry) -> Rc<Node>) -> Rc<Node> {
    let Some(entries) = node.entries() else { return Rc::clone(node) };
    let changed = entries.iter().map(|entry| Entry { value: change(entry), ..entry.clone() });
    Node::map(node.span, changed.collect())
}

fn taken(app: &str, variable: &Entry, secrets: &mut Vec<Secret>) -> Rc<Node> {
    let Kind::Scalar(scalar) = &variable.value.kind else { return Rc::clone(&variable.value) };
    let value = if scalar.plain { Some(scalar.text.clone()) } else { unescaped(&scalar.text) };
    let Some(value) = value.filter(|value| is_secret(&variable.key, value)) else {
        return Rc::clone(&variable.value);
    };
    let name = name_for(app, &variable.key, &value, secrets);
    let reference = template(variable.value.span, format!("${{{name}}}"));
    let secret = Secret { name, value };
    if !secrets.contains(&secret) {
        secrets.push(secret);
    }
    reference
}

/// The variable itself, unless another value has that name already.
fn name_for(app: &str, key: &str, value: &str, secrets: &[Secret]) -> String {
    let is_free =
        |name: &str| secrets.iter().all(|secret| secret.name != name || secret.value == value);
    if is_free(key) {
        return key.to_owned();
    }
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    let app: String = app.chars().map(upper).collect();
    let prefix = if app.starts_with(|c: char| c.is_ascii_digit()) { "APP_" } else { "" };
    let first = format!("{prefix}{app}_{key}");
    let numbered = (2..).map(|number| format!("{first}_{number}"));
    let found = std::iter::once(first.clone()).chain(numbered).find(|name| is_free(name));
    found.unwrap_or(first)
}

/// What a text of our format says; `None` if something is filled into it.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        out.push(c);
        if c == '$' {
            match rest.peek() {
                Some('$') => drop(rest.next()),
                Some('{') => return None,
                Some(_) | None => {}
            }
        }
    }
    Some(out)
}

/// Words that say of a variable that it is one, as in `GITHUB_TOKEN`.
const WORDS: [&str; 10] = [
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "KEY",
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
];

/// Words that say the contrary: where it is, or that all may know it.
const HARMLESS: [&str; 8] =
    ["PUBLIC", "PUBLISHABLE", "FILE", "PATH", "DIR", "NAME", "ID", "ALGORITHM"];

fn is_secret(key: &str, value: &str) -> bool {
    let words = words(key);
    let has = |these: &[&str]| words.iter().any(|word| these.contains(&word.as_str()));
    let is_path = value.starts_with(['/', '.']) && value.contains('/');
    let named = has(&WORDS) && !has(&HARMLESS) && !is_path;
    let is_flag = matches!(value, "" | "true" | "false" | "0" | "1");
    (named && !is_flag) || has_password(value)
}

/// The words of `GITHUB_TOKEN` and `githubToken`.
fn words(key: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in key.chars() {
        let splits = !c.is_ascii_alphanumeric();
        if splits || (c.is_ascii_uppercase() && was_lower) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| !splits) {
            word.push(c.to_ascii_uppercase());
        }
        was_lower = c.is_ascii_lowercase();
    }
    words
}

/// Whether it is a URL with a password: `postgres://user:password@host/`.
fn has_password(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let is_scheme = !scheme.is_empty()
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let user = authority.rsplit_once('@').map(|(user, _)| user);
    let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
    is_scheme && password.is_some_and(|password| !password.is_empty())
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn secrets_are_told_by_name_or_by_a_password_in_a_url() {
        for (key, value) in [
            ("GITHUB_TOKEN", "ghp_x"),
            ("apiKey", "k"),
            ("DB_PASSWORD", "hunter2"),
            ("STRIPE_SECRET", "sk"),
            ("KEY", "abc"),
            ("DATABASE_URL", "postgres://me:pw@db/shop"),
            ("REDIS", "redis://:pw@localhost:6379"),
        ] {
            assert!(is_secret(key, value), "{key}={value}");
        }
        for (key, value) in [
            ("MAX_TOKENS", "100"),
            ("KEYBOARD", "de"),
            ("STRIPE_PUBLIC_KEY", "pk"),
            ("TLS_KEY", "/etc/tls/key.pem"),
            ("TOKEN", ""),
            ("USE_KEY", "true"),
            ("DATABASE_URL", "postgres://me@db/shop"),
            ("SITE", "https://example.org/a:b@c"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
        ] {
            assert!(!is_secret(key, value), "{key}={value}");
        }
    }
}
