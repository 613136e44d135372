//! What a caller may send to the API: requests, in whole or in part, one or several.

use eco::{
    api::{
        DaemonStopRequest, DaemonUpgradeRequest, EventsRequest, LookupRequest, Operation,
        OperationRequest, Target, path,
    },
    controller::fuzzing::{Conversation, converse},
};
use serde::Serialize;

use super::{Case, file_reader};

/// The input is what comes on a connection. If it begins with the path of the API, without a method
/// before it, the rest is the body of a good request to that.
pub const CASE: Case = Case { name: "api_requests", run, seeds };

fn run(bytes: &[u8]) -> bool {
    let framed = framed(bytes);
    let talk = converse_with(framed.as_deref().unwrap_or(bytes));
    assert!(talk.garbled.is_empty(), "{talk:?}");
    let text = String::from_utf8_lossy(&talk.answer);
    assert!(text.is_empty() || text.starts_with("HTTP/1."), "{text}");
    assert!(talk.requests.len() <= text.matches("HTTP/1.").count(), "{text}");
    if framed.is_some() {
        check_one(&text);
    }
    !talk.requests.is_empty() || text.contains("controller_pid")
}

fn converse_with(bytes: &[u8]) -> Conversation {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(converse(bytes)).unwrap()
}

/// `/v1/… BODY` as a request.
fn framed(bytes: &[u8]) -> Option<Vec<u8>> {
    let end = bytes.iter().position(|byte| *byte == b' ')?;
    let (path, body) = (&bytes[..end], &bytes[end + 1..]);
    if !path.starts_with(b"/v1/")
        || !path.iter().all(|byte| byte.is_ascii_lowercase() || b"v1/".contains(byte))
    {
        return None;
    }
    Some(request(std::str::from_utf8(path).ok()?, body))
}

fn request(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: eco\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// Whatever is in the body, there is one whole answer.
fn check_one(text: &str) {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    assert!([200, 400, 404, 405, 409, 415, 422, 500].contains(&status), "{text}");
    assert!(status != 500 || body.contains("controller_ending"), "{text}");
    if head.contains("content-type: application/json") {
        serde_json::from_str::<serde_json::Value>(body).unwrap();
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let target = Target {
        project: Some("shop".parse().unwrap()),
        dir: "/srv/shop".into(),
        every_project: false,
        apps: ["web", "shop:web/1", "tag:edge", "all"].map(|text| text.parse().unwrap()).into(),
        memory: true,
    };
    let operations = [
        Operation::Restart,
        Operation::Rollback(Some(3)),
        Operation::Scale(4),
        Operation::Signal("SIGHUP".parse().unwrap()),
        Operation::RunJob(7),
    ];
    let mut seeds = vec![
        seed(path::LOOKUP, &LookupRequest { dir: "/srv/shop".into() }),
        seed(path::STATUS, &target),
        seed(path::DESCRIBE, &target),
        seed(path::LOGS, &target),
        seed(path::HISTORY, &target),
        seed(
            path::EVENTS,
            &EventsRequest {
                target: target.clone(),
                last: 5,
                follow: true,
                ..EventsRequest::default()
            },
        ),
        seed(path::DAEMON_STOP, &DaemonStopRequest { leave_apps: true }),
        seed(path::DAEMON_UPGRADE, &DaemonUpgradeRequest { program: "/usr/bin/eco".into() }),
    ];
    seeds.extend(operations.map(|operation| {
        let target = target.clone();
        seed(path::OPERATE, &OperationRequest { target, operation, wait: true, timeout: 1.5 })
    }));
    let apply = file_reader::a_request();
    seeds.extend([path::DIFF, path::APPLY].map(|path| seed(path, &apply)));
    let status = request(path::STATUS, &serde_json::to_vec(&target).unwrap());
    let daemon = b"GET /v1/daemon HTTP/1.1\r\nHost: eco\r\n\r\n";
    seeds.push([daemon, &status[..], daemon].concat());
    seeds.push(
        b"POST /v1/lookup HTTP/1.1\r\nhost: eco\r\ncontent-type: application/json\r\n\
          transfer-encoding: chunked\r\nexpect: 100-continue\r\n\r\n\
          b\r\n{\"dir\":\"/a\"\r\n1\r\n}\r\n0\r\n\r\n"
            .to_vec(),
    );
    seeds
}

fn seed(path: &str, body: &impl Serialize) -> Vec<u8> {
    [path.as_bytes(), b" ", &serde_json::to_vec(body).unwrap()].concat()
}
