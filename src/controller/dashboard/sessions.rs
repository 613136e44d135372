//! Who may look: links that log in once, and the sessions they open. They are in memory alone, so
//! that a controller's end logs everybody out.

use std::{io, net::SocketAddr, time::Duration};

use sha2::{Digest as _, Sha256};

use crate::{
    host::secret_key,
    model::{ProjectName, Time},
};

/// A link is good for so long.
pub(in crate::controller) const LINK_LIFE: Duration = Duration::from_secs(5 * 60);
/// A session that nobody uses ends after so long.
const IDLE: Duration = Duration::from_secs(12 * 3600);
/// So many links and sessions are kept; the one unused for longest makes room.
const LINKS: usize = 32;
const SESSIONS: usize = 64;
/// So many wrong links are looked at in a while; then none is until it is over.
const WRONG: u32 = 20;
const WHILE: Duration = Duration::from_secs(60);

/// What a secret is known by: whoever reads the memory cannot log in with it.
type Digest = [u8; 32];

/// What a session may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// All projects of the home.
    Every,
    /// The projects whose files offer a page at this address.
    Offered,
    /// One project.
    One(ProjectName),
}

/// What a link or session is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    /// At which address.
    pub(super) address: SocketAddr,
    /// To see what.
    pub(super) scope: Scope,
    /// Only to see it.
    pub(super) read_only: bool,
}

#[derive(Debug)]
struct Link {
    token: Digest,
    grant: Grant,
    made: Time,
}

#[derive(Debug)]
struct Session {
    cookie: Digest,
    key: Digest,
    grant: Grant,
    used: Time,
}

/// The two secrets of a new session. A browser sends a cookie to every port of a host, and takes one
/// from every port; what a page's script keeps is that port's alone. So both are asked for.
pub(super) struct Opened {
    pub(super) cookie: String,
    pub(super) key: String,
}

/// Why nobody was logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotOpened {
    /// The link was used, is too old, or never was.
    Unknown,
    /// Too many wrong links came in the last minute.
    TooMany,
    /// The system has no random numbers.
    Failed,
}

/// Links and sessions.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    links: Vec<Link>,
    open: Vec<Session>,
    /// Since when wrong links are counted, and how many.
    wrong: Option<(Time, u32)>,
}

impl Sessions {
    /// A new link's token.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub(super) fn issue(&mut self, grant: Grant, now: Time) -> io::Result<String> {
        let token = secret()?;
        self.links.retain(|link| now.since(link.made) < LINK_LIFE);
        if LINKS <= self.links.len() {
            self.links.remove(0);
        }
        self.links.push(Link { token: digest(&token), grant, made: now });
        Ok(token)
    }

    /// Opens a session for a link, which is then used up.
    pub(super) fn log_in(
        &mut self,
        address: SocketAddr,
        token: &str,
        now: Time,
    ) -> Result<Opened, NotOpened> {
        let wrong = self.wrong.filter(|(since, _)| now.since(*since) < WHILE);
        if wrong.is_some_and(|(_, count)| WRONG <= count) {
            return Err(NotOpened::TooMany);
        }
        self.links.retain(|link| now.since(link.made) < LINK_LIFE);
        let token = digest(token);
        // All are compared, so that the time it takes says nothing.
        let mut found = None;
        for (at, link) in self.links.iter().enumerate() {
            if is_same(&link.token, &token) && link.grant.address == address {
                found = Some(at);
            }
        }
        let Some(at) = found else {
            let (since, count) = wrong.unwrap_or((now, 0));
            self.wrong = Some((since, count.saturating_add(1)));
            return Err(NotOpened::Unknown);
        };
        let link = self.links.remove(at);
        let opened = Opened {
            cookie: secret().map_err(|_| NotOpened::Failed)?,
            key: secret().map_err(|_| NotOpened::Failed)?,
        };
        self.open.retain(|session| now.since(session.used) < IDLE);
        if SESSIONS <= self.open.len()
            && let Some(at) = self.unused_for_longest()
        {
            self.open.remove(at);
        }
        self.open.push(Session {
            cookie: digest(&opened.cookie),
            key: digest(&opened.key),
            grant: link.grant,
            used: now,
        });
        Ok(opened)
    }

    fn unused_for_longest(&self) -> Option<usize> {
        let used = self.open.iter().enumerate().map(|(at, session)| (session.used, at));
        used.min().map(|(_, at)| at)
    }

    /// What the session with these secrets is good for at this address.
    pub(super) fn find(
        &mut self,
        address: SocketAddr,
        (cookie, key): (&str, &str),
        now: Time,
    ) -> Option<Grant> {
        let (cookie, key) = (digest(cookie), digest(key));
        self.open.retain(|session| now.since(session.used) < IDLE);
        let mut found = None;
        for session in &mut self.open {
            let same = is_same(&session.cookie, &cookie) && is_same(&session.key, &key);
            if same && session.grant.address == address {
                session.used = now;
                found = Some(session.grant.clone());
            }
        }
        found
    }

    /// Ends the session with this cookie.
    pub(super) fn log_out(&mut self, cookie: &str) {
        let cookie = digest(cookie);
        self.open.retain(|session| !is_same(&session.cookie, &cookie));
    }

    /// Ends what is good for addresses that are no more.
    pub(super) fn keep(&mut self, stays: impl Fn(&SocketAddr) -> bool) {
        self.links.retain(|link| stays(&link.grant.address));
        self.open.retain(|session| stays(&session.grant.address));
    }
}

