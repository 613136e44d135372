//! The terminal: taken, given back whatever happens, and drawn on.

use std::{
    io::{self, BufWriter, Stdout, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

use ratatui::{
    Terminal,
    backend::CrosstermBackend,
    crossterm::{
        cursor::Show,
        event::{DisableMouseCapture, EnableMouseCapture},
        execute,
        terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode},
    },
};

use crate::render::top::{self, Top};

/// Whether the terminal is ours: a panic asks for it to be given back too.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A terminal that is ours until this goes out of scope.
pub(super) struct Screen {
    terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    mouse: bool,
}

impl Screen {
    /// Takes the terminal. `on_panic` is called after it was given back for one.
    pub(super) fn take(
        mouse: bool,
        on_panic: impl Fn() + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let former = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            give_back();
            on_panic();
            former(panic);
        }));
        // One frame is one write.
        let out = BufWriter::with_capacity(64 * 1024, io::stdout());
        let mut screen = Self { terminal: Terminal::new(CrosstermBackend::new(out))?, mouse };
        screen.resume()?;
        Ok(screen)
    }

    /// Takes it again, as it may have been left by others meanwhile.
    pub(super) fn resume(&mut self) -> io::Result<()> {
        TAKEN.store(true, Ordering::SeqCst);
        // Without this the library believes it to be as it was.
        disable_raw_mode()?;
        enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen)?;
        if self.mouse {
            execute!(io::stdout(), EnableMouseCapture)?;
        }
        // Not `clear`: that asks the terminal where its cursor is, and whoever reads keys would take the
        // answer.
        let size = self.terminal.size()?;
        self.terminal.resize(size.into())
    }

    /// Gives it back, for now or for good.
    #[expect(clippy::unused_self, reason = "only who has it can give it back")]
    pub(super) fn leave(&mut self) {
        give_back();
    }

    /// Columns and rows.
    pub(super) fn size(&self) -> io::Result<(u16, u16)> {
        let size = self.terminal.size()?;
        Ok((size.width, size.height))
    }

    /// Draws what has changed; nothing while the terminal is another's.
    pub(super) fn draw(&mut self, top: &Top) -> io::Result<()> {
        if !TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.terminal.draw(|frame| top::draw(top, frame))?;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Leaves the terminal as it was found. What fails now cannot be mended by anybody.
fn give_back() {
    if !TAKEN.swap(false, Ordering::SeqCst) {
        return;
    }
    drop(execute!(io::stdout(), DisableMouseCapture, LeaveAlternateScreen, Show));
    drop(disable_raw_mode());
    drop(io::stdout().flush());
}
