//! What `depends_on`, `kind` and `schedule` become.

use eco::{
    config::Loaded,
    model::{AppSpec, Condition, Cron, Dependency, Kind, Overlap, RestartWhen},
};

use super::{read_text, read_with};

fn app<'a>(loaded: &'a Loaded, name: &str) -> &'a AppSpec {
    &loaded.apps[&name.parse().unwrap()]
}

fn ties(loaded: &Loaded, name: &str) -> Vec<(String, Dependency)> {
    let ties = &app(loaded, name).depends_on;
    ties.iter().map(|(name, it)| (name.to_string(), *it)).collect()
}

fn after(name: &str, is: Condition) -> (String, Dependency) {
    (name.to_owned(), Dependency { is, restart_with: false })
}

const OTHERS: &str = "  db: { command: db }\n  migrate: { command: migrate, kind: job }\n";

#[test]
fn dependencies_have_short_forms() {
    let read = |depends_on: &str| {
        let text = format!("apps:\n  web: {{ command: w, depends_on: {depends_on} }}\n{OTHERS}");
        let loaded = read_text(&text).unwrap_or_else(|faults| panic!("{}", faults.one_line()));
        ties(&loaded, "web")
    };
    let both = [after("db", Condition::Ready), after("migrate", Condition::Completed)];
    assert_eq!(read("db"), both[..1]);
    assert_eq!(read("[db, migrate]"), both);
    assert_eq!(read("{ db: ready, migrate: completed }"), both);
    assert_eq!(read("{ db: , migrate: {} }"), both);
    assert_eq!(read("{ migrate: started }"), [after("migrate", Condition::Started)]);
    let restarted = Dependency { is: Condition::Ready, restart_with: true };
    assert_eq!(read("{ db: { restart_with: true } }"), [("db".to_owned(), restarted)]);
}

#[test]
fn dependencies_merge_by_name() {
    let text = format!(
        "apps:\n  web: {{ command: w, depends_on: db }}\n{OTHERS}profiles:\n  \
         more: {{ apps: {{ web: {{ depends_on: migrate }} }} }}\n  \
         less: {{ apps: {{ web: {{ depends_on: {{ db: null }} }} }} }}\n"
    );
    let with = |profile| ties(&read_with(&text, &super::env(), Some(profile)).unwrap(), "web");
    let both = [after("db", Condition::Ready), after("migrate", Condition::Completed)];
    assert_eq!(with("more"), both);
    assert_eq!(with("less"), []);
}

#[test]
fn defaults_for_what_runs_all_the_time_pass_jobs_by() {
    let text = "defaults: { restart: always, instances: 2, rollout: { min_ready: 3s }, \
                ready: { delay: 1s }, watch: ., tags: a }\n\
                apps:\n  job: { command: j, kind: job }\n  web: { command: w }\n";
    let loaded = read_text(text).unwrap();
    let job = app(&loaded, "job");
    assert_eq!((job.instances, job.restart.policy), (1, RestartWhen::Never));
    assert!(job.watch.is_none() && job.tags.contains("a"));
    let web = app(&loaded, "web");
    assert_eq!((web.instances, web.restart.policy), (2, RestartWhen::Always));
    let all = "defaults: { kind: job }\napps:\n  one: { command: j }\n  \
               web: { command: w, kind: service }\n";
    let loaded = read_text(all).unwrap();
    assert_eq!((app(&loaded, "one").kind, app(&loaded, "web").kind), (Kind::Job, Kind::Service));
}

#[test]
fn schedules_are_read_with_their_zone() {
    let text = "apps:\n  nightly:\n    command: n\n    kind: job\n    schedule: 30 2 * * *\n    \
                timezone: Europe/Berlin\n    overlap: queue\n    catch_up: true\n  \
                web: { command: w, restart: { cron: \"@daily\" } }\n";
    let loaded = read_text(text).unwrap();
    let schedule = app(&loaded, "nightly").schedule.clone().unwrap();
    let zone = Some("Europe/Berlin".to_owned());
    assert_eq!(schedule.cron, Cron { expression: "30 2 * * *".to_owned(), timezone: zone });
    assert_eq!((schedule.overlap, schedule.catch_up), (Overlap::Queue, true));
    let cron = app(&loaded, "web").restart.cron.clone().unwrap();
    assert_eq!(cron, Cron { expression: "@daily".to_owned(), timezone: None });
}
