//! What is offered at each address, and whether a request is one that a browser makes for our own
//! page. Pages of others must not be able to ask anything: neither by a name that they let point
//! here (the name is checked), nor from within somebody's browser (the origin is).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    sync::{Mutex, MutexGuard, PoisonError},
};

use hyper::{
    HeaderMap,
    header::{CONTENT_TYPE, COOKIE, HOST, HeaderName, ORIGIN},
};

use super::sessions::{Grant, Scope, Sessions};
use crate::{
    host::clock,
    model::{ProjectName, TlsFiles},
};

/// Where the page's script puts the second secret of its session.
const KEY: HeaderName = HeaderName::from_static("x-eco-key");
/// Where a browser says whose page asks.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What is offered at one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Door {
    /// The projects whose files say so, and whether only to be seen.
    pub(super) projects: BTreeMap<ProjectName, bool>,
    /// Names by which it may be called.
    pub(super) hosts: BTreeSet<String>,
    /// With it callers come over TLS.
    pub(super) tls: Option<TlsFiles>,
}

/// The address at which somebody calls.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    pub(super) address: SocketAddr,
    pub(super) is_tls: bool,
}

/// What a caller who is logged in may see and do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sight {
    /// Of these projects; `None` is every one.
    pub(super) projects: Option<BTreeMap<ProjectName, bool>>,
    /// Whether nothing may be done.
    pub(super) read_only: bool,
}

impl Sight {
    /// Whether a project may be seen.
    pub(super) fn shows(&self, name: &ProjectName) -> bool {
        self.projects.as_ref().is_none_or(|projects| projects.contains_key(name))
    }

    /// Whether anything may be done to it.
    pub(super) fn may_change(&self, name: &ProjectName) -> bool {
        let offered = self.projects.as_ref().and_then(|projects| projects.get(name)).copied();
        self.shows(name) && !self.read_only && !offered.unwrap_or(false)
    }
}

/// What tasks that answer callers share with the loop.
#[derive(Debug, Default)]
pub(super) struct Doors(Mutex<Inner>);

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) doors: BTreeMap<SocketAddr, Door>,
    pub(super) sessions: Sessions,
}

impl Doors {
    /// Held for a moment, never over a wait.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a caller may see; `None` if he is not logged in.
    pub(super) fn sight(&self, visit: Visit, headers: &HeaderMap) -> Option<Sight> {
        let cookie = cookie(headers, visit.address)?;
        let key = text(headers, &KEY)?;
        let mut inner = self.lock();
        let Grant { scope, read_only, .. } =
            inner.sessions.find(visit.address, (&cookie, key), clock::now())?;
        let offered = inner.doors.get(&visit.address).map(|door| door.projects.clone());
        let projects = match scope {
            Scope::Every => None,
            Scope::Offered => Some(offered.unwrap_or_default()),
            Scope::One(name) => Some(BTreeMap::from([(name, false)])),
        };
        Some(Sight { projects, read_only })
    }

    /// Whether a request is for this address by a name that is its own.
    pub(super) fn is_called_right(&self, visit: Visit, headers: &HeaderMap) -> bool {
        let mut named = headers.get_all(HOST).iter();
        let (Some(name), None) = (named.next(), named.next()) else { return false };
        let Some(name) = name.to_str().ok().and_then(host_name) else { return false };
        let own = visit.address.ip();
        // Nobody can let an address point elsewhere.
        if let Ok(address) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
            let is_local = own.is_loopback() && address.is_loopback();
            return address == own || own.is_unspecified() || is_local;
        }
        let is_local = name == "localhost" && (own.is_loopback() || own.is_unspecified());
        let inner = self.lock();
        is_local || inner.doors.get(&visit.address).is_some_and(|door| door.hosts.contains(&name))
    }
}

/// The name of `name:port`, in lower case; `None` if it is none. Any port will do: behind a tunnel it
/// is another one, and who may call is told apart by name.
fn host_name(text: &str) -> Option<String> {
    let name = match text.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => {
            port.parse::<u16>().ok()?;
            name
        }
        Some(_) | None => text,
    };
    (!name.is_empty()).then(|| name.to_ascii_lowercase())
}

/// Whether a browser says that a page of another origin asks. Programs that are no browsers do not
/// say anything of that kind, and have no cookies that a stranger could make use of.
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get(FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none")
}

