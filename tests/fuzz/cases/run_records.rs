//! The file of a run, which a later keeper reads.

use eco::protocol::{DeclaredPort, Ports, RecordFile};

use super::{
    Case,
    keeper_protocol::{record, sink},
};

/// The input is the content of the file.
pub const CASE: Case = Case { name: "run_records", run, seeds };

fn run(bytes: &[u8]) -> bool {
    let file = match RecordFile::decode(bytes) {
        Ok(file) => file,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return false;
        }
    };
    let again = file.encode();
    assert_eq!(RecordFile::decode(&again).as_ref(), Ok(&file));
    // A keeper that died while it wrote leaves a beginning of the file.
    for cut in 0..again.len() {
        assert!(RecordFile::decode(&again[..cut]).is_err(), "cut at {cut}: {file:?}");
    }
    true
}

fn seeds() -> Vec<Vec<u8>> {
    let ports = vec![DeclaredPort { host: Some([127, 0, 0, 1].into()), port: 3000 }];
    let full = RecordFile {
        record: record(),
        boot_id: b"0f6c4c3e-0f5b-4c39-9f56-2a8b6f1d7c55".to_vec(),
        pipes: [11, 12],
        sink: sink(),
        ports: Some(Ports { cohort: 7, group: 3, ports, fds: false }),
        cgroup: Some("/sys/fs/cgroup/eco/run-7".into()),
    };
    let bare = RecordFile {
        record: eco::protocol::Record::default(),
        boot_id: Vec::new(),
        pipes: [0, 0],
        sink: sink(),
        ports: None,
        cgroup: None,
    };
    vec![full.encode(), bare.encode()]
}
