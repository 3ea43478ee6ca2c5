//! Questions on a terminal.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::bail;

use super::complain;

/// Questions to the user, on stderr, and answers from stdin, one a line. Without anybody to ask, the defaults
/// count.
pub(super) struct Answers {
    /// Whether there is anybody to ask.
    pub(super) ask: bool,
}

impl Answers {
    /// A sentence for the user.
    pub(super) fn tell(&self, text: &str) {
        complain(&crate::analysis::plain(text));
    }

    /// The answer, or what counts without one.
    pub(super) fn ask(&mut self, question: &str, default: &str) -> anyhow::Result<String> {
        if !self.ask {
            return Ok(default.to_owned());
        }
        let mut stderr = std::io::stderr();
        let hint = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        write!(stderr, "{}{hint} ", crate::analysis::plain(question))?;
        stderr.flush()?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            // Nobody is there: no further question either.
            self.ask = false;
            writeln!(stderr)?;
        }
        if !std::io::stdin().is_terminal() {
            writeln!(stderr)?;
        }
        let answer = line.trim();
        Ok(if answer.is_empty() { default } else { answer }.to_owned())
    }

    /// Asks until the answer means something.
    pub(super) fn ask_until<T>(
        &mut self,
        question: &str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        loop {
            let answer = self.ask(question, default)?;
            match parse(&answer) {
                Ok(value) => return Ok(value),
                Err(why) if self.ask => self.tell(&why),
                Err(why) => bail!("{why}"),
            }
        }
    }
}
