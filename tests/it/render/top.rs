//! The screen of `eco top` on a terminal that is none: what it looks like, and that no key, answer or
//! size can break it.

use eco::{
    api::{
        AlertReply, AlertState, EventReply, EventType, FileReply, FileState, InstanceReply,
        ListenReply, Operation, Progress, StatusAllReply, StatusReply, TrafficReply, WindowReply,
    },
    model::{AppState, InstancePhase},
    render::{
        Style,
        top::{
            Effect, Key, Link, LogLine, LogTarget, Mouse, MouseAct, Told, Top, TopEvent, Wish,
            draw, told, update,
        },
    },
};
use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use ratatui::{Terminal, backend::TestBackend, style::Color};

use super::{app, ascii, colored, crashing, instance, now};

fn window(seconds: u32, rate: f64) -> WindowReply {
    WindowReply {
        seconds,
        requests: 1900,
        rate,
        failed: 3,
        p50: Some(0.004),
        p90: Some(0.02),
        p99: Some(0.812),
        aborted: 0,
        max: Some(2.5),
    }
}

/// A shop in trouble; `beat` changes what it uses.
fn shop(beat: u8) -> StatusReply {
    let used = |id: &str, pid: u32, memory: u64| InstanceReply {
        cpu: Some(0.25 + f64::from(beat % 7) / 10.0),
        memory: Some(memory << 20),
        ..instance(id, InstancePhase::Ready, Some(pid))
    };
    let old = InstanceReply {
        revision: Some("00aa11bb22cc0000".to_owned()),
        hold: Some("draining (its revision changed): its open requests may end; asked to stop in 8s at the latest".to_owned()),
        hold_code: Some("draining".to_owned()),
        ..used("api/1", 501, 80)
    };
    let mut api =
        app("api", AppState::Converging, vec![used("api/0", 500, 90), old, used("api/1", 502, 70)]);
    api.desired = 2;
    api.hold.clone_from(&api.instances[1].hold);
    api.listen = Some(ListenReply { ports: vec!["3000".to_owned()], ..ListenReply::default() });
    api.traffic = Some(TrafficReply {
        windows: vec![window(60, 31.0 + f64::from(beat)), window(300, 20.0)],
        ..TrafficReply::default()
    });
    let mut web =
        app("web", AppState::CrashLooping, vec![crashing("web/0"), used("web/1", 612, 120)]);
    web.hold.clone_from(&web.instances[0].hold);
    let mut cache = app("cache", AppState::Stopped, Vec::new());
    cache.overrides = vec!["stopped".to_owned()];
    StatusReply {
        schema: 1,
        project: Some("shop".to_owned()),
        file: Some(FileReply {
            path: "/srv/shop/ecosystem.yaml".into(),
            followed: true,
            state: FileState::Ahead,
            error: None,
        }),
        metrics: None,
        dashboard: None,
        alerts: vec![AlertReply {
            app: "api".to_owned(),
            alert: "p99 > 500ms for 2m".to_owned(),
            state: AlertState::Firing,
            since: "2026-03-04T02:58:00Z".to_owned(),
            message: "p99 is 812ms".to_owned(),
            error: None,
        }],
        apps: vec![
            api,
            cache,
            web,
            app("worker", AppState::Ready, vec![used("worker/0", 700, 40)]),
        ],
    }
}

fn all(projects: Vec<StatusReply>) -> StatusAllReply {
    StatusAllReply { schema: 1, projects, faults: Vec::new() }
}

/// The screen of the shop after some seconds.
fn top(style: Style, size: (u16, u16)) -> Top {
    let mut top = Top::new(style, size, false, now());
    for beat in 0..12 {
        let when = now() + SignedDuration::from_secs(beat.into());
        update(&mut top, TopEvent::Status(all(vec![shop(beat)]), when));
    }
    top
}

