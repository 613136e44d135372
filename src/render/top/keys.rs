//! What each key does.

use super::{
    ask::{self, Act, Ask},
    event::{Effect, Key},
    happened::Happened,
    state::{Focus, Front, Tab, Top},
};

/// A search is no longer than this.
const LONGEST: usize = 200;

/// Does what a key is for.
pub(super) fn press(top: &mut Top, key: Key) {
    top.notice = None;
    match key {
        Key::Interrupt => return top.outbox.push(Effect::Quit),
        Key::Suspend => return top.outbox.push(Effect::Suspend),
        Key::Char(_)
        | Key::Up
        | Key::Down
        | Key::Left
        | Key::Right
        | Key::PageUp
        | Key::PageDown
        | Key::Home
        | Key::End
        | Key::Enter
        | Key::Tab
        | Key::Esc
        | Key::Backspace => {}
    }
    match std::mem::take(&mut top.front) {
        Front::Nothing => plain(top, key),
        Front::Help(from) => top.front = help(from, key),
        Front::Asks(ask) => answer(top, ask, key),
        Front::Search(text) => search(top, text, key),
        Front::Count(text) => number(top, text, key),
    }
}

fn plain(top: &mut Top, key: Key) {
    let areas = top.areas();
    let page = |height: usize| isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1);
    let page = match top.focus {
        Focus::List => page(areas.list_height()),
        Focus::Pane => page(areas.pane_height()),
    };
    match key {
        Key::Char(character) => command(top, character),
        Key::Up => go(top, -1),
        Key::Down => go(top, 1),
        Key::PageUp => go(top, -page),
        Key::PageDown => go(top, page),
        Key::Home => go(top, isize::MIN),
        Key::End => go(top, isize::MAX),
        Key::Left => sideways(top, false),
        Key::Right => sideways(top, true),
        Key::Enter => top.list.toggle(&top.projects),
        Key::Tab => {
            top.focus = match top.focus {
                Focus::List => Focus::Pane,
                Focus::Pane => Focus::List,
            }
        }
        Key::Esc => {
            top.focus = Focus::List;
            top.log.search.clear();
            top.log.found = None;
            top.list.search.clear();
            top.actions.dismiss();
        }
        Key::Backspace | Key::Interrupt | Key::Suspend => {}
    }
}

/// Moves what has the focus.
pub(super) fn go(top: &mut Top, lines: isize) {
    match top.focus {
        Focus::List => top.list.move_by(&top.projects, lines),
        Focus::Pane => scroll(top, lines),
    }
}

/// Scrolls what is below the list.
pub(super) fn scroll(top: &mut Top, lines: isize) {
    let height = top.areas().pane_height();
    match top.tab {
        Tab::Logs if lines == isize::MIN => top.log.rewind(height),
        Tab::Logs if lines == isize::MAX => top.log.follow(),
        Tab::Logs => top.log.scroll(lines, height),
        Tab::Events => {
            let all = events(top).len().saturating_sub(height);
            let back = top.happened.back.min(all);
            // Up is further back.
            top.happened.back = back.saturating_add_signed(lines.saturating_neg()).min(all);
        }
        Tab::Details => top.scrolled = top.scrolled.saturating_add_signed(lines),
    }
}

/// The events that are shown.
pub(super) fn events(top: &Top) -> Vec<&crate::api::EventReply> {
    let of = top.selected().map(|found| (found.project, found.app.name.as_str()));
    Happened::about(&top.happened, of)
}

fn sideways(top: &mut Top, right: bool) {
    match (top.focus, right) {
        (Focus::List, true) => top.list.open(&top.projects),
        (Focus::List, false) => top.list.close(&top.projects),
        (Focus::Pane, true) => top.log.left = (top.log.left + 8).min(4096),
        (Focus::Pane, false) => top.log.left = top.log.left.saturating_sub(8),
    }
}

fn command(top: &mut Top, character: char) {
    match character {
        'q' => top.outbox.push(Effect::Quit),
        '?' | 'h' => top.front = Front::Help(0),
        'k' => go(top, -1),
        'j' => go(top, 1),
        'g' => go(top, isize::MIN),
        'G' => go(top, isize::MAX),
        '/' => top.front = Front::Search(String::new()),
        'n' => again(top, true),
        'N' => again(top, false),
        'p' | ' ' => top.log.pause(),
        'f' => top.log.follow(),
        't' => top.log.times = !top.log.times,
        'l' => top.tab = Tab::Logs,
        'e' => top.tab = Tab::Events,
        'd' => top.tab = Tab::Details,
        'o' => {
            top.list.sort = top.list.sort.next();
            top.list.build(&top.projects);
        }
        'A' => {
            top.every_project = !top.every_project;
            top.happened = Happened::default();
            top.outbox.push(Effect::Scope { every_project: top.every_project });
        }
        'r' => put(top, Act::Restart),
        'R' => put(top, Act::Reload),
        's' => put(top, Act::Stop),
        'S' => put(top, Act::Start),
        'u' => put(top, Act::Rollback),
        '+' => scale(top, 1),
        '-' => scale(top, -1),
        '=' if top.selected().is_some() => top.front = Front::Count(String::new()),
        _ => {}
    }
}

