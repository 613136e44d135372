//! Columns, wrapping and widths of text on a terminal.