fn press(top: &mut Top, keys: &str) -> Vec<Effect> {
    keys.chars().flat_map(|key| update(top, TopEvent::Key(Key::Char(key)))).collect()
}

fn key(top: &mut Top, key: Key) -> Vec<Effect> {
    update(top, TopEvent::Key(key))
}

fn terminal(top: &Top, (width, height): (u16, u16)) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(top, frame)).unwrap();
    terminal
}

fn screen(top: &Top, size: (u16, u16)) -> String {
    terminal(top, size).backend().to_string()
}

/// The number that lines of the log have to have.
fn feed(effects: &[Effect]) -> u64 {
    let number = |effect: &Effect| match effect {
        Effect::FollowLogs(number, _) => Some(*number),
        Effect::Quit
        | Effect::Suspend
        | Effect::Refresh
        | Effect::Scope { .. }
        | Effect::Operate(..) => None,
    };
    effects.iter().rev().find_map(number).unwrap()
}

fn line(number: usize) -> LogLine {
    LogLine {
        id: "api/0".to_owned(),
        time: "2026-03-04T03:00:00.123Z".to_owned(),
        err: number.is_multiple_of(5),
        text: format!("GET /cart/{number} \u{1b}[32m200\u{1b}[0m\u{7}"),
    }
}

fn event(seq: u64, app: &str, kind: EventType, message: &str) -> EventReply {
    EventReply {
        schema: 1,
        seq,
        time: format!("2026-03-04T02:59:{:02}.000Z", seq % 60),
        kind,
        project: Some("shop".to_owned()),
        app: Some(app.to_owned()),
        instance: Some(0),
        by: "eco".to_owned(),
        who: None,
        revision: None,
        message: message.to_owned(),
        stderr: Vec::new(),
    }
}

#[test]
fn trouble_comes_first_at_several_sizes() {
    for size in [(80, 24), (50, 15), (120, 30), (200, 60)] {
        let mut top = top(Style::plain(80), size);
        // The app with a rollout.
        let effects = [key(&mut top, Key::Down), key(&mut top, Key::Enter)].concat();
        let number = feed(&effects);
        update(&mut top, TopEvent::Lines(number, (0..60).map(line).collect()));
        assert_snapshot!(format!("list_{}x{}", size.0, size.1), screen(&top, size));
    }
}

#[test]
fn details_tell_of_a_rollout_and_requests() {
    let mut top = top(Style::plain(80), (100, 36));
    key(&mut top, Key::Down);
    press(&mut top, "d");
    assert_snapshot!("details_app", screen(&top, (100, 36)));
    key(&mut top, Key::Enter);
    key(&mut top, Key::Down);
    key(&mut top, Key::Down);
    assert_snapshot!("details_instance", screen(&top, (100, 36)));
}

#[test]
fn events_are_those_of_what_is_selected() {
    let mut top = top(Style::plain(80), (80, 24));
    for (seq, name) in [(1, "web"), (2, "api"), (3, "web")] {
        update(&mut top, TopEvent::Happened(event(seq, name, EventType::Exited, "code 1")));
    }
    // What comes again after a reconnection.
    update(&mut top, TopEvent::Happened(event(3, "web", EventType::Exited, "code 1")));
    press(&mut top, "e");
    assert_snapshot!(screen(&top, (80, 24)));
}

#[test]
fn without_unicode_and_without_an_answer_it_is_readable() {
    let mut top = top(ascii(80), (80, 24));
    update(&mut top, TopEvent::Link(Link::Lost));
    assert_snapshot!("ascii", screen(&top, (80, 24)));
    press(&mut top, "?");
    assert_snapshot!("ascii_help", screen(&top, (80, 40)));
    let words = screen(&top, (80, 24));
    assert!(
        words.is_ascii() || words.lines().all(|line| line.trim_matches('"').is_ascii()),
        "{words}"
    );
}

