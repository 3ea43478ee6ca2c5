//! The steps of a launch: what will be made, changed, left alone. After every write they are decided anew, so that each
//! is made of what is really there; and the steps that are shown are those that are taken.

use serde_json::{Value, json};

use super::bodies::{self, insight_name, insights, text_tile};
use super::opening::{completes, on};
use super::telling::{alert, alert_function, function};
use super::{Found, FunctionKind, InsightKind, Pending, Refused, Slot, Target};
use crate::feature::{Audience, Stage, differences, drift, stage};
use crate::flags::Flag;

/// One step of a launch.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// About what.
    pub slot: Slot,
    /// What it is called in PostHog; empty for what has no name.
    pub name: String,
    /// What becomes of it.
    pub action: Action,
}

/// What becomes of one thing.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// It is made of this; `None` = of what is made before it.
    Make(Option<Value>),
    /// It is there and gets this; the sentences say what changes.
    Change(Value, Vec<String>),
    /// It is there as it should be.
    Keep(String),
    /// Somebody changed it, and it stays so.
    Differs(Vec<String>),
    /// It is not made, for this reason.
    Skip(String),
    /// An approval is awaited; nothing is asked for a second time.
    Wait(Pending),
}

impl Action {
    /// Whether something is written.
    pub fn writes(&self) -> bool {
        matches!(self, Action::Make(_) | Action::Change(..))
    }
}

/// Every step, in order. Nothing is anything without the flag: where it cannot be, nothing follows it.
pub fn steps(target: &Target, found: &Found) -> Vec<Step> {
    let flag = step(target, found, Slot::Flag);
    match (&flag.action, &found.flag) {
        (Action::Skip(_), Some(_)) => vec![flag],
        (Action::Skip(_), None) => {
            let cohorts = slots(target).into_iter().filter(|it| *it < Slot::Flag);
            cohorts.map(|slot| step(target, found, slot)).chain([flag.clone()]).collect()
        }
        _ => all_slots(target, found).into_iter().map(|slot| step(target, found, slot)).collect(),
    }
}

/// What a launch consists of, and what tells people that an earlier launch made for a brief that named more.
fn all_slots(target: &Target, found: &Found) -> Vec<Slot> {
    let mut slots = slots(target);
    for slot in found.objects.keys().filter(|it| is_left_over(target, found, it)) {
        let at = slots.iter().position(|it| it > slot).unwrap_or(slots.len());
        slots.insert(at, slot.clone());
    }
    slots
}

/// Whether something is there that a launch made for a brief which wanted it.
fn is_left_over(target: &Target, found: &Found, slot: &Slot) -> bool {
    let may_be = slot.is_function() || matches!(slot, Slot::EarlyAccess | Slot::Experiment);
    may_be && found.objects.contains_key(slot) && !slots(target).contains(slot)
}

/// The experiment, which needs the variants on the flag.
fn experiment(target: &Target, found: &Found) -> Action {
    let filters = found.flag.as_ref().and_then(Flag::filters);
    let lacks_variants = filters.is_some_and(|it| it.variants().is_empty()) && !target.take_over;
    if lacks_variants && !found.objects.contains_key(&Slot::Experiment) {
        return Action::Skip(
            "needs the variants, which the flag does not have; --take-over makes them".into(),
        );
    }
    let body = || Some(bodies::experiment(target, found));
    there_or(target, found, &Slot::Experiment, body, &["name", "metrics"])
}

/// What is there though the brief does not name it any more. What tells people can be taken away; what people or numbers
/// hang on is theirs to end.
fn left_over(target: &Target, found: &Found, slot: &Slot) -> Action {
    let gone = "not in the brief any more";
    let key = target.key();
    let more = match slot {
        Slot::EarlyAccess => "and people can opt in; remove it on its page".to_owned(),
        Slot::Experiment => match found.objects[slot]["start_date"].is_null() {
            true => "a draft; delete it on its page".to_owned(),
            false => format!("and it runs; end it on its page, or with flagline finish {key}"),
        },
        _ if target.take_over => {
            return Action::Change(json!({ "deleted": true }), vec![format!("{gone}: deleted")]);
        }
        _ => "and it goes on telling".to_owned(),
    };
    Action::Differs(vec![format!("{gone}, {more}")])
}

