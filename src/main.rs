//! Picks which of eco's processes this one is, and runs it.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("__keeper") => eco::keeper::main(args, eco::controller::check_stored),
        Some("__recorder") => eco::recorder::main(args),
        Some("__selftest") => eco::keeper::self_test(args),
        Some("__controller") => eco::controller::main(),
        Some(_) | None => eco::cli::main(),
    }
}
