/// What PostHog tells of one flag that stands in no list: what else of the project asks for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlagUses {
    /// Whether this server can archive flags at all; older ones cannot.
    pub can_archive: bool,
    /// Names of the surveys that are shown to those who get the flag, ended ones left out.
    pub surveys: Vec<String>,
    /// Whether it decides whose sessions are recorded.
    pub in_replay: bool,
}
