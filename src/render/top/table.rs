//! The list: its columns, as many as there is room for, and one line for each app and instance.

use jiff::Timestamp;
use ratatui::{layout::Rect, style::Modifier};

use super::{
    super::amounts,
    canvas::{Canvas, cells},
    list::{self, Subject},
    rings,
    state::{Focus, Top},
};
use crate::{
    api::InstanceReply,
    model::human_duration,
    render::{
        layout::columns,
        style::{Glyph, Paint, ago, phase_look, state_look},
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Name,
    State,
    Ready,
    Up,
    Restarts,
    Cpu,
    CpuCurve,
    Memory,
    MemoryCurve,
    Rate,
    P99,
    RateCurve,
    Pid,
    Revision,
    Why,
}

use Column::{
    Cpu, CpuCurve, Memory, MemoryCurve, Name, P99, Pid, Rate, RateCurve, Ready, Restarts, Revision,
    State, Up, Why,
};

/// The columns in their order.
const ORDER: [Column; 15] = [
    Name,
    State,
    Ready,
    Up,
    Restarts,
    Cpu,
    CpuCurve,
    Memory,
    MemoryCurve,
    Rate,
    RateCurve,
    P99,
    Pid,
    Revision,
    Why,
];
/// Those that are left out when there is no room, the first of them last, and their widths.
const OPTIONAL: [(Column, usize); 12] = [
    (Cpu, 5),
    (Memory, 5),
    (Up, 7),
    (Restarts, 3),
    (Rate, 5),
    (P99, 6),
    (Pid, 7),
    (CpuCurve, 10),
    (MemoryCurve, 10),
    (RateCurve, 10),
    (Why, 24),
    (Revision, 12),
];

impl Column {
    fn heading(self) -> &'static str {
        match self {
            Name => "  APP",
            State => "STATE",
            Ready => "READY",
            Up => "UP",
            Restarts => "RST",
            Cpu => "CPU",
            Memory => "MEM",
            CpuCurve | MemoryCurve | RateCurve => "",
            Rate => "REQ/S",
            P99 => "P99",
            Pid => "PID",
            Revision => "REVISION",
            Why => "WHY",
        }
    }

    /// Whether it stands at the right edge, as numbers do.
    fn is_number(self) -> bool {
        match self {
            Up | Restarts | Cpu | Memory | Rate | P99 | Pid => true,
            Name | State | Ready | CpuCurve | MemoryCurve | RateCurve | Revision | Why => false,
        }
    }
}

/// The columns that have room, with their widths.
fn columns_of(top: &Top, width: usize) -> Vec<(Column, usize)> {
    let apps = || top.projects.iter().flat_map(|project| &project.apps);
    let has_traffic = apps().any(|app| rings::requests(app).is_some());
    let digits = apps().map(|app| columns(&format!("{}/{}", app.ready, app.desired))).max();
    let height = top.areas().list_height();
    let names = top.list.view(&top.projects, height).map(|(_, found)| columns(&title(top, &found)));
    let longest = names.max().unwrap_or(0).max(14);
    let name = longest.min((width / 4).max(12));
    let gap = if width < 70 { 1 } else { 2 };
    let mut chosen = vec![(Name, name), (State, 13), (Ready, digits.unwrap_or(0).max(5))];
    let used = |chosen: &[(Column, usize)]| chosen.iter().map(|it| it.1 + gap).sum::<usize>();
    for (column, needs) in OPTIONAL {
        let is_traffic = matches!(column, Rate | P99 | RateCurve);
        if (has_traffic || !is_traffic) && used(&chosen) + needs <= width {
            chosen.push((column, needs));
        }
    }
    // Reasons take what room is left, or else names, as far as that does them good.
    let rest = (width + gap).saturating_sub(used(&chosen));
    let has_why = chosen.iter().any(|it| it.0 == Why);
    for (column, width) in &mut chosen {
        match *column {
            Why => *width += rest,
            Name if !has_why => *width += rest.min(longest.saturating_sub(*width)),
            State | Ready | Up | Restarts | Cpu | CpuCurve | Memory | MemoryCurve | Rate | P99
            | RateCurve | Pid | Revision | Name => {}
        }
    }
    let place = |column: Column| ORDER.iter().position(|it| *it == column);
    chosen.sort_by_key(|it| place(it.0));
    chosen.iter().map(|(column, width)| (*column, width + gap)).collect()
}

