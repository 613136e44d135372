//! What is wrong with a request by its form, said as JSON like every refusal: the loop is not asked.

use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, Query, Request,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{Method, StatusCode, Uri, request::Parts},
    response::{IntoResponse as _, Response},
};
use serde::de::DeserializeOwned;

use crate::api::{ApiError, decode};

/// The body of a request.
pub(super) struct Sent<Q>(pub(super) Q);

impl<S: Send + Sync, Q: DeserializeOwned> FromRequest<S> for Sent<Q> {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        match Json::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(bad_body(&rejection)),
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
pub(super) fn too_many(text: impl Into<String>) -> Response {
    let error = ApiError::refused("too_many", text).help("end some of them, or try again later");
    (StatusCode::TOO_MANY_REQUESTS, Json(error)).into_response()
}

fn bad_body(rejection: &JsonRejection) -> Response {
    let status = rejection.status();
    let code = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "not_json",
        StatusCode::UNPROCESSABLE_ENTITY => "bad_request",
        _ => "bad_json",
    };
    let error = ApiError::input(code, rejection.body_text());
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
