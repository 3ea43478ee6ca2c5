use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Brief;
use crate::feature::Value;

/// What came of a feature.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Whether it reached its target.
    pub verdict: Verdict,
    /// The measured value, in the author's words.
    #[serde(default)]
    pub measured: Option<String>,
}

/// Whether a feature reached its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
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
    /// What is left of the brief on PostHog's graphs once the flag is gone from the code.
    pub fn epitaph(&self, keep: &Value) -> String {
        let outcome = match &self.outcome {
            None => "no outcome was written down".to_owned(),
            Some(Outcome { verdict, measured: None }) => verdict.to_string(),
            Some(Outcome { verdict, measured: Some(measured) }) => format!("{verdict}, {measured}"),
        };
        let (title, key) = (self.title(), &self.key);
        format!("{title}: {outcome}. The flag '{key}' is removed from the code, which keeps {keep}.")
    }
}
