//! Changes, line by line: how they come in, fail, are undone, taken back and superseded.
