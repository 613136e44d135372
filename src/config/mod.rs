//! Placeholder.
use crate::model::*;
use std::collections::BTreeMap;
use std::path::*;
#[derive(Debug)]
pub struct Source<'a> {
    pub env: &'a BTreeMap<String, String>,
    pub profile: Option<&'a str>,
    pub cpus: u32,
}
#[derive(Debug)]
pub struct Loaded {
    pub name: ProjectName,
    pub dir: PathBuf,
    pub file: PathBuf,
    pub profile: Option<String>,
    pub apps: BTreeMap<AppName, AppSpec>,
    pub vars_used: BTreeMap<String, String>,
    pub inputs: Vec<PathBuf>,
    pub text_digest: String,
    pub warnings: Vec<Fault>,
}
#[derive(Debug)]
pub struct Fault {
    pub code: &'static str,
    pub message: String,
    pub help: Option<String>,
    pub file: PathBuf,
    pub line: u32,
    pub col: u32,
}
impl Fault {
    pub fn one_line(&self) -> String {
        String::new()
    }
}
#[derive(Debug)]
pub struct Faults(Vec<Fault>);
impl Faults {
    pub fn one_line(&self) -> String {
        String::new()
    }
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }
    pub fn render(&self, _: usize, _: bool) -> String {
        String::new()
    }
}
pub fn load(_: &Path, _: &Source<'_>) -> Result<Loaded, Faults> {
    Err(Faults(vec![]))
}
pub fn check_static(_: &Path, _: &[u8]) -> Result<(), Faults> {
    Ok(())
}
pub fn check_file_static(_: &Path) -> Result<(), Faults> {
    Ok(())
}
pub fn json_schema() -> serde_json::Value {
    serde_json::Value::Null
}
pub fn text_digest(_: &[u8]) -> String {
    String::new()
}
pub fn parse_duration(_: &str) -> Result<std::time::Duration, String> {
    Err(String::new())
}
