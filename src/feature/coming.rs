//! What PostHog will do to a rollout by itself, held against its plan.

use jiff::{Timestamp, tz::TimeZone};

use super::{Ladder, Plan, SAME_TIME, rung_of, scheduled_words};
use crate::flags::{Scheduled, ScheduledChange};

/// A change that PostHog will make by itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Coming {
    /// When.
    pub at: Timestamp,
    /// What, behind "it": `goes to beta 50 %`, `is switched off`.
    pub words: String,
    /// The stage, counted from 0, and the percentage of a step that was scheduled for a plan, be it this one or an
    /// earlier one.
    pub step: Option<(usize, f64)>,
    /// What it stands against; `None` = the plan wants it.
    pub against: Option<String>,
}

/// A moment as people write it: "28 Nov 2026, 06:00 UTC"
pub fn time(at: Timestamp) -> String {
    TimeZone::UTC.to_datetime(at).strftime("%-d %b %Y, %H:%M UTC").to_string()
}

/// Where a rollout stands, as far as that decides what may come by itself.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Its plan.
    pub plan: &'a Plan,
    /// How far it is.
    pub ladder: &'a Ladder,
    /// When it came there, if that is known.
    pub arrived: Option<Timestamp>,
    /// Whether all is as the plan says, but for how far it is.
    pub is_as_planned: bool,
}

/// What comes, soonest first, held against the plan: steps in time are taken within one stage, never across a gate, and
/// never of a rollout that was stopped.
pub fn coming(it: &Standing, scheduled: &[ScheduledChange], now: Timestamp) -> Vec<Coming> {
    let to_come = scheduled.iter().filter(|change| change.at > now);
    let mut all: Vec<Coming> = to_come.map(|change| one(it, change)).collect();
    all.sort_by_key(|it| it.at);
    all
}

fn one(it: &Standing, change: &ScheduledChange) -> Coming {
    let step = scheduled_step(it.plan, &change.change);
    let words = match &step {
        Some((stage, percent)) => format!("goes to {} {percent} %", it.plan.stages[*stage].name),
        None => scheduled_words(&change.change),
    };
    let against = match step {
        Some(step) => against_step(it, step, change.at),
        None => Some(against_other(it, &change.change)),
    };
    Coming { at: change.at, words, step, against }
}

/// The stage, counted from 0, and the percentage of a step that was scheduled for a plan.
pub fn scheduled_step(plan: &Plan, change: &Scheduled) -> Option<(usize, f64)> {
    let Scheduled::Conditions { percent, description } = change else { return None };
    let (at, _) = rung_of(plan, description).filter(|it| it.1.scheduled)?;
    Some((at, *percent))
}

fn against_other(it: &Standing, change: &Scheduled) -> String {
    let widens = matches!(change, Scheduled::Active(true) | Scheduled::Conditions { .. });
    match it.ladder.stopped().filter(|_| widens) {
        Some((stage, _)) => format!("the rollout was stopped at {}", it.plan.stages[stage].name),
        None => "the plan does not have this".into(),
    }
}