/// Whether a request that changes something comes from our own page: the origin is the address it is
/// sent to, and it is JSON, which no form sends.
pub(super) fn is_own(visit: Visit, headers: &HeaderMap) -> bool {
    let (Some(origin), Some(host)) = (text(headers, &ORIGIN), text(headers, &HOST)) else {
        return false;
    };
    let is_own = match origin.split_once("://") {
        // Without TLS of our own, somebody who has one may stand before us.
        Some(("http", of)) => !visit.is_tls && of == host,
        Some(("https", of)) => of == host,
        Some(_) | None => false,
    };
    let kind = text(headers, &CONTENT_TYPE).unwrap_or_default();
    is_own && kind.split(';').next().is_some_and(|kind| kind.trim() == "application/json")
}

/// Whether the caller's browser speaks TLS, to us or to somebody before us.
pub(super) fn is_secure(visit: Visit, headers: &HeaderMap) -> bool {
    visit.is_tls || text(headers, &ORIGIN).is_some_and(|origin| origin.starts_with("https://"))
}

/// The name of the cookie. Browsers do not tell ports apart: without it the pages of two homes would
/// log each other out.
pub(super) fn cookie_name(address: SocketAddr) -> String {
    format!("eco_session_{}", address.port())
}

/// The session's cookie.
pub(super) fn cookie(headers: &HeaderMap, address: SocketAddr) -> Option<String> {
    let name = cookie_name(address);
    let all = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).next()
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn visit(address: &str, is_tls: bool) -> Visit {
        Visit { address: address.parse().unwrap(), is_tls }
    }

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn only_own_names_are_heeded() {
        let doors = Doors::default();
        let local = visit("127.0.0.1:9616", false);
        let door = Door { hosts: BTreeSet::from(["eco.example".to_owned()]), ..Door::default() };
        doors.lock().doors.insert(local.address, door);
        let called = |visit, host| doors.is_called_right(visit, &headers(&[("host", host)]));
        for good in [
            "127.0.0.1:9616",
            "localhost:9616",
            "LOCALHOST:8000",
            "[::1]:1",
            "eco.example",
            "[::1]",
        ] {
            assert!(called(local, good), "{good}");
        }
        for bad in [
            "evil.example:9616",
            "127.0.0.1.evil.example",
            "10.0.0.1:9616",
            "",
            ":9616",
            "localhost:x",
            "localhost.",
            "eco.example.",
            "0.0.0.0:9616",
            "localhost:9616:9616",
        ] {
            assert!(!called(local, bad), "{bad}");
        }
        let wide = visit("0.0.0.0:9616", true);
        assert!(called(wide, "10.0.0.1:9616") && called(wide, "[fe80::1]:9616"));
        assert!(!called(wide, "eco.example") && !called(wide, "evil.example"));
        assert!(!doors.is_called_right(local, &headers(&[])));
        let two = headers(&[("host", "localhost"), ("host", "evil.example")]);
        assert!(!doors.is_called_right(local, &two));
    }

    #[test]
    fn only_our_own_page_changes_anything() {
        let json = ("content-type", "application/json; charset=utf-8");
        let own = |origin, is_tls| {
            let host = ("host", "localhost:9616");
            is_own(visit("127.0.0.1:9616", is_tls), &headers(&[host, ("origin", origin), json]))
        };
        assert!(own("http://localhost:9616", false) && own("https://localhost:9616", false));
        assert!(own("https://localhost:9616", true) && !own("http://localhost:9616", true));
        for bad in [
            "http://localhost:3000",
            "http://127.0.0.1:9616",
            "null",
            "http://evil.example",
            "localhost:9616",
            "file://localhost:9616",
            "",
        ] {
            assert!(!own(bad, false), "{bad}");
        }
        let host = ("host", "localhost:9616");
        let origin = ("origin", "http://localhost:9616");
        let form = ("content-type", "application/x-www-form-urlencoded");
        let local = visit("127.0.0.1:9616", false);
        assert!(!is_own(local, &headers(&[host, json])));
        assert!(!is_own(local, &headers(&[host, origin])));
        assert!(!is_own(local, &headers(&[host, origin, form])));
    }

    #[test]
    fn other_pages_are_told_by_the_browser() {
        let site = |site| is_cross_site(&headers(&[("sec-fetch-site", site)]));
        assert!(site("cross-site") && site("same-site") && site("anything"));
        assert!(!site("same-origin") && !site("none") && !is_cross_site(&headers(&[])));
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let address = "127.0.0.1:9616".parse().unwrap();
        let found =
            headers(&[("cookie", "a=b; eco_session_1=x"), ("cookie", "eco_session_9616=y")]);
        assert_eq!(cookie(&found, address).as_deref(), Some("y"));
        assert_eq!(cookie(&headers(&[("cookie", "eco_session=y")]), address), None);
    }
}
