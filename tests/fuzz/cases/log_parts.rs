//! Logs with a part that was put aside and compressed, and then damaged.

use std::{
    fs,
    time::{Duration, UNIX_EPOCH},
};

use eco::{
    api::{LogFile, LogFormat, Stream},
    logs::{Form, Query, print},
    protocol::Compression,
    recorder::pack_part,
};

use super::{Case, take};

/// The input: the form of the part, how many last lines (255 is all), since when (ns, u64), then the
/// part. Of the forms, two are only what is compressed in a block, and before it length and sum of
/// what that was: the head is put before it here.
pub const CASE: Case = Case { name: "log_parts", run, seeds };

const FORMS: usize = 4;
const HEADS: [&[u8]; 2] =
    [b"\x50\x2a\x4d\x18\x10\0\0\0eco1", b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x14\0EC\x10\0eco1"];
const BEFORE: &[u8] = b"what was before\n";
const AFTER: &[u8] = b"what is written now\nand more\n";

fn run(bytes: &[u8]) -> bool {
    let mut bytes = bytes;
    let ([form, last], since) = (take(&mut bytes), u64::from_le_bytes(take(&mut bytes)));
    let form = usize::from(form) % FORMS;
    let kind = form % HEADS.len();
    let part = if form < HEADS.len() { bytes.to_vec() } else { block(HEADS[kind], bytes) };

    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    let (log, index) = (path("a.out.log"), path("a.out.idx"));
    fs::write(&log, AFTER).unwrap();
    fs::write(path("a.out.1.log"), BEFORE).unwrap();
    fs::write(path(["a.out.2.log.zst", "a.out.2.log.gz"][kind]), part).unwrap();
    let (format, timestamps) = (LogFormat::Text, false);
    let id = "a/0".to_owned();
    let files = [LogFile { id, stream: Stream::Out, log, index, format, timestamps }];

    let last = (last != u8::MAX).then_some(usize::from(last));
    let since = Some(UNIX_EPOCH + Duration::from_nanos(since));
    for query in [(None, None), (last, None), (None, since), (last, since)] {
        let (last, since) = query;
        let (until, matching, form, color) = (None, None, Form::Bytes, false);
        let query = Query { last, since, until, matching, form, color };
        let mut out = Vec::new();
        if let Err(error) = print(&files, &query, &mut out) {
            assert!(error.to_string().contains("a.out.2.log"), "{error}");
            return false;
        }
        if query.last.is_none() && query.since.is_none() {
            assert!(out.starts_with(BEFORE), "{}", String::from_utf8_lossy(&out));
            assert!(out.ends_with(AFTER), "{}", String::from_utf8_lossy(&out));
        }
    }
    true
}

fn block(head: &[u8], mut bytes: &[u8]) -> Vec<u8> {
    let [length, sum] = [take::<4>(&mut bytes), take(&mut bytes)];
    let stored = u32::try_from(bytes.len()).unwrap();
    [head, &stored.to_le_bytes(), &length, &sum, bytes].concat()
}

fn seeds() -> Vec<Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let text = "a line of a part\nanother line, another length\n";
    let mut seeds = Vec::new();
    for repeat in [1, 30] {
        for (how, ending, head) in
            [(Compression::Zstd, "zst", HEADS[0]), (Compression::Gzip, "gz", HEADS[1])]
        {
            fs::write(dir.path().join("a.out.1.log"), text.repeat(repeat)).unwrap();
            pack_part(&dir.path().join("a.out.log"), 1, how).unwrap();
            let packed = fs::read(dir.path().join(format!("a.out.1.log.{ending}"))).unwrap();
            let since = 0_u64.to_le_bytes();
            let form = u8::from(ending == "gz");
            seeds.push([&[form, 255], &since[..], &packed].concat());
            seeds.push([&[form + 2, 3], &since[..], &packed[head.len() + 4..]].concat());
        }
    }
    seeds
}
