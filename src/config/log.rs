//! Where the steps of reading put the problems they find, each only once.

use std::{cell::RefCell, collections::HashSet, path::PathBuf, sync::Arc};

use super::fault::{Fault, Faults, Problem, SourceText, Span};

/// No more problems than this are kept: a person reads the first few.
const KEPT: usize = 10_000;

type Seen = HashSet<(&'static str, PathBuf, Option<Span>)>;

/// The problems and warnings of one reading.
#[derive(Debug)]
pub(crate) struct Log {
    /// The main file's text; of several files that are read as one, theirs one after the other.
    pub(crate) source: Arc<SourceText>,
    /// Those files, each with where it begins; none if the text is that of one.
    parts: Vec<(usize, Arc<SourceText>)>,
    faults: RefCell<Vec<Fault>>,
    warnings: RefCell<Vec<Fault>>,
    seen: RefCell<Seen>,
}

impl Log {
    pub(crate) fn new(source: SourceText) -> Self {
        Self {
            source: Arc::new(source),
            parts: Vec::new(),
            faults: RefCell::default(),
            warnings: RefCell::default(),
            seen: RefCell::default(),
        }
    }

    /// Several files that are read as one, with what was said about them. A problem is shown in the
    /// one it is in.
    pub(crate) fn joined(logs: Vec<Self>) -> Self {
        let name = logs.first().map_or_else(PathBuf::new, |first| first.source.name.clone());
        let mut text = String::new();
        let mut parts = Vec::new();
        let (mut faults, mut warnings) = (Vec::new(), Vec::new());
        for log in logs {
            let source = log.source;
            faults.extend(log.faults.into_inner());
            warnings.extend(log.warnings.into_inner());
            if !text.is_empty() && !text.ends_with('\n') {
                text.push('\n');
            }
            let start = text.len();
            text.push_str(&source.text);
            parts.push((start, source));
        }
        let (faults, warnings) = (faults.into(), warnings.into());
        Self { parts, faults, warnings, ..Self::new(SourceText::new(name, text)) }
    }

    /// The same text with nothing said about it.
    pub(crate) fn again(&self) -> Self {
        let source = SourceText::new(self.source.name.clone(), self.source.text.clone());
        Self { parts: self.parts.clone(), ..Self::new(source) }
    }

    /// The files of the text, each with where it begins.
    pub(crate) fn parts(&self) -> Vec<(usize, Arc<SourceText>)> {
        if self.parts.is_empty() { vec![(0, Arc::clone(&self.source))] } else { self.parts.clone() }
    }

    /// The problem in the file it is in.
    fn placed(&self, problem: Problem) -> Fault {
        let start = problem.labels.first().map_or(0, |(span, _)| span.start);
        let part = self.parts.iter().rev().find(|(from, _)| *from <= start);
        let Some((from, source)) = part else { return problem.in_source(&self.source) };
        let end = from + source.text.len();
        let within = |span: &Span| *from <= span.start && span.start <= end;
        let labels = problem.labels.into_iter().filter(|(span, _)| within(span));
        let moved = |span: Span| {
            Span::new(span.start.saturating_sub(*from), span.end.saturating_sub(*from))
        };
        let labels = labels.map(|(span, label)| (moved(span), label)).collect();
        Problem { labels, ..problem }.in_source(source)
    }

    /// A problem in the main file. An anchor used ten times, or a default under ten apps, makes
    /// one fault.
    pub(crate) fn push(&self, problem: Problem) {
        self.keep(&self.faults, problem, |problem| self.placed(problem));
    }

    /// A problem in another file.
    pub(crate) fn push_in(&self, source: &Arc<SourceText>, problem: Problem) {
        self.keep(&self.faults, problem, |problem| problem.in_source(source));
    }

    /// Something to tell that hinders nothing.
    pub(crate) fn warn(&self, problem: Problem) {
        self.keep(&self.warnings, problem, |problem| self.placed(problem));
    }

    fn keep(
        &self,
        kept: &RefCell<Vec<Fault>>,
        problem: Problem,
        placed: impl FnOnce(Problem) -> Fault,
    ) {
        // Finding its place takes time.
        if KEPT <= kept.borrow().len() {
            return;
        }
        let fault = placed(problem);
        if self.is_new(&fault) {
            kept.borrow_mut().push(fault);
        }
    }

    fn is_new(&self, fault: &Fault) -> bool {
        let place = fault.labels.first().map(|(span, _)| *span);
        self.seen.borrow_mut().insert((fault.code, fault.file.clone(), place))
    }

    /// The warnings so far, which are not told again.
    pub(crate) fn take_warnings(&self) -> Vec<Fault> {
        self.warnings.take()
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
