//! Whether the flags that are known are all there are, told from short lists: the flags written last, and how many
//! there are. A write shows at the top of its list, a deletion in the number. What shows in neither is when a flag was
//! last called.

use std::sync::Arc;

use crate::flags::{Flag, FlagList};
use crate::posthog::client::Recent;
use crate::posthog::wire;

/// How many flags a short list has.
pub(super) const RECENT: usize = 20;
/// Of flags without a date that stand before those written last, so many are asked for again: as long as one of them is
/// at the top, none was left out that has got a date since.
const UNDATED: usize = 5;

/// How a server's lists relate to what is known, as the last reading of all of them showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lists {
    /// Whether archived flags stand in a list of their own; older servers know nothing of it.
    pub(super) hides_archived: bool,
    /// Flags that the server counts and that are not kept: namesakes of others. Living ones, then archived ones.
    pub(super) surplus: [i64; 2],
    /// Whether flags that were not written since servers keep the date stand before those written last, as Postgres
    /// sorts what is missing. Living ones, then archived ones.
    pub(super) undated_first: [bool; 2],
}

impl Default for Lists {
    fn default() -> Lists {
        Lists { hides_archived: true, surplus: [0, 0], undated_first: [false, false] }
    }
}

impl Lists {
    /// After all flags were read, with the numbers that the server gave.
    pub(super) fn renewed(self, list: &FlagList, hides_archived: bool, counts: [Option<u64>; 2]) -> Lists {
        let mut lists = Lists { hides_archived, surplus: [0, 0], ..self };
        for (at, archived) in [false, true].into_iter().enumerate() {
            let known = lists.n_known(list, archived);
            lists.surplus[at] = counts[at].map_or(0, |it| it as i64 - known);
        }
        lists
    }

    fn has(self, flag: &Flag, archived: bool) -> bool {
        !flag.deleted && (!self.hides_archived || flag.archived == archived)
    }

    fn n_known(self, list: &FlagList, archived: bool) -> i64 {
        list.by_key.values().filter(|it| self.has(it, archived)).count() as i64
    }

    /// How many flags to leave out at the top of a short list: nearly all that have no date.
    pub(super) fn n_skipped(self, list: &FlagList, archived: bool) -> usize {
        let undated = |it: &&Arc<Flag>| self.has(it, archived) && it.updated_at.is_none();
        match self.undated_first[usize::from(archived)] {
            true => list.by_key.values().filter(undated).count().saturating_sub(UNDATED),
            false => 0,
        }
    }

    /// Learns from a short list where flags without a date stand. Returns whether it has nothing else, though others
    /// are known: then it has to be asked for again, without most of them.
    pub(super) fn learn(&mut self, list: &FlagList, recent: &Recent, archived: bool) -> bool {
        let is_dated = |it: &Flag| it.updated_at.is_some();
        // Where no flag has a date, the server does not know it.
        let knows_dates = list.by_key.values().any(|it| self.has(it, archived) && is_dated(it));
        let undated_first = recent.flags.first().is_some_and(|it| !is_dated(it)) && knows_dates;
        self.undated_first[usize::from(archived)] = undated_first;
        undated_first && recent.skipped == 0 && !recent.flags.iter().any(is_dated)
    }

    /// Whether a short list, its news taken, leaves nothing open.
    pub(super) fn add_up(self, list: &FlagList, recent: &Recent, archived: bool) -> bool {
        let Some(count) = recent.count else { return false };
        let surplus = self.surplus[usize::from(archived)];
        if count as i64 != self.n_known(list, archived) + surplus {
            return false;
        }
        count as usize <= recent.flags.len() || self.is_newest(list, recent, archived)
    }

    /// Whether a list begins with the flag written last, but for those without a date: older servers do not sort.
    fn is_newest(self, list: &FlagList, recent: &Recent, archived: bool) -> bool {
        let n_undated = recent.flags.iter().take_while(|it| it.updated_at.is_none()).count();
        let dated = &recent.flags[n_undated..];
        let Some(first) = dated.first() else { return false };
        let says_when = dated.iter().all(|it| it.updated_at.is_some());
        let is_sorted = dated.is_sorted_by(|a, b| a.updated_at >= b.updated_at);
        let leaves_out_undated_only = recent.skipped == 0 || n_undated > 0;
        let ours = list.by_key.values().filter(|it| self.has(it, archived));
        let is_first = ours.map(|it| it.updated_at).max() <= Some(first.updated_at);
        says_when && is_sorted && leaves_out_undated_only && is_first
    }
}

