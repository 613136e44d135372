//! How `eco apply` goes on and ends.

use eco::{
    api::{AppProgress, DiffReply, FailedInstance, Outcome, OutcomeKind, Progress},
    model::AppState,
    render::{LiveProgress, Style, Tail, outcome, progress_line},
};
use insta::assert_snapshot;

use super::{assert_fits, colored, visible};

fn app(name: &str, state: AppState, ready: u32, hold: Option<&str>) -> AppProgress {
    let settled = state != AppState::Converging;
    let hold = hold.map(str::to_owned);
    let updated = None;
    AppProgress {
        schema: 1,
        app: name.to_owned(),
        state,
        ready,
        desired: 2,
        updated,
        hold,
        settled,
    }
}

fn steps() -> Vec<Progress> {
    let wait = |time| format!("has to stay up for another {time}");
    let mut steps: Vec<Progress> = vec![
        app("api", AppState::Converging, 0, None),
        app("web", AppState::Converging, 1, Some(&wait("900ms"))),
        app("web", AppState::Converging, 1, Some(&wait("600ms"))),
        app("api", AppState::Ready, 2, None),
        app("web", AppState::Ready, 2, None),
    ]
    .into_iter()
    .map(Progress::App)
    .collect();
    steps.insert(0, Progress::Plan(DiffReply::default()));
    steps.push(Progress::Result(ended(OutcomeKind::Converged)));
    steps
}

fn ended(result: OutcomeKind) -> Outcome {
    let apps = vec![app("api", AppState::Ready, 2, None), app("web", AppState::Ready, 2, None)];
    Outcome { schema: 1, result, exit: 0, generation: 7, apps, failed: Vec::new(), seconds: 2.14 }
}

fn failure(result: OutcomeKind) -> Outcome {
    let failed = |id: &str, hold: &str, code: &str| FailedInstance {
        id: id.to_owned(),
        hold: hold.to_owned(),
        hold_code: code.to_owned(),
        stderr: None,
    };
    let hold =
        "crash-looping: ended after 40ms with code 1; failed 10 times in a row, next try in 30s";
    let mut outcome = ended(result);
    outcome.apps[1] = app("web", AppState::CrashLooping, 0, Some(hold));
    outcome.failed = vec![
        failed("web/0", hold, "crash_looping"),
        failed("web/1", &hold.replace("40", "41"), "crash_looping"),
        failed(
            "worker/0",
            "cannot execute its command: no such file or directory; failed once, next try in 1s",
            "spawn_failed",
        ),
    ];
    outcome
}

#[test]
fn in_a_pipe_each_change_is_a_line() {
    let mut live = LiveProgress::new(Style::plain(80), None);
    let text: String = steps().iter().map(|step| live.on(step)).collect();
    assert_snapshot!(text);
}

#[test]
fn on_a_terminal_the_table_is_drawn_again_in_place() {
    let mut live = LiveProgress::new(colored(60), Some(24));
    let texts: Vec<String> = steps().iter().map(|step| visible(&live.on(step))).collect();
    assert_snapshot!(texts.join("----\n"));
}

#[test]
fn a_change_says_how_far_it_is_and_how_long_it_takes() {
    let hold = Some("has to stay up for another 9m");
    let step = AppProgress { updated: Some(1), ..app("web", AppState::Converging, 2, hold) };
    let mut live = LiveProgress::new(Style::plain(80), Some(24));
    let minute = std::time::Duration::from_secs(61);
    let texts = [
        live.tick(minute),
        live.on(&Progress::App(step.clone())),
        live.tick(minute),
        live.on(&Progress::Result(ended(OutcomeKind::Converged))),
        live.tick(minute),
    ];
    assert_snapshot!(visible(&texts.join("----\n")));
    let mut piped = LiveProgress::new(Style::plain(80), None);
    let told = piped.on(&Progress::App(step));
    assert_eq!(told, "web: converging 2/2, 1 of 2 replaced, has to stay up for another 9m\n");
    assert_eq!(piped.tick(minute), "");
}

#[test]
fn a_table_never_outgrows_the_screen() {
    let mut live = LiveProgress::new(Style::plain(40), Some(6));
    let mut last = String::new();
    for index in 0..30 {
        let state = if index < 20 { AppState::Ready } else { AppState::Converging };
        let step =
            app(&format!("app-{index}"), state, 1, Some("日本語のとても長い文".repeat(8).as_str()));
        last = live.on(&Progress::App(step));
        assert!(last.lines().count() <= 5, "{last}");
    }
    assert_snapshot!(visible(&last));
}

#[test]
fn one_line_for_one_app() {
    let line =
        progress_line(&app("web", AppState::Degraded, 1, Some("failed once")), &Style::plain(80));
    assert_eq!(line, "✗ web  degraded       1/2    failed once\n");
}

#[test]
fn how_it_ended() {
    let kinds = [OutcomeKind::Converged, OutcomeKind::Accepted, OutcomeKind::Superseded];
    let texts = kinds.map(|kind| outcome(&ended(kind), &[], &Style::plain(80)));
    assert_snapshot!(texts.join("----\n"));
}

#[test]
fn how_it_failed() {
    let tails = [Tail {
        id: "web/0".to_owned(),
        lines: vec![
            "Error: listen EADDRINUSE: address already in use :::3000".to_owned(),
            "\u{1b}[31m    at Server.setupListenHandle (node:net:1904:16)\u{1b}[0m".to_owned(),
        ],
    }];
    for kind in [OutcomeKind::Failed, OutcomeKind::TimedOut] {
        let text = outcome(&failure(kind), &tails, &Style::plain(80));
        assert_fits(&text, 80);
        assert_snapshot!(format!("failure_{kind:?}"), text);
    }
    assert_snapshot!(
        "failure_color",
        visible(&outcome(&failure(OutcomeKind::Failed), &tails, &colored(80)))
    );
}
