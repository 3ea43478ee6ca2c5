use super::{Plan, Remarks};
use crate::flags::{Filters, ReleaseCondition};

/// Where a flag's rollout stands on its plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Ladder {
    /// One for each stage of the plan, in its order.
    pub rungs: Vec<Rung>,
    /// Whether a condition is open that is none of the plan's.
    pub is_open_elsewhere: bool,
}

/// One stage of the plan, as the flag has it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rung {
    /// Whether the flag has a condition of this stage.
    pub is_there: bool,
    /// The largest percentage of its conditions, 0 to 100.
    pub percent: f64,
    /// Why it was stopped.
    pub stopped: Option<String>,
    /// Whether it is open in spite of a stop of it or of one before, by a change that PostHog made by itself.
    pub leaks: bool,
}

/// What comes next on a plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum NextStep {
    /// The stage that is open goes to this percentage.
    Within {
        /// The stage, counted from 0.
        stage: usize,
        /// Percent of its people.
        percent: f64,
    },
    /// The next stage opens, at its first percentage; the gate of the one before it stands between.
    Across {
        /// The stage that opens, counted from 0.
        stage: usize,
        /// Percent of its people.
        percent: f64,
    },
    /// The last stage is wholly open.
    Done,
}

impl NextStep {
    /// Whether it takes this stage, counted from 0, to this percentage.
    pub fn is(self, step: Option<(usize, f64)>) -> bool {
        match self {
            NextStep::Within { stage, percent } | NextStep::Across { stage, percent } => {
                step == Some((stage, percent))
            }
            NextStep::Done => false,
        }
    }
}

impl Ladder {
    /// Reads the conditions of a flag.
    pub fn of(plan: &Plan, filters: &Filters) -> Ladder {
        let mut rungs = vec![Rung::default(); plan.stages.len()];
        let mut is_open_elsewhere = false;
        for condition in &filters.groups {
            match condition.description.as_deref().and_then(|it| rung_of(plan, it)) {
                Some((at, remarks)) => take(&mut rungs[at], condition, &remarks),
                None => is_open_elsewhere |= condition.percent() > 0.0,
            }
        }
        // A stop closes its stage and all after it.
        let stopped = rungs.iter().position(|it| it.stopped.is_some());
        for (at, rung) in rungs.iter_mut().enumerate() {
            rung.leaks &= stopped.is_some_and(|stopped| at >= stopped);
        }
        Ladder { rungs, is_open_elsewhere }
    }

    /// The last stage that is open, counted from 0, and its percentage.
    pub fn position(&self) -> Option<(usize, f64)> {
        self.rungs.iter().enumerate().rev().find(|it| it.1.percent > 0.0).map(|(at, it)| (at, it.percent))
    }

    /// The stage that was stopped, and why.
    pub fn stopped(&self) -> Option<(usize, &str)> {
        self.rungs.iter().enumerate().find_map(|(at, it)| Some((at, it.stopped.as_deref()?)))
    }

    /// Whether stages are there to go back to: `finish` leaves one condition for everyone.
    pub fn has_steps(&self) -> bool {
        self.rungs.iter().filter(|it| it.is_there).count() > 1
    }

    /// Whether all is open before the last stage that is, and nothing beside the plan.
    pub fn is_as_planned(&self) -> bool {
        let before = self.position().map_or(0, |it| it.0);
        !self.is_open_elsewhere && self.rungs[..before].iter().all(|it| it.percent >= 100.0)
    }

    /// What comes next; `None` where no stage is open.
    pub fn next(&self, plan: &Plan) -> Option<NextStep> {
        let (stage, percent) = self.position()?;
        let step = |of: usize, above: f64| plan.stages.get(of)?.steps.iter().copied().find(|it| *it > above);
        if let Some(percent) = step(stage, percent) {
            return Some(NextStep::Within { stage, percent });
        }
        Some(match step(stage + 1, 0.0) {
            Some(percent) => NextStep::Across { stage: stage + 1, percent },
            None => NextStep::Done,
        })
    }
}

/// The stage of the plan that a condition belongs to by its description, counted from 0. A plan may change while its rollout is on its way:
/// a stage is known by its name when others came or went, and by its number when it is called otherwise. That
/// its condition is not as planned is told by `drift`, and holds up everything but narrowing.
pub fn rung_of(plan: &Plan, description: &str) -> Option<(usize, Remarks)> {
    let remarks = Remarks::parse(description)?;
    let (number, of) = (remarks.stage.number as usize, remarks.stage.of as usize);
    let by_name = plan.stages.iter().position(|it| it.name == remarks.stage.name);
    let at = by_name.or_else(|| (of == plan.stages.len()).then_some(number - 1))?;
    Some((at, remarks))
}

fn take(rung: &mut Rung, condition: &ReleaseCondition, remarks: &Remarks) {
    rung.is_there = true;
    rung.percent = rung.percent.max(condition.percent());
    rung.leaks |= remarks.scheduled && condition.percent() > 0.0;
    if rung.stopped.is_none() {
        rung.stopped.clone_from(&remarks.stopped);
    }
}

