//! How a stored document lies in its file: one line with format and digest, then the document.
//!
//! The digest is there because a flipped bit in JSON is often still JSON, and would then be acted
//! on.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::StoredProject;

#[derive(Serialize, Deserialize)]
struct Head {
    schema: u32,
    sha256: String,
}

/// The bytes of a file that holds `body`.
pub(super) fn encode(body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{{\"schema\":{},\"sha256\":\"{:x}\"}}\n",
        StoredProject::SCHEMA,
        Sha256::digest(body)
    );
    [head.as_bytes(), body].concat()
}

/// Whether `bytes` are as some version of eco wrote them, understood or not.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut parts = bytes.splitn(2, |byte| *byte == b'\n');
    let (Some(head), Some(body)) = (parts.next(), parts.next()) else { return false };
    let head: serde_json::Value = serde_json::from_slice(head).unwrap_or_default();
    let sum = head.get("sha256").and_then(serde_json::Value::as_str);
    sum == Some(&*format!("{:x}", Sha256::digest(body)))
}

/// The document in `bytes`, or what is wrong with them.
pub(super) fn decode(bytes: &[u8]) -> Result<&[u8], String> {
    let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
        return Err(if bytes.is_empty() { "it is empty" } else { "it is cut off" }.to_owned());
    };
    let (head, body) = bytes.split_at(end);
    let body = body.strip_prefix(b"\n").unwrap_or(body);
    let head: Head = serde_json::from_slice(head)
        .map_err(|error| format!("its first line is damaged: {error}"))?;
    if head.schema != StoredProject::SCHEMA {
        return Err(format!(
            "it has format {}; this version of eco reads format {}",
            head.schema,
            StoredProject::SCHEMA
        ));
    }
    if head.sha256 != format!("{:x}", Sha256::digest(body)) {
        return Err("its digest does not fit: it was damaged or edited".to_owned());
    }
    Ok(body)
}
