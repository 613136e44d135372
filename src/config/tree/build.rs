//! Parser events into the tree: anchors and aliases, `<<`, duplicate keys, limits of size and depth.

use std::{
    collections::{HashMap, HashSet},
    ops::ControlFlow,
    rc::Rc,
};

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::{Entry, Kind, Node, syntax};
use crate::config::{
    fault::{Problem, Span},
    log::Log,
    suggest::{did_you_mean, quoted},
};

/// More values than this, aliases expanded, is an attack or a mistake.
const MAX_VALUES: usize = 500_000;
/// Deeper than this, aliases expanded, is an attack or a mistake. The parser stops at it too.
const MAX_DEPTH: usize = 64;

/// Reads a text into its tree. `None` if it cannot be read on; what is wrong is in the log.
pub(crate) fn parse(log: &Log) -> Option<Rc<Node>> {
    let text = log.source.text.as_str();
    let options = granit_parser::options! {
        emit_unresolved_aliases: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder::new(text, log);
    loop {
        match parser.next_event()? {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or(0..0);
                if builder.on_event(event, Span::new(range.start, range.end)).is_break() {
                    return builder.root;
                }
            }
            Err(error) => {
                log.push(syntax::problem(text, &error));
                return None;
            }
        }
    }
}

/// A collection that is still open.
enum Frame {
    List { items: Vec<Rc<Node>>, anchor: usize, span: Span },
    Map(OpenMap),
}

struct OpenMap {
    entries: Vec<Entry>,
    seen: HashMap<Rc<str>, Span>,
    /// A key whose value is to come.
    key: Option<Key>,
    anchor: usize,
    span: Span,
    has_merge: bool,
}

enum Key {
    Good(Rc<str>, Span),
    /// Its value is dropped; what is wrong was said.
    Bad,
}

struct Builder<'a> {
    text: &'a str,
    log: &'a Log,
    anchors: HashMap<usize, Rc<Node>>,
    stack: Vec<Frame>,
    root: Option<Rc<Node>>,
    values: usize,
}

impl<'a> Builder<'a> {
    fn new(text: &'a str, log: &'a Log) -> Self {
        Self { text, log, anchors: HashMap::new(), stack: vec![], root: None, values: 0 }
    }

