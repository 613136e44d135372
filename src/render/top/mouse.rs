//! What the mouse does.

use super::{
    areas::is_in,
    event::{Mouse, MouseAct},
    keys, overlay, pane,
    state::{Focus, Front, Top},
};

/// So many lines the wheel moves.
const WHEEL: isize = 3;

/// Does what the mouse asks for.
pub(super) fn act(top: &mut Top, mouse: Mouse) {
    match mouse.act {
        MouseAct::Press => press(top, mouse.x, mouse.y),
        MouseAct::WheelUp => wheel(top, mouse, -1),
        MouseAct::WheelDown => wheel(top, mouse, 1),
    }
}

fn wheel(top: &mut Top, mouse: Mouse, lines: isize) {
    if top.front != Front::Nothing {
        return;
    }
    let areas = top.areas();
    if is_in(areas.list, mouse.x, mouse.y) {
        top.list.move_by(&top.projects, lines);
    } else if is_in(areas.pane, mouse.x, mouse.y) {
        keys::scroll(top, lines * WHEEL);
    }
}

fn press(top: &mut Top, x: u16, y: u16) {
    top.notice = None;
    match std::mem::take(&mut top.front) {
        Front::Asks(ask) => {
            let buttons = overlay::buttons(top.size, &ask, &top.style);
            if is_in(buttons.yes, x, y) {
                keys::carry_out(top, ask);
            } else if !is_in(buttons.no, x, y) {
                top.front = Front::Asks(ask);
            }
        }
        Front::Help(_) => {}
        Front::Nothing | Front::Search(_) | Front::Count(_) => point(top, x, y),
    }
}

fn point(top: &mut Top, x: u16, y: u16) {
    let areas = top.areas();
    if is_in(areas.list, x, y) {
        top.focus = Focus::List;
        let Some(line) = usize::from(y - areas.list.y).checked_sub(1) else { return };
        let place = top.list.top + line;
        if place < top.list.len() {
            let before = top.selected_name();
            top.list.select(&top.projects, place);
            // The second click on a line opens or closes it.
            if before == top.selected_name() {
                top.list.toggle(&top.projects);
            }
        }
    } else if is_in(areas.tabs, x, y) {
        top.focus = Focus::Pane;
        top.tab = pane::tab_at(x - areas.tabs.x).unwrap_or(top.tab);
    } else if is_in(areas.pane, x, y) {
        top.focus = Focus::Pane;
    }
}
