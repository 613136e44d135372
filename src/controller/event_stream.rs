//! The events as server-sent events, for browsers and curl.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse as _, Response, Sse,
        sse::{Event, KeepAlive},
    },
};

use super::{
    calls::Call,
    refusals::{Asked, bad_query, refuse},
    serve::{Calls, ask},
};
use crate::api::{EventReply, EventsQuery};

/// While nothing happens a comment is sent so often: what lies between keeps the connection open, and
/// one whose other end is gone is found out.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Events as they happen. The `id` of each is its `seq`, by which a client that was cut off goes on
/// without losing or repeating one.
pub(super) async fn events(
    State(calls): State<Calls>,
    headers: HeaderMap,
    Asked(mut query): Asked<EventsQuery>,
) -> Response {
    if let Some(seen) = headers.get("last-event-id") {
        let Some(seq) = seen.to_str().ok().and_then(|text| text.trim().parse().ok()) else {
            return bad_query("`Last-Event-ID` has to be the `id` of an event, which is a number");
        };
        (query.after, query.last) = (Some(seq), None);
    }
    match ask(&calls, |answer| Call::Events(query.request(), answer)).await {
        Ok(lines) => {
            let events = futures_util::stream::unfold(lines, |mut lines| async move {
                let event = lines.recv().await?;
                Some((Ok::<_, Infallible>(sent(&event)), lines))
            });
            let keep_alive = KeepAlive::new().interval(KEEP_ALIVE);
            Sse::new(events).keep_alive(keep_alive).into_response()
        }
        Err(error) => refuse(&error),
    }
}

fn sent(event: &EventReply) -> Event {
    // Text has no line end in JSON, so that it is one line of data.
    let data = serde_json::to_string(event).unwrap_or_default();
    Event::default().id(event.seq.to_string()).data(data)
}