/// Asks whether it is really meant.
fn put(top: &mut Top, act: Act) {
    let ask = top.selected().map(|found| ask::ask(act, &found));
    match ask {
        Some(ask) => top.front = Front::Asks(ask),
        None => top.notice = Some("there is nothing to do it to".to_owned()),
    }
}

fn scale(top: &mut Top, by: i32) {
    let Some(found) = top.selected() else { return };
    let wanted = found.app.desired;
    match wanted.checked_add_signed(by) {
        Some(to) => put(top, Act::Scale(to)),
        None => top.notice = Some("no instance is wanted already".to_owned()),
    }
}

/// The next hit of what is looked for.
fn again(top: &mut Top, onwards: bool) {
    let height = top.areas().pane_height();
    let (found, text) = match (top.focus, top.tab) {
        (Focus::Pane, Tab::Logs) => (top.log.find(onwards, height), &top.log.search),
        (Focus::List, _) | (Focus::Pane, Tab::Events | Tab::Details) => {
            (top.list.find(&top.projects, !onwards), &top.list.search)
        }
    };
    if !found && !text.is_empty() {
        top.notice = Some(format!("nothing has \"{text}\" in it"));
    }
}

fn search(top: &mut Top, mut text: String, key: Key) {
    let in_log = top.focus == Focus::Pane && top.tab == Tab::Logs;
    match key {
        Key::Esc => text.clear(),
        Key::Backspace if text.is_empty() => {}
        Key::Backspace => {
            text.pop();
            top.front = Front::Search(text.clone());
        }
        Key::Char(character) => {
            if text.len() < LONGEST {
                text.push(character);
            }
            top.front = Front::Search(text.clone());
        }
        Key::Enter => {}
        Key::Up
        | Key::Down
        | Key::Left
        | Key::Right
        | Key::PageUp
        | Key::PageDown
        | Key::Home
        | Key::End
        | Key::Tab
        | Key::Interrupt
        | Key::Suspend => top.front = Front::Search(text.clone()),
    }
    if in_log {
        top.log.search = text;
        top.log.found = None;
    } else {
        top.list.search = text;
    }
    if key == Key::Enter {
        again(top, true);
    }
}

fn number(top: &mut Top, mut text: String, key: Key) {
    match key {
        Key::Char(digit) if digit.is_ascii_digit() && text.len() < 6 => {
            text.push(digit);
            top.front = Front::Count(text);
        }
        Key::Backspace if !text.is_empty() => {
            text.pop();
            top.front = Front::Count(text);
        }
        Key::Enter => match text.parse() {
            Ok(count) => put(top, Act::Scale(count)),
            Err(_) => top.front = Front::Nothing,
        },
        Key::Esc | Key::Backspace => {}
        Key::Char(_)
        | Key::Up
        | Key::Down
        | Key::Left
        | Key::Right
        | Key::PageUp
        | Key::PageDown
        | Key::Home
        | Key::End
        | Key::Tab
        | Key::Interrupt
        | Key::Suspend => top.front = Front::Count(text),
    }
}

fn help(from: usize, key: Key) -> Front {
    match key {
        Key::Up | Key::Char('k') => Front::Help(from.saturating_sub(1)),
        Key::Down | Key::Char('j') => Front::Help((from + 1).min(super::overlay::HELP.len())),
        Key::PageUp
        | Key::PageDown
        | Key::Home
        | Key::End
        | Key::Left
        | Key::Right
        | Key::Tab
        | Key::Enter
        | Key::Esc
        | Key::Backspace
        | Key::Char(_)
        | Key::Interrupt
        | Key::Suspend => Front::Nothing,
    }
}

fn answer(top: &mut Top, ask: Ask, key: Key) {
    match key {
        Key::Char('y' | 'Y') => carry_out(top, ask),
        Key::Char('n' | 'N' | 'q') | Key::Esc => {}
        Key::Char(_)
        | Key::Up
        | Key::Down
        | Key::Left
        | Key::Right
        | Key::PageUp
        | Key::PageDown
        | Key::Home
        | Key::End
        | Key::Enter
        | Key::Tab
        | Key::Backspace
        | Key::Interrupt
        | Key::Suspend => top.front = Front::Asks(ask),
    }
}

/// Does what was asked and is meant.
pub(super) fn carry_out(top: &mut Top, ask: Ask) {
    match top.actions.begin(&ask.what, top.now) {
        Some(id) => top.outbox.push(Effect::Operate(id, ask.wish)),
        None => {
            top.notice = Some("too much is under way: wait until some of it has ended".to_owned());
        }
    }
}