/// Draws the list.
pub(super) fn draw(top: &Top, canvas: &mut Canvas<'_>, area: Rect) {
    let layout = columns_of(top, usize::from(area.width));
    let gap = if area.width < 70 { 1 } else { 2 };
    let mut x = 0;
    for (column, width) in &layout {
        let end = x + cells(*width);
        let look = canvas.look(Paint::Dim);
        let look = if top.focus == Focus::List { look.add_modifier(Modifier::BOLD) } else { look };
        let text = column.heading();
        let at =
            if column.is_number() { end.saturating_sub(gap + cells(columns(text))) } else { x };
        canvas.text(area, (at, 0), text, look);
        x = end;
    }
    let height = usize::from(area.height.saturating_sub(1));
    for (line, (is_selected, found)) in top.list.view(&top.projects, height).enumerate() {
        let y = cells(line + 1);
        row(top, canvas, (area, y), &layout, &found);
        if is_selected {
            let whole = Rect { y: area.y.saturating_add(y), height: 1, ..area };
            let reversed = match top.focus {
                Focus::List => Modifier::REVERSED,
                Focus::Pane => Modifier::REVERSED | Modifier::DIM,
            };
            canvas.over(whole, ratatui::style::Style::new().add_modifier(reversed));
        }
    }
    if top.list.len() == 0 && 1 < area.height {
        let text = "No project was applied yet: `eco apply` starts what a file names.";
        canvas.put(area, (2, 1), text, Paint::Dim);
    }
}

fn row(
    top: &Top,
    canvas: &mut Canvas<'_>,
    (area, y): (Rect, u16),
    layout: &[(Column, usize)],
    found: &Subject<'_>,
) {
    let gap = if area.width < 70 { 1 } else { 2 };
    let mut x = 0;
    for (column, width) in layout {
        let end = x + cells(*width);
        let cell = Rect {
            x: area.x.saturating_add(x),
            width: cells(*width).saturating_sub(gap).min(area.width.saturating_sub(x)),
            ..area
        };
        let (text, paint) = match found.instance {
            Some(instance) => of_instance(top, *column, found, instance),
            None => of_app(top, *column, found, usize::from(cell.width)),
        };
        if column.is_number() {
            canvas.right(cell, (cell.width, y), &text, paint);
        } else {
            canvas.put(cell, (0, y), &text, paint);
        }
        x = end;
    }
}

/// Mark and name: `▸● web`, `     web/0`.
fn title(top: &Top, found: &Subject<'_>) -> String {
    let name = list::name(found, 1 < top.projects.len());
    if found.instance.is_some() {
        return format!("    {name}");
    }
    let open = match (top.list.is_open(found), top.style.unicode) {
        (true, true) => "▾",
        (false, true) => "▸",
        (true, false) => "v",
        (false, false) => ">",
    };
    let (_, _, mark) = state_look(found.app.state);
    format!("{open}{} {name}", top.style.glyph(mark))
}

fn dash(top: &Top) -> String {
    top.style.glyph(Glyph::Dash).to_owned()
}

fn plain(text: String) -> (String, Paint) {
    (text, Paint::Plain)
}

