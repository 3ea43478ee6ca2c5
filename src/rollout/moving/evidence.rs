//! Who met the features, and what happened to them, asked in few queries.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};

use super::{Base, Rollout};
use crate::feature::brief::{Baseline, Guard};
use crate::feature::{Ladder, arrived, stage_opened};
use crate::flags::{Evidence, FlagKey, GuardEvidence, Met};
use crate::posthog::Error;
use crate::posthog::queries::{self, FLAGS_PER_QUERY, GuardQuery, Owed, Query, Wanted};
use crate::rollout::launch::webhook_from_here;
use crate::rollout::message::{EVENT, TOLD_EVENT};

/// The week before a stage was opened, which a guard may compare with.
const BEFORE: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Reads the evidence of rollouts, and which messages were captured: two or three queries for many of them, and one or
/// two more for each guard. What cannot be told is said where it is needed.
pub(in crate::rollout) async fn load(rollouts: &mut [Rollout<'_>]) -> Result<(), Error> {
    for some in rollouts.chunks_mut(FLAGS_PER_QUERY) {
        load_some(some).await?;
    }
    Ok(())
}

async fn load_some(rollouts: &mut [Rollout<'_>]) -> Result<(), Error> {
    let Some(base) = rollouts.first().map(|it| it.base) else { return Ok(()) };
    let keys: Vec<FlagKey> = rollouts.iter().map(|it| it.brief.flag()).collect();
    let told = asked(base, &queries::told(EVENT, &keys)).await?;
    let told = told.ok().map(|rows| queries::told_rows(&rows));
    let owed = owed(base, rollouts).await?;
    let wanted: Vec<Wanted> = rollouts.iter().filter_map(Rollout::wanted).collect();
    let met = match wanted.is_empty() {
        true => Ok(HashMap::new()),
        false => asked(base, &queries::met(base.table, &wanted)).await?.map(|rows| queries::met_rows(&rows)),
    };
    for rollout in rollouts {
        rollout.told.clone_from(&told);
        rollout.take_owed(owed.as_ref());
        rollout.evidence = match (rollout.wanted(), &met) {
            (None, _) => Err(rollout.why_not_wanted()),
            (Some(_), Err(why)) => Err(why.clone()),
            (Some(wanted), Ok(met)) => {
                let met = met.get(&wanted.key).cloned().unwrap_or_default();
                match rollout.with_guards(&wanted, met).await {
                    // What goes wrong with one flag's guard holds up no other flag.
                    Err(error @ Error::Server { .. }) => Err(error.to_string()),
                    answer => answer?,
                }
            }
        };
        rollout.note_finished();
    }
    Ok(())
}

/// What webhooks were not told, where some are told from here; `None` = nobody can tell.
async fn owed(base: &Base, rollouts: &[Rollout<'_>]) -> Result<Option<BTreeMap<FlagKey, Vec<Owed>>>, Error> {
    let told_from_here = rollouts.iter().filter(|it| webhook_from_here(&it.brief).is_some());
    let keys: Vec<FlagKey> = told_from_here.map(|it| it.brief.flag()).collect();
    if keys.is_empty() {
        return Ok(Some(BTreeMap::new()));
    }
    let rows = asked(base, &queries::owed(EVENT, TOLD_EVENT, &keys)).await?;
    Ok(rows.ok().map(|rows| queries::owed_rows(TOLD_EVENT, &rows)))
}

/// The rows, or why they cannot be had; an error where nobody can be asked at all.
pub(super) async fn asked(
    base: &Base,
    query: &Query,
) -> Result<Result<Vec<Vec<serde_json::Value>>, String>, Error> {
    match base.client.query(&base.project, query).await {
        Ok(rows) => Ok(Ok(rows)),
        Err(error) if error.is_refusal() || matches!(error, Error::TooSlow | Error::Invalid { .. }) => {
            Ok(Err(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

impl Rollout<'_> {
    /// Since when people of the stage count that is open; `None` where none is.
    pub(super) fn wanted(&self) -> Option<Wanted> {
        let filters = self.flag.filters().filter(|_| self.flag.is_evaluated())?;
        let ladder = Ladder::of(&self.plan, &filters);
        ladder.position()?;
        let history = self.history.as_ref();
        // Where everyone has it and it is not finished yet, its last step counts.
        let last = || arrived(&self.flag, history.filter(|_| ladder.has_steps())?).map(|it| it.at);
        let since = stage_opened(&self.flag, history).or_else(last)?;
        Some(Wanted { key: self.brief.flag(), since })
    }

    /// Why nobody's evidence counts.
    fn why_not_wanted(&self) -> String {
        match &self.history_refused {
            Some(why) if self.flag.is_evaluated() => {
                format!(
                    "since when its stage is open stands in the flag's activity, which cannot be read: {why}"
                )
            }
            _ => "no stage is open".into(),
        }
    }

    async fn with_guards(&self, wanted: &Wanted, met: Vec<Met>) -> Result<Result<Evidence, String>, Error> {
        let mut guards = Vec::new();
        for guard in &self.brief.guard {
            match self.guard(wanted, guard).await? {
                Ok(seen) => guards.push(seen),
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(Evidence { since: wanted.since, met, guards, fetched_at: self.base.now }))
    }

    async fn guard(&self, wanted: &Wanted, guard: &Guard) -> Result<Result<GuardEvidence, String>, Error> {
        let base = self.base;
        let Some((begin, end)) = last_windows(wanted.since, base.now, guard) else {
            return Ok(Ok(GuardEvidence::default()));
        };
        let window = guard.window().duration().as_secs();
        let (key, metric) = (&wanted.key, guard.metric.as_str());
        let (since, now) = (wanted.since, base.now);
        let query = GuardQuery { key, metric, since, begin, end, now, window, any_response: false };
        let mut seen = GuardEvidence::default();
        match asked(base, &queries::guard(base.table, &query)).await? {
            Ok(rows) => seen.windows = queries::guard_rows(&query, &rows),
            Err(why) => return Ok(Err(why)),
        }
        if guard.baseline == Some(Baseline::Before) {
            let begin = since.checked_sub(BEFORE).unwrap_or(since);
            let query = GuardQuery { since: begin, begin, end: since, any_response: true, ..query };
            match asked(base, &queries::guard(base.table, &query)).await? {
                Ok(rows) => seen.before = query.together(&rows).before,
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(seen))
    }
}

/// From when to when the last complete windows reach that a guard looks at, counted from the stage's opening; `None` while
/// not enough of them are over.
fn last_windows(since: Timestamp, now: Timestamp, guard: &Guard) -> Option<(Timestamp, Timestamp)> {
    let window = guard.window().duration();
    let n = i32::try_from(guard.windows()).ok()?;
    let over = now.duration_since(since).as_secs() / window.as_secs().max(1);
    let over = i32::try_from(over).ok().filter(|it| *it >= n)?;
    let end = since.checked_add(window * over).ok()?;
    Some((end.checked_sub(window * n).ok()?, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feature::Brief;

    #[test]
    fn only_whole_windows_since_the_stage_was_opened() {
        let brief = Brief::parse(
            "key = \"a\"\n[[guard]]\nmetric = \"exceptions\"\nabove = 2\nwindow = \"30m\"\nwindows = 3\n",
        );
        let guard = &brief.unwrap().guard[0];
        let since: Timestamp = "2026-11-27T10:10:00Z".parse().unwrap();
        let windows = |now: &str| {
            let (begin, end) = last_windows(since, now.parse().unwrap(), guard)?;
            Some((begin.to_string()[11..16].to_owned(), end.to_string()[11..16].to_owned()))
        };
        assert_eq!(windows("2026-11-27T11:39:59Z"), None);
        assert_eq!(windows("2026-11-27T11:40:00Z"), Some(("10:10".into(), "11:40".into())));
        assert_eq!(windows("2026-11-27T12:39:00Z"), Some(("10:40".into(), "12:10".into())));
        assert_eq!(windows("2026-11-27T09:00:00Z"), None);
    }
}
