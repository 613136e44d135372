//! Who calls: what the kernel says of the other end of the socket, and what the caller says itself.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{
        FromRequestParts,
        connect_info::{ConnectInfo, Connected},
    },
    http::{HeaderMap, request::Parts},
    serve::IncomingStream,
};

use super::serve::Own;
use crate::{api::CallerReply, host::accounts, model::Operator};

/// A name service that takes longer is not waited for: a command goes before its caller's name.
const PATIENCE: Duration = Duration::from_secs(1);

/// The user at the other end of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer {
    pub(super) uid: u32,
}

impl Connected<IncomingStream<'_, Own>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Own>) -> Self {
        *stream.remote_addr()
    }
}

/// Who calls, for the calls that change something; nothing if no kernel says so.
#[derive(Clone, Debug)]
pub(super) struct Who(pub(super) Option<Operator>);

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let Some(ConnectInfo(peer)) = parts.extensions.get::<ConnectInfo<Peer>>().copied() else {
            return Ok(Self(None));
        };
        let said = |name, most| said(&parts.headers, name, most);
        Ok(Self(Some(Operator {
            uid: peer.uid,
            user: name_of(peer.uid).await,
            sudo_user: said(CallerReply::SUDO_USER, Operator::LONGEST_NAME),
            command: said(CallerReply::COMMAND, Operator::LONGEST_COMMAND),
        })))
    }
}

/// A name service may ask other machines: not in the loop.
async fn name_of(uid: u32) -> Option<String> {
    let asked = tokio::task::spawn_blocking(move || accounts::user(&uid.to_string())?.name);
    let name = tokio::time::timeout(PATIENCE, asked).await.ok()?.ok()??;
    Some(Operator::bounded(&name, Operator::LONGEST_NAME))
}

fn said(headers: &HeaderMap, name: &str, most: usize) -> Option<String> {
    let text = String::from_utf8_lossy(headers.get(name)?.as_bytes()).into_owned();
    Some(Operator::bounded(&text, most)).filter(|text| !text.is_empty())
}
