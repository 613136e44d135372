//! Faults as a person reads them: the lines of the file with the place underlined.

use std::{collections::HashMap, fmt, ops::Range, path::Path};

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, NamedSource, SourceCode, SourceSpan, SpanContents,
};

use super::{
    excerpt::Excerpt,
    fault::{Fault, Faults, Span},
};

/// Faults beyond this many are only counted.
const SHOWN: usize = 100;

impl Faults {
    /// Everything for a terminal `width` columns wide: each fault with its lines, in order of
    /// place. At most 100 are shown, the rest counted.
    pub fn render(&self, width: usize, color: bool) -> String {
        let theme =
            if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(width.max(40))
            .with_context_lines(1)
            .tab_width(2)
            .with_links(false);
        let excerpts = self.excerpts();
        let mut out = String::new();
        for (index, fault) in self.iter().take(SHOWN).enumerate() {
            if index != 0 {
                out.push('\n');
            }
            let shown = Shown::new(fault, excerpts.get(fault.file.as_path()));
            if handler.render_report(&mut out, &shown).is_err() {
                out.push_str(&fault.one_line());
                out.push('\n');
            }
        }
        if let Some(more) = self.len().checked_sub(SHOWN).filter(|more| *more != 0) {
            let word = if more == 1 { "fault" } else { "faults" };
            out.push_str("\n… and ");
            out.push_str(&more.to_string());
            out.push_str(" more ");
            out.push_str(word);
            out.push('\n');
        }
        out
    }

    /// A printable text for each file that has a fault at a place.
    fn excerpts(&self) -> HashMap<&Path, Printable> {
        let mut places: HashMap<&Path, Vec<Span>> = HashMap::new();
        for fault in self.iter().take(SHOWN) {
            let spans = fault.labels.iter().map(|(span, _)| *span);
            places.entry(fault.file.as_path()).or_default().extend(spans);
        }
        let mut made = HashMap::new();
        for fault in self {
            let Some(source) = &fault.source else { continue };
            let path = fault.file.as_path();
            let Some(places) = places.get(path).filter(|_| !made.contains_key(path)) else {
                continue;
            };
            let mut excerpt = Excerpt::new(&source.text, places);
            let text = std::mem::take(&mut excerpt.text);
            let named = NamedSource::new(path.to_string_lossy(), text);
            made.insert(path, Printable { excerpt, named });
        }
        made
    }
}

struct Printable {
    excerpt: Excerpt,
    named: NamedSource<String>,
}

/// A fault in the form the renderer wants.
struct Shown<'a> {
    fault: &'a Fault,
    source: Option<Placed<'a>>,
}

/// A printable text with the places of one fault in it.
struct Placed<'a> {
    text: &'a NamedSource<String>,
    places: Vec<Range<usize>>,
    /// The columns of the places in the file, from 0. In the text lines may be cut.
    columns: Vec<usize>,
}

impl<'a> Shown<'a> {
    fn new(fault: &'a Fault, printable: Option<&'a Printable>) -> Self {
        let source = printable.zip(fault.source.as_ref()).map(|(printable, source)| {
            let spans = || fault.labels.iter().map(|(span, _)| *span);
            let place = |span| printable.excerpt.place(span);
            let places = spans().map(place).map(|place| place.start..place.end).collect();
            let column = |span: Span| source.position(span.start).1.saturating_sub(1);
            let columns = spans().map(|span| usize::try_from(column(span)).unwrap_or(0)).collect();
            Placed { text: &printable.named, places, columns }
        });
        Self { fault, source }
    }
}

impl SourceCode for Placed<'_> {
    fn read_span<'b>(
        &'b self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'b> + 'b>, MietteError> {
        let found = self.text.read_span(span, before, after)?;
        // The renderer asks so for the column it prints above the lines.
        let asked = self.places.iter().position(|place| place.start == span.offset());
        let column = asked.and_then(|index| self.columns.get(index)).copied();
        let Some(column) = column.filter(|_| before == 0 && after == 0) else { return Ok(found) };
        Ok(Box::new(MietteSpanContents::new_named(
            self.text.name().to_owned(),
            found.data(),
            *found.span(),
            found.line(),
            column,
            found.line_count(),
        )))
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.source.is_none() {
            write!(f, "{}: ", self.fault.file.display())?;
        }
        f.write_str(&self.fault.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.fault.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| -> &dyn SourceCode { source })
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let source = self.source.as_ref()?;
        let labels = self.fault.labels.iter().zip(source.places.iter().cloned());
        Some(Box::new(labels.enumerate().map(|(index, ((_, label), range))| {
            let label = Some(label.clone()).filter(|label| !label.is_empty());
            if index == 0 {
                LabeledSpan::new_primary_with_span(label, range)
            } else {
                LabeledSpan::new_with_span(label, range)
            }
        })))
    }
}
