//! Which metrics there are: their names, meanings and labels, and where their numbers come from.
//!
//! Labels are project, app and index, the instance's: there are as many series as instances, however
//! often those are replaced. Two runs of one instance, while one takes the other's place, are one
//! series. A label `instance` is what Prometheus gives to whom it asks, and would rename one of ours.

use std::collections::BTreeMap;

use super::{
    AppMetrics, MetricsReply,
    text::{Family, Kind, Labels, Number, Sample},
    work,
};
use crate::{
    api::InstanceReply,
    model::{AppState, InstancePhase},
};

/// Every word of `eco_app_state`.
const STATES: [(AppState, &str); 8] = [
    (AppState::Ready, "ready"),
    (AppState::Converging, "converging"),
    (AppState::Degraded, "degraded"),
    (AppState::CrashLooping, "crash_looping"),
    (AppState::Stopped, "stopped"),
    (AppState::Off, "off"),
    (AppState::Done, "done"),
    (AppState::Failed, "failed"),
];

/// All metrics, in the order they are told.
pub(super) fn all(reply: &MetricsReply) -> Vec<Family> {
    let mut families = own(reply);
    families.extend(apps(reply));
    families.extend(instances(reply));
    families.extend(jobs(reply));
    families.extend(work::all(reply));
    families
}

/// What a family is, without its numbers: name, kind, unit, help.
pub(super) type Meaning = (&'static str, Kind, Option<&'static str>, &'static str);

pub(super) fn family(
    (name, kind, unit, help): Meaning,
    samples: impl Iterator<Item = Sample>,
) -> Family {
    Family { name, kind, unit, help, samples: samples.collect() }
}

pub(super) fn sample(labels: Labels, value: Number) -> Sample {
    Sample { labels, value, part: None, created: None }
}

fn own(reply: &MetricsReply) -> Vec<Family> {
    let process = |value: fn(&super::OwnProcess) -> Option<Number>| {
        reply.processes.iter().filter_map(move |process| {
            Some(sample(vec![("process", process.role.clone())], value(process)?))
        })
    };
    vec![
        family(
            ("eco_build", Kind::Info, None, "The program that answers."),
            [sample(vec![("version", reply.version.clone())], Number::Whole(1))].into_iter(),
        ),
        family(
            (
                "eco_process_memory_bytes",
                Kind::Gauge,
                Some("bytes"),
                "Resident memory of eco's own processes.",
            ),
            process(|it| it.memory.map(Number::Whole)),
        ),
        family(
            (
                "eco_process_cpu_seconds",
                Kind::Counter,
                Some("seconds"),
                "Processor time of eco's own processes, each since its start.",
            ),
            process(|it| it.cpu_seconds.map(Number::Real)),
        ),
    ]
}

pub(super) fn each_app(reply: &MetricsReply) -> impl Iterator<Item = (Labels, &AppMetrics)> {
    reply.projects.iter().flat_map(|project| {
        project.apps.iter().map(|app| {
            let labels =
                vec![("project", project.project.clone()), ("app", app.status.name.clone())];
            (labels, app)
        })
    })
}

fn apps(reply: &MetricsReply) -> Vec<Family> {
    let gauge = |value: fn(&AppMetrics) -> Number| {
        each_app(reply).map(move |(labels, app)| sample(labels, value(app)))
    };
    vec![
        family(
            ("eco_app", Kind::Info, None, "The revision an app is to have."),
            each_app(reply).map(|(labels, app)| {
                sample(with(&labels, "revision", app.status.revision.clone()), Number::Whole(1))
            }),
        ),
        family(
            (
                "eco_app_desired_instances",
                Kind::Gauge,
                Some("instances"),
                "How many instances of an app are to run.",
            ),
            gauge(|app| Number::Whole(app.status.desired.into())),
        ),
        family(
            (
                "eco_app_ready_instances",
                Kind::Gauge,
                Some("instances"),
                "How many instances of an app are ready.",
            ),
            gauge(|app| Number::Whole(app.status.ready.into())),
        ),
        family(
            ("eco_app_state", Kind::StateSet, None, "How an app is doing, in one word."),
            each_app(reply).flat_map(|(labels, app)| {
                STATES.map(|(state, word)| {
                    let labels = with(&labels, "eco_app_state", word.to_owned());
                    sample(labels, flag(state == app.status.state))
                })
            }),
        ),
        rollouts(reply),
        family(
            (
                "eco_rollout_in_progress",
                Kind::Gauge,
                None,
                "Whether instances of an app run that are not what it is to be, or are being \
                 replaced.",
            ),
            gauge(|app| flag(is_rolling(app))),
        ),
    ]
}

fn rollouts(reply: &MetricsReply) -> Family {
    family(
        ("eco_app_rollout", Kind::StateSet, None, "How the latest change of an app came on."),
        each_app(reply).flat_map(|(labels, app)| {
            let is = match (is_rolling(app), app.rolled_back) {
                (true, _) => "rolling",
                (false, true) => "rolled_back",
                (false, false) => "settled",
            };
            ["rolling", "rolled_back", "settled"].map(|word| {
                let labels = with(&labels, "eco_app_rollout", word.to_owned());
                sample(labels, flag(word == is))
            })
        }),
    )
}

/// Whether a run is of another revision than the desired one, or an instance is there twice.
fn is_rolling(app: &AppMetrics) -> bool {
    let running = || app.status.instances.iter().filter(|it| it.pid.is_some());
    let former = |it: &InstanceReply| it.revision.as_ref() != Some(&app.status.revision);
    let mut ids: Vec<&str> = running().map(|it| it.id.as_str()).collect();
    ids.sort_unstable();
    let runs = ids.len();
    ids.dedup();
    0 < app.status.desired && (ids.len() < runs || running().any(former))
}

/// All there is of one instance.
struct Instance<'a> {
    labels: Labels,
    replies: Vec<&'a InstanceReply>,
    run: Option<&'a super::RunMetrics>,
}

