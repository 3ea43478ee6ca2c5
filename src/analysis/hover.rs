use std::fmt::Write as _;

use jiff::{SignedDuration, Timestamp};

use super::Snapshot;
use super::brief::{BriefNote, brief_in, brief_note};
use super::card::{Card, Details, State, card};
use super::experiment;
use super::markup::{ago, bar, day, escaped, plain, span, sparkline};
use super::moves::{Known, Outlook, outlook};
use crate::feature::{Since, Stage, StageLine, scheduled_words, time};
use crate::flags::{Exposure, FlagKey, Mirror, ScheduledChange, SdkSeen, VariantExposure};
use crate::text::Span;

/// What a hover shows, and over what.
#[derive(Debug, Clone, PartialEq)]
pub struct Hover {
    /// The key that was hovered.
    pub key: FlagKey,
    /// The card, rendered.
    pub text: String,
    /// The key in the source.
    pub span: Span,
}

/// How a card is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// Markdown, for editors.
    Markdown,
    /// Plain text, for terminals and editors without Markdown.
    Plain,
}

/// The card of the flag whose key, or whose definition, is at `offset`.
pub fn hover(snapshot: &Snapshot, offset: u32, markup: Markup) -> Option<Hover> {
    let (key, span) = key_at(snapshot, offset)?;
    let silent = is_silent(snapshot, &key);
    let adds = OfBrief { note: brief_note(&snapshot.briefs, &key), outlook: outlook_of(snapshot, &key) };
    let text = rendered(&snapshot.mirror, &key, silent, adds, markup, snapshot.now);
    Some(Hover { text, key, span })
}

/// Where the feature of a flag stands, if it has a brief and is on its way.
pub(super) fn outlook_of(snapshot: &Snapshot, key: &FlagKey) -> Option<Outlook> {
    let known = Known {
        environment: snapshot.mirror.primary()?,
        plans: &snapshot.config.plans,
        is_silent: is_silent(snapshot, key),
        now: snapshot.now,
    };
    outlook(&known, brief_in(&snapshot.briefs, key)?)
}

/// What a brief adds to the card of its flag.
#[derive(Debug, Default)]
pub(super) struct OfBrief {
    /// What the feature is for. A brief says that itself.
    pub note: Option<BriefNote>,
    /// Where it stands on its plan.
    pub outlook: Option<Outlook>,
}

/// The card of a flag; `silent` when only its payload is read, as far as is known.
pub(super) fn rendered(
    mirror: &Mirror,
    key: &FlagKey,
    silent: bool,
    adds: OfBrief,
    markup: Markup,
    now: Timestamp,
) -> String {
    let mut card = card(mirror, key, now);
    (card.brief, card.outlook) = (adds.note, adds.outlook);
    if let State::Known(details) = &mut card.state {
        details.is_silent = silent;
        if details.is_silent {
            card.elsewhere.iter_mut().for_each(|it| it.people = it.people.filter(|it| *it > 0));
        }
    }
    render(&card, markup, now)
}

/// Whether only payloads are read of a flag: PostHog is told of no such read (posthog-api 5.7).
pub(super) fn is_silent(snapshot: &Snapshot, key: &FlagKey) -> bool {
    let own = snapshot.facts.reads.iter().filter(|it| it.key.as_ref() == Some(key));
    let mut reads = snapshot.index.reads_of(key).map(|it| it.1).chain(own).peekable();
    reads.peek().is_some() && reads.all(|it| !it.is_told())
}

/// The key that is read or defined at `offset`, and where it stands.
pub fn key_at(snapshot: &Snapshot, offset: u32) -> Option<(FlagKey, Span)> {
    let facts = &snapshot.facts;
    let read = facts.reads.iter().rfind(|it| it.key.is_some() && it.key_span.touches(offset));
    let read = read.and_then(|it| Some((it.key.clone()?, it.key_span)));
    let definition = || facts.definitions.iter().find(|it| it.key_span.touches(offset));
    read.or_else(|| definition().map(|it| (it.key.clone(), it.key_span)))
}

