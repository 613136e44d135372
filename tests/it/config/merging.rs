//! Profiles, defaults, short forms and `null`.

use eco::model::{AppSpec, EnvValue, RestartWhen, Template};

use super::{env, read_text, read_with};

fn app(text: &str, profile: Option<&str>, name: &str) -> AppSpec {
    let loaded = read_with(text, &env(), profile);
    let loaded = loaded.unwrap_or_else(|faults| panic!("{}", faults.render(100, false)));
    loaded.apps[&name.parse().unwrap()].clone()
}

fn value(app: &AppSpec, name: &str) -> String {
    match &app.env[name] {
        EnvValue::Set(text) => text.display(),
        EnvValue::Unset => "(unset)".to_owned(),
        EnvValue::File { path, .. } => path.display().to_string(),
    }
}

#[test]
fn short_forms_expand_before_they_merge() {
    let text =
        "defaults: { restart: { policy: never, limit: none }, watch: { paths: x, ignore: a } }
apps: { web: { command: x, restart: on-failure, watch: sub } }";
    let app = app(text, None, "web");
    assert_eq!(app.restart.policy, RestartWhen::OnFailure);
    assert_eq!(app.restart.limit, None);
    let watch = app.watch.unwrap();
    assert!(watch.paths[0].ends_with("good/sub"));
    assert_eq!(watch.ignore, ["a"]);
}

#[test]
fn the_profile_goes_over_the_document_and_defaults_under_each_app() {
    let text = "name: shop
defaults: { env: { A: default, B: default, C: default }, tags: [d], stop: { timeout: 5s } }
apps:
  web: { command: x, env: { B: app } }
  api: { command: y, tags: [a, b], stop: null }
  old: { command: z }
profiles:
  p:
    name: shop-p
    defaults: { env: { C: profile } }
    apps: { web: { env: { A: profile } }, old: null, new: { command: n } }";
    let plain = read_with(text, &env(), None).unwrap();
    assert_eq!(plain.name.as_str(), "shop");
    let names: Vec<String> = plain.apps.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["api", "old", "web"]);
    let loaded = read_with(text, &env(), Some("p")).unwrap();
    assert_eq!(loaded.name.as_str(), "shop-p");
    assert_eq!(loaded.profile.as_deref(), Some("p"));
    let names: Vec<String> = loaded.apps.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["api", "new", "web"]);
    let web = app(text, Some("p"), "web");
    assert_eq!(
        [value(&web, "A"), value(&web, "B"), value(&web, "C")],
        ["profile", "app", "profile"]
    );
    let api = app(text, Some("p"), "api");
    assert_eq!(api.tags.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(api.stop.timeout.as_secs(), 10);
}

#[test]
fn null_in_env_takes_away_and_elsewhere_restores_the_default() {
    let text = "defaults: { env: { A: 1 }, instances: 3, watch: sub }
apps: { web: { command: x, env: { A: null, B: \"\" }, instances: null, watch: null } }";
    let app = app(text, None, "web");
    assert_eq!(app.env["A"], EnvValue::Unset);
    assert_eq!(app.env["B"], EnvValue::Set(Template::literal("")));
    assert_eq!(app.instances, 1);
    assert_eq!(app.watch, None);
}

#[test]
fn lists_and_commands_replace() {
    let text = "apps: { web: { command: [a, b, c], env_file: [base.env, more.env] } }
profiles: { p: { apps: { web: { command: { shell: d }, env_file: more.env } } } }";
    let app = app(text, Some("p"), "web");
    assert_eq!(app.command, eco::model::Command::Shell(Template::literal("d")));
    assert!(!app.env.contains_key("A"));
}

#[test]
fn merge_keys_and_anchors_work_everywhere() {
    let text = "x-a: &a { instances: 2, env: &e { A: 1 } }
x-b: &b { instances: 3, tags: t }
apps:
  web: { <<: [*a, *b], command: x }
  api: { command: y, env: { <<: *e, B: 2 } }
  chain: { <<: &c { <<: *b, instances: 5 }, command: z }";
    let web = app(text, None, "web");
    assert_eq!((web.instances, web.tags.len(), value(&web, "A").as_str()), (2, 1, "1"));
    assert_eq!(value(&app(text, None, "api"), "B"), "2");
    let chain = app(text, None, "chain");
    assert_eq!((chain.instances, chain.tags.len()), (5, 1));
}

#[test]
fn an_unused_profile_is_checked_for_its_shape_only() {
    let good =
        "apps: { a: { command: x } }\nprofiles: { p: { apps: { b: { instances: '${NO}' } } } }";
    assert!(read_text(good).is_ok());
    let bad = "apps: { a: { command: x } }\nprofiles: { p: { apps: { b: { instances: no } } } }";
    assert!(read_text(bad).is_err());
}
