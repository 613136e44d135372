//! Reading, merging and following log files.

mod choosing;
mod following;
mod merging;
mod parts;

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use eco::{
    api::{LogFile, LogFormat, Stream},
    logs::{Form, Query, print},
};

const ALL: Query = query(Form::Text { times: false });
const RAW: Query = query(Form::Bytes);

const fn query(form: Form) -> Query {
    Query { last: None, since: None, until: None, matching: None, form, color: false }
}

fn log(dir: &Path, name: &str, id: &str, stream: Stream) -> LogFile {
    let (log, index) = (dir.join(format!("{name}.log")), dir.join(format!("{name}.idx")));
    let (format, timestamps) = (LogFormat::Text, false);
    LogFile { id: id.to_owned(), stream, log, index, format, timestamps }
}

fn append(path: &PathBuf, bytes: &[u8]) {
    let mut file: File = OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

/// Writes as the recorder does: the bytes, and one record for them.
fn record(file: &LogFile, nanos: u64, bytes: &[u8]) {
    let offset = std::fs::metadata(&file.log).map_or(0, |meta| meta.len());
    append(&file.log, bytes);
    append(&file.index, &[nanos.to_le_bytes(), offset.to_le_bytes()].concat());
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_nanos()).unwrap()
}

fn at(nanos: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanos)
}

fn printed(files: &[LogFile], query: &Query) -> String {
    String::from_utf8(bytes(files, query)).unwrap()
}

fn bytes(files: &[LogFile], query: &Query) -> Vec<u8> {
    let mut out = Vec::new();
    print(files, query, &mut out).unwrap();
    out
}
