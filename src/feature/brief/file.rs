use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use super::{BRIEFS, Brief, BriefProblem, key_in, read};
use crate::flags::FlagKey;
use crate::text::Text;

/// Problems that a message tells.
const MOST_TOLD: usize = 20;

/// A brief as it stands in a file, right or wrong.
#[derive(Debug, Clone)]
pub struct BriefFile {
    /// Its file.
    pub path: Arc<Path>,
    /// What is written there.
    pub text: Text,
    /// What it says, or everything that is wrong with it.
    pub brief: Result<Brief, Vec<BriefProblem>>,
    key: Option<(FlagKey, Range<usize>)>,
}

impl BriefFile {
    /// Reads a text.
    pub fn new(path: Arc<Path>, text: Text) -> BriefFile {
        let brief = read(text.as_str());
        let key = key_in(text.as_str());
        BriefFile { path, text, brief, key }
    }

    /// The flag's key, even if much of the rest is wrong.
    pub fn key(&self) -> Option<&FlagKey> {
        self.key.as_ref().map(|it| &it.0)
    }

    /// Everything that is wrong with it, a line for each; of very many, the first. Nothing of a brief that is right.
    pub fn problems(&self) -> Option<String> {
        let path = self.path.display();
        Some(match &self.lines()?[..] {
            [only] => format!("{path}: {only}"),
            lines => format!("{path} cannot be read as a brief:\n  {}", lines.join("\n  ")),
        })
    }

    /// What it says, or everything that is wrong with it as one sentence.
    pub fn read(&self) -> Result<Brief, String> {
        self.brief.clone().map_err(|_| self.lines().unwrap_or_default().join("; "))
    }

    fn lines(&self) -> Option<Vec<String>> {
        let problems = self.brief.as_ref().err()?;
        let words = |it: &BriefProblem| {
            let line = self.text.span(it.span.clone()).start.line + 1;
            format!("line {line}: {}", it.message)
        };
        let mut lines: Vec<String> = problems.iter().take(MOST_TOLD).map(words).collect();
        if problems.len() > MOST_TOLD {
            lines.push(format!("and {} more", problems.len() - MOST_TOLD));
        }
        Some(lines)
    }

    /// The bytes of the key, quotes included.
    pub fn key_span(&self) -> Option<Range<usize>> {
        self.key.as_ref().map(|it| it.1.clone())
    }
}

/// Whether a file is a brief: it lies in a folder `.flagline` and is TOML. `flagline.toml` there is the brief of a flag
/// of that name.
pub fn is_brief(path: &Path) -> bool {
    let folder = path.parent().and_then(Path::file_name);
    folder.is_some_and(|it| it == BRIEFS) && path.extension().is_some_and(|it| it == "toml")
}
