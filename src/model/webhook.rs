//! Where the URL of a webhook leads.

/// Where a request goes.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// Whether over TLS.
    pub tls: bool,
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// The path with the query: what is asked for.
    pub path: String,
}

/// Path and query of a webhook are as good as a password; `Debug` hides them.
impl std::fmt::Debug for WebhookTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl WebhookTarget {
    /// The host as a request names it.
    pub fn authority(&self) -> String {
        let host =
            if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let standard = if self.tls { 443 } else { 80 };
        if self.port == standard { host } else { format!("{host}:{}", self.port) }
    }
}

/// Takes a URL apart.
///
/// # Errors
/// What it lacks, without any of its text.
pub fn webhook_target(url: &str) -> Result<WebhookTarget, &'static str> {
    let (tls, rest) = match url.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
        Some(_) | None => return Err("it has to start with `https://` or `http://`"),
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let path = path.split('#').next().unwrap_or_default();
    if authority.contains('@') {
        return Err("a name and password before the host are not sent: use `headers`");
    }
    let (host, port) = match authority.strip_prefix('[').and_then(|it| it.split_once(']')) {
        Some((host, rest)) if host.parse::<std::net::Ipv6Addr>().is_ok() => (host, rest),
        Some(_) => return Err("its address in brackets is none"),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => Some(if tls { 443 } else { 80 }),
        None => None,
        Some(port) => port.parse().ok().filter(|port| *port != 0),
    };
    let is_host = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    if host.is_empty() || !host.chars().all(is_host) {
        return Err("it names no host");
    }
    if !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it has characters that a URL cannot have");
    }
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let port = port.ok_or("its port is none")?;
    Ok(WebhookTarget { tls, host: host.to_owned(), port, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_urls_are_taken_apart() {
        let parts = |url| {
            let it = webhook_target(url).unwrap();
            (it.tls, it.authority(), it.port, it.path)
        };
        let it = parts("https://hooks.example.org/a/b?c=d#e");
        assert_eq!(it, (true, "hooks.example.org".to_owned(), 443, "/a/b?c=d".to_owned()));
        let it = parts("HTTP://127.0.0.1:8080");
        assert_eq!(it, (false, "127.0.0.1:8080".to_owned(), 8080, "/".to_owned()));
        let it = parts("https://[::1]:9?x");
        assert_eq!(it, (true, "[::1]:9".to_owned(), 9, "/?x".to_owned()));
    }

    #[test]
    fn bad_ones_are_refused_without_their_text() {
        for url in [
            "",
            "hooks.example.org",
            "ftp://x/",
            "https://",
            "https://:80/",
            "https://x:0/",
            "https://x:99999/",
            "https://u:secret@x/",
            "https://x/a b",
            "https://[::1/",
            "https://x y/",
            "https://[::1]x/",
        ] {
            let why = webhook_target(url).unwrap_err();
            assert!(!why.contains("secret"), "{url}: {why}");
        }
    }
}