/// What a launch consists of.
pub(super) fn slots(target: &Target) -> Vec<Slot> {
    let (brief, notify) = (&target.brief, &target.brief.notify);
    let mut slots: Vec<Slot> =
        target.plan.cohorts_named().map(|(name, _)| Slot::Cohort(name.to_owned())).collect();
    slots.push(Slot::Flag);
    slots.extend(brief.early_access.as_ref().map(|_| Slot::EarlyAccess));
    slots.extend(target.is_test().then_some(Slot::Experiment));
    slots.push(Slot::Dashboard);
    slots.extend(insights(target).into_iter().map(Slot::Insight));
    slots.push(Slot::Link);
    match target.is_test() {
        false => slots.push(Slot::Playlist(None)),
        true => slots.extend(brief.variants().into_iter().map(|it| Slot::Playlist(Some(it.key)))),
    }
    slots.extend(notify.slack.as_ref().map(|_| Slot::Function(FunctionKind::SlackMessages)));
    let by_posthog = notify.webhook.is_some() && notify.webhook_in_posthog;
    slots.extend(by_posthog.then_some(Slot::Function(FunctionKind::WebhookMessages)));
    let changes = match (&notify.slack, by_posthog) {
        (Some(_), _) => Some(FunctionKind::SlackChanges),
        (None, true) => Some(FunctionKind::WebhookChanges),
        (None, false) => None,
    };
    slots.extend(changes.filter(|_| notify.flag_changes).map(Slot::Function));
    slots.extend(brief.interview.as_ref().map(|_| Slot::Survey));
    slots.extend([Slot::Layout, Slot::Alert]);
    slots.extend(notify.slack.as_ref().map(|_| Slot::AlertFunction));
    if !target.leave_off {
        slots.push(Slot::On);
        slots.extend(target.is_test().then_some(Slot::Start));
        slots.extend([Slot::Message, Slot::Annotation]);
    }
    slots.dedup();
    slots
}

pub(super) fn step(target: &Target, found: &Found, slot: Slot) -> Step {
    let name = name(target, &slot);
    let action = match found.refused.get(&slot) {
        Some(Refused(why)) => Action::Skip(why.clone()),
        None => action(target, found, &slot),
    };
    Step { slot, name, action }
}

fn name(target: &Target, slot: &Slot) -> String {
    let body = |it: Value| it["name"].as_str().unwrap_or_default().to_owned();
    match slot {
        Slot::Flag => target.key().to_owned(),
        Slot::Dashboard => bodies::dashboard_name(target),
        Slot::Insight(kind) => insight_name(target, *kind),
        Slot::Playlist(variant) => body(bodies::playlist(target, &Found::default(), variant.as_deref())),
        Slot::Survey => format!("{}: interview", target.key()),
        Slot::Alert => format!("{}: exceptions", target.key()),
        Slot::Experiment | Slot::EarlyAccess => target.brief.title().to_owned(),
        Slot::Annotation => annotation(target),
        _ => String::new(),
    }
}

fn action(target: &Target, found: &Found, slot: &Slot) -> Action {
    if is_left_over(target, found, slot) {
        return left_over(target, found, slot);
    }
    match slot {
        Slot::Cohort(name) => cohort(target, found, name),
        Slot::Flag => flag(target, found),
        Slot::Dashboard => there_or(target, found, slot, || Some(bodies::dashboard(target)), &["name"]),
        Slot::Insight(kind) => insight(target, found, *kind),
        Slot::EarlyAccess => {
            let body = || bodies::early_access(target, found);
            there_or(target, found, slot, body, &["name", "description", "documentation_url"])
        }
        Slot::Experiment => experiment(target, found),
        Slot::Link => link(target, found),
        Slot::Playlist(variant) => {
            let body = || Some(bodies::playlist(target, found, variant.as_deref()));
            let fields = ["filters", "name"];
            let fields = if is_ours_by_name(target, found, slot) { &fields[..] } else { &fields[..1] };
            there_or(target, found, slot, body, fields)
        }
        Slot::Function(kind) => function(target, found, *kind),
        Slot::Survey => survey(target, found),
        Slot::Layout => layout(target, found),
        Slot::Alert => alert(target, found),
        Slot::AlertFunction => alert_function(target, found),
        Slot::Annotation => note(target, found),
        Slot::On => on(target, found),
        Slot::Start => start(target, found),
        Slot::Message => message(target, found),
    }
}

