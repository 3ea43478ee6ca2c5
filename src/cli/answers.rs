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

    /// Whether somebody says yes. Where nobody is there any more, nobody agrees.
    pub(super) fn agrees(&mut self, question: &str) -> anyhow::Result<bool> {
        Ok(self.ask && is_yes(&self.ask(question, "no")?))
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

/// Whether an answer is a yes, as people type it.
pub(super) fn is_yes(answer: &str) -> bool {
    matches!(&*answer.trim().to_lowercase(), "yes" | "y")
}

#[cfg(test)]
mod tests {
    use super::is_yes;

    #[test]
    fn a_yes_is_a_yes_however_it_is_typed() {
        assert!(["yes", "y", "Yes", "Y", " YES "].into_iter().all(is_yes));
        assert!(!["no", "", "n", "yess", "ok"].into_iter().any(is_yes));
    }
}
