//! A program that misbehaves on demand, for tests.
fn main() {}