fn against_step(it: &Standing, (stage, percent): (usize, f64), at: Timestamp) -> Option<String> {
    let name = |stage: usize| &it.plan.stages[stage].name;
    if let Some((stopped, _)) = it.ladder.stopped() {
        return Some(format!("the rollout was stopped at {}", name(stopped)));
    }
    let Some((open, reached)) = it.ladder.position() else { return Some("no stage is open".into()) };
    let planned = &it.plan.stages[stage];
    if stage > open {
        return Some(format!("the gate of {} lies before it", name(stage - 1)));
    }
    if stage < open {
        return Some(format!("{} was opened since", name(open)));
    }
    if percent <= reached || !planned.steps.contains(&percent) {
        return Some(format!("{} has no such step ahead", planned.name));
    }
    if planned.pace.is_none() {
        return Some(format!("a person takes the steps of {}", planned.name));
    }
    if !it.is_as_planned {
        return Some("the flag is not as its plan says".into());
    }
    let due = planned.steps_in_time(reached, it.arrived?).find(|it| it.1 == percent)?.0;
    let is_due = due.duration_since(at).abs() <= SAME_TIME;
    (!is_due).then(|| format!("by the plan it is due on {}", time(due)))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::staleness::tests::flag;
    use super::*;
    use crate::feature::Brief;

    const BRIEF: &str = "key = \"a\"\n\
        [[stage]]\nname = \"internal\"\naudience = { email_domain = \"offset.example\" }\n\
        [[stage]]\nname = \"beta\"\naudience = { cohort = 7 }\nsteps = [10, 50, 100]\npace = \"1d\"\n\
        [[stage]]\nname = \"everyone\"\naudience = \"everyone\"\nsteps = [25, 100]\n";

    fn at(hour: i64) -> Timestamp {
        "2026-06-10T00:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_hours(hour)
    }

    /// What the change comes to, of a rollout that stands at these percentages since hour 0.
    fn said(percents: [f64; 3], remark: &str, hour: i64, change: Scheduled) -> String {
        let plan = Brief::parse(BRIEF).unwrap().plan(&Default::default(), "").unwrap();
        let names = ["1/3 internal".to_owned(), format!("2/3 beta{remark}"), "3/3 everyone".to_owned()];
        let groups = names.iter().zip(percents);
        let groups: Vec<String> = groups
            .map(|(name, it)| format!(r#"{{"description":"{name}","rollout_percentage":{it}}}"#))
            .collect();
        let filters = flag(true, &format!("{{\"groups\":[{}]}}", groups.join(","))).filters().unwrap();
        let ladder = Ladder::of(&plan, &filters);
        let it = Standing { plan: &plan, ladder: &ladder, arrived: Some(at(0)), is_as_planned: true };
        let changes = [ScheduledChange { at: at(hour), change, recurring: false }];
        match &coming(&it, &changes, at(1))[..] {
            [] => "nothing".into(),
            [it] => format!(
                "{}{}",
                it.words,
                it.against.as_ref().map(|it| format!(", but {it}")).unwrap_or_default()
            ),
            more => panic!("{more:?}"),
        }
    }

    fn opens(description: &str, percent: f64) -> Scheduled {
        Scheduled::Conditions { percent, description: description.into() }
    }

    #[test]
    fn steps_of_the_plan_and_what_stands_against_it() {
        let beta = |percent| opens("2/3 beta · scheduled", percent);
        let here = [100.0, 10.0, 0.0];
        for (percents, remark, hour, change, expected) in [
            (here, "", 24, beta(50.0), "goes to beta 50 %"),
            (here, "", 48, beta(100.0), "goes to beta 100 %"),
            // PostHog made it, or is about to.
            (here, "", 0, beta(50.0), "nothing"),
            (
                here,
                "",
                30,
                beta(50.0),
                "goes to beta 50 %, but by the plan it is due on 11 Jun 2026, 00:00 UTC",
            ),
            (here, "", 24, beta(70.0), "goes to beta 70 %, but beta has no such step ahead"),
            (here, "", 24, beta(10.0), "goes to beta 10 %, but beta has no such step ahead"),
            (
                here,
                "",
                24,
                opens("3/3 everyone · scheduled", 25.0),
                "goes to everyone 25 %, but the gate of beta lies before it",
            ),
            (
                [100.0, 100.0, 25.0],
                "",
                24,
                opens("3/3 everyone · scheduled", 100.0),
                "goes to everyone 100 %, but a person takes the steps of everyone",
            ),
            ([100.0, 100.0, 25.0], "", 24, beta(50.0), "goes to beta 50 %, but everyone was opened since"),
            ([0.0, 0.0, 0.0], "", 24, beta(50.0), "goes to beta 50 %, but no stage is open"),
            (
                [100.0, 0.0, 0.0],
                " · stopped: exceptions",
                24,
                beta(50.0),
                "goes to beta 50 %, but the rollout was stopped at beta",
            ),
            (
                [100.0, 0.0, 0.0],
                " · stopped: exceptions",
                24,
                Scheduled::Active(true),
                "is switched on, but the rollout was stopped at beta",
            ),
            (here, "", 24, Scheduled::Active(false), "is switched off, but the plan does not have this"),
            (
                here,
                "",
                24,
                opens("2/3 beta", 50.0),
                "opens 2/3 beta to 50 %, but the plan does not have this",
            ),
        ] {
            assert_eq!(said(percents, remark, hour, change.clone()), expected, "{change:?}");
        }
    }
}
