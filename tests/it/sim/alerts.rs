//! Alerts in virtual time: what holds long enough is told once, what is over long enough is told
//! once, and nothing else is told.

use std::time::Duration;

use eco::{
    model::{
        AlertCondition, AlertMetric, AlertPhase, AlertRule, AlertedState, Measured, MeasuredWindow,
        Than, Time,
    },
    reconcile::{AlertNews, alert_sight, alert_step},
};
use proptest::prelude::*;

use super::fixtures::{key, ms, spec};

fn rule(lasting: u64) -> AlertRule {
    AlertRule {
        words: "down".to_owned(),
        condition: AlertCondition::State(AlertedState::Down),
        lasting: ms(lasting),
        to: Vec::new(),
    }
}

fn at(millis: u64) -> Time {
    Time(ms(millis))
}

/// When a condition turns, beginning with false: it is looked at then, and when a step says so.
/// Gives what was told and when. With `restarts` the phase goes through its stored form each time.
fn told(rule: &AlertRule, turns: &[u64], restarts: bool) -> Vec<(u64, AlertNews)> {
    let end = turns.last().copied().unwrap_or(0) + 1_000_000;
    let holds_at = |now: u64| turns.iter().filter(|turn| **turn <= now).count() % 2 == 1;
    let mut phase = AlertPhase::Quiet;
    let mut news = Vec::new();
    let (mut now, mut next_turn) = (0, 0);
    for _ in 0..10_000 {
        let step = alert_step(rule, phase, holds_at(now), at(now));
        news.extend(step.news.map(|it| (now, it)));
        phase = step.phase;
        // Asked again at the same time it has nothing more to say.
        let again = alert_step(rule, phase, holds_at(now), at(now));
        assert_eq!((again.phase, again.news, again.wake_at), (phase, None, step.wake_at));
        if restarts {
            phase = serde_json::from_str(&serde_json::to_string(&phase).unwrap()).unwrap();
        }
        let wake = step.wake_at.map(|it| u64::try_from(it.0.as_millis()).unwrap());
        assert!(wake.is_none_or(|wake| now < wake), "it would be looked at for ever");
        while turns.get(next_turn).is_some_and(|turn| *turn <= now) {
            next_turn += 1;
        }
        let next = [wake, turns.get(next_turn).copied()].into_iter().flatten().min();
        match next {
            Some(next) if next <= end => now = next,
            Some(_) | None => return news,
        }
    }
    panic!("it never comes to rest");
}

/// The same by looking at every stretch of time in which the condition holds.
fn expected(rule: &AlertRule, turns: &[u64]) -> Vec<(u64, AlertNews)> {
    let millis = |it: Duration| u64::try_from(it.as_millis()).unwrap();
    let (lasting, clears) = (millis(rule.lasting), millis(rule.clears_after()));
    let mut news: Vec<(u64, AlertNews)> = Vec::new();
    let mut fires = false;
    for stretch in turns.chunks(2) {
        let from = stretch[0];
        let to = stretch.get(1).copied();
        if !fires && to.is_none_or(|to| from + lasting < to || (lasting == 0 && from < to)) {
            fires = true;
            news.push((from + lasting, AlertNews::Fired));
        }
        let Some(to) = to else { continue };
        let index = turns.iter().position(|turn| *turn == to).unwrap();
        let next = turns.get(index + 1).copied();
        if fires && next.is_none_or(|next| to + clears < next) {
            fires = false;
            news.push((to + clears, AlertNews::Resolved));
        }
    }
    news
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn what_holds_long_enough_is_told_once_and_so_is_its_end(
        lasting in prop_oneof![Just(0_u64), 1..5_000_u64, 50_000..90_000_u64],
        gaps in prop::collection::vec(1..200_000_u64, 0..12),
    ) {
        let mut turns = Vec::new();
        for gap in gaps {
            turns.push(turns.last().copied().unwrap_or(0) + gap);
        }
        let rule = rule(lasting);
        let news = told(&rule, &turns, false);
        prop_assert_eq!(&news, &expected(&rule, &turns));
        prop_assert_eq!(&news, &told(&rule, &turns, true), "a restart changes nothing");
        let kinds: Vec<_> = news.iter().map(|(_, it)| *it).collect();
        let by_turns = |pair: &[AlertNews]| pair[0] != pair[1];
        prop_assert!(kinds.windows(2).all(by_turns) && kinds.first() != Some(&AlertNews::Resolved));
    }
}

#[test]
fn what_comes_and_goes_is_told_once() {
    let flapping: Vec<u64> = (1..100).map(|turn| turn * 20_000).collect();
    let news = told(&rule(0), &flapping, true);
    assert_eq!(news, [(20_000, AlertNews::Fired)]);
    let (fired, resolved) = (AlertNews::Fired, AlertNews::Resolved);
    assert_eq!(told(&rule(0), &[5, 6], false), [(5, fired), (60_006, resolved)]);
    assert_eq!(told(&rule(300), &[5, 200], false), []);
    assert_eq!(told(&rule(300), &[5, 400], false), [(305, fired), (700, resolved)]);
}

/// Whether this condition holds of what was measured, the value, and the words.
fn measured(
    metric: AlertMetric,
    than: Than,
    bound: f64,
    all: &Measured,
) -> (bool, Option<f64>, String) {
    let condition = AlertCondition::Measured { metric, than, bound, window: 60 };
    let rule = AlertRule { condition, ..rule(0) };
    let app = eco::model::App::new(spec(), eco::reconcile::revision(&spec()));
    let sight = alert_sight(&rule, (&key("shop", "web"), &app), None, all, at(1));
    (sight.holds, sight.value, sight.words)
}

#[test]
fn measured_values_are_held_against_their_bounds() {
    let window = MeasuredWindow {
        seconds: 60,
        requests: 200.0,
        failed: 15.0,
        rate: 3.25,
        p50: Some(0.002),
        p99: Some(0.8125),
        ..MeasuredWindow::default()
    };
    let all = Measured {
        requests: vec![MeasuredWindow { p99: Some(9.0), seconds: 300, ..window }, window],
        memory: Some(314_572_800.0),
        cpu: Some(1.5),
        ..Measured::default()
    };
    let of = |metric, than, bound| measured(metric, than, bound, &all);
    let (holds, value, words) = of(AlertMetric::P99, Than::More, 0.5);
    assert!(holds && value == Some(0.8125) && words == "p99 is 812ms", "{words}");
    assert!(!of(AlertMetric::P99, Than::More, 1.0).0);
    let (holds, value, words) = of(AlertMetric::Errors, Than::AtLeast, 7.5);
    assert!(holds && value == Some(7.5) && words == "errors is 7.5%", "{words}");
    assert!(of(AlertMetric::Rate, Than::Less, 4.0).0);
    assert!(of(AlertMetric::Memory, Than::AtMost, 314_572_800.0).0);
    assert_eq!(of(AlertMetric::Memory, Than::More, 1.0).2, "memory is 300.0M");
    assert!(of(AlertMetric::Cpu, Than::More, 1.0).0);
    // What nobody measures is beyond no bound, not even a lower one.
    for metric in [AlertMetric::ProbeP99, AlertMetric::LagP99, AlertMetric::Queue, AlertMetric::P90]
    {
        for than in [Than::More, Than::Less] {
            let (holds, value, words) = of(metric, than, 1.0);
            assert!(!holds && value.is_none() && words.ends_with("is not known"), "{words}");
        }
    }
    let (holds, ..) = measured(AlertMetric::Errors, Than::Less, 5.0, &Measured::default());
    assert!(!holds, "without requests there is no share of them");
}
