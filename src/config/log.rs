//! Where the steps of reading put the problems they find, each only once.

use std::{cell::RefCell, collections::HashSet, path::PathBuf, sync::Arc};

use super::fault::{Fault, Faults, Problem, SourceText, Span};

/// No more problems than this are kept: a person reads the first few.
const KEPT: usize = 10_000;

type Seen = HashSet<(&'static str, PathBuf, Option<Span>)>;

/// The problems and warnings of one reading.
#[derive(Debug)]
pub(crate) struct Log {
    /// The main file's text.
    pub(crate) source: Arc<SourceText>,
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<Fault>>,
    seen: RefCell<Seen>,
}

impl Log {
    pub(crate) fn new(source: SourceText) -> Self {
        Self {
            source: Arc::new(source),
            faults: RefCell::default(),
            warnings: RefCell::default(),
            seen: RefCell::default(),
        }
    }

    /// A problem in the main file. An anchor used ten times, or a default under ten apps, makes
    /// one fault.
    pub(crate) fn push(&self, problem: Problem) {
        self.push_in(&self.source, problem);
    }

    /// A problem in another file.
    pub(crate) fn push_in(&self, source: &Arc<SourceText>, problem: Problem) {
        self.keep(&self.faults, source, problem);
    }

    /// Something to tell that hinders nothing.
    pub(crate) fn warn(&self, problem: Problem) {
        self.keep(&self.warnings, &self.source, problem);
    }

    fn keep(&self, kept: &RefCell<Vec<Fault>>, source: &Arc<SourceText>, problem: Problem) {
        // Finding its place takes time.
        if KEPT <= kept.borrow().len() {
            return;
        }
        let fault = problem.in_source(source);
        if self.is_new(&fault) {
            kept.borrow_mut().push(fault);
        }
    }

    fn is_new(&self, fault: &Fault) -> bool {
        let place = fault.labels.first().map(|(span, _)| *span);
        self.seen.borrow_mut().insert((fault.code, fault.file.clone(), place))
    }

    /// The warnings, or the faults if there are any.
    pub(crate) fn finish(self) -> Result<Faults, Faults> {
        let main = self.source.name.clone();
        let faults = self.faults.into_inner();
        if faults.is_empty() {
            Ok(Faults::sorted(self.warnings.into_inner(), &main))
        } else {
            Err(Faults::sorted(faults, &main))
        }
    }
}
