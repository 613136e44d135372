//! The page itself: its files are part of the program.

use axum::body::Body;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH},
};
use sha2::{Digest as _, Sha256};

use super::sessions::hex;

/// A file of the page.
struct Asset {
    path: &'static str,
    kind: &'static str,
    content: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Lists files with their paths.
macro_rules! assets {
    ($($path:literal $kind:ident $file:literal,)*) => {
        &[$(Asset { path: $path, kind: $kind, content: include_str!($file) },)*]
    };
}

/// `/login` is the same page: what follows `#` in its address is not sent.
const ASSETS: &[Asset] = assets![
    "/" HTML "page/index.html",
    "/login" HTML "page/index.html",
    "/assets/app.css" STYLE "page/app.css",
    "/assets/icon.svg" ICON "page/icon.svg",
    "/assets/app.js" SCRIPT "page/app.js",
    "/assets/server.js" SCRIPT "page/server.js",
    "/assets/store.js" SCRIPT "page/store.js",
    "/assets/words.js" SCRIPT "page/words.js",
    "/assets/dom.js" SCRIPT "page/dom.js",
    "/assets/overview.js" SCRIPT "page/overview.js",
    "/assets/detail.js" SCRIPT "page/detail.js",
    "/assets/charts.js" SCRIPT "page/charts.js",
    "/assets/logs.js" SCRIPT "page/logs.js",
    "/assets/happened.js" SCRIPT "page/happened.js",
    "/assets/actions.js" SCRIPT "page/actions.js",
    "/assets/vendor/uPlot.js" SCRIPT "page/vendor/uPlot.iife.min.js",
    "/assets/vendor/uPlot.css" STYLE "page/vendor/uPlot.min.css",
    "/assets/vendor/uPlot.LICENSE" TEXT "page/vendor/uPlot.LICENSE",
];

const ICON: &str = "image/svg+xml";
const TEXT: &str = "text/plain; charset=utf-8";

/// The file at a path. A browser that has it already is told so.
pub(super) fn asset(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let asset = ASSETS.iter().find(|asset| asset.path == path)?;
    let digest = Sha256::digest(asset.content.as_bytes());
    let tag = HeaderValue::from_str(&format!("\"{}\"", hex(&digest))).ok()?;
    let has_it = headers.get(IF_NONE_MATCH) == Some(&tag);
    let body = if has_it { Body::empty() } else { Body::from(asset.content) };
    let mut response = Response::new(body);
    if has_it {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(ETAG, tag);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    Some(response)
}
