//! Picks which of the four processes this one is, and runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    eco::cli::main()
}