#[test]
fn an_action_is_asked_about_and_then_followed() {
    let size = (80, 24);
    let mut top = top(Style::plain(80), size);
    // What is worst is selected: `web`.
    assert_eq!(top.selected_name().as_deref(), Some("shop:web"));
    assert_eq!(press(&mut top, "r"), [], "nothing before the answer");
    assert_snapshot!("asks", screen(&top, size));
    assert_eq!(press(&mut top, "n"), []);
    assert_eq!(press(&mut top, "ry"), [wish(1, None, Operation::Restart)]);
    update(&mut top, TopEvent::Told(1, Told::Underway("converging 1/2".to_owned())));
    assert!(screen(&top, size).contains("restart web: converging 1/2"));
    update(&mut top, TopEvent::Told(1, Told::Ended(false, "failed after 2s".to_owned())));
    assert!(screen(&top, size).contains("✗ restart web: failed after 2s"));
    key(&mut top, Key::Esc);
    assert!(!screen(&top, size).contains("restart web:"));
    // One more, one less, and a number.
    assert_eq!(press(&mut top, "+y"), [wish(2, None, Operation::Scale(3))]);
    assert_eq!(press(&mut top, "-y"), [wish(3, None, Operation::Scale(1))]);
    press(&mut top, "=1x2");
    assert!(screen(&top, size).contains("how many instances of web? 12"));
    key(&mut top, Key::Enter);
    assert_eq!(press(&mut top, "y"), [wish(4, None, Operation::Scale(12))]);
    assert_eq!(press(&mut top, "sy"), [wish(5, None, Operation::Stop)]);
    assert_eq!(press(&mut top, "Sy"), [wish(6, None, Operation::Start)]);
    assert_eq!(press(&mut top, "uy"), [wish(7, None, Operation::Rollback(None))]);
    // Of one instance only a replacement.
    key(&mut top, Key::Right);
    key(&mut top, Key::Down);
    assert_eq!(press(&mut top, "Ry"), [wish(8, Some(0), Operation::Reload)]);
    assert_eq!(press(&mut top, "Ry"), [wish(9, Some(0), Operation::Reload)]);
    assert_eq!(press(&mut top, "sy"), [], "so many at once are enough");
    assert!(screen(&top, size).contains("too much is under way"));
}

fn wish(id: u64, instance: Option<u32>, operation: Operation) -> Effect {
    let (project, app) = ("shop".to_owned(), "web".to_owned());
    Effect::Operate(id, Wish { project, app, instance, operation })
}

#[test]
fn the_end_of_an_action_is_told_in_words() {
    use eco::api::{FailedInstance, Outcome, OutcomeKind};
    let failed = FailedInstance {
        id: "web/1".to_owned(),
        hold: "ended after 1s with exit code 3".to_owned(),
        hold_code: "backoff".to_owned(),
        stderr: None,
    };
    let mut outcome = Outcome { seconds: 2.1, failed: vec![failed], ..Outcome::accepted(3) };
    outcome.result = OutcomeKind::Failed;
    let words = "failed after 2.1s: web/1: ended after 1s with exit code 3".to_owned();
    assert_eq!(told(&Progress::Result(outcome.clone())), Some(Told::Ended(false, words)));
    outcome.result = OutcomeKind::Converged;
    let words = "done after 2.1s".to_owned();
    assert_eq!(told(&Progress::Result(outcome)), Some(Told::Ended(true, words)));
}