fn each_instance(reply: &MetricsReply) -> Vec<Instance<'_>> {
    let mut found = Vec::new();
    for (labels, app) in each_app(reply) {
        let mut by_index: BTreeMap<u32, Vec<&InstanceReply>> = BTreeMap::new();
        for instance in &app.status.instances {
            let index = instance.id.rsplit('/').next().and_then(|text| text.parse().ok());
            if let Some(index) = index {
                by_index.entry(index).or_default().push(instance);
            }
        }
        found.extend(by_index.into_iter().map(|(index, replies)| Instance {
            labels: with(&labels, "index", index.to_string()),
            replies,
            run: app.runs.iter().find(|run| run.index == index),
        }));
    }
    found
}

fn instances(reply: &MetricsReply) -> Vec<Family> {
    let all = each_instance(reply);
    let gauge = |value: fn(&Instance<'_>) -> Option<Number>| {
        all.iter().filter_map(move |it| Some(sample(it.labels.clone(), value(it)?)))
    };
    let cpu = all.iter().filter_map(|it| {
        let run = it.run?;
        let (value, created) = (Number::Real(run.cpu_seconds?), Some(run.started));
        Some(Sample { created, ..sample(it.labels.clone(), value) })
    });
    vec![
        family(
            ("eco_instance_up", Kind::Gauge, None, "Whether an instance has a process."),
            gauge(|it| Some(flag(it.replies.iter().any(|reply| is_up(reply))))),
        ),
        family(
            ("eco_instance_ready", Kind::Gauge, None, "Whether an instance is ready."),
            gauge(|it| {
                Some(flag(it.replies.iter().any(|reply| reply.phase == InstancePhase::Ready)))
            }),
        ),
        family(
            (
                "eco_instance_restarts",
                Kind::Counter,
                None,
                "How often an instance was started again after an exit nobody asked for.",
            ),
            gauge(|it| it.replies.iter().map(|reply| reply.restarts).max().map(Number::Whole)),
        ),
        family(
            (
                "eco_instance_start_time_seconds",
                Kind::Gauge,
                Some("seconds"),
                "When the latest run of an instance was started, since 1970.",
            ),
            gauge(|it| it.run.map(|run| Number::Real(run.started))),
        ),
        family(
            (
                "eco_instance_memory_bytes",
                Kind::Gauge,
                Some("bytes"),
                "Memory of an instance, with what the processes it started have for themselves.",
            ),
            gauge(|it| {
                it.replies.iter().filter_map(|reply| reply.memory).reduce(add).map(Number::Whole)
            }),
        ),
        family(
            (
                "eco_instance_cpu_seconds",
                Kind::Counter,
                Some("seconds"),
                "Processor time of the latest run of an instance and all it has started.",
            ),
            cpu,
        ),
    ]
}

fn is_up(reply: &InstanceReply) -> bool {
    match reply.phase {
        InstancePhase::Starting | InstancePhase::Ready | InstancePhase::Stopping => {
            reply.pid.is_some()
        }
        InstancePhase::Waiting
        | InstancePhase::Exited
        | InstancePhase::Done
        | InstancePhase::Failed => false,
    }
}

fn jobs(reply: &MetricsReply) -> Vec<Family> {
    let gauge = |value: fn(&super::JobMetrics) -> Option<f64>| {
        each_app(reply).filter_map(move |(labels, app)| {
            Some(sample(labels, Number::Real(value(app.job.as_ref()?)?)))
        })
    };
    vec![
        family(
            (
                "eco_job_last_success_timestamp_seconds",
                Kind::Gauge,
                Some("seconds"),
                "When the last run of a job ended that succeeded, since 1970.",
            ),
            gauge(|job| job.last_success),
        ),
        family(
            (
                "eco_job_last_duration_seconds",
                Kind::Gauge,
                Some("seconds"),
                "How long the last run of a job took that has ended.",
            ),
            gauge(|job| job.last_duration),
        ),
        family(
            (
                "eco_job_next_run_timestamp_seconds",
                Kind::Gauge,
                Some("seconds"),
                "When a job is due next by its schedule, since 1970.",
            ),
            gauge(|job| job.next),
        ),
    ]
}

pub(super) fn with(labels: &Labels, name: &'static str, value: String) -> Labels {
    let mut labels = labels.clone();
    labels.push((name, value));
    labels
}

fn flag(value: bool) -> Number {
    Number::Whole(u64::from(value))
}

fn add(one: u64, other: u64) -> u64 {
    one.saturating_add(other)
}
