//! Keys, mouse and size of the terminal, as the screen knows them.

use ratatui::crossterm::event::{
    self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent,
    MouseEventKind,
};
use tokio::sync::mpsc::Sender;

use super::session::Incoming;
use crate::render::top::{Key, Mouse, MouseAct, TopEvent};

/// Reads from the terminal until it or the session is gone. Blocks.
pub(super) fn read(out: &Sender<Incoming>) {
    loop {
        let Ok(event) = event::read() else {
            // Nobody listens if this fails.
            drop(out.blocking_send(Incoming::End));
            return;
        };
        if let Some(event) = translate(&event)
            && out.blocking_send(Incoming::Event(Box::new(event))).is_err()
        {
            return;
        }
    }
}

fn translate(event: &Event) -> Option<TopEvent> {
    match event {
        Event::Key(pressed) => key(*pressed).map(TopEvent::Key),
        Event::Mouse(done) => mouse(*done).map(TopEvent::Mouse),
        Event::Resize(width, height) => Some(TopEvent::Resize(*width, *height)),
        Event::FocusGained | Event::FocusLost | Event::Paste(_) => None,
    }
}

fn key(pressed: KeyEvent) -> Option<Key> {
    if pressed.kind == KeyEventKind::Release {
        return None;
    }
    let control = pressed.modifiers.contains(KeyModifiers::CONTROL);
    if pressed.modifiers.contains(KeyModifiers::ALT) {
        return None;
    }
    match pressed.code {
        KeyCode::Char('c') if control => Some(Key::Interrupt),
        KeyCode::Char('z') if control => Some(Key::Suspend),
        KeyCode::Char(_) if control => None,
        KeyCode::Char(character) => Some(Key::Char(character)),
        KeyCode::Up => Some(Key::Up),
        KeyCode::Down => Some(Key::Down),
        KeyCode::Left => Some(Key::Left),
        KeyCode::Right => Some(Key::Right),
        KeyCode::PageUp => Some(Key::PageUp),
        KeyCode::PageDown => Some(Key::PageDown),
        KeyCode::Home => Some(Key::Home),
        KeyCode::End => Some(Key::End),
        KeyCode::Enter => Some(Key::Enter),
        KeyCode::Tab | KeyCode::BackTab => Some(Key::Tab),
        KeyCode::Esc => Some(Key::Esc),
        KeyCode::Backspace => Some(Key::Backspace),
        KeyCode::Delete
        | KeyCode::Insert
        | KeyCode::F(_)
        | KeyCode::Null
        | KeyCode::CapsLock
        | KeyCode::ScrollLock
        | KeyCode::NumLock
        | KeyCode::PrintScreen
        | KeyCode::Pause
        | KeyCode::Menu
        | KeyCode::KeypadBegin
        | KeyCode::Media(_)
        | KeyCode::Modifier(_) => None,
    }
}

fn mouse(done: MouseEvent) -> Option<Mouse> {
    let act = match done.kind {
        MouseEventKind::Down(MouseButton::Left) => MouseAct::Press,
        MouseEventKind::ScrollUp => MouseAct::WheelUp,
        MouseEventKind::ScrollDown => MouseAct::WheelDown,
        MouseEventKind::Down(MouseButton::Right | MouseButton::Middle)
        | MouseEventKind::Up(_)
        | MouseEventKind::Drag(_)
        | MouseEventKind::Moved
        | MouseEventKind::ScrollLeft
        | MouseEventKind::ScrollRight => return None,
    };
    Some(Mouse { act, x: done.column, y: done.row })
}