/// Writes a card. Every text that comes from outside is escaped; only addresses made here are links.
pub fn render(card: &Card, markup: Markup, now: Timestamp) -> String {
    let mut page = Page::new(markup);
    match &card.state {
        State::NotLoaded => {
            page.title(card.key.as_str(), "not loaded");
            let why = card.trouble.as_deref().unwrap_or("asking PostHog …");
            page.paragraph(&page.escape(why));
            return page.finish();
        }
        State::Unknown { project, similar } => {
            page.title(card.key.as_str(), "unknown");
            let project = page.escape(project);
            let hint = similar.as_ref().map(|it| format!(" Did you mean {}?", page.bold(it.as_str())));
            match &card.brief {
                Some(_) => {
                    page.paragraph(&format!("{project} has no such flag yet: its brief is not launched."))
                }
                None => page.paragraph(&format!("No such flag in {project}.{}", hint.unwrap_or_default())),
            }
        }
        State::Known(details) => known(&mut page, card, details, now),
    }
    if let Some(note) = &card.brief {
        brief(&mut page, note, card.name());
    }
    if let Some(trouble) = &card.trouble {
        page.paragraph(&format!("Not up to date: {}", page.escape(trouble)));
    }
    page.finish()
}

/// The feature's name and purpose, and what must be done before the flag can be lifted. A launched flag has the name too.
fn brief(page: &mut Page, note: &BriefNote, name_of_flag: &str) {
    let title = (note.title != name_of_flag.trim()).then(|| format!("Brief: {}", note.title));
    let metric = note.metric.as_ref().map(|it| format!("Metric: {it}"));
    let words: Vec<String> = title.iter().chain(&metric).map(|it| page.escape(it)).collect();
    if !words.is_empty() {
        page.paragraph(&words.join(" · "));
    }
    if note.todos.iter().any(|it| !it.1) {
        page.paragraph("Before it can be lifted:");
        for (what, done) in &note.todos {
            let mark = if *done { "done" } else { "open" };
            page.item(&format!("{mark}: {}", page.escape(what)));
        }
    }
}

fn known(page: &mut Page, card: &Card, details: &Details, now: Timestamp) {
    let mut stage = details.stage.to_string();
    // What was never launched is not "off since".
    if let Some(since) = details.since.as_ref().filter(|_| details.stage != Stage::NotLaunched) {
        let _ = write!(stage, " {}", since_words(since, now));
    } else if let Some(arrived) = details.arrived.as_ref().filter(|_| details.since.is_none()) {
        let _ = write!(stage, " {}", since_day(arrived.at, arrived.by.as_deref(), now));
    }
    if details.stages.iter().any(|it| it.stopped.is_some()) {
        stage += ", stopped";
    }
    page.title(card.key.as_str(), &stage);
    if !details.name.trim().is_empty() {
        page.paragraph(&page.escape(&details.name));
    }
    rollout(page, details, card.outlook.is_some());
    pending(page, details);
    if details.is_read_only {
        page.paragraph("Its rules are of a newer kind: they are shown here, and changed on its page only");
    }
    if let Some(outlook) = &card.outlook {
        next_step(page, outlook);
    }
    surroundings(page, details, now);
    let nobody = details.exposure.as_ref().is_none_or(|it| it.variants.is_empty());
    match (&details.exposure, &details.exposure_trouble) {
        _ if details.is_silent && nobody => page.paragraph(
            "Exposure cannot be told: only the payload is read here, and PostHog is not told of that",
        ),
        (Some(exposure), _) => exposed(page, details, exposure, now),
        (None, Some(trouble)) => {
            page.paragraph(&format!("Exposure cannot be told: {}", page.escape(trouble)))
        }
        (None, None) => page.paragraph("Exposure is not loaded yet"),
    }
    for it in &details.withheld {
        page.paragraph(&page.escape(it));
    }
    let fetched = details.exposure.as_ref().map_or(details.fetched_at, |it| it.fetched_at);
    let owner = details.owner.as_ref().map(|it| format!(" · made by {}", page.escape(it)));
    let fetched = format!("{}, fetched {}", page.escape(&details.project), ago(fetched, now));
    page.paragraph(&(fetched + &owner.unwrap_or_default()));
    for it in &card.elsewhere {
        let stage = it.stage.as_deref().unwrap_or("not loaded");
        let people = it.people.map(|it| format!(" · {}", people(it))).unwrap_or_default();
        page.item(&format!("{} {}{people}", page.bold(&it.environment), page.escape(stage)));
    }
    // Alone: Neovim wraps a line by the length of the addresses that it hides.
    let links: Vec<String> = details.links.iter().map(|it| page.link(&it.title, &it.url)).collect();
    if !links.is_empty() {
        page.paragraph(&links.join(" · "));
    }
}

