//! What browsers may ask: the page's files, logging in and out, and a part of the API. Who is not
//! logged in gets the files alone.

use std::{sync::Arc, time::Duration};

use axum::{Json, body::Body, extract::FromRequestParts as _, response::IntoResponse as _};
use http_body_util::{BodyExt as _, Limited};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::Incoming,
    header::{ALLOW, CACHE_CONTROL, HeaderName, HeaderValue, RETRY_AFTER, SET_COOKIE},
    http::request::Parts,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    assets, data,
    doors::{self, Doors, Sight, Visit},
    sessions::NotOpened,
};
use crate::{
    api::{ApiError, SCHEMA},
    controller::{refusals::Asked, serve::Calls},
    host::clock,
};

/// A request may be so large.
const MAX_BODY: usize = 64 * 1024;
/// And may take so long to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// What an answer is made with.
#[derive(Clone, Debug)]
pub(super) struct Desk {
    pub(super) calls: Calls,
    pub(super) doors: Arc<Doors>,
    pub(super) visit: Visit,
}

/// Answers one request.
pub(super) async fn respond(request: Request<Incoming>, desk: &Desk) -> Response<Body> {
    let mut response = if desk.doors.is_called_right(desk.visit, request.headers()) {
        heeded(request, desk).await
    } else {
        let text = "this page is not called by this name here";
        let help = "open the link that `eco dashboard` prints; further names stand in the file: \
                    `dashboard: { hosts: [NAME] }`";
        refusal(StatusCode::MISDIRECTED_REQUEST, "host", text, help)
    };
    protect(response.headers_mut());
    response
}

