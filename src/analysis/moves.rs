//! Where a rollout stands on its plan, and how a person can move it: from what is known here, asking nobody. What the
//! server is asked for before something is written may be more, and say otherwise.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::markup::plain;
use crate::feature::{
    Brief, Ladder, NextStep, Plan, Served, Situation, Verdict, drift, judge, opened, scheduled_step, served,
    time,
};
use crate::flags::{Environment, Evidence, Filters, Flag, FlagKey, Lookup, Met, ScheduledChange};

/// A way to move a rollout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// To the next step of its plan.
    Promote,
    /// Nobody new gets it.
    Stop,
    /// A stop is lifted.
    Resume,
    /// Later stages than this one are closed.
    RollBack(String),
    /// Everyone gets one value.
    Finish,
}

/// A way to move a rollout that fits where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// What is done.
    pub step: Step,
    /// What its lens says; `None` = it is only among the actions.
    pub lens: Option<String>,
    /// What its action says.
    pub action: String,
}

/// Where a rollout stands on its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// What comes next, or what is waited for: a sentence.
    pub words: String,
    /// The command that does it.
    pub command: Option<String>,
    /// How a person can move it, the most likely first.
    pub offers: Vec<Offer>,
}

/// What a outlook depends on.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What PostHog knows.
    pub environment: &'a Environment,
    /// The team's plans.
    pub plans: &'a BTreeMap<String, Plan>,
    /// Whether code reads the flag only in a way of which PostHog is not told.
    pub is_silent: bool,
    /// Now.
    pub now: Timestamp,
}

/// Where the feature of a brief stands; `None` where no rollout of it is on its way, or nothing here can move it.
pub fn outlook(known: &Known, brief: &Brief) -> Option<Outlook> {
    let key = brief.flag();
    let Lookup::Known(flag) = known.environment.lookup(&key) else { return None };
    let filters = flag.filters().filter(|it| it.version < 2 && !flag.archived && !flag.deleted)?;
    let me = known.environment.me.as_deref().unwrap_or_default();
    let plan = brief.plan(known.plans, me).ok().filter(|_| key.is_valid())?;
    let place = Place { known, brief, plan: &plan, flag, ladder: Ladder::of(&plan, &filters), filters, key };
    place.outlook()
}

struct Place<'a> {
    known: &'a Known<'a>,
    brief: &'a Brief,
    plan: &'a Plan,
    flag: &'a Flag,
    ladder: Ladder,
    filters: Filters,
    key: FlagKey,
}