    fn on_event(&mut self, event: Event<'_>, span: Span) -> ControlFlow<()> {
        match event {
            Event::StreamEnd => {
                // Nothing but blanks and comments.
                self.root.get_or_insert_with(|| Node::scalar(span, String::new(), true));
                return ControlFlow::Break(());
            }
            Event::DocumentStart(..) if self.root.is_some() => {
                let problem = Problem::new(
                    "second_document",
                    "the file holds more than one YAML document",
                    span,
                    "a second one starts here",
                );
                self.log.push(
                    problem.help("put all apps into one document, or into files of their own"),
                );
                return ControlFlow::Break(());
            }
            Event::Scalar(text, style, anchor, tag) => {
                let node = self.scalar(text.into_owned(), style, tag.as_deref(), span);
                return self.finished(node, anchor);
            }
            Event::Alias(id) => {
                let node = self.alias(id, span);
                return self.finished(node, 0);
            }
            Event::UnresolvedAlias(name) => {
                self.unknown_anchor(&name, span);
                return self.finished(Node::map(span, vec![]), 0);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), span);
                self.stack.push(Frame::List { items: vec![], anchor, span });
            }
            Event::MappingStart(_, anchor, tag) => {
                self.check_tag(tag.as_deref(), span);
                self.stack.push(Frame::Map(OpenMap {
                    entries: vec![],
                    seen: HashMap::new(),
                    key: None,
                    anchor,
                    span,
                    has_merge: false,
                }));
            }
            Event::SequenceEnd | Event::MappingEnd => return self.close(span),
            // Nothing to keep. (The enum is not closed: the parser may come to know more.)
            Event::StreamStart | Event::DocumentEnd | Event::DocumentStart(..) | _ => {}
        }
        ControlFlow::Continue(())
    }

    fn scalar(&self, text: String, style: ScalarStyle, tag: Option<&Tag>, span: Span) -> Rc<Node> {
        self.check_tag(tag, span);
        if text.contains('\0') {
            let problem =
                Problem::new("nul", "a value cannot contain a NUL character", span, "here");
            self.log.push(problem);
        }
        let is_text = tag.is_some_and(|tag| tag.core_suffix() == Some("str"));
        Node::scalar(span, text, style == ScalarStyle::Plain && !is_text)
    }

    fn check_tag(&self, tag: Option<&Tag>, span: Span) {
        const KNOWN: [&str; 7] = ["str", "int", "float", "bool", "null", "map", "seq"];
        let Some(tag) = tag else { return };
        if !tag.core_suffix().is_some_and(|suffix| KNOWN.contains(&suffix)) {
            let message = format!("the tag {} means nothing here", quoted(&tag.original()));
            self.log.push(Problem::new("tag", message, span, "this value has the tag"));
        }
    }

    fn alias(&self, id: usize, span: Span) -> Rc<Node> {
        if let Some(node) = self.anchors.get(&id) {
            return Rc::clone(node);
        }
        let problem = Problem::new(
            "alias",
            "an alias cannot stand inside its own anchor",
            span,
            "refers to what it is part of",
        );
        self.log.push(problem);
        Node::map(span, vec![])
    }

    fn unknown_anchor(&self, name: &str, span: Span) {
        let known: HashSet<&str> = self
            .text
            .split('&')
            .skip(1)
            .filter_map(|rest| {
                rest.split(|c: char| c.is_whitespace() || ",[]{}".contains(c)).next()
            })
            .filter(|known| !known.is_empty() && *known != name)
            .collect();
        let near = did_you_mean(name, known).map(|text| text.replacen('`', "`*", 1));
        let message = format!("there is no anchor {} above this", quoted(&format!("&{name}")));
        let problem = Problem::new("unknown_anchor", message, span, "refers to nothing");
        self.log.push(problem.maybe_help(near));
    }

    /// The innermost collection is complete; `closing` is its bracket, if it has one.
    fn close(&mut self, closing: Span) -> ControlFlow<()> {
        let bracket = if closing.is_empty() { 0 } else { closing.end };
        match self.stack.pop() {
            Some(Frame::List { items, anchor, span }) => {
                let end = items.last().map_or(0, |item| item.span.end);
                let end = end.max(span.end).max(bracket);
                self.finished(Node::list(Span::new(span.start, end), items), anchor)
            }
            Some(Frame::Map(open)) => {
                let end = open.entries.iter().map(|entry| entry.value.span.end).max();
                let end = end.unwrap_or(0).max(open.span.end).max(bracket);
                let span = Span::new(open.span.start, end);
                let entries = if open.has_merge { self.merged(open.entries) } else { open.entries };
                self.finished(Node::map(span, entries), open.anchor)
            }
            None => ControlFlow::Continue(()),
        }
    }

    /// A value is complete: remember its anchor, and put it where it belongs.
    fn finished(&mut self, node: Rc<Node>, anchor: usize) -> ControlFlow<()> {
        // Collections were counted with their values; only what is new here is added.
        self.values = self.values.saturating_add(match node.kind {
            Kind::Scalar(_) => 1,
            Kind::List(_) | Kind::Map(_) => node.weight,
        });
        if MAX_VALUES < node.weight || MAX_VALUES.saturating_mul(4) < self.values {
            let problem = Problem::new(
                "too_large",
                format!("aliases make this more than {MAX_VALUES} values"),
                node.span,
                "grows without measure",
            );
            self.log.push(problem);
            self.root = None;
            return ControlFlow::Break(());
        }
        if MAX_DEPTH < node.depth {
            self.log.push(syntax::too_deep(node.span));
            self.root = None;
            return ControlFlow::Break(());
        }
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.stack.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, .. }) => items.push(node),
            Some(Frame::Map(open)) => open.take(node, self.log),
        }
        ControlFlow::Continue(())
    }

    /// Brings in the entries of `<<`; keys of the mapping itself win, then earlier sources.
    fn merged(&self, entries: Vec<Entry>) -> Vec<Entry> {
        let (merges, mut own): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|entry| &*entry.key == "<<");
        let mut seen: HashSet<Rc<str>> = own.iter().map(|entry| Rc::clone(&entry.key)).collect();
        for merge in merges {
            let sources = match &merge.value.kind {
                Kind::List(items) => items.clone(),
                Kind::Map(_) | Kind::Scalar(_) => vec![Rc::clone(&merge.value)],
            };
            for source in sources {
                let entries = source.entries().unwrap_or_else(|| {
                    self.not_mergeable(&source, merge.key_span);
                    &[]
                });
                let new = entries.iter().filter(|entry| seen.insert(Rc::clone(&entry.key)));
                own.extend(new.cloned());
            }
        }
        own
    }

    fn not_mergeable(&self, source: &Node, key_span: Span) {
        let span = if source.span.is_empty() { key_span } else { source.span };
        let message = "`<<` takes a mapping or a list of mappings";
        let label = format!("this is {}", source.noun());
        self.log.push(Problem::new("merge_key", message, span, label));
    }
}

impl OpenMap {
    fn take(&mut self, node: Rc<Node>, log: &Log) {
        match self.key.take() {
            None => self.key = Some(self.read_key(&node, log)),
            Some(Key::Bad) => {}
            Some(Key::Good(key, key_span)) => {
                self.entries.push(Entry { key, key_span, value: node, implied: false });
            }
        }
    }

    fn read_key(&mut self, node: &Node, log: &Log) -> Key {
        let Kind::Scalar(scalar) = &node.kind else {
            let problem = Problem::new(
                "key",
                "a key has to be a plain word",
                node.span,
                format!("this is {}", node.noun()),
            );
            log.push(problem);
            return Key::Bad;
        };
        let key: Rc<str> = scalar.text.as_str().into();
        if let Some(first) = self.seen.get(&key) {
            let message = format!("the key {} is there twice", quoted(&key));
            let problem = Problem::new("duplicate_key", message, node.span, "and again here");
            log.push(problem.also(*first, "first here").help("keep one of them"));
            return Key::Bad;
        }
        self.seen.insert(Rc::clone(&key), node.span);
        self.has_merge |= &*key == "<<" && scalar.plain;
        Key::Good(key, node.span)
    }
}