#[cfg(test)]
mod tests {
    use super::super::staleness::tests::flag;
    use super::*;
    use crate::feature::Brief;

    const BRIEF: &str = "key = \"a\"\n\
        [[stage]]\nname = \"internal\"\naudience = { email_domain = \"offset.example\" }\n\
        [[stage]]\nname = \"beta\"\naudience = { cohort = 7 }\nsteps = [10, 50, 100]\n\
        [[stage]]\nname = \"everyone\"\naudience = \"everyone\"\nsteps = [25, 100]\n";

    fn plan() -> Plan {
        Brief::parse(BRIEF).unwrap().plan(&Default::default(), "").unwrap()
    }

    fn ladder(groups: &str) -> Ladder {
        Ladder::of(&plan(), &flag(true, &format!("{{\"groups\":[{groups}]}}")).filters().unwrap())
    }

    fn group(description: &str, percent: f64) -> String {
        format!(r#"{{"description":"{description}","rollout_percentage":{percent}}}"#)
    }

    fn open(percents: [f64; 3]) -> String {
        let names = ["1/3 internal", "2/3 beta", "3/3 everyone"];
        names.iter().zip(percents).map(|(name, it)| group(name, it)).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn what_comes_next() {
        let next = |percents| ladder(&open(percents)).next(&plan());
        assert_eq!(next([0.0, 0.0, 0.0]), None);
        assert_eq!(next([100.0, 0.0, 0.0]), Some(NextStep::Across { stage: 1, percent: 10.0 }));
        assert_eq!(next([100.0, 10.0, 0.0]), Some(NextStep::Within { stage: 1, percent: 50.0 }));
        // Somebody chose a percentage of their own.
        assert_eq!(next([100.0, 60.0, 0.0]), Some(NextStep::Within { stage: 1, percent: 100.0 }));
        assert_eq!(next([100.0, 100.0, 0.0]), Some(NextStep::Across { stage: 2, percent: 25.0 }));
        assert_eq!(next([100.0, 100.0, 100.0]), Some(NextStep::Done));
    }

    #[test]
    fn what_is_not_as_planned() {
        assert!(ladder(&open([100.0, 10.0, 0.0])).is_as_planned());
        assert!(!ladder(&open([50.0, 10.0, 0.0])).is_as_planned());
        let stranger =
            |percent| ladder(&format!("{},{}", open([100.0, 0.0, 0.0]), group("for Bob", percent)));
        assert!(stranger(0.0).is_as_planned());
        assert!(!stranger(5.0).is_as_planned());
        // A stage that the plan does not have any more is a stranger.
        let other = format!("{},{}", open([100.0, 0.0, 0.0]), group("2/4 friends", 5.0));
        assert!(ladder(&other).is_open_elsewhere);
    }

    #[test]
    fn a_stage_is_known_when_its_plan_changed() {
        // One was added before the last, one was removed in the middle, one is called otherwise.
        for conditions in
            ["1/2 internal:100,2/2 everyone:25", "1/4 internal:100,3/4 beta:100,4/4 everyone:25"]
        {
            let groups: Vec<String> = conditions
                .split(',')
                .filter_map(|it| it.split_once(':'))
                .map(|(name, it)| group(name, it.parse().unwrap()))
                .collect();
            assert_eq!(ladder(&groups.join(",")).position(), Some((2, 25.0)), "{conditions}");
        }
        let renamed =
            format!("{},{}", group("1/3 internal", 100.0), group("2/3 testers · stopped: slow", 0.0));
        assert_eq!(ladder(&renamed).stopped(), Some((1, "slow")));
    }

    #[test]
    fn a_stopped_stage_leaks_where_posthog_opened_it_by_itself() {
        let stopped = group("2/3 beta · stopped: exceptions", 0.0);
        let [internal, everyone] = [group("1/3 internal", 100.0), group("3/3 everyone", 0.0)];
        let still = ladder(&format!("{internal},{stopped},{everyone}"));
        assert_eq!(still.stopped(), Some((1, "exceptions")));
        assert_eq!(still.position(), Some((0, 100.0)));
        let opened = group("2/3 beta · scheduled", 50.0);
        let leaks = ladder(&format!("{internal},{stopped},{everyone},{opened}"));
        assert!(leaks.rungs[1].leaks);
        assert!(!ladder(&format!("{internal},{everyone},{opened}")).rungs[1].leaks);
        // Of a roll-back over two stages the first says so.
        let last = group("3/3 everyone · scheduled", 50.0);
        let back = ladder(&format!("{internal},{stopped},{everyone},{last}"));
        assert!(back.rungs[2].leaks && !back.rungs[1].leaks);
        assert!(!ladder(&format!("{},{stopped}", group("1/3 internal · scheduled", 50.0))).rungs[0].leaks);
    }
}