/// 256 random bits as text.
fn secret() -> io::Result<String> {
    let bytes = secret_key::fresh()?;
    Ok(hex(&bytes))
}

/// Bytes in hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

fn digest(secret: &str) -> Digest {
    Sha256::digest(secret.as_bytes()).into()
}

/// Compares in a time that does not depend on where they differ.
fn is_same(left: &Digest, right: &Digest) -> bool {
    left.iter().zip(right).fold(0, |differs, (left, right)| differs | (left ^ right)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn grant() -> Grant {
        Grant { address: address(9616), scope: Scope::Every, read_only: false }
    }

    fn at(seconds: u64) -> Time {
        Time::default().after(Duration::from_secs(seconds))
    }

    #[test]
    fn a_link_opens_one_session_and_only_at_its_address() {
        let mut sessions = Sessions::default();
        let token = sessions.issue(grant(), at(0)).unwrap();
        assert_eq!(token.len(), 64);
        let elsewhere = sessions.log_in(address(1), &token, at(1)).err();
        assert_eq!(elsewhere, Some(NotOpened::Unknown));
        let opened = sessions.log_in(address(9616), &token, at(2)).ok().unwrap();
        assert_eq!(sessions.log_in(address(9616), &token, at(3)).err(), Some(NotOpened::Unknown));
        let secrets = (opened.cookie.as_str(), opened.key.as_str());
        assert_eq!(sessions.find(address(9616), secrets, at(4)), Some(grant()));
        assert_eq!(sessions.find(address(1), secrets, at(4)), None);
        // The cookie alone, which other ports of the host get too, is not enough.
        assert_eq!(sessions.find(address(9616), (secrets.0, ""), at(4)), None);
        assert_eq!(sessions.find(address(9616), ("", secrets.1), at(4)), None);
        sessions.log_out(secrets.0);
        assert_eq!(sessions.find(address(9616), secrets, at(5)), None);
    }

    #[test]
    fn links_and_sessions_grow_old() {
        let mut sessions = Sessions::default();
        let token = sessions.issue(grant(), at(0)).unwrap();
        assert!(sessions.log_in(address(9616), &token, at(300)).is_err());
        let token = sessions.issue(grant(), at(0)).unwrap();
        let opened = sessions.log_in(address(9616), &token, at(299)).ok().unwrap();
        let secrets = (opened.cookie.as_str(), opened.key.as_str());
        let half_a_day = 12 * 3600;
        assert!(sessions.find(address(9616), secrets, at(299 + half_a_day - 1)).is_some());
        assert!(sessions.find(address(9616), secrets, at(299 + 2 * half_a_day - 2)).is_some());
        assert!(sessions.find(address(9616), secrets, at(299 + 3 * half_a_day)).is_none());
    }

    #[test]
    fn guesses_are_bounded_in_number() {
        let mut sessions = Sessions::default();
        let token = sessions.issue(grant(), at(0)).unwrap();
        for _ in 0..WRONG {
            let guess = sessions.log_in(address(9616), "guess", at(1)).err();
            assert_eq!(guess, Some(NotOpened::Unknown));
        }
        assert_eq!(sessions.log_in(address(9616), &token, at(2)).err(), Some(NotOpened::TooMany));
        assert!(sessions.log_in(address(9616), &token, at(62)).is_ok());
    }

    #[test]
    fn the_number_of_links_and_sessions_is_bounded() {
        let mut sessions = Sessions::default();
        let mut first = None;
        for seconds in 0..200 {
            sessions.issue(grant(), at(seconds)).unwrap();
            let token = sessions.issue(grant(), at(seconds)).unwrap();
            let opened = sessions.log_in(address(9616), &token, at(seconds)).ok().unwrap();
            first.get_or_insert(opened);
        }
        // The last link that was made is used up.
        assert_eq!((sessions.links.len(), sessions.open.len()), (LINKS - 1, SESSIONS));
        let first = first.unwrap();
        let secrets = (first.cookie.as_str(), first.key.as_str());
        assert_eq!(sessions.find(address(9616), secrets, at(201)), None);
        sessions.keep(|_| false);
        assert_eq!((sessions.links.len(), sessions.open.len()), (0, 0));
    }
}
