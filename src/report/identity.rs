use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::findings::FindingRow;

/// What makes a finding the same one after lines moved and code was formatted anew: no place takes part, only the
/// order of those that are alike.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct Identity {
    /// With `/`, relative to whatever the reader knows.
    pub(super) path: String,
    pub(super) code: String,
    /// Empty where no flag is concerned.
    pub(super) key: String,
    /// From 1, in the order of the file.
    pub(super) occurrence: u32,
}

impl Identity {
    /// A number that stands for it wherever a short name is wanted; the same on every machine and in every version.
    pub(super) fn fingerprint(&self) -> String {
        // FNV-1a with 128 bits: nobody gains by making two findings look alike.
        let mut state: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
        let occurrence = self.occurrence.to_string();
        for part in [&self.path, &self.code, &self.key, &occurrence] {
            // 0xff is in no text, so it keeps parts apart.
            for byte in part.bytes().chain([0xff]) {
                state = (state ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
            }
        }
        format!("{state:032x}")
    }
}

/// Counts those that are alike; `findings` are sorted by place.
pub(super) fn number(findings: &mut [FindingRow]) {
    let mut counts: HashMap<(String, &str, String), u32> = HashMap::new();
    for it in findings {
        let n =
            counts.entry((it.place.path.clone(), it.code, it.key.clone().unwrap_or_default())).or_default();
        *n += 1;
        it.occurrence = *n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(path: &str, code: &str, key: &str, occurrence: u32) -> String {
        let (path, code, key) = (path.to_owned(), code.to_owned(), key.to_owned());
        Identity { path, code, key, occurrence }.fingerprint()
    }

    #[test]
    fn a_fingerprint_never_changes() {
        // Code scanning and GitLab remember these: a change of the algorithm closes and opens every finding.
        assert_eq!(fingerprint("src/a.ts", "unknown-flag", "new-nav", 1), "e780237906258861a2555418d2d89978");
    }

    #[test]
    fn fingerprints_tell_everything_apart() {
        let all = [
            fingerprint("a", "b", "c", 1),
            fingerprint("a", "b", "c", 2),
            fingerprint("ab", "", "c", 1),
            fingerprint("a", "", "bc", 1),
            fingerprint("", "ab", "c", 1),
            fingerprint("a", "b", "c1", 1),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
    }
}