/// The stages of the plan with the one that is reached. Why one was stopped is told with what lifts it, where that is.
fn rollout(page: &mut Page, details: &Details, has_outlook: bool) {
    let is_stopped = details.stages.iter().any(|it| it.stopped.is_some());
    // That everyone has it says enough of the way there.
    if is_stopped || details.stages.len() > 1 && !matches!(details.stage, Stage::Everyone(_)) {
        // While the flag is off, its stages are only what is meant.
        let is_on = matches!(details.stage, Stage::Planned { .. } | Stage::Everyone(_));
        let words = |it| stage_words(page, it, is_on, !has_outlook);
        let stages: Vec<String> = details.stages.iter().map(words).collect();
        page.paragraph(&stages.join(" → "));
    }
}

/// What PostHog will do by itself.
fn pending(page: &mut Page, details: &Details) {
    const MOST: usize = 4;
    let words = |page: &Page, it: &ScheduledChange| {
        let again = if it.recurring { ", and again later" } else { "" };
        format!("{}: {}{again}", time(it.at), page.escape(&scheduled_words(&it.change)))
    };
    let Some(next) = &details.next else { return };
    page.paragraph(&format!("Next, on {}", words(page, next)));
    for it in details.later.iter().take(MOST) {
        page.item(&format!("then, on {}", words(page, it)));
    }
    if let more @ 1.. = details.later.len().saturating_sub(MOST) {
        page.item(&format!("and {more} more"));
    }
}

/// What a person can do, and what is waited for.
fn next_step(page: &mut Page, outlook: &Outlook) {
    if outlook.words.is_empty() {
        return;
    }
    let command = outlook.command.as_ref().map(|it| format!(": {}", page.code(it))).unwrap_or_default();
    page.paragraph(&format!("{}{command}", page.escape(&outlook.words)));
}

/// Whom the conditions name; early access features and experiments.
fn surroundings(page: &mut Page, details: &Details, now: Timestamp) {
    // Whoever they are: everyone gets the same.
    if !details.cohorts.is_empty() && !matches!(details.stage, Stage::Everyone(_)) {
        let names: Vec<String> = details.cohorts.iter().map(|it| page.escape(it)).collect();
        let cohorts = if names.len() == 1 { "cohort" } else { "cohorts" };
        page.paragraph(&format!("Conditions ask for the {cohorts} {}", names.join(", ")));
    }
    for it in &details.early_access {
        let (name, stage) = (page.escape(&it.name), page.escape(&it.stage.replace('-', " ")));
        page.paragraph(&format!("Early access feature {name}: {stage}"));
    }
    for it in &details.experiments {
        let name = page.escape(&it.name);
        let words = match (it.started_at, it.ended_at) {
            (_, Some(ended)) => {
                let how = it.conclusion.as_deref().map(|it| format!(", {}", it.replace('_', " ")));
                format!("ended on {}{}", day(ended), page.escape(&how.unwrap_or_default()))
            }
            (Some(started), None) => format!("runs since {}", day(started)),
            (None, None) => "is a draft".to_owned(),
        };
        page.paragraph(&format!("Experiment {name} {words}"));
        experiment::result(page, it, details, now);
    }
}

fn stage_words(page: &Page, stage: &StageLine, is_on: bool, says_why: bool) -> String {
    let words = format!("{} {} %", stage.name, stage.percent);
    let words = match (stage.current && is_on, page.markup) {
        (true, Markup::Markdown) => page.bold(&words),
        (true, Markup::Plain) => format!("[{}]", page.escape(&words)),
        (false, _) => page.escape(&words),
    };
    match stage.stopped.as_deref() {
        None => words,
        Some(why) if says_why && !why.is_empty() => format!("{words} (stopped: {})", page.escape(why)),
        Some(_) => format!("{words} (stopped)"),
    }
}

/// "since 7 Aug 2026 (110 days, by Ada)", or "for at least 110 days" when nobody knows the day.
fn since_words(since: &Since, now: Timestamp) -> String {
    match since.exact {
        true => since_day(since.at, since.by.as_deref(), now),
        false => format!("for at least {}", span(now.duration_since(since.at))),
    }
}

fn since_day(at: Timestamp, by: Option<&str>, now: Timestamp) -> String {
    let by = by.map(|it| format!(", by {it}")).unwrap_or_default();
    format!("since {} ({}{by})", day(at), span(now.duration_since(at)))
}

