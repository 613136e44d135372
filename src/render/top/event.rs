//! What reaches the screen, and what it wants done.

use jiff::Timestamp;

use crate::api::{EventReply, Operation, StatusAllReply};

/// Something that reaches the screen.
#[derive(Clone, Debug)]
pub enum TopEvent {
    /// How things stand, and when that was.
    Status(StatusAllReply, Timestamp),
    /// The controller refused the question, in words.
    Refused(String),
    /// Whether eco can be reached.
    Link(Link),
    /// What happened.
    Happened(EventReply),
    /// Lines of the log that was asked for last; those of an earlier feed are let go.
    Lines(u64, Vec<LogLine>),
    /// How far an action is.
    Told(u64, Told),
    /// A key was pressed.
    Key(Key),
    /// The mouse did something.
    Mouse(Mouse),
    /// The terminal has so many columns and rows now.
    Resize(u16, u16),
}

/// Whether eco can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It answers.
    Up,
    /// Its controller is gone or mute; the next one is waited for.
    Lost,
    /// It has ended, or cannot be reached, in words.
    Gone(String),
}

/// A line that an app wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// `web/0`.
    pub id: String,
    /// When, RFC 3339.
    pub time: String,
    /// Whether it went to standard error.
    pub err: bool,
    /// The line, as it was written.
    pub text: String,
}

/// How far an action is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It goes on.
    Underway(String),
    /// It ended; whether well.
    Ended(bool, String),
}

/// A key, as far as any means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character.
    Char(char),
    /// ↑
    Up,
    /// ↓
    Down,
    /// ←
    Left,
    /// →
    Right,
    /// A screen up.
    PageUp,
    /// A screen down.
    PageDown,
    /// To the beginning.
    Home,
    /// To the end.
    End,
    /// Return.
    Enter,
    /// To the other pane.
    Tab,
    /// Away with what is in front.
    Esc,
    /// The last character goes.
    Backspace,
    /// Ctrl-C.
    Interrupt,
    /// Ctrl-Z.
    Suspend,
}

/// Something done with the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mouse {
    /// What.
    pub act: MouseAct,
    /// Column, from 0.
    pub x: u16,
    /// Row, from 0.
    pub y: u16,
}

/// What is done with the mouse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MouseAct {
    /// The left button goes down.
    Press,
    /// The wheel turns away.
    WheelUp,
    /// The wheel turns towards the person.
    WheelDown,
}

/// Something the screen wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// End.
    Quit,
    /// Stop as a job of the shell, as Ctrl-Z does.
    Suspend,
    /// Ask for the status now.
    Refresh,
    /// From now on everything is about all projects, or only the one that was meant first.
    Scope {
        /// All projects.
        every_project: bool,
    },
    /// Follow this log, by this number, and no other any more.
    FollowLogs(u64, Option<LogTarget>),
    /// Carry an action out, known by this number.
    Operate(u64, Wish),
}

/// Whose log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogTarget {
    /// The project.
    pub project: String,
    /// The app.
    pub app: String,
    /// Only this instance.
    pub instance: Option<u32>,
}

/// What is to be done to an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The project.
    pub project: String,
    /// The app.
    pub app: String,
    /// Only this instance.
    pub instance: Option<u32>,
    /// What.
    pub operation: Operation,
}
