//! Placeholder.
pub fn start_keeper(_: &super::home::Home) -> std::io::Result<()> {
    Ok(())
}
