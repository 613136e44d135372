//! Profiles, defaults, short forms and `null`.

use std::time::Duration;

use eco::model::{AppSpec, EnvValue, Pass, ReadyProbe, RestartWhen, Share, Template};

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

fn ports(app: &AppSpec) -> Vec<String> {
    app.listen.iter().flat_map(|listen| &listen.ports).map(ToString::to_string).collect()
}

#[test]
fn ports_expand_before_they_merge() {
    let text = "defaults: { listen: { host: 127.0.0.1, queue: 30s } }
apps:
  web: { command: x, listen: 3000 }
  api: { command: x, listen: { port: 3001, queue: 1s } }
  two: { command: x, listen: [3002, { port: 3003, host: '::1', pass: fds }] }
  off: { command: x, listen: null }
profiles: { p: { apps: { web: { listen: { port: 4000, close_idle: false } }, api: { listen: '[::1]:3001' } } } }";
    let queue = |app: &AppSpec| app.listen.as_ref().unwrap().queue.as_secs();
    let web = app(text, None, "web");
    assert_eq!((ports(&web), queue(&web)), (vec!["127.0.0.1:3000".to_owned()], 30));
    assert_eq!(queue(&app(text, None, "api")), 1);
    let two = app(text, None, "two");
    assert_eq!(ports(&two), ["127.0.0.1:3002", "[::1]:3003"]);
    assert_eq!(two.listen.as_ref().unwrap().pass, Pass::Fds);
    assert_eq!(app(text, None, "off").listen, None);
    let web = app(text, Some("p"), "web");
    assert_eq!((ports(&web), queue(&web)), (vec!["127.0.0.1:4000".to_owned()], 30));
    assert!(!web.listen.unwrap().close_idle);
    assert_eq!(ports(&app(text, Some("p"), "api")), ["[::1]:3001"]);
}

#[test]
fn another_probe_replaces_and_the_same_one_merges() {
    let text = "defaults: { ready: { http: /healthz, interval: 1s } }
apps:
  web: { command: x, listen: 3000 }
  db: { command: x, ready: { tcp: 5432 } }
  none: { command: x, ready: null }
profiles: { p: { defaults: { ready: { http: { status: 204 } } } } }";
    let ReadyProbe::Http(http) = app(text, None, "web").ready.probe else { panic!() };
    assert_eq!((http.path.display().as_str(), http.status), ("/healthz", vec![(200, 399)]));
    let db = app(text, None, "db").ready;
    assert!(matches!(db.probe, ReadyProbe::Tcp(_)), "{db:?}");
    assert_eq!(db.interval, Duration::from_secs(1));
    assert_eq!(app(text, None, "none").ready.probe, ReadyProbe::Started);
    let ReadyProbe::Http(http) = app(text, Some("p"), "web").ready.probe else { panic!() };
    assert_eq!((http.path.display().as_str(), http.status), ("/healthz", vec![(204, 204)]));
}

#[test]
fn rollouts_merge_key_by_key() {
    let text = "defaults: { rollout: { max_surge: 2, deadline: 5m } }
apps: { web: { command: x, listen: 3000, rollout: { max_surge: null } }, api: { command: x, rollout: { min_ready: 0s } } }";
    let web = app(text, None, "web").rollout;
    assert_eq!((web.max_surge, web.max_unavailable), (Share::Count(1), Share::Count(0)));
    assert_eq!(web.deadline, Duration::from_secs(300));
    let api = app(text, None, "api").rollout;
    assert_eq!((api.max_surge, api.max_unavailable), (Share::Count(2), Share::Count(1)));
    assert_eq!(api.min_ready, Duration::ZERO);
}
