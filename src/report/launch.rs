//! The plan of a launch, for people and programs: what will be made, changed, left alone, and whom it touches.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::analysis::plain;
use crate::feature::{Audience, PlanStage};
use crate::rollout::decide::{
    Action, Ending, Slot, Step, TimedStep, Webhook, concerns, open_stages, steps_in_time,
};
use crate::rollout::launch::{Launch, Reach};

/// The plan as a person reads it on a terminal or in an editor.
pub fn launch_plan(launch: &Launch, steps: &[Step], reach: &[Reach]) -> String {
    let brief = &launch.target.brief;
    let header = format!("{} ({}), in {}", brief.title(), brief.key, launch.project.name);
    let mut text = plain(&header) + "\n\n";
    let width = steps.iter().map(|it| label(&it.slot).chars().count()).max().unwrap_or(0);
    for step in steps {
        let (sign, words) = words(launch, step);
        let line = format!("  {sign} {:<width$}  {}", label(&step.slot), plain(&words));
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = write!(text, "\n{}\n", tally(steps));
    if steps.iter().any(|it| matches!(it.action, Action::Differs(_))) {
        text += "What is not as the brief says stays so; --take-over writes it over.\n";
    }
    let follow = steps_in_time(&launch.target, &launch.found);
    if !follow.is_empty() {
        text += match steps.iter().any(|it| it.slot == Slot::On && it.action.writes()) {
            true => "\nOnce it is on, by itself:\n",
            false => "\nWhat PostHog should do by itself and does not know of:\n",
        };
        for it in &follow {
            let _ = writeln!(text, "  + {}", it.words());
        }
    }
    let against = concerns(&launch.target, &launch.found);
    if !against.is_empty() {
        text += "\nThis speaks against opening it; --anyway goes on in spite of it:\n";
        for it in &against {
            let _ = writeln!(text, "  ! {}", plain(it));
        }
    }
    if !reach.is_empty() {
        text += "\nWhom it touches, stage by stage, at its first step:\n";
        let of = reach.len();
        for (at, it) in reach.iter().enumerate() {
            let people = it.words().unwrap_or_else(|| "not known yet".to_owned());
            let line =
                format!("  {}/{of} {}: {} at {} %, {people}", at + 1, it.stage, it.audience, it.percent);
            let _ = writeln!(text, "{}", plain(&line));
        }
    }
    text
}

/// The stage that is open and the one that comes next, behind "is launched"; nothing where no stage has a name.
pub fn launch_whereto(launch: &Launch) -> String {
    let open = launch.found.flag.as_ref().map(open_stages).unwrap_or_default();
    let Some((stage, percent)) = open.last() else { return String::new() };
    let next = launch.target.plan.stages.get(stage.number as usize);
    let next = next.map(|it| format!("; {} comes next", it.name)).unwrap_or_default();
    format!(", at {stage}, {percent} %{next}")
}

/// Where a launch came to, as a sentence.
pub fn launch_ending(key: &str, ending: &Ending) -> String {
    match ending {
        Ending::Launched => format!("'{key}' is launched."),
        Ending::NotAsPlanned(what) => format!(
            "'{key}' is on, but not as its plan says: {}. Look at its page, or launch it with --take-over.",
            what.join("; ")
        ),
        Ending::TakeOverWaits(pending) => {
            let id = if pending.id.is_empty() {
                String::new()
            } else {
                format!(": change request {}", pending.id)
            };
            format!(
                "'{key}' is on, and writing over its conditions still waits for an approval in PostHog{id}."
            )
        }
        Ending::Waits => format!(
            "'{key}' waits for an approval in PostHog; launch again once it is given, to complete the rest."
        ),
        Ending::Off => format!("'{key}' is made, and off: nobody sees it yet."),
    }
}

/// What a step is about, where its name says the rest.
pub fn label(slot: &Slot) -> String {
    match slot {
        Slot::Cohort(name) => format!("cohort '{}'", plain(name)),
        Slot::Insight(_) => "insight".into(),
        Slot::Playlist(_) => "recordings playlist".into(),
        Slot::Layout => "text and layout".into(),
        Slot::Link => "dashboard link".into(),
        Slot::Function(kind) => kind.to_string(),
        Slot::AlertFunction => "the alert to Slack".into(),
        slot => slot.to_string(),
    }
}

/// A step's name without the key, which stands above.
fn short<'a>(launch: &Launch, step: &'a Step) -> &'a str {
    let name = step.name.strip_prefix(&*launch.target.brief.key).and_then(|it| it.strip_prefix(": "));
    match step.slot {
        Slot::Dashboard | Slot::Flag => &step.name,
        _ => name.unwrap_or(&step.name),
    }
}

/// A sign and some words for a step.
fn words(launch: &Launch, step: &Step) -> (char, String) {
    let name = short(launch, step);
    let with_name = |words: &str| match name.is_empty() {
        true => words.to_owned(),
        false => format!("{name} ({words})"),
    };
    match &step.action {
        Action::Make(_) => ('+', made(launch, step)),
        Action::Change(_, what) => ('~', with_name(&format!("written over: {}", what.join("; ")))),
        Action::Keep(words) => ('=', with_name(words)),
        Action::Differs(what) => {
            ('!', with_name(&format!("not as the brief says, kept: {}", what.join("; "))))
        }
        Action::Skip(why) => ('-', with_name(&format!("left out: {why}"))),
        Action::Wait(pending) => {
            let id = if pending.id.is_empty() { String::new() } else { format!(" {}", pending.id) };
            ('?', format!("waits for an approval in PostHog: change request{id}"))
        }
    }
}

