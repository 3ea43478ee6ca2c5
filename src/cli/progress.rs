//! One line on a terminal that says what takes so long, rewritten while it does, erased in the end.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Whoever waits less is told nothing.
const AFTER: Duration = Duration::from_millis(500);
const EVERY: Duration = Duration::from_millis(100);

/// The line; dropping it erases it.
pub(super) struct Line {
    /// Dropped to end the thread.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Shows what `text` says at each moment, if stderr is a terminal that can rewrite a line.
pub(super) fn line(text: impl Fn() -> String + Send + 'static) -> Line {
    let dumb = std::env::var_os("TERM").is_some_and(|it| it == "dumb");
    if dumb || !io::stderr().is_terminal() {
        return Line { stop: None, thread: None };
    }
    let (stop, stopped) = mpsc::channel::<()>();
    let thread = std::thread::spawn(move || {
        let (mut wait, mut shown) = (AFTER, String::new());
        while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
            let now = text();
            if now != shown {
                rewrite(&now);
                shown = now;
            }
            wait = EVERY;
        }
        if !shown.is_empty() {
            rewrite("");
        }
    });
    Line { stop: Some(stop), thread: Some(thread) }
}

fn rewrite(text: &str) {
    let mut stderr = io::stderr();
    // There is nobody left to tell that stderr is closed.
    drop(write!(stderr, "\r\x1b[2K{text}").and_then(|()| stderr.flush()));
}

impl Drop for Line {
    fn drop(&mut self) {
        drop(self.stop.take());
        // The thread must have erased the line before anything else is printed.
        drop(self.thread.take().map(JoinHandle::join));
    }
}
