//! What becomes of the keys of another program's file.

use super::{
    layout::{Cell, Table},
    style::{Paint, Style},
};

/// For each key its names, what it becomes, and what there is to say about it.
pub fn fields(rows: &[[String; 3]], style: &Style) -> String {
    let mut table = Table::new(&[]);
    for [names, what, how] in rows {
        table.row(vec![Cell::new(what), Cell::new(names)]);
        if !how.is_empty() {
            table.note(4, how, Paint::Dim);
        }
    }
    table.render(style)
}