impl Place<'_> {
    fn outlook(&self) -> Option<Outlook> {
        if let Some((at, reason)) = self.ladder.stopped() {
            return Some(self.stopped(at, reason));
        }
        let (at, _) = self.ladder.position().filter(|_| self.flag.active)?;
        let drift = self.drift();
        let is_constant = matches!(served(true, Some(&self.filters)), Served::Everyone(_));
        let next = self.ladder.next(self.plan).filter(|_| !is_constant);
        let mut offers = Vec::new();
        let (words, command) = match next {
            Some(NextStep::Within { .. } | NextStep::Across { .. })
                if self.ladder.is_open_elsewhere || !drift.is_empty() =>
            {
                (format!("Not as planned: {}", self.not_as_planned(&drift)), None)
            }
            Some(next @ (NextStep::Within { .. } | NextStep::Across { .. })) => {
                let (words, is_ready, offer) = self.forward(at, next, &drift);
                offers.push(offer);
                (words, is_ready.then(|| self.command("promote")))
            }
            Some(NextStep::Done) => {
                offers.push(self.finish(Some("finish".into())));
                ("Every stage is open; next, one value for everyone".into(), Some(self.command("finish")))
            }
            None => (String::new(), None),
        };
        offers.push(self.stop(!is_constant));
        offers.extend(self.back(at));
        let may_finish = at + 1 == self.plan.stages.len() || !self.filters.variants().is_empty();
        // What everyone has is finished once the conditions of its stages are gone.
        let is_finished = is_constant && !self.ladder.has_steps();
        if may_finish && !is_finished && next != Some(NextStep::Done) {
            offers.push(self.finish(is_constant.then(|| "finish".to_owned())));
        }
        Some(Outlook { words, command, offers })
    }

    fn command(&self, verb: &str) -> String {
        format!("flagline {verb} {}", self.key)
    }

    fn stopped(&self, at: usize, reason: &str) -> Outlook {
        let name = &self.plan.stages[at].name;
        let (why, short) = match reason {
            "" => (String::new(), String::new()),
            reason => (format!(": {reason}"), format!(" (stopped: {})", short(reason))),
        };
        let resume = Offer {
            step: Step::Resume,
            lens: Some(plain(&format!("resume {name}{short}"))),
            action: plain(&format!("Resume '{}' at {name}", self.key)),
        };
        let leaks = self.flag.active && self.ladder.rungs.iter().any(|it| it.leaks);
        let mut offers: Vec<Offer> = leaks.then(|| self.stop(true)).into_iter().chain([resume]).collect();
        if let Some((open, _)) = self.ladder.position().filter(|_| self.flag.active) {
            offers.extend(self.back(open));
        }
        let leak = if leaks { "; PostHog opened it again by itself" } else { "" };
        Outlook {
            words: format!("Stopped at {name}{why}{leak}. To go on"),
            command: Some(self.command("resume")),
            offers,
        }
    }

    fn stop(&self, has_lens: bool) -> Offer {
        Offer {
            step: Step::Stop,
            lens: has_lens.then(|| "stop".to_owned()),
            action: format!("Stop '{}'…", self.key),
        }
    }

    fn finish(&self, lens: Option<String>) -> Offer {
        Offer { step: Step::Finish, lens, action: format!("Finish '{}': one value for everyone", self.key) }
    }

    /// The stages before the open one that can be gone back to.
    fn back(&self, open: usize) -> Vec<Offer> {
        let stages = self.plan.stages[..open].iter().zip(&self.ladder.rungs).rev();
        let stages = stages.filter(|it| it.1.is_there).map(|it| &it.0.name);
        let offer = |name: &String| Offer {
            step: Step::RollBack(name.clone()),
            lens: None,
            action: plain(&format!("Roll '{}' back to {name}", self.key)),
        };
        stages.map(offer).collect()
    }

    /// The next step: what it is, or what is waited for; and whether a person's go is all that it takes.
    fn forward(&self, at: usize, next: NextStep, drift: &[String]) -> (String, bool, Offer) {
        let (to, whole) = self.target(at, next);
        let offer = |lens: String, hint: String| Offer {
            step: Step::Promote,
            lens: Some(plain(&lens)),
            action: plain(&format!("Promote '{}' to {to}{hint}", self.key)),
        };
        let promote = || offer(format!("promote to {to}"), String::new());
        let is_within = matches!(next, NextStep::Within { .. });
        let scheduled = self.scheduled(next);
        let met = self.met(at);
        match self.verdict(at, met.as_ref(), drift, scheduled) {
            Verdict::Waits { until: Some(until), .. } if is_within && scheduled.is_some() => {
                let until = time(until);
                // What PostHog does by itself is told with the other things that it will do.
                (
                    String::new(),
                    false,
                    offer(format!("goes to {to} on {until}"), format!(" now (by itself on {until})")),
                )
            }
            Verdict::Waits { until: Some(until), .. } if is_within && self.is_told() => {
                let until = time(until);
                let words = format!("{whole} is due on {until}");
                (words, false, offer(format!("{to} is due on {until}"), format!(" now (due on {until})")))
            }
            Verdict::Waits { missing, until } if !is_within => {
                let words = format!("Missing before it goes to {to}: {}", missing.join("; "));
                let lens = self.waits(at, met.as_ref(), until).unwrap_or_else(|| format!("promote to {to}"));
                (words, false, offer(lens.clone(), format!(" ({lens})")))
            }
            Verdict::Promotes { .. } if is_within && self.is_told() => {
                (format!("{whole} is due: by the next run, or by a person's go"), true, promote())
            }
            Verdict::Promotes { .. } if !is_within => {
                let words = format!("Next, {whole}: by itself once its gate holds, or by a person's go");
                (words, true, promote())
            }
            _ => (format!("Next, {whole}, by a person's go"), true, promote()),
        }
    }

    /// Where the next step leads: in a word, and with the percentages.
    fn target(&self, at: usize, next: NextStep) -> (String, String) {
        let name = |stage: usize| &self.plan.stages[stage].name;
        match next {
            NextStep::Across { stage, percent } => {
                (name(stage).clone(), format!("{} at {percent} %", name(stage)))
            }
            NextStep::Within { stage, percent } => {
                let from = self.ladder.rungs[stage].percent;
                (format!("{percent} %"), format!("{} {from} % → {percent} %", name(stage)))
            }
            NextStep::Done => (name(at).clone(), name(at).clone()),
        }
    }

    /// The first thing that a stage waits for, in the few words that a lens has room for.
    fn waits(&self, at: usize, met: Option<&Evidence>, until: Option<Timestamp>) -> Option<String> {
        let wanted = self.plan.stages[at].gate.people.map(u64::from);
        let lacks = met.zip(wanted).map(|(met, wanted)| wanted.saturating_sub(met.people()));
        let mut todos = self.brief.open_todos();
        match (lacks, until, todos.next()) {
            (Some(1), ..) => Some("waits for 1 more person".into()),
            (Some(n @ 2..), ..) => Some(format!("waits for {n} more people")),
            (_, Some(until), _) => Some(format!("waits until {}", time(until))),
            (_, _, Some(first)) => {
                let more = match todos.count() {
                    0 => String::new(),
                    n => format!(" (and {n} more)"),
                };
                Some(format!("waits for '{}' to be done{more}", short(&first.what)))
            }
            _ => None,
        }
    }

    /// Whether it is known when the rollout came where it stands.
    fn is_told(&self) -> bool {
        self.known.environment.history_of(self.flag).is_some()
    }

    /// What becomes of it, as far as that can be told here: what of a gate cannot be told is taken to hold.
    fn verdict(
        &self,
        at: usize,
        met: Option<&Evidence>,
        drift: &[String],
        scheduled: Option<Timestamp>,
    ) -> Verdict {
        let mut plan = self.plan.clone();
        let gate = &mut plan.stages[at].gate;
        // Exceptions are counted with the people whom somebody asked for.
        gate.max_exceptions = gate.max_exceptions.filter(|_| self.asked().is_some());
        gate.people = gate.people.filter(|_| met.is_some());
        gate.after = gate.after.filter(|_| self.opened().is_some());
        judge(&Situation {
            brief: self.brief,
            plan: &plan,
            flag: self.flag,
            history: self.known.environment.history_of(self.flag).map(|it| &**it),
            evidence: met.ok_or("it is not counted here"),
            drift,
            scheduled,
            now: self.known.now,
        })
    }

    /// Since when the stage is open, where that is known.
    fn opened(&self) -> Option<Timestamp> {
        opened(self.flag, self.known.environment.history_of(self.flag)?)
    }

    /// Who met the stage, if that was asked since it was opened.
    fn asked(&self) -> Option<&Evidence> {
        self.known.environment.evidence_since(&self.key, self.opened()?).ok().map(|it| &**it)
    }

    /// Who met the stage, where that decides about its gate. Without an answer to that, exposure may do: it knows of a
    /// window, not of a stage, so earlier stages may count in, and earlier days are left out.
    fn met(&self, at: usize) -> Option<Evidence> {
        if let Some(asked) = self.asked() {
            return Some(asked.clone());
        }
        let wanted = self.plan.stages[at].gate.people.map(u64::from)?;
        let exposure = self.known.environment.exposure.get(&self.key).filter(|_| !self.known.is_silent)?;
        let since = self.opened()?;
        let window = SignedDuration::from_hours(24 * i64::from(exposure.window_days));
        let all_are_in = self.known.now.duration_since(since) <= window;
        let enough = exposure.people() >= wanted;
        let decides = if enough { at == 0 } else { all_are_in };
        let exposed = exposure.variants.iter().filter(|it| it.is_exposed());
        let met = exposed.map(|it| Met { response: it.response.clone(), people: it.people, troubled: 0 });
        let fetched_at = exposure.fetched_at;
        decides.then(|| Evidence { since, met: met.collect(), guards: Vec::new(), fetched_at })
    }

    /// When PostHog takes the next step of the stage by itself.
    fn scheduled(&self, next: NextStep) -> Option<Timestamp> {
        let changes = self.known.environment.schedules.get(&self.flag.id)?;
        let is_step = |it: &&ScheduledChange| next.is(scheduled_step(self.plan, &it.change));
        changes.iter().filter(is_step).map(|it| it.at).min()
    }

    /// What is not as the plan says; nothing while that cannot be told, because the numbers of cohorts are not known, or
    /// whose plan it is.
    fn drift(&self) -> Vec<String> {
        let environment = self.known.environment;
        let cohort = |name: &str| environment.cohort_named(name).flatten();
        let is_whose = self.brief.owner.is_some() || environment.me.is_some();
        match self.plan.conditions(&cohort).filter(|_| is_whose) {
            Some(_) => drift(self.brief, self.plan, self.flag, &cohort),
            None => Vec::new(),
        }
    }

    fn not_as_planned(&self, drift: &[String]) -> String {
        match drift {
            [] => "a condition is open that its plan does not have".into(),
            drift => drift.join("; "),
        }
    }
}

