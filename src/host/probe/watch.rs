//! Asks a run that is ready again and again whether it still lives, until it was not well too often
//! in a row.

use std::time::Duration;

use tokio::sync::watch;

use super::{
    report::Reporter,
    subject::ProbeKind,
    tries::{Asked, SHORTEST},
};
use crate::{
    host::clock,
    model::{InstanceVars, LivePolicy, Time},
};

/// A run that is asked whether it lives, and how.
#[derive(Debug)]
pub struct Watched {
    pub(super) kind: ProbeKind,
    pub(super) first: Time,
    pub(super) timeout: Duration,
    pub(super) rhythm: Rhythm,
}

/// When it is asked, and when that was too often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    interval: Duration,
    failures: u32,
}

/// What came of the latest try, for those who want to know how a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastTry {
    /// When it ended; `None` if there was none yet.
    pub at: Option<Time>,
    /// How long it took.
    pub took: Duration,
    /// What was seen, in a few words, if it failed.
    pub fault: Option<String>,
    /// How many have failed in a row.
    pub failures: u32,
}

impl Watched {
    /// What `policy` asks of the instance of `vars`, whose run became ready at `since`.
    ///
    /// What cannot be asked is no error here: the reason is what makes it fail.
    pub fn new(policy: &LivePolicy, vars: &InstanceVars<'_>, since: Time) -> Self {
        let probe = policy.probe.as_ready();
        Self {
            kind: ProbeKind::new(&probe, vars).unwrap_or_else(ProbeKind::Unusable),
            first: since.after(policy.start_period),
            timeout: policy.timeout,
            rhythm: Rhythm { interval: policy.interval, failures: policy.failures },
        }
    }
}

/// What cannot be asked: it fails every time.
pub(super) struct Unusable(pub(super) String);

impl Asked for Unusable {
    async fn ask(&mut self, _: &Reporter) -> Result<(), String> {
        Err(self.0.clone())
    }
}

/// Asks from `first` on.
pub(super) async fn watch(
    mut asked: impl Asked,
    first: Time,
    rhythm: Rhythm,
    reporter: Reporter,
    last: watch::Sender<LastTry>,
) {
    clock::sleep_until(Some(first)).await;
    let mut failures = 0;
    let mut well = None;
    loop {
        let began = clock::now();
        let fault = asked.ask(&reporter).await.err();
        let at = clock::now();
        failures = if fault.is_some() { failures + 1 } else { 0 };
        let took = at.since(began);
        last.send_replace(LastTry { at: Some(at), took, fault: fault.clone(), failures });
        reporter.tried(at, took, fault.is_some()).await;
        match fault {
            None => well = Some(at),
            Some(why) if rhythm.failures <= failures => {
                return reporter.not_live(at, well, why).await;
            }
            Some(_) => {}
        }
        tokio::time::sleep(rhythm.interval.max(SHORTEST)).await;
    }
}