fn made(launch: &Launch, step: &Step) -> String {
    let plan = &launch.target.plan;
    let of_cohort =
        |name: &str| plan.cohorts_named().find(|it| it.0 == name).map(|it| it.1).unwrap_or_default();
    match &step.slot {
        Slot::Flag => {
            let of = plan.stages.len();
            let first = plan.stages.first().and_then(|it| it.steps.first()).copied().unwrap_or(100.0);
            let percent = |at: usize| if at == 0 { first } else { 0.0 };
            let stage =
                |(at, it): (usize, &PlanStage)| format!("{}/{of} {} {} %", at + 1, it.name, percent(at));
            let stages: Vec<String> = plan.stages.iter().enumerate().map(stage).collect();
            format!("off; {}", stages.join(", "))
        }
        Slot::Cohort(name) => {
            let of = match of_cohort(name) {
                [] => "static, nobody in it yet".into(),
                properties => Audience::Properties(properties.to_vec()).to_string(),
            };
            let near = launch.found.similar_cohort(name);
            format!("{of}{}", near.map(|it| format!("; did you mean '{it}'?")).unwrap_or_default())
        }
        Slot::Alert => {
            let unknown = match &launch.unknown[..] {
                [] => String::new(),
                unknown => {
                    let why = match launch.is_blind {
                        true => "the key may not list colleagues (organization_member:read)",
                        false => "no colleague in PostHog",
                    };
                    format!(", but not to {}: {why}", unknown.join(", "))
                }
            };
            format!("{}, by e-mail to {}{unknown}", short(launch, step), people(launch.target.alerted.len()))
        }
        Slot::Message => match &launch.target.webhook {
            Webhook::Missing(variable) => {
                format!("the webhook waits: its address is not in the variable {variable}")
            }
            Webhook::Known(_) | Webhook::None => String::new(),
        },
        Slot::Link | Slot::Layout | Slot::On | Slot::Start => String::new(),
        _ => short(launch, step).to_owned(),
    }
}

fn people(n: usize) -> String {
    if n == 1 { "one person".into() } else { format!("{n} people") }
}

/// `12 to make, 1 to change, 3 kept, 2 left out`
fn tally(steps: &[Step]) -> String {
    let count = |is: &dyn Fn(&Action) -> bool| steps.iter().filter(|it| is(&it.action)).count();
    let parts = [
        (count(&|it| matches!(it, Action::Make(_))), "to make"),
        (count(&|it| matches!(it, Action::Change(..))), "to change"),
        (count(&|it| matches!(it, Action::Keep(_))), "as it should be"),
        (count(&|it| matches!(it, Action::Differs(_))), "not as the brief says"),
        (count(&|it| matches!(it, Action::Skip(_))), "left out"),
        (count(&|it| matches!(it, Action::Wait(_))), "waiting"),
    ];
    let said: Vec<String> =
        parts.into_iter().filter(|it| it.0 > 0).map(|(n, words)| format!("{n} {words}")).collect();
    said.join(", ")
}

/// The same for programs.
pub fn launch_json(launch: &Launch, steps: &[Step], reach: &[Reach]) -> Value {
    let follow = steps_in_time(&launch.target, &launch.found);
    json!({
        "key": launch.target.brief.key,
        "name": launch.target.brief.title(),
        "host": launch.target.host,
        "project": { "id": launch.project.id, "name": &*launch.project.name },
        "on": launch.found.flag.as_ref().is_some_and(|it| it.active),
        "steps": steps.iter().map(|it| step_json(launch, it)).collect::<Vec<Value>>(),
        "stepsInTime": follow.iter().map(step_in_time_json).collect::<Vec<Value>>(),
        "concerns": concerns(&launch.target, &launch.found),
        "reach": reach.iter().map(reach_json).collect::<Vec<Value>>(),
    })
}

fn step_json(launch: &Launch, step: &Step) -> Value {
    let (action, details) = match &step.action {
        Action::Make(_) => ("make", Vec::new()),
        Action::Change(_, what) => ("change", what.clone()),
        Action::Keep(words) => ("keep", vec![words.clone()]),
        Action::Differs(what) => ("differs", what.clone()),
        Action::Skip(why) => ("leave-out", vec![why.clone()]),
        Action::Wait(pending) => ("wait", vec![pending.id.clone()]),
    };
    json!({
        "object": step.slot.to_string(),
        "name": step.name,
        "action": action,
        "details": details,
        "link": launch.page(&step.slot),
    })
}

fn step_in_time_json(it: &TimedStep) -> Value {
    json!({ "percent": it.percent, "after": it.after })
}

fn reach_json(it: &Reach) -> Value {
    json!({
        "stage": it.stage,
        "audience": it.audience,
        "percent": it.percent,
        "affected": it.people.map(|it| it.0),
        "total": it.people.map(|it| it.1),
    })
}
