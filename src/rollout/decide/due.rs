//! Which messages there should be, by what a flag and its history say: whoever reads them later comes to the same ones.

use jiff::{SignedDuration, Timestamp};

use crate::feature::{
    Happened, Ladder, Remarks, Situation, Stage, StageName, Value, constant_since, rung_of, stage,
    stage_opened, transitions,
};
use crate::flags::people;
use crate::rollout::message::{Kind, Message};

/// What else decides about messages.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// Whether invitations to the interview are shown, and to how many people.
    pub interview: Option<u64>,
    /// How long a flag is the same for everyone before it is called finished.
    pub stale_after: SignedDuration,
}

/// A message that there should be, and the stage whose condition can hold the claim to send it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The message, without links.
    pub message: Message,
    /// The stage, counted from 0.
    pub rung: usize,
    /// When somebody wrote the flag so that it is due: who did sends it.
    pub since: Option<Timestamp>,
}

/// News of this age are old, where nobody was told of the launch: who starts to run a rollout is not told of all that was
/// before.
const NEWS: SignedDuration = SignedDuration::from_hours(7 * 24);

/// So many people make it worth to look where a gate does not ask for a number.
const WORTH_A_LOOK: u64 = 5;

/// The message that a feature was launched: the first of its life.
pub fn launched(it: &Situation) -> Option<Message> {
    let first = it.plan.stages.first()?;
    Some(message(it, Kind::Launched, &first.name, None, String::new()).message)
}

/// The message that people are invited to an interview: once in a feature's life.
pub fn invited(it: &Situation) -> Option<Message> {
    let around = Surroundings { interview: Some(0), ..Surroundings::default() };
    interview(it, &around).map(|it| it.message)
}

/// Every message that there should be, oldest first. Where the launch was told, all that came later is, however late
/// somebody asks.
pub fn due(it: &Situation, around: &Surroundings, is_launch_told: bool) -> Vec<Due> {
    let mut all = met_before(it);
    all.extend(happened(it, is_launch_told));
    all.extend(met(it));
    all.extend(interview(it, around));
    all.extend(over(it, around));
    all
}

fn message(it: &Situation, kind: Kind, stage: &str, occasion: Option<Timestamp>, text: String) -> Due {
    let rung = it.plan.stages.iter().position(|it| it.name == stage);
    Due {
        message: Message {
            flag: it.brief.key.clone(),
            flag_id: it.flag.id,
            stage: stage.to_owned(),
            kind,
            occasion,
            text,
        },
        rung: rung.unwrap_or(it.plan.stages.len().saturating_sub(1)),
        since: None,
    }
}

/// What the history says.
fn happened(it: &Situation, is_launch_told: bool) -> Vec<Due> {
    let Some(history) = it.history else { return Vec::new() };
    let title = it.brief.title();
    let all = transitions(it.flag, history);
    let launch = all.iter().rposition(|it| matches!(it.what, Happened::Entered { is_first: true, .. }));
    let mut told = Vec::new();
    for (at, transition) in all.iter().enumerate().rev() {
        if !is_launch_told && it.now.duration_since(transition.at) > NEWS {
            continue;
        }
        let occasion = Some(transition.at);
        match &transition.what {
            Happened::Entered { number, stage, percent, is_first } => {
                let is_launch = Some(at) == launch && history.complete && *number == 1;
                let entered = Entered { number: *number, stage, percent: *percent, is_first: *is_first };
                told.push(if is_launch {
                    first(it, &entered, transition.at)
                } else {
                    entered.told(it, transition.at)
                });
            }
            Happened::Stopped { stage, reason } => {
                let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                let key = &it.brief.key;
                let text = format!("{title} was stopped at {stage}{why}. To go on: flagline resume {key}");
                told.push(message(it, Kind::Stopped, stage, occasion, text));
            }
            Happened::SwitchedOff { stage } => {
                let last = it.plan.stages.last().map_or("everyone", |it| it.name.as_str());
                let text = format!("{title} was switched off: nobody gets it any more.");
                told.push(message(it, Kind::Stopped, stage.as_deref().unwrap_or(last), occasion, text));
            }
            Happened::Resumed { .. } | Happened::Constant(Value::Off) => {}
            Happened::Constant(value) => {
                let last = it.plan.stages.last().map_or("everyone", |it| it.name.as_str());
                let text = format!("{title} is there for everyone: {value}.");
                told.push(message(it, Kind::Everyone, last, occasion, text));
            }
        }
    }
    let written = |it: Due| Due { since: it.since.or(it.message.occasion), ..it };
    told.into_iter().map(written).collect()
}

/// A stage that was opened.
struct Entered<'a> {
    number: u32,
    stage: &'a str,
    percent: f64,
    /// Whether nobody had the feature before.
    is_first: bool,
}

