//! Whether the flags that are known are all there are, told from short lists: the flags written last, and how many
//! there are. A write shows at the top of its list, a deletion in the number. What shows in neither is when a flag was
//! last called.

use std::sync::Arc;

use crate::flags::{Flag, FlagList};
use crate::posthog::client::Recent;

/// How many flags a short list has.
pub(super) const RECENT: usize = 20;

/// How a server's lists relate to what is known, as the last reading of all of them showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lists {
    /// Whether archived flags stand in a list of their own; older servers know nothing of it.
    pub(super) hides_archived: bool,
    /// Flags that the server counts and that are not kept: namesakes of others. Living ones, then archived ones.
    pub(super) surplus: [i64; 2],
}

impl Default for Lists {
    fn default() -> Lists {
        Lists { hides_archived: true, surplus: [0, 0] }
    }
}

impl Lists {
    /// After all flags were read, with the numbers that the server gave.
    pub(super) fn new(list: &FlagList, hides_archived: bool, counts: [Option<u64>; 2]) -> Lists {
        let mut lists = Lists { hides_archived, surplus: [0, 0] };
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

    /// Whether a short list, its news taken, leaves nothing open.
    pub(super) fn add_up(self, list: &FlagList, recent: &Recent, archived: bool) -> bool {
        let Some(count) = recent.count else { return false };
        let surplus = self.surplus[usize::from(archived)];
        if count as i64 != self.n_known(list, archived) + surplus {
            return false;
        }
        count as usize <= recent.flags.len() || self.is_newest(list, recent, archived)
    }

    /// Whether a list begins with the flag written last: older servers do not sort.
    fn is_newest(self, list: &FlagList, recent: &Recent, archived: bool) -> bool {
        let says_when = recent.flags.iter().all(|it| it.updated_at.is_some());
        let is_sorted = recent.flags.is_sorted_by(|a, b| a.updated_at >= b.updated_at);
        let ours = list.by_key.values().filter(|it| self.has(it, archived));
        let first = recent.flags.first().map(|it| it.updated_at);
        says_when && is_sorted && ours.map(|it| it.updated_at).max() <= first
    }
}

/// Puts what a short list says into the list. Returns whether it shows everything that was written: more may have
/// been than it holds.
pub(super) fn take(list: &mut FlagList, recent: &Recent) -> bool {
    let news: Vec<&Flag> = recent.flags.iter().filter(|it| is_news(list, it)).collect();
    let shows_all = news.len() < recent.flags.len() || recent.flags.len() < RECENT;
    let news: Vec<Arc<Flag>> = news.into_iter().map(|it| Arc::new(it.clone())).collect();
    for flag in news {
        replace(list, flag);
    }
    shows_all
}

/// Whether a flag differs from what the list has of it.
fn is_news(list: &FlagList, flag: &Flag) -> bool {
    let state =
        |it: &Flag| (it.version, it.updated_at, it.last_called_at, it.active, it.archived, it.deleted);
    list.by_key
        .get(&flag.key)
        .is_none_or(|it| it.id != flag.id || state(it) != state(flag) || it.stamp() != flag.stamp())
}

/// Puts a flag into the list in place of its older self, which may have had another key.
pub(super) fn replace(list: &mut FlagList, flag: Arc<Flag>) {
    list.by_key.retain(|key, it| it.id != flag.id || *key == flag.key);
    list.insert(flag);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::posthog::wire;
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
        Recent { flags: flags.into_iter().collect(), count: Some(count) }
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
        let lists = Lists::new(&list, true, [Some(100), Some(33)]);
        assert_eq!(lists.surplus, [0, 3]);
        let lists = Lists::new(&list, false, [Some(130), None]);
        assert_eq!(lists, Lists { hides_archived: false, surplus: [0, 0] });
    }
}