/// So much of a text as a line above code has room for, in whole words.
fn short(text: &str) -> String {
    const MOST: usize = 40;
    let Some((at, _)) = text.char_indices().nth(MOST) else { return text.to_owned() };
    let words = text[..at].rsplit_once(' ').map_or(&text[..at], |it| it.0);
    format!("{}…", words.trim_end_matches([' ', ',', ';', ':', '.']))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::fmt::Write as _;
    use std::sync::Arc;

    use jiff::ToSpan as _;
    use serde_json::{Value, json};

    use super::*;
    use crate::analysis::tests::{check_file, fixtures, now};
    use crate::feature::tests::{flag, history, raw};
    use crate::flags::{Entry, Exposure, FlagList, Scheduled, VariantExposure};

    const BRIEF: &str = r#"
key = "new-nav"
owner = "ada@offset.example"
[[stage]]
name = "internal"
audience = { email_domain = "offset.example" }
gate = { people = 5 }
[[stage]]
name = "beta"
audience = { cohort = 7 }
steps = [10, 50, 100]
pace = "1d"
gate = { automatic = true, after = "2d", max_exceptions = 0 }
[[stage]]
name = "everyone"
audience = "everyone"
steps = [25, 100]
"#;

    /// One case of `fixtures/moves.txt`: the lines of each name.
    struct Case<'a>(&'a str);

    impl<'a> Case<'a> {
        fn get(&self, name: &str) -> Option<&'a str> {
            self.0.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(": "))
        }

        fn brief(&self) -> Brief {
            let more = self.get("brief").unwrap_or_default().replace(" / ", "\n");
            let (fields, tables) = more.split_at(more.find('[').unwrap_or(more.len()));
            Brief::parse(&format!("{fields}\n{BRIEF}{tables}")).unwrap()
        }

        /// The conditions of the plan, as far open as the case says.
        fn filters(&self, brief: &Brief, stages: &str) -> Value {
            let plan = brief.plan(&BTreeMap::new(), "").unwrap();
            let mut groups = plan.conditions(&|_| None).unwrap();
            for (group, wanted) in groups.iter_mut().zip(stages.split(", ")) {
                let (percent, remark) = wanted.split_once(' ').map_or((wanted, ""), |it| it);
                group["rollout_percentage"] = percent.parse::<f64>().unwrap().into();
                group["description"] =
                    format!("{} {remark}", group["description"].as_str().unwrap()).trim().into();
            }
            groups.extend(self.get("beside").map(|it| json!({ "description": it, "rollout_percentage": 5 })));
            let version = self.get("version").map_or(1, |it| it.parse().unwrap());
            json!({ "groups": groups, "multivariate": brief.multivariate(), "version": version })
        }

        fn environment(&self, brief: &Brief) -> Environment {
            let filters = self.filters(brief, self.get("stages").unwrap()).to_string();
            let flag = flag(self.get("active") != Some("no"), &filters);
            let entry = |hours: i64| Entry {
                at: now() - hours.hours(),
                by: Some("Ada".into()),
                created: false,
                active_before: None,
                archived_before: None,
                deleted_before: None,
                filters_before: Some(raw(&self
                    .filters(brief, self.get("before").unwrap_or("0, 0, 0"))
                    .to_string())),
            };
            let opened = self.get("hours").map(|it| history(vec![entry(it.parse().unwrap())], true));
            let exposure = self.get("people").map(|it| Exposure {
                variants: vec![VariantExposure {
                    response: "true".into(),
                    people: it.parse().unwrap(),
                    calls: 9,
                    people_24h: 0,
                    calls_24h: 0,
                    last_seen: None,
                }],
                days: vec![],
                sdks: vec![],
                window_days: 7,
                fetched_at: now(),
            });
            let scheduled = self.get("scheduled").map(|it| ScheduledChange {
                at: now() + 6.hours(),
                change: Scheduled::Conditions { percent: 50.0, description: it.into() },
                recurring: false,
            });
            Environment {
                history: opened.map(|it| (1, Arc::new(it))).into_iter().collect(),
                exposure: exposure.map(|it| (brief.flag(), Arc::new(it))).into_iter().collect(),
                schedules: HashMap::from([(1, scheduled.into_iter().collect())]),
                flags: Some(FlagList::new([Arc::new(flag)], now())),
                ..Environment::default()
            }
        }

        fn outcome(&self) -> String {
            let brief = self.brief();
            let environment = self.environment(&brief);
            let plans = BTreeMap::new();
            let known = Known {
                environment: &environment,
                plans: &plans,
                is_silent: self.get("silent") == Some("yes"),
                now: now(),
            };
            let Some(it) = outlook(&known, &brief) else { return "-> nothing\n".into() };
            let mut text = String::new();
            let command = it.command.map(|it| format!(": {it}")).unwrap_or_default();
            writeln!(text, "-> {}{command}", it.words).unwrap();
            for offer in it.offers {
                let lens = offer.lens.map(|it| format!("⟦{it}⟧ ")).unwrap_or_default();
                writeln!(text, "-> {lens}{}", offer.action).unwrap();
            }
            text
        }
    }

    #[test]
    fn where_a_rollout_can_go_case_by_case() {
        let path = fixtures().join("moves.txt");
        let text = std::fs::read_to_string(&path).unwrap();
        let (head, cases) = text.split_at(text.find("\n== ").unwrap() + 1);
        let mut got = head.to_owned();
        let cases: Vec<&str> = cases.split("\n\n").filter(|it| !it.trim().is_empty()).collect();
        assert!(cases.len() >= 15, "{} cases", cases.len());
        for case in cases {
            let given: Vec<&str> = case.lines().filter(|it| !it.starts_with("->")).collect();
            got += &format!("{}\n{}\n", given.join("\n").trim(), Case(case).outcome());
        }
        check_file(&path, &got);
    }

    #[test]
    fn what_is_not_loaded_moves_nowhere() {
        let brief = Brief::parse(BRIEF).unwrap();
        let plans = BTreeMap::new();
        let environment = Environment::default();
        let known = Known { environment: &environment, plans: &plans, is_silent: false, now: now() };
        assert_eq!(outlook(&known, &brief), None);
    }
}
