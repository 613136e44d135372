//! What is wrong with a request by its form, said as JSON like every refusal: the loop is not asked.

use axum::{
    Json,
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Query, Request, rejection::QueryRejection},
    http::{HeaderMap, Method, StatusCode, Uri, header::CONTENT_TYPE, request::Parts},
    response::{IntoResponse as _, Response},
};
use serde::de::DeserializeOwned;

use crate::api::{ApiError, decode};

/// The code of a refusal because of others that ask at the same time.
const TOO_MANY: &str = "too_many";

/// The body of a request.
pub(super) struct Sent<Q>(pub(super) Q);

impl<S: Send + Sync, Q: DeserializeOwned> FromRequest<S> for Sent<Q> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            let text = "the header `Content-Type` has to say `application/json`";
            return Err(bad_body(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
        }
        let bytes = Bytes::from_request(Request::from_parts(parts, body), state).await;
        let bytes = bytes.map_err(|error| bad_body(error.status(), error.body_text()))?;
        // Of a struct a list would do, too, with its fields in order: nobody means that.
        if bytes.trim_ascii_start().first() == Some(&b'[') {
            let text = "the body has to be an object, and is a list";
            return Err(bad_body(StatusCode::UNPROCESSABLE_ENTITY, text));
        }
        match Json::from_bytes(&bytes) {
            Ok(Json(body)) => Ok(Self(body)),
            Err(error) => Err(bad_body(error.status(), error.body_text())),
        }
    }
}

/// The query of a request.
pub(super) struct Asked<Q>(pub(super) Q);

impl<S: Send + Sync, Q: DeserializeOwned> FromRequestParts<S> for Asked<Q> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let pairs: Result<Query<Vec<(String, String)>>, QueryRejection> =
            Query::from_request_parts(parts, state).await;
        let pairs = pairs.map_err(|rejection| bad_query(rejection.body_text()))?;
        decode(pairs.0).map(Self).map_err(|error| bad_query(error.to_string()))
    }
}

/// A refusal of the loop.
pub(super) fn refuse(error: &ApiError) -> Response {
    let status = match error.error.exit {
        1 if error.error.code == TOO_MANY => StatusCode::TOO_MANY_REQUESTS,
        2 => StatusCode::BAD_REQUEST,
        1 => StatusCode::CONFLICT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, Json(error)).into_response()
}

/// A query that says nothing eco understands.
pub(super) fn bad_query(text: impl Into<String>) -> Response {
    let error = ApiError::input("bad_query", text);
    (StatusCode::BAD_REQUEST, Json(error)).into_response()
}

/// More ask at once than are answered.
pub(super) fn too_many(text: impl Into<String>) -> ApiError {
    ApiError::refused(TOO_MANY, text).help("end some of them, or try again later")
}

/// Whether a body is said to be JSON.
fn is_json(headers: &HeaderMap) -> bool {
    let said = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let said = said.and_then(|text| text.split(';').next()).unwrap_or_default();
    said.trim().eq_ignore_ascii_case("application/json")
}

fn bad_body(status: StatusCode, text: impl Into<String>) -> Response {
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "not_json",
        StatusCode::UNPROCESSABLE_ENTITY => "bad_request",
        _ => "bad_json",
    };
    let error = ApiError::input(code, text);
    (status, Json(error)).into_response()
}

/// There is nothing at a path.
pub(super) async fn no_such_path(uri: Uri) -> Response {
    let error = ApiError::input("no_such_path", format!("there is nothing at {}", uri.path()));
    (StatusCode::NOT_FOUND, Json(error)).into_response()
}

/// What is at a path takes other methods; which, the header `Allow` says.
pub(super) async fn other_method(method: Method, uri: Uri) -> Response {
    let error = ApiError::input("method", format!("{} takes no {method}", uri.path()));
    (StatusCode::METHOD_NOT_ALLOWED, Json(error)).into_response()
}
