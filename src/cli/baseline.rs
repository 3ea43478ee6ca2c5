//! The baseline of `flagline check`: its file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::{complain, paths};
use crate::posthog::atomic;
use crate::report::{Baseline, Report};

/// A baseline and where it lies.
pub(super) struct BaselineFile {
    /// As the user named it.
    named: PathBuf,
    path: PathBuf,
    folder: PathBuf,
    /// The text that was read; none when there is no such file yet.
    text: Option<String>,
    baseline: Baseline,
}

impl BaselineFile {
    /// Reads a baseline. One that is not there yet is empty to somebody who is about to write it.
    pub(super) fn open(
        named: &Path,
        directory: &Path,
        will_be_written: bool,
    ) -> anyhow::Result<BaselineFile> {
        let path = paths::normal(&directory.join(named));
        let folder = path.parent().context("a baseline is a file")?.to_owned();
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound && will_be_written => None,
            Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
                "the baseline {} is not there; --update-baseline writes it with the findings of now",
                named.display()
            ),
            Err(error) => bail!("the baseline {} cannot be read: {error}", named.display()),
        };
        let baseline = text.as_deref().map(Baseline::parse).transpose();
        let baseline =
            baseline.map_err(|it| anyhow::anyhow!("{} {it}", named.display()))?.unwrap_or_default();
        Ok(BaselineFile { named: named.to_owned(), path, folder, text, baseline })
    }

    /// Takes over what `report` found, and says so. Nothing is written when nothing changed.
    pub(super) fn update(
        &mut self,
        report: &Report,
        was_checked: impl Fn(&Path) -> bool,
    ) -> anyhow::Result<()> {
        let updated = self.baseline.updated(report, &self.folder, |it| was_checked(&self.file(it)));
        let text = updated.text()?;
        if self.text.as_ref() != Some(&text) {
            write(&self.path, &text)
                .with_context(|| format!("{} cannot be written", self.named.display()))?;
        }
        let (before, now) = (self.baseline.len(), updated.len());
        let findings = if now == 1 { "finding" } else { "findings" };
        complain(&format!("{} holds {now} {findings} ({before} before)", self.named.display()));
        self.baseline = updated;
        Ok(())
    }

    /// Leaves what is known out of `report`.
    pub(super) fn apply(&self, report: &mut Report, was_checked: impl Fn(&Path) -> bool) {
        report.leave_out(&self.baseline, &self.folder, |it| was_checked(&self.file(it)));
    }

    fn file(&self, path: &str) -> PathBuf {
        paths::normal(&self.folder.join(path))
    }
}

/// Whole or not at all. Through a link, the file that it leads to is written.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    atomic::replace(&path, text.as_bytes(), |it| fs::File::create_new(it))
}