/// The note on all graphs, once the message is sent: what waits for an approval may be rejected.
fn note(target: &Target, found: &Found) -> Action {
    let is_on = found.flag.as_ref().is_some_and(|it| it.active);
    if found.objects.contains_key(&Slot::Annotation) {
        return Action::Keep("is there".into());
    }
    if found.switched_on_elsewhere {
        return Action::Keep(BY_ANOTHER.into());
    }
    if is_on && !completes(target, found) {
        return Action::Keep("it was launched before".into());
    }
    match step(target, found, Slot::Message).action {
        Action::Skip(_) if !is_on => not_yet_on(target, found),
        Action::Skip(_) => Action::Skip("follows once the message is sent".into()),
        _ => Action::Make(Some(json!({
            "content": annotation(target),
            "date_marker": target.now,
            "scope": "project",
        }))),
    }
}

/// The words on all graphs.
fn annotation(target: &Target) -> String {
    let first = target.plan.stages.first().map(|it| it.name.as_str()).unwrap_or_default();
    format!("{} launched, stage {first}{}", target.brief.title(), annotation_end(target))
}

/// The end of these words, by which they are found again.
pub fn annotation_end(target: &Target) -> String {
    format!(" (flag {})", target.key())
}

/// Makes what is not there; of what is there, compares these fields.
pub(super) fn there_or(
    target: &Target,
    found: &Found,
    slot: &Slot,
    body: impl FnOnce() -> Option<Value>,
    fields: &[&str],
) -> Action {
    let (body, there) = (body(), found.objects.get(slot));
    let (Some(body), Some(there)) = (&body, there) else {
        return if there.is_some() { Action::Keep("is there".into()) } else { Action::Make(body) };
    };
    let of_fields = |it: &Value| -> Value {
        fields
            .iter()
            .filter_map(|name| Some(((*name).to_owned(), it.get(*name)?.clone())))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let wanted = of_fields(body);
    kept_or_changed(target, differences(&wanted, there), wanted)
}

pub(super) fn kept_or_changed(target: &Target, differences: Vec<String>, body: Value) -> Action {
    match (differences.is_empty(), target.take_over) {
        (true, _) => Action::Keep("is there".into()),
        (false, false) => Action::Differs(differences),
        (false, true) => Action::Change(body, differences),
    }
}

/// Whether something is not there, and will not be.
pub(super) fn lacks(target: &Target, found: &Found, slot: &Slot) -> bool {
    !found.objects.contains_key(slot) && matches!(step(target, found, slot.clone()).action, Action::Skip(_))
}

/// Why a flag cannot be for the people of a cohort.
const OF_BEHAVIOUR: &str = "is of behaviour, and PostHog refuses such a cohort in a flag; make it static";

fn cohort(target: &Target, found: &Found, name: &str) -> Action {
    let slot = Slot::Cohort(name.to_owned());
    if let Some(id) = found.id(&slot) {
        return match found.behavioral_cohorts.contains(&id) {
            true => Action::Skip(OF_BEHAVIOUR.into()),
            false => found_cohort(target, &found.objects[&slot], name),
        };
    }
    Action::Make(Some(bodies::cohort(target, name)))
}

/// A cohort that is there. What was not made for this flag is others' too, and is never written over.
fn found_cohort(target: &Target, there: &Value, name: &str) -> Action {
    let body = bodies::cohort(target, name);
    let differences = bodies::cohort_differences(&body, there);
    let is_ours = bodies::is_marked(there, target.key()) && there["is_static"] != true;
    match (differences.is_empty(), is_ours) {
        (false, false) => Action::Differs(differences),
        _ => kept_or_changed(target, differences, json!({ "filters": body["filters"] })),
    }
}

fn flag(target: &Target, found: &Found) -> Action {
    let cohort = |name: &str| found.cohort(name);
    let Some(flag) = &found.flag else {
        return match missing_cohort(target, found) {
            Some(why) => Action::Skip(why),
            None => Action::Make(bodies::flag(target, &cohort)),
        };
    };
    if let Some(why) = unwritable(flag) {
        return Action::Skip(why);
    }
    let cohort = |name: &str| cohort_to_be(target, found, name);
    let changed = drift(&target.brief, &target.plan, flag, &cohort);
    match (changed.is_empty(), target.take_over, &found.pending_conditions) {
        (true, ..) => Action::Keep(stage_of(flag)),
        (false, false, _) => Action::Differs(changed),
        (false, true, Some(pending)) => Action::Wait(pending.clone()),
        (false, true, None) => match bodies::patched_filters(target, flag, &cohort) {
            Some(filters) => Action::Change(json!({ "filters": filters }), changed),
            // A cohort that the plan names is not there, and cannot be made.
            None => Action::Differs(changed),
        },
    }
}

/// The number of a cohort, or one that no cohort has while it is to be made: it is made before the flag is written.
pub(super) fn cohort_to_be(target: &Target, found: &Found, name: &str) -> Option<u64> {
    let is_made = || step(target, found, Slot::Cohort(name.to_owned())).action.writes();
    found.cohort(name).or_else(|| is_made().then_some(0))
}

/// Why a flag cannot be made for the plan's people.
fn missing_cohort(target: &Target, found: &Found) -> Option<String> {
    target.plan.stages.iter().find_map(|it| match &it.audience {
        Audience::Cohort(id) if found.behavioral_cohorts.contains(id) => {
            Some(format!("needs the cohort {id}, which {OF_BEHAVIOUR}"))
        }
        Audience::CohortNamed { name, .. } => {
            let slot = Slot::Cohort(name.clone());
            let is_skipped = matches!(step(target, found, slot).action, Action::Skip(_));
            is_skipped.then(|| format!("needs the cohort '{name}'"))
        }
        _ => None,
    })
}

/// Why a flag cannot be launched.
fn unwritable(flag: &Flag) -> Option<String> {
    if flag.archived {
        return Some("is archived; take it back on its page, or choose another key".into());
    }
    match flag.filters() {
        Some(filters) if filters.version < 2 => None,
        _ => Some("has rules of a newer kind, which can be written on its page only".into()),
    }
}

pub(super) fn stage_of(flag: &Flag) -> String {
    match stage(flag, None) {
        Stage::Off => "is there, off".into(),
        stage => format!("is there, at {stage}"),
    }
}

fn insight(target: &Target, found: &Found, kind: InsightKind) -> Action {
    if lacks(target, found, &Slot::Dashboard) {
        return Action::Skip("needs the dashboard".into());
    }
    let slot = Slot::Insight(kind);
    let fields = [if found.is_old { "filters" } else { "query" }, "name"];
    let fields = if is_ours_by_name(target, found, &slot) { &fields[..] } else { &fields[..1] };
    there_or(target, found, &slot, || bodies::insight(target, found, kind), fields)
}

/// Whether something is called as it was made, so that its name follows the brief; what somebody called is theirs.
fn is_ours_by_name(target: &Target, found: &Found, slot: &Slot) -> bool {
    let name = found.objects.get(slot).and_then(|it| it["name"].as_str());
    name.is_some_and(|it| it.starts_with(&format!("{}: ", target.key())))
}

fn link(target: &Target, found: &Found) -> Action {
    if lacks(target, found, &Slot::Dashboard) {
        return Action::Skip("needs the dashboard".into());
    }
    match (&found.flag, found.id(&Slot::Dashboard)) {
        (Some(flag), Some(dashboard)) if flag.dashboards.contains(&dashboard) => {
            Action::Keep("is there".into())
        }
        (Some(flag), Some(dashboard)) => {
            let mut dashboards = flag.dashboards.clone();
            dashboards.push(dashboard);
            Action::Make(Some(json!({ "analytics_dashboards": dashboards })))
        }
        _ => Action::Make(None),
    }
}

fn survey(target: &Target, found: &Found) -> Action {
    let mut body = bodies::survey(target, found);
    let there = found.objects.get(&Slot::Survey);
    let fields = ["questions", "conditions", "targeting_flag_filters", "responses_limit"];
    // Who is meant is written as filters and read as the flag that PostHog makes of them.
    if let (Some(body), Some(there)) = (&mut body, there)
        && there.get("targeting_flag_filters").is_none_or(Value::is_null)
        && let Some(filters) = body.get("targeting_flag_filters")
        && differences(filters, &there["targeting_flag"]["filters"]).is_empty()
        && let Some(body) = body.as_object_mut()
    {
        body.remove("targeting_flag_filters");
    }
    // PostHog takes no second one of its name.
    if there.is_some_and(|it| it["archived"] == true) {
        return kept_or_changed(target, vec!["somebody archived it".into()], json!({ "archived": false }));
    }
    there_or(target, found, &Slot::Survey, || body, &fields)
}

fn layout(target: &Target, found: &Found) -> Action {
    if lacks(target, found, &Slot::Dashboard) {
        return Action::Skip("needs the dashboard".into());
    }
    let body = bodies::layout(target, found);
    let there = found.objects.get(&Slot::Dashboard).and_then(|it| text_tile(it, target.key()));
    let (Some(body), Some(there)) = (&body, there) else { return Action::Make(body) };
    // Where things stand is the team's business once they stand.
    let text = json!({ "tiles": [body["tiles"][0]] });
    let wanted = text["tiles"][0]["text"]["body"].as_str().unwrap_or_default();
    match wanted == there.body {
        true => Action::Keep("is there".into()),
        // What could not be made at first is there by now.
        false if bodies::only_links_more(wanted, &there.body) => {
            Action::Change(text, vec!["more to link to".into()])
        }
        false => kept_or_changed(target, vec!["the text".into()], text),
    }
}

fn start(target: &Target, found: &Found) -> Action {
    if lacks(target, found, &Slot::Experiment) {
        return Action::Skip("needs the experiment".into());
    }
    let is_on = found.flag.as_ref().is_some_and(|it| it.active);
    match found.objects.get(&Slot::Experiment) {
        Some(experiment) if !experiment["start_date"].is_null() => Action::Keep("runs".into()),
        Some(_) if is_on => Action::Make(Some(Value::Null)),
        None if is_on => Action::Make(None),
        _ => not_yet_on(target, found),
    }
}

fn message(target: &Target, found: &Found) -> Action {
    let is_on = found.flag.as_ref().is_some_and(|it| it.active);
    match found.told {
        Some(true) => Action::Keep("was sent".into()),
        // Events can be read some time after they were captured.
        _ if found.objects.contains_key(&Slot::Annotation) => Action::Keep("was sent".into()),
        _ if found.switched_on_elsewhere => Action::Keep(BY_ANOTHER.into()),
        _ if !is_on => not_yet_on(target, found),
        _ if !completes(target, found) => Action::Keep("it was launched before".into()),
        // Nobody can tell whether it was sent, and twice is worse than not at all.
        None if !found.switched_on => Action::Skip("whether it was sent before could not be asked".into()),
        Some(false) | None => Action::Make(Some(Value::Null)),
    }
}

/// Why something is left to another launch.
const BY_ANOTHER: &str = "whoever switched it on in this moment does that";

/// Why something waits for the flag.
const ONCE_ON: &str = "follows once the flag is on";

/// What follows the flag's being on, while it is not.
fn not_yet_on(target: &Target, found: &Found) -> Action {
    match step(target, found, Slot::On).action.writes() {
        true => Action::Make(None),
        false => Action::Skip(ONCE_ON.into()),
    }
}