fn of_app(top: &Top, column: Column, found: &Subject<'_>, width: usize) -> (String, Paint) {
    let app = found.app;
    let (word, paint, _) = state_look(app.state);
    let alone = match app.instances.as_slice() {
        [alone] => Some(alone),
        _ => None,
    };
    let traffic = rings::requests(app);
    let curve = |of: rings::Value| {
        let key = (found.project.to_owned(), app.name.clone());
        top.rings.get(&key).map_or_else(String::new, |ring| ring.curve(width, of, &top.style))
    };
    let name_paint = if paint == Paint::Bad { Paint::Bad } else { Paint::Strong };
    match column {
        Name => (title(top, found), name_paint),
        State => (word.to_owned(), paint),
        Ready => plain(format!("{}/{}", app.ready, app.desired)),
        Up => plain(alone.map_or_else(String::new, |it| up(top, it))),
        Restarts => plain(app.instances.iter().map(|it| it.restarts).sum::<u64>().to_string()),
        Cpu => plain(rings::cpu(app).map_or_else(|| dash(top), amounts::processor)),
        Memory => plain(rings::memory(app).map_or_else(|| dash(top), amounts::memory)),
        CpuCurve => plain(curve(|it| it.cpu)),
        MemoryCurve => plain(curve(|it| it.memory)),
        RateCurve => plain(curve(|it| it.rate)),
        Rate => plain(traffic.map_or_else(String::new, |it| amounts::rate(it.rate))),
        P99 => plain(traffic.and_then(|it| it.p99).map_or_else(String::new, amounts::latency)),
        Pid => plain(alone.map_or_else(String::new, |it| pid(top, it))),
        Revision => (app.revision.chars().take(12).collect(), Paint::Dim),
        Why => why(found),
    }
}

fn of_instance(
    top: &Top,
    column: Column,
    found: &Subject<'_>,
    instance: &InstanceReply,
) -> (String, Paint) {
    let (word, paint) = phase_look(instance.phase);
    let window = instance.traffic.as_ref().and_then(|traffic| traffic.windows.first());
    match column {
        Name => plain(title(top, found)),
        State => (word.to_owned(), paint),
        Ready | CpuCurve | MemoryCurve | RateCurve => plain(String::new()),
        Up => plain(up(top, instance)),
        Restarts => plain(instance.restarts.to_string()),
        Cpu => plain(instance.cpu.map_or_else(|| dash(top), amounts::processor)),
        Memory => plain(instance.memory.map_or_else(|| dash(top), amounts::memory)),
        Rate => plain(window.map_or_else(String::new, |it| amounts::rate(it.rate))),
        P99 => plain(window.and_then(|it| it.p99).map_or_else(String::new, amounts::latency)),
        Pid => plain(pid(top, instance)),
        // Said only where it is not the one that is wanted.
        Revision => {
            let former = instance.revision.as_ref().filter(|it| **it != found.app.revision);
            let text = former.map_or_else(String::new, |it| it.chars().take(12).collect());
            (text, Paint::Warn)
        }
        Why => why(found),
    }
}

/// Why it is not as desired, or what else there is to say about it.
pub(super) fn why(found: &Subject<'_>) -> (String, Paint) {
    if let Some(instance) = found.instance {
        let (_, paint) = phase_look(instance.phase);
        let paint = if paint == Paint::Bad { Paint::Bad } else { Paint::Warn };
        return (
            instance.hold.clone().or_else(|| instance.dropped.clone()).unwrap_or_default(),
            paint,
        );
    }
    let app = found.app;
    let (_, paint, _) = state_look(app.state);
    let paint = if paint == Paint::Bad { Paint::Bad } else { Paint::Warn };
    let overrides = (!app.overrides.is_empty()).then(|| app.overrides.join(", "));
    let alert = found.status.alerts.iter().find(|alert| alert.app == app.name);
    let lack = app.listen.as_ref().and_then(|listen| listen.sharing.lack());
    let text = app
        .hold
        .clone()
        .or_else(|| alert.map(|alert| alert.message.clone()))
        .or(overrides)
        .or_else(|| app.unkept.first().cloned())
        .or_else(|| lack.map(str::to_owned));
    (text.unwrap_or_default(), paint)
}

fn up(top: &Top, instance: &InstanceReply) -> String {
    let since = instance.since.as_ref().filter(|_| instance.pid.is_some());
    since.and_then(|since| whole(since, top.now)).unwrap_or_else(|| dash(top))
}

/// How long ago that was, in whole seconds: tenths would flicker.
pub(super) fn whole(since: &str, now: Timestamp) -> Option<String> {
    let ago = ago(since, now)?;
    Some(human_duration(std::time::Duration::from_secs(ago.as_secs())).replace("0ms", "0s"))
}

fn pid(top: &Top, instance: &InstanceReply) -> String {
    instance.pid.map_or_else(|| dash(top), |pid| pid.to_string())
}
