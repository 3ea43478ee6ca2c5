use crate::feature::Brief;
use crate::feature::brief::{BriefFile, Metric};
use crate::flags::FlagKey;

/// What a flag's card says of its brief.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BriefNote {
    /// The feature's name.
    pub title: String,
    /// The key metric, with what is hoped for.
    pub metric: Option<String>,
    /// What must be done before the flag can be lifted, and whether it is.
    pub todos: Vec<(String, bool)>,
}

/// What the brief of a flag adds to its card; `None` without one that can be understood.
pub fn brief_note(briefs: &[std::sync::Arc<BriefFile>], key: &FlagKey) -> Option<BriefNote> {
    brief_in(briefs, key).map(|brief| BriefNote {
        title: brief.title().to_owned(),
        metric: brief.metric.as_ref().map(Metric::words),
        todos: brief.before_lifting.iter().map(|it| (it.what.clone(), it.done)).collect(),
    })
}

/// The brief of a flag among some.
pub(crate) fn brief_in<'a>(briefs: &'a [std::sync::Arc<BriefFile>], key: &FlagKey) -> Option<&'a Brief> {
    briefs.iter().filter_map(|it| it.brief.as_ref().ok()).find(|it| it.is_of(key))
}