#[test]
fn the_log_is_searched_and_stands_still() {
    let size = (80, 24);
    let mut top = top(Style::plain(80), size);
    let effects = key(&mut top, Key::Down);
    let target = LogTarget { project: "shop".to_owned(), app: "api".to_owned(), instance: None };
    let number = feed(&effects);
    assert_eq!(effects, [Effect::FollowLogs(number, Some(target))]);
    update(&mut top, TopEvent::Lines(number, (0..400).map(line).collect()));
    // Lines of the log that was left come late.
    update(&mut top, TopEvent::Lines(number - 1, vec![line(9_999)]));
    let text = screen(&top, size);
    assert!(text.contains("/cart/399") && !text.contains("9999"), "{text}");
    assert!(text.contains("200\\u{7}"), "what a terminal would heed is written out:\n{text}");
    key(&mut top, Key::Tab);
    press(&mut top, "/cart/17");
    key(&mut top, Key::Enter);
    let text = screen(&top, size);
    assert!(text.contains("/cart/179") && text.contains("paused"), "{text}");
    press(&mut top, "nnnnnnnnnn");
    assert!(screen(&top, size).contains("/cart/17 "));
    press(&mut top, "N");
    assert!(screen(&top, size).contains("/cart/170"));
    update(&mut top, TopEvent::Lines(number, (400..450).map(line).collect()));
    assert!(screen(&top, size).contains("paused, 50 new lines"));
    press(&mut top, "f");
    assert!(screen(&top, size).contains("/cart/449"));
    press(&mut top, "/nowhere");
    key(&mut top, Key::Enter);
    assert!(screen(&top, size).contains("nothing has \"nowhere\" in it"));
}

#[test]
fn the_mouse_selects_opens_scrolls_and_answers() {
    let size = (80, 24);
    let mut top = top(Style::plain(80), size);
    let click =
        |top: &mut Top, x, y| update(top, TopEvent::Mouse(Mouse { act: MouseAct::Press, x, y }));
    click(&mut top, 5, 4);
    assert_eq!(top.selected_name().as_deref(), Some("shop:api"));
    click(&mut top, 5, 4);
    assert!(screen(&top, size).contains("api/0"));
    update(&mut top, TopEvent::Mouse(Mouse { act: MouseAct::WheelDown, x: 5, y: 4 }));
    assert_eq!(top.selected_name().as_deref(), Some("api/0"));
    // Where the words are is where one clicks.
    let find = |top: &Top, words: &str| {
        let text = screen(top, size);
        let (y, line) = text.lines().enumerate().find(|(_, line)| line.contains(words)).unwrap();
        let x = line.chars().count() - line[line.find(words).unwrap()..].chars().count();
        // The text has a quotation mark before each line.
        (u16::try_from(x - 1).unwrap() + 1, u16::try_from(y).unwrap())
    };
    let (x, y) = find(&top, "Events");
    click(&mut top, x, y);
    assert!(screen(&top, size).contains("nothing happened yet"));
    press(&mut top, "r");
    let (x, y) = find(&top, "n: no");
    click(&mut top, x, y);
    assert!(!screen(&top, size).contains("n: no"));
    press(&mut top, "r");
    let (x, y) = find(&top, "y: yes");
    let effects = click(&mut top, x, y);
    assert!(matches!(effects.as_slice(), [Effect::Operate(..)]), "{effects:?}");
}

#[test]
fn what_is_selected_stays_so_when_the_order_changes() {
    let mut top = top(Style::plain(80), (80, 24));
    key(&mut top, Key::End);
    let selected = top.selected_name();
    press(&mut top, "o");
    assert_eq!(top.selected_name(), selected);
    let mut next = shop(1);
    next.apps.remove(0);
    update(&mut top, TopEvent::Status(all(vec![next]), now()));
    assert_eq!(top.selected_name(), selected);
    update(&mut top, TopEvent::Status(all(Vec::new()), now()));
    assert_eq!(top.selected_name(), None);
    assert_eq!(press(&mut top, "r+-=nsu"), []);
}

#[test]
fn colour_is_used_only_where_it_may_be() {
    let colors = |style| {
        let top = top(style, (80, 24));
        let terminal = terminal(&top, (80, 24));
        let cells = terminal.backend().buffer().content().to_vec();
        cells.iter().any(|cell| cell.fg != Color::Reset || cell.bg != Color::Reset)
    };
    assert!(colors(colored(80)));
    assert!(!colors(Style::plain(80)));
}

