//! Which services run without their containers, and what becomes of the others.

use std::collections::HashSet;

use super::{
    File, Service,
    dockerfile::{Recipe, path_of},
    is_empty,
};
use crate::{
    config::written_tree::{Kind, Node, quoted},
    import::{
        tree::scalar,
        variables::{text_of, variables},
        yaml::at,
    },
};

/// What becomes of a service.
#[derive(Clone, Debug)]
pub(super) enum Fate {
    /// Its command runs on this machine.
    Runs,
    /// Its program is in this image only.
    Image(String),
    /// It is built, and what it runs is said elsewhere.
    NoCommand,
}

/// Images that bring a language, and no program of their own.
const LANGUAGES: [&str; 34] = [
    "node",
    "python",
    "ruby",
    "php",
    "golang",
    "rust",
    "openjdk",
    "eclipse-temurin",
    "amazoncorretto",
    "maven",
    "gradle",
    "elixir",
    "erlang",
    "perl",
    "swift",
    "dart",
    "haskell",
    "clojure",
    "julia",
    "composer",
    "bun",
    "deno",
    "alpine",
    "debian",
    "ubuntu",
    "busybox",
    "fedora",
    "rockylinux",
    "amazonlinux",
    "bash",
    "uv",
    "sdk",
    "aspnet",
    "runtime",
];

impl Fate {
    pub(super) fn of(node: &Node, built: &HashSet<&str>, recipe: Option<&Recipe>) -> Self {
        let image = text_of(at(node, &["image"])).unwrap_or_default();
        let is_built = at(node, &["build"]).is_some() || built.contains(image);
        if !is_built && !image.is_empty() && !is_language(image) {
            return Self::Image(image.to_owned());
        }
        let has = |key| at(node, &[key]).is_some_and(|entry| !is_empty(&entry.value));
        let is_said = |recipe: &Recipe| recipe.command.is_some() || recipe.entrypoint.is_some();
        if has("command") || has("entrypoint") || recipe.is_some_and(is_said) {
            Self::Runs
        } else if is_built || image.is_empty() {
            Self::NoCommand
        } else {
            Self::Image(image.to_owned())
        }
    }
}

fn is_language(image: &str) -> bool {
    let path = image.split('@').next().unwrap_or(image);
    let name = path.rsplit('/').next().unwrap_or(path);
    let name = name.split(':').next().unwrap_or(name);
    LANGUAGES.contains(&name)
}

impl File<'_> {
    /// Says of a service that is no app why, and how it could be one.
    pub(super) fn left_out(&self, service: &Service) {
        let at_key = service.key_span;
        let key = &*service.key;
        match &service.fate {
            Fate::Runs => {}
            Fate::Image(image) => {
                let why =
                    format!("it is the image {}, not a program of this machine", quoted(image));
                let run = self.docker_run(service, image);
                self.notes.left_out(
                    at_key,
                    key,
                    &format!(
                        "{why}. As an app it could be `{}: {{ command: {run} }}`",
                        service.name
                    ),
                );
            }
            Fate::NoCommand => {
                let build = at(&service.node, &["build"]);
                let why = match build.map(|build| path_of(&build.value)) {
                    Some(file) => format!(
                        "it has no `command`, and no {file} that says one (CMD) can be read here"
                    ),
                    None => "it has neither an image nor a `command`".to_owned(),
                };
                self.notes.left_out(at_key, key, &why);
            }
        }
    }

    /// What runs the image; values of variables are not repeated, since some are secrets.
    fn docker_run(&self, service: &Service, image: &str) -> String {
        let node = &service.node;
        let texts = |key: &str| match at(node, &[key]).map(|entry| &entry.value.kind) {
            Some(Kind::List(items)) => items.iter().filter_map(|item| scalar(item)).collect(),
            Some(Kind::Scalar(_) | Kind::Map(_)) | None => Vec::new(),
        };
        let mut words: Vec<&str> = vec!["docker", "run", "--rm", "--name", &service.name];
        words.extend(texts("ports").into_iter().flat_map(|port| ["-p", port]));
        let environment = at(node, &["environment"]);
        let environment = environment.map(|entry| variables(self.values, entry));
        let environment = environment.unwrap_or_default();
        words.extend(environment.iter().flat_map(|variable| ["-e", variable.name]));
        words.extend(texts("volumes").into_iter().flat_map(|volume| ["-v", volume]));
        words.push(image);
        words.extend(text_of(at(node, &["command"])));
        let mut line = words.join(" ");
        for word in texts("command") {
            line.push(' ');
            line.push_str(&shlex::try_quote(word).unwrap_or_default());
        }
        line
    }
}