impl Entered<'_> {
    /// Whom it is for, where its name does not say so.
    fn audience(&self, it: &Situation) -> String {
        let planned = it.plan.stages.get(self.number as usize - 1).filter(|it| it.name == self.stage);
        let audience = planned.map(|it| it.audience.to_string()).filter(|it| it != self.stage);
        audience.map_or_else(String::new, |it| format!(" ({it})"))
    }

    fn told(&self, it: &Situation, at: Timestamp) -> Due {
        let verb = if self.is_first { "is on again, at" } else { "goes to" };
        let percent = if self.percent < 100.0 && !self.is_first {
            format!(", at {} %", self.percent)
        } else {
            String::new()
        };
        // Who is told late is not told that it is still so.
        let closed = if self.is_open(it) { "" } else { " It is closed again by now." };
        let (title, stage, audience) = (it.brief.title(), self.stage, self.audience(it));
        let text = format!("{title} {verb} {stage}{audience}{percent}.{closed}");
        message(it, Kind::Entered, stage, Some(at), text)
    }

    fn is_open(&self, it: &Situation) -> bool {
        let filters = it.flag.filters().filter(|_| it.flag.is_evaluated()).unwrap_or_default();
        let is_of = |description: &str| {
            StageName::parse(description).is_some_and(|it| it.name == self.stage)
                || rung_of(it.plan, description).is_some_and(|of| it.plan.stages[of.0].name == self.stage)
        };
        let mut open = filters.groups.iter().filter(|it| it.percent() > 0.0);
        open.any(|it| it.description.as_deref().is_some_and(is_of))
            || matches!(stage(it.flag, it.history), Stage::Everyone(_))
    }
}

/// The first stage was opened for the first time in the feature's life.
fn first(it: &Situation, entered: &Entered, at: Timestamp) -> Due {
    let (title, stage, audience) = (it.brief.title(), entered.stage, entered.audience(it));
    let text = format!("{title} is launched, in its first stage: {stage}{audience}.");
    Due { since: Some(at), ..message(it, Kind::Launched, stage, None, text) }
}

/// Enough people met it where a person looks: in the first stage, and before a gate that asks for a go.
fn met(it: &Situation) -> Option<Due> {
    let opened = stage_opened(it.flag, it.history)?;
    // Who met an earlier stage did not meet the one that was opened since they were counted.
    let evidence = it.evidence.ok().filter(|it| it.since == opened)?;
    let ladder = Ladder::of(it.plan, &it.flag.filters().filter(|_| it.flag.is_evaluated())?);
    let (at, _) = ladder.position().filter(|_| ladder.stopped().is_none())?;
    let planned = &it.plan.stages[at];
    let wanted = planned.gate.people.map_or(WORTH_A_LOOK, u64::from);
    let asks = !planned.gate.automatic && at + 1 < it.plan.stages.len();
    if evidence.people() < wanted || !(at == 0 || asks) {
        return None;
    }
    let troubled = match evidence.troubled() {
        0 => "nobody met an exception".to_owned(),
        1 => "1 of them met an exception".to_owned(),
        n => format!("{n} of them met an exception"),
    };
    let go = if asks { format!(" To go on: flagline promote {}", it.brief.key) } else { String::new() };
    let (title, n, stage) = (it.brief.title(), evidence.people(), &planned.name);
    let who = format!("{} {}", people(n), if n == 1 { "has" } else { "have" });
    let text = format!("{title}: {who} used it at {stage}; {troubled}.{go}");
    Some(message(it, Kind::Met, stage, Some(opened), text))
}

/// Somebody was about to tell of a stage that enough people met it, and a further one is open by now.
fn met_before(it: &Situation) -> Vec<Due> {
    let (Some(history), Some(filters)) = (it.history, it.flag.filters()) else { return Vec::new() };
    let current = Ladder::of(it.plan, &filters).position().map(|it| it.0);
    let all = transitions(it.flag, history);
    let claimed =
        filters.groups.iter().filter_map(|condition| rung_of(it.plan, condition.description.as_deref()?));
    let claimed = claimed
        .filter(|(at, _)| Some(*at) != current)
        .filter(|(_, remarks)| remarks.telling.iter().any(|it| it.kind == Kind::Met.name()));
    let message = |(at, _): (usize, Remarks)| {
        let stage = &it.plan.stages[at].name;
        let opened = all
            .iter()
            .find(|it| matches!(&it.what, Happened::Entered { stage: entered, .. } if entered == stage));
        let text = format!("{}: enough people have used it at {stage}.", it.brief.title());
        Some(message(it, Kind::Met, stage, Some(opened?.at), text))
    };
    claimed.filter_map(message).collect()
}

fn interview(it: &Situation, around: &Surroundings) -> Option<Due> {
    let n = around.interview?;
    let stage = &it.plan.stages[it.brief.interview.as_ref()?.stage_in(it.plan)?];
    let who = format!("{} {}", people(n), if n == 1 { "is" } else { "are" });
    let text = format!("{}: {who} invited to an interview.", it.brief.title());
    Some(message(it, Kind::Interview, &stage.name, None, text))
}

/// It is the same for everyone, for so long.
fn over(it: &Situation, around: &Surroundings) -> Vec<Due> {
    if !matches!(stage(it.flag, it.history), Stage::Everyone(Some(_))) {
        return Vec::new();
    }
    let Some(since) = constant_since(it.flag, it.history).filter(|it| it.exact) else { return Vec::new() };
    let age = it.now.duration_since(since.at);
    let (title, key) = (it.brief.title(), &it.brief.key);
    let day = &since.at.to_string()[..10];
    let last = it.plan.stages.last().map_or("everyone", |it| it.name.as_str());
    let mut told = Vec::new();
    if age >= around.stale_after {
        let text = format!(
            "{title} has been the same for everyone since {day}: take it out of the code. flagline clean {key}"
        );
        told.push(message(it, Kind::Remove, last, Some(since.at), text));
    }
    if age >= it.brief.review_after().duration() && it.brief.outcome.is_none() {
        let text =
            format!("{title}: everyone has had it since {day}. What came of it? flagline review {key}");
        told.push(message(it, Kind::Review, last, Some(since.at), text));
    }
    told
}