#[test]
fn a_thousand_instances_are_laid_out_only_as_far_as_they_are_seen() {
    let size = (120, 40);
    let instances = (0..1000)
        .map(|index| instance(&format!("web/{index}"), InstancePhase::Ready, Some(10_000 + index)));
    let web = app("web", AppState::Ready, instances.collect());
    let status = StatusReply { apps: vec![web], ..shop(0) };
    let mut top = Top::new(Style::plain(80), size, false, now());
    update(&mut top, TopEvent::Status(all(vec![status]), now()));
    assert!(screen(&top, size).contains("1000/1000"));
    key(&mut top, Key::Right);
    key(&mut top, Key::End);
    assert_eq!(top.selected_name().as_deref(), Some("web/999"));
    let text = screen(&top, size);
    assert!(text.contains("web/999"), "{text}");
    assert!(!text.contains("web/500"));
}

fn any_key() -> impl Strategy<Value = Key> {
    prop_oneof![
        4 => prop::sample::select("qjkgGh?/nNpftledoArRsSu+-= yYnxZ0159é日".chars().collect::<Vec<_>>())
            .prop_map(Key::Char),
        4 => prop::sample::select(vec![
            Key::Up, Key::Down, Key::Left, Key::Right, Key::PageUp, Key::PageDown, Key::Home,
            Key::End, Key::Enter, Key::Tab, Key::Esc, Key::Backspace, Key::Interrupt, Key::Suspend,
        ]),
    ]
}

fn any_event() -> impl Strategy<Value = TopEvent> {
    prop_oneof![
        8 => any_key().prop_map(TopEvent::Key),
        2 => (0..3_u8, 0..220_u16, 0..70_u16).prop_map(|(act, x, y)| {
            let act = [MouseAct::Press, MouseAct::WheelUp, MouseAct::WheelDown][usize::from(act)];
            TopEvent::Mouse(Mouse { act, x, y })
        }),
        1 => (0..220_u16, 0..70_u16).prop_map(|(width, height)| TopEvent::Resize(width, height)),
        2 => (0..5_usize, any::<u8>(), 0..2_000_000_i64).prop_map(|(apps, beat, when)| {
            let mut one = shop(beat);
            one.apps.truncate(apps);
            let two = StatusReply { project: Some("other".to_owned()), ..shop(beat / 2) };
            let projects = if beat % 3 == 0 { vec![one, two] } else { vec![one] };
            TopEvent::Status(all(projects), Timestamp::from_second(1_700_000_000 + when).unwrap())
        }),
        1 => (0..9_u64, "(?s).{0,30}").prop_map(|(feed, text)| {
            TopEvent::Lines(feed, vec![LogLine { text, ..line(5) }; 40])
        }),
        1 => (0..9_u64, "(?s).{0,30}").prop_map(|(seq, text)| {
            TopEvent::Happened(event(seq, "web", EventType::Started, &text))
        }),
        1 => (0..9_u64, any::<bool>(), "(?s).{0,30}")
            .prop_map(|(id, ok, text)| TopEvent::Told(id, Told::Ended(ok, text))),
        1 => "(?s).{0,30}".prop_map(|text| TopEvent::Link(Link::Gone(text))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is pressed, answered and resized: nothing panics, something is selected as long as
    /// there is anything, and the screen can be drawn at any size.
    #[test]
    fn no_key_answer_or_size_breaks_the_screen(
        events in prop::collection::vec(any_event(), 1..60),
        size in (0..220_u16, 0..70_u16),
    ) {
        let mut top = top(Style::plain(80), size);
        let mut apps = 4;
        for event in events {
            if let TopEvent::Status(reply, _) = &event {
                apps = reply.projects.iter().map(|project| project.apps.len()).sum();
            }
            update(&mut top, event);
            prop_assert_eq!(top.selected_name().is_some(), 0 < apps);
        }
        terminal(&top, size);
        terminal(&top, (80, 24));
    }
}
