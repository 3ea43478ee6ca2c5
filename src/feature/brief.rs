//! A feature as a document in the user's repository: `.flagline/<key>.toml`. What stands in it is its author's; here is
//! read what the end of a feature needs.

use std::fmt;

use serde::Deserialize;

use super::Value;
use crate::flags::FlagKey;

/// Where briefs lie, below the folder of `flagline.toml`.
pub const BRIEFS: &str = ".flagline";

/// A feature's brief.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Brief {
    /// The flag's key; it decides, whatever the file is called.
    pub key: String,
    /// The feature's name; the key where there is none.
    #[serde(default)]
    pub name: String,
    /// What came of it, once somebody said so.
    #[serde(default)]
    pub outcome: Option<Outcome>,
}

/// What came of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Outcome {
    /// Whether it reached its target.
    pub verdict: Verdict,
    /// The measured value, in the author's words.
    #[serde(default)]
    pub measured: Option<String>,
}

/// Whether a feature reached its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It did.
    Nailed,
    /// It did, just so.
    Scraped,
    /// It did not.
    Failed,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Verdict::Nailed => "nailed",
            Verdict::Scraped => "scraped",
            Verdict::Failed => "failed",
        })
    }
}

impl Brief {
    /// Reads a brief; an error says what is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Brief, String> {
        toml::from_str(text).map_err(|it| it.to_string())
    }

    /// Whether this is the brief of a flag.
    pub fn is_of(&self, key: &FlagKey) -> bool {
        self.key == key.as_str()
    }

    /// What is left of the brief on PostHog's graphs once the flag is gone from the code.
    pub fn epitaph(&self, keep: &Value) -> String {
        let name = if self.name.is_empty() { &self.key } else { &self.name };
        let outcome = match &self.outcome {
            None => "no outcome was written down".to_owned(),
            Some(Outcome { verdict, measured: None }) => verdict.to_string(),
            Some(Outcome { verdict, measured: Some(measured) }) => format!("{verdict}, {measured}"),
        };
        format!("{name}: {outcome}. The flag '{}' is removed from the code, which keeps {keep}.", self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_brief() {
        let brief = |rest: &str| Brief::parse(&format!("key = \"videos\"\n{rest}")).unwrap();
        let epitaph = |rest: &str| brief(rest).epitaph(&Value::On);
        assert_eq!(
            epitaph(
                "name = \"Videos\"\nowner = \"ada@offset.example\"\n[outcome]\nverdict = \"nailed\"\nmeasured = \"41 % came back\""
            ),
            "Videos: nailed, 41 % came back. The flag 'videos' is removed from the code, which keeps on."
        );
        assert_eq!(
            epitaph(""),
            "videos: no outcome was written down. The flag 'videos' is removed from the code, which keeps on."
        );
        assert!(brief("").is_of(&"videos".into()) && !brief("").is_of(&"video".into()));
        assert!(Brief::parse("key = 7").unwrap_err().contains("invalid type"));
        assert!(Brief::parse("key = \"a\"\n[outcome]\nverdict = \"great\"").unwrap_err().contains("nailed"));
    }
}