fn exposed(page: &mut Page, details: &Details, exposure: &Exposure, now: Timestamp) {
    let days = exposure.window_days;
    if exposure.variants.is_empty() {
        let seen =
            details.last_seen.map_or("never seen".to_owned(), |it| format!("last seen {}", ago(it, now)));
        page.paragraph(&format!("Nobody in the last {days} days; {seen}"));
        return;
    }
    page.paragraph(&format!("People in the last {days} days:"));
    let all: u64 = exposure.variants.iter().map(|it| it.people).sum();
    for variant in &exposure.variants {
        let share = page.code(&bar(variant.people, all));
        page.item(&format!("{share} {}", variant_words(page, variant)));
    }
    let mut words = Vec::new();
    if details.trend.iter().any(|it| *it > 0) {
        let bars = page.code(&sparkline(&details.trend));
        // The trend comes by SDK: who uses two of them is counted twice.
        let how = if exposure.sdks.len() > 1 { " (counted by SDK)" } else { "" };
        let most = grouped(details.trend.iter().max().copied().unwrap_or_default());
        words.push(format!("{bars} exposed people a day{how}, up to {most}"));
    }
    words.extend(last_seen_words(page, details, exposure, now));
    page.paragraph(&words.join(" · "));
}

/// "last seen 2 minutes ago by web, 3 hours ago by posthog-node".
fn last_seen_words(page: &Page, details: &Details, exposure: &Exposure, now: Timestamp) -> Option<String> {
    const MOST: usize = 4;
    let seen = details.last_seen?;
    let by = |it: &SdkSeen| format!("{} by {}", ago(it.last_seen, now), page.escape(&it.lib));
    let sdks: Vec<String> = exposure.sdks.iter().take(MOST).map(by).collect();
    // Nobody knows by which SDK the flag itself was last called; it matters where that is clearly later.
    const CLEARLY: SignedDuration = SignedDuration::from_mins(5);
    let is_newer = exposure.sdks.first().is_none_or(|it| seen.duration_since(it.last_seen) > CLEARLY);
    let own = is_newer.then(|| ago(seen, now));
    Some(format!("last seen {}", own.into_iter().chain(sdks).collect::<Vec<_>>().join(", ")))
}

fn variant_words(page: &Page, variant: &VariantExposure) -> String {
    let name = match variant.response.as_str() {
        "true" => page.bold("on"),
        "false" => page.bold("off"),
        "" | "null" => page.bold("no answer"),
        key => page.bold(key),
    };
    let both = |n_people: u64, n_calls: u64| {
        format!("{}, {} {}", people(n_people), grouped(n_calls), if n_calls == 1 { "call" } else { "calls" })
    };
    let lately = match (variant.people_24h, variant.calls_24h) {
        (0, 0) => "nobody".to_owned(),
        (n_people, n_calls) => both(n_people, n_calls),
    };
    format!("{name} {}; last 24 h: {lately}", both(variant.people, variant.calls))
}

/// "1,245 people"
pub(super) fn people(number: u64) -> String {
    format!("{} {}", grouped(number), if number == 1 { "person" } else { "people" })
}

/// 12345 as 12,345.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut result = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            result.push(',');
        }
        result.push(digit);
    }
    result
}

/// A text in one of two markups, written paragraph by paragraph.
pub(super) struct Page {
    text: String,
    markup: Markup,
}

impl Page {
    pub(super) fn new(markup: Markup) -> Page {
        Page { text: String::new(), markup }
    }

    pub(super) fn title(&mut self, key: &str, stage: &str) {
        let line = format!("{} · {}", self.bold(key), self.escape(stage));
        self.paragraph(&line);
    }

    pub(super) fn paragraph(&mut self, line: &str) {
        let gap = match self.markup {
            Markup::Markdown => "\n\n",
            Markup::Plain => "\n",
        };
        self.text.push_str(line);
        self.text.push_str(gap);
    }

    fn item(&mut self, line: &str) {
        match self.markup {
            // A list directly under its paragraph; the blank line after it ends it.
            Markup::Markdown => self.text = format!("{}\n- {line}\n\n", self.text.trim_end()),
            Markup::Plain => self.text.push_str(&format!("  {line}\n")),
        }
    }

    pub(super) fn escape(&self, text: &str) -> String {
        match self.markup {
            Markup::Markdown => escaped(text),
            Markup::Plain => plain(text),
        }
    }

    pub(super) fn bold(&self, text: &str) -> String {
        match self.markup {
            Markup::Markdown => format!("**{}**", escaped(text)),
            Markup::Plain => plain(text),
        }
    }

    fn code(&self, text: &str) -> String {
        match self.markup {
            Markup::Markdown => format!("`{text}`"),
            Markup::Plain => text.to_owned(),
        }
    }

    fn link(&self, title: &str, url: &str) -> String {
        match self.markup {
            Markup::Markdown => format!("[{title}]({url})"),
            Markup::Plain => format!("{title} {url}"),
        }
    }

    pub(super) fn finish(self) -> String {
        self.text.trim_end().to_owned()
    }
}