/// Puts what a short list says into the list. Returns whether it shows everything that was written: more may have
/// been than it holds.
pub(super) fn take(list: &mut FlagList, recent: &Recent) -> bool {
    let (news, known): (Vec<&Flag>, Vec<&Flag>) = recent.flags.iter().partition(|it| is_news(list, it));
    // Flags without a date stand at the top whatever happens below them.
    let has_dates = recent.flags.iter().any(|it| it.updated_at.is_some());
    let reaches_known = known.iter().any(|it| it.updated_at.is_some() || !has_dates);
    let shows_all = reaches_known || recent.flags.len() < RECENT;
    for flag in news {
        replace(list, Arc::new(flag.clone()));
    }
    shows_all
}

/// Whether a flag differs from what the list has of it, in anything: not every change is a write that counts up the
/// version (an experiment on the flag is none), and older servers count nothing.
pub(super) fn is_news(list: &FlagList, flag: &Flag) -> bool {
    let whole = |it: &Flag| serde_json::to_string(&wire::Flag::from(it)).ok();
    list.by_key.get(&flag.key).is_none_or(|it| whole(it) != whole(flag))
}

/// Puts a flag into the list in place of its older self, which may have had another key.
pub(super) fn replace(list: &mut FlagList, flag: Arc<Flag>) {
    list.by_key.retain(|key, it| it.id != flag.id || *key == flag.key);
    list.insert(flag);
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::json;

    fn flag(id: u64, updated: Option<i64>, archived: bool) -> Flag {
        let updated = updated.map(|it| Timestamp::from_second(it).unwrap());
        let json =
            json!({ "id": id, "key": format!("flag-{id}"), "updated_at": updated, "archived": archived });
        serde_json::from_value::<wire::Flag>(json).unwrap().into()
    }

    /// 100 living flags, flag 1 written first, and 30 archived ones.
    fn known() -> FlagList {
        let living = (1..=100).map(|it| flag(it, Some(it as i64), false));
        let archived = (201..=230).map(|it| flag(it, Some(it as i64), true));
        FlagList::new(living.chain(archived).map(Arc::new), Timestamp::UNIX_EPOCH)
    }

    fn recent(count: u64, flags: impl IntoIterator<Item = Flag>) -> Recent {
        Recent { flags: flags.into_iter().collect(), skipped: 0, count: Some(count) }
    }

    fn newest() -> impl DoubleEndedIterator<Item = Flag> {
        (81..=100).rev().map(|it| flag(it, Some(it as i64), false))
    }

    #[test]
    fn what_adds_up_and_what_does_not() {
        let change = |id: u64, at: i64| std::iter::once(flag(id, Some(at), false)).chain(newest().take(19));
        for (what, recent, shows_all, adds_up) in [
            ("nothing new", recent(100, newest()), true, true),
            ("one was written", recent(100, change(7, 500)), true, true),
            ("one was made", recent(101, change(101, 500)), true, true),
            ("one is gone", recent(99, newest()), true, false),
            ("one is gone and one was made", recent(100, change(101, 500)), true, false),
            (
                "many were written",
                recent(100, (1..=20).rev().map(|it| flag(it, Some(500 + it as i64), false))),
                false,
                true,
            ),
            ("oldest first", recent(100, newest().rev()), true, false),
            (
                "by when they were made",
                recent(100, newest().skip(1).chain([flag(80, Some(80), false)])),
                true,
                false,
            ),
            ("without times", recent(100, newest().map(|it| Flag { updated_at: None, ..it })), false, false),
            ("without a number", Recent { count: None, ..recent(100, newest()) }, true, false),
        ] {
            let mut list = known();
            assert_eq!(take(&mut list, &recent), shows_all, "{what}");
            assert_eq!(Lists::default().add_up(&list, &recent, false), adds_up, "{what}");
        }
    }

    #[test]
    fn a_short_project_needs_no_order() {
        let mut list = FlagList::new([1, 2].map(|it| Arc::new(flag(it, None, false))), Timestamp::UNIX_EPOCH);
        let recent = recent(2, [flag(1, None, false), flag(2, None, false)]);
        assert!(take(&mut list, &recent) && Lists::default().add_up(&list, &recent, false));
    }

    #[test]
    fn an_archived_flag_leaves_one_list_and_comes_to_the_other() {
        let mut list = known();
        let living = recent(
            99,
            (81..=99).rev().map(|it| flag(it, Some(it as i64), false)).chain([flag(80, Some(80), false)]),
        );
        let archived = recent(
            31,
            [flag(100, Some(500), true)]
                .into_iter()
                .chain((212..=230).rev().map(|it| flag(it, Some(it as i64), true))),
        );
        let lists = Lists::default();
        take(&mut list, &living);
        assert!(!lists.add_up(&list, &living, false));
        take(&mut list, &archived);
        assert!(lists.add_up(&list, &living, false) && lists.add_up(&list, &archived, true));
    }

    #[test]
    fn namesakes_and_servers_without_archive_are_counted_as_the_server_counts() {
        let list = known();
        let before = Lists { undated_first: [true, false], ..Lists::default() };
        let lists = before.renewed(&list, true, [Some(100), Some(33)]);
        assert_eq!(lists, Lists { surplus: [0, 3], ..before });
        let lists = before.renewed(&list, false, [Some(130), None]);
        assert_eq!(lists, Lists { hides_archived: false, ..before });
    }

    /// 60 flags that were not written since servers keep the date, before all others.
    #[test]
    fn flags_without_a_date_stand_before_those_written_last() {
        let undated = |ids: std::ops::RangeInclusive<u64>| ids.map(|it| flag(it, None, false));
        let mut known = known();
        undated(301..=360).for_each(|it| known.insert(Arc::new(it)));
        let mut lists = Lists::default();
        assert_eq!(lists.n_skipped(&known, false), 0);
        // A short list holds nothing else, and is asked for again.
        let only = recent(160, undated(301..=320));
        assert!(lists.learn(&known, &only, false) && !lists.add_up(&known, &only, false));
        assert_eq!((lists.n_skipped(&known, false), lists.n_skipped(&known, true)), (55, 0));
        let skipping = |count, flags: Vec<Flag>| Recent { skipped: 55, ..recent(count, flags) };
        let after = |n: usize, written: Vec<Flag>| -> Vec<Flag> {
            undated(356..=360).take(n).chain(written).chain(newest()).take(RECENT).collect()
        };
        let written = |id: u64| flag(id, Some(500 + id as i64), false);
        for (what, flags, shows_all, adds_up) in [
            ("nothing new", after(5, vec![]), true, true),
            ("one was written", after(5, vec![written(7)]), true, true),
            ("one got its first date", after(4, vec![written(301)]), true, true),
            ("four got one", after(1, (301..=304).rev().map(written).collect()), true, true),
            ("so many got one that some are left out", after(0, vec![written(301)]), true, false),
            ("many were written", after(5, (1..=15).rev().map(written).collect()), false, true),
        ] {
            let (mut list, mut lists, recent) = (known.clone(), lists, skipping(160, flags));
            assert!(!lists.learn(&list, &recent, false), "{what}");
            assert_eq!(take(&mut list, &recent), shows_all, "{what}");
            assert_eq!(lists.add_up(&list, &recent, false), adds_up, "{what}");
            // Where none is at the top any more, the next list begins there.
            assert_eq!(lists.n_skipped(&list, false) > 0, recent.flags[0].updated_at.is_none(), "{what}");
        }
        // A server that knows no dates is not asked for what comes later.
        let none = FlagList::new(undated(301..=360).map(Arc::new), Timestamp::UNIX_EPOCH);
        assert!(!lists.learn(&none, &only, false) && lists.n_skipped(&none, false) == 0);
    }

    #[test]
    fn whatever_differs_is_news() {
        let mut list = known();
        for change in [json!({ "name": "n" }), json!({ "tags": ["t"] }), json!({ "experiment_set": [3] })] {
            let mut flag =
                json!({ "id": 100, "key": "flag-100", "updated_at": Timestamp::from_second(100).unwrap() });
            flag.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            let flag: Flag = serde_json::from_value::<wire::Flag>(flag).unwrap().into();
            assert!(is_news(&list, &flag), "{change}");
            take(&mut list, &recent(100, [flag.clone()]));
            assert!(!is_news(&list, &flag), "{change}");
        }
    }
}