/// What a browser may do with our answers: show them in this page and nowhere else.
fn protect(headers: &mut HeaderMap) {
    const ALL: [(HeaderName, &str); 7] = [
        (
            hyper::header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src \
             'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ),
        (hyper::header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (hyper::header::REFERRER_POLICY, "no-referrer"),
        (hyper::header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-embedder-policy"), "require-corp"),
    ];
    for (name, value) in ALL {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}

async fn heeded(request: Request<Incoming>, desk: &Desk) -> Response<Body> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let is_get = head.method == Method::GET || head.method == Method::HEAD;
    if is_get && let Some(asset) = assets::asset(path, &head.headers) {
        return asset;
    }
    let wanted = match path {
        "/login" | "/logout" | "/api/v1/operate" => Method::POST,
        path if path.starts_with("/api/v1/") => Method::GET,
        _ => return refusal(StatusCode::NOT_FOUND, "not_found", "there is nothing here", ""),
    };
    if head.method != wanted {
        let mut answer = refusal(
            StatusCode::METHOD_NOT_ALLOWED,
            "method",
            &format!("only {wanted} is answered here"),
            "",
        );
        if let Ok(value) = HeaderValue::from_str(wanted.as_str()) {
            answer.headers_mut().insert(ALLOW, value);
        }
        return answer;
    }
    if doors::is_cross_site(&head.headers)
        || wanted == Method::POST && !doors::is_own(desk.visit, &head.headers)
    {
        let text = "only the page itself may ask this";
        return refusal(StatusCode::FORBIDDEN, "origin", text, "");
    }
    if path == "/login" {
        return log_in(body, desk, &head.headers).await;
    }
    if path == "/logout" {
        return log_out(desk, &head.headers);
    }
    let Some(sight) = desk.doors.sight(desk.visit, &head.headers) else {
        let text = "nobody is logged in here";
        return refusal(
            StatusCode::UNAUTHORIZED,
            "not_logged_in",
            text,
            "run `eco dashboard` and open the link that it prints",
        );
    };
    answer(head, body, desk, sight).await
}

async fn answer(mut head: Parts, body: Incoming, desk: &Desk, sight: Sight) -> Response<Body> {
    let query = data::Query::read(head.uri.query().unwrap_or_default());
    let (calls, sight) = (&desk.calls, &sight);
    let path = head.uri.path().to_owned();
    match path.as_str() {
        "/api/v1/session" => data::session(sight),
        "/api/v1/status" => data::status(calls, sight).await,
        "/api/v1/describe" => data::describe(calls, sight, &query).await,
        "/api/v1/history" => data::history(calls, sight, &query).await,
        "/api/v1/pending" => data::pending(calls, sight, &query).await,
        "/api/v1/events/stream" => match Asked::from_request_parts(&mut head, &()).await {
            Ok(Asked(query)) => data::events(calls, sight.clone(), query).await,
            Err(refused) => refused,
        },
        "/api/v1/logs/stream" => match Asked::from_request_parts(&mut head, &()).await {
            Ok(Asked(query)) => data::logs(calls, sight, query).await,
            Err(refused) => refused,
        },
        "/api/v1/operate" => match whole(body).await {
            Ok(bytes) => data::operate(calls, sight, &bytes).await,
            Err(refused) => refused,
        },
        _ => refusal(StatusCode::NOT_FOUND, "not_found", "there is nothing here", ""),
    }
}

/// The link's secret, sent by the page's script.
#[derive(Deserialize)]
struct LogIn {
    token: String,
}

async fn log_in(body: Incoming, desk: &Desk, headers: &HeaderMap) -> Response<Body> {
    let bytes = match whole(body).await {
        Ok(bytes) => bytes,
        Err(refused) => return refused,
    };
    let Ok(LogIn { token }) = serde_json::from_slice(&bytes) else {
        return refusal(StatusCode::BAD_REQUEST, "request", "there is no `token`", "");
    };
    let address = desk.visit.address;
    let opened = desk.doors.lock().sessions.log_in(address, &token, clock::now());
    let help = "run `eco dashboard` for a new one";
    let opened = match opened {
        Ok(opened) => opened,
        Err(NotOpened::Unknown) => {
            let text = "this link was used before, is too old, or is not complete";
            return refusal(StatusCode::UNAUTHORIZED, "link", text, help);
        }
        Err(NotOpened::TooMany) => {
            let text = "there were too many wrong links; try again in a minute";
            let mut refused = refusal(StatusCode::TOO_MANY_REQUESTS, "too_many", text, "");
            refused.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("60"));
            return refused;
        }
        Err(NotOpened::Failed) => {
            let text = "the system has no random numbers";
            return refusal(StatusCode::INTERNAL_SERVER_ERROR, "random", text, "");
        }
    };
    let mut response = json_of(StatusCode::OK, &json!({ "schema": SCHEMA, "key": opened.key }));
    let is_secure = doors::is_secure(desk.visit, headers);
    set_cookie(&mut response, desk, &opened.cookie, if is_secure { "; Secure" } else { "" });
    response
}

fn log_out(desk: &Desk, headers: &HeaderMap) -> Response<Body> {
    if let Some(cookie) = doors::cookie(headers, desk.visit.address) {
        desk.doors.lock().sessions.log_out(&cookie);
    }
    let mut response = json_of(StatusCode::OK, &json!({ "schema": SCHEMA }));
    set_cookie(&mut response, desk, "", "; Max-Age=0");
    response
}

fn set_cookie(response: &mut Response<Body>, desk: &Desk, value: &str, more: &str) {
    let name = doors::cookie_name(desk.visit.address);
    let cookie = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{more}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
}

/// All of a request that is small and comes in time.
async fn whole(body: Incoming) -> Result<Vec<u8>, Response<Body>> {
    match tokio::time::timeout(PATIENCE, Limited::new(body, MAX_BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes().to_vec()),
        Ok(Err(_)) => {
            let text = format!("a request has at most {MAX_BODY} bytes");
            Err(refusal(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &text, ""))
        }
        Err(_) => {
            let text = "the request did not come in time";
            Err(refusal(StatusCode::REQUEST_TIMEOUT, "too_slow", text, ""))
        }
    }
}

/// An error as the API answers it.
pub(super) fn refusal(status: StatusCode, code: &str, text: &str, help: &str) -> Response<Body> {
    let error = ApiError::input(code, text);
    let error = if help.is_empty() { error } else { error.help(help) };
    json_of(status, &error)
}

/// An answer in JSON.
pub(super) fn json_of(status: StatusCode, value: &impl serde::Serialize) -> Response<Body> {
    (status, Json(value)).into_response()
}
