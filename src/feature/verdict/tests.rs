//! Verdicts over a plan of three stages; what is not said of a case holds.

use super::super::staleness::tests::{day, entry, flag, history};
use super::*;
use crate::flags::Met;

const BRIEF: &str = r#"
key = "tour"
[[stage]]
name = "internal"
audience = { email_domain = "offset.example" }
gate = { people = 5 }
[[stage]]
name = "beta"
audience = { cohort = 7 }
steps = [10, 100]
pace = "1d"
gate = { automatic = true, people = 20, max_exceptions = 1, after = "2d" }
[[stage]]
name = "everyone"
audience = "everyone"
[[guard]]
metric = "exceptions"
above = 2
"#;

/// A case: what the flag serves, how long it has been so, and what is known.
struct Case {
    brief: String,
    percents: [f64; 3],
    remark: &'static str,
    active: bool,
    drift: Vec<String>,
    met: Result<(u64, u64), &'static str>,
    /// Windows of an hour, oldest first: response, people, hit.
    windows: Vec<Vec<(&'static str, u64, u64)>>,
    before: Option<Share>,
    scheduled: Option<&'static str>,
    now: &'static str,
}

/// At `percents` since noon of 1 May; it is noon of 4 May.
fn case(percents: [f64; 3]) -> Case {
    Case {
        brief: BRIEF.into(),
        percents,
        remark: "",
        active: true,
        drift: Vec::new(),
        met: Ok((30, 0)),
        windows: Vec::new(),
        before: None,
        scheduled: None,
        now: "2026-05-04",
    }
}

impl Case {
    fn judge(&self) -> Verdict {
        self.decide(judge)
    }

    fn decide(&self, decide: impl Fn(&Situation) -> Verdict) -> Verdict {
        let brief = Brief::parse(&self.brief).unwrap();
        let plan = brief.plan(&Default::default(), "").unwrap();
        let filters = |percents: [f64; 3]| {
            let [a, b, c] = percents;
            format!(
                r#"{{"groups":[
                    {{"description":"1/3 internal","rollout_percentage":{a},"properties":[{{"key":"email","value":"x"}}]}},
                    {{"description":"2/3 beta{}","rollout_percentage":{b},"properties":[{{"key":"id","value":7}}]}},
                    {{"description":"3/3 everyone","rollout_percentage":{c},"properties":[]}}]}}"#,
                self.remark
            )
        };
        let (flag, before) = (flag(self.active, &filters(self.percents)), filters([0.0; 3]));
        let history = history(vec![entry("2026-05-01", Some(false), Some(&before))], true);
        let now = day(self.now);
        let begin = |at: usize| now - jiff::SignedDuration::from_hours((self.windows.len() - at) as i64);
        let window = |(at, shares): (usize, &Vec<(&str, u64, u64)>)| Window {
            begin: begin(at),
            shares: shares
                .iter()
                .map(|(it, people, hit)| ((*it).into(), Share { people: *people, hit: *hit }))
                .collect(),
        };
        let evidence = self.met.map(|(people, troubled)| Evidence {
            since: day("2026-05-01"),
            met: vec![Met { response: "true".into(), people, troubled }],
            guards: vec![GuardEvidence {
                windows: self.windows.iter().enumerate().map(window).collect(),
                before: self.before,
            }],
            fetched_at: now,
        });
        decide(&Situation {
            brief: &brief,
            plan: &plan,
            flag: &flag,
            history: Some(&history),
            evidence: evidence.as_ref().map_err(|it| *it),
            drift: &self.drift,
            scheduled: self.scheduled.map(day),
            now,
        })
    }

    fn words(&self) -> String {
        match self.judge() {
            Verdict::Rests(why) => format!("rests: {why}"),
            Verdict::Waits { missing, until } => {
                let until = until.map(|it| format!(" until {}", &it.to_string()[..10])).unwrap_or_default();
                format!("waits{until}: {}", missing.join("; "))
            }
            Verdict::Asks { next, evidence } => format!("asks for {next:?}: {}", evidence.join("; ")),
            Verdict::Promotes { next, evidence } => format!("promotes to {next:?}: {}", evidence.join("; ")),
            Verdict::Stops { reason, then } => format!("stops ({then:?}): {reason}"),
        }
    }
}

#[test]
fn where_nothing_is_to_decide() {
    let check = |case: Case, expect: &str| assert_eq!(case.words(), expect);
    check(Case { active: false, ..case([100.0, 0.0, 0.0]) }, "rests: not launched yet");
    check(case([0.0; 3]), "rests: off");
    check(case([100.0, 100.0, 100.0]), "rests: everyone gets on");
    let remark = " · stopped: exceptions";
    check(Case { remark, ..case([100.0, 0.0, 0.0]) }, "rests: stopped at beta: exceptions");
    check(Case { remark, active: false, ..case([100.0, 10.0, 0.0]) }, "rests: stopped at beta: exceptions");
    check(
        Case { drift: vec!["it has other variants".into()], ..case([100.0, 10.0, 0.0]) },
        "rests: not as planned: it has other variants",
    );
    check(case([50.0, 10.0, 0.0]), "rests: not as planned: an earlier stage is not wholly open");
}

#[test]
fn a_gate_that_asks_for_a_person() {
    let check = |case: Case, expect: &str| assert_eq!(case.words(), expect);
    let internal = || case([100.0, 0.0, 0.0]);
    check(internal(), "asks for Across { stage: 1, percent: 10.0 }: 30 people met it");
    check(
        Case { met: Ok((5, 0)), ..internal() },
        "asks for Across { stage: 1, percent: 10.0 }: 5 people met it",
    );
    check(Case { met: Ok((4, 0)), ..internal() }, "waits: 1 more person to meet it");
    check(Case { met: Ok((0, 0)), ..internal() }, "waits: 5 more people to meet it");
    check(
        Case { met: Err("the key may not ask"), ..internal() },
        "waits: who met it, which cannot be told: the key may not ask",
    );
}

#[test]
fn steps_in_time() {
    let check = |case: Case, expect: &str| assert_eq!(case.words(), expect);
    let step = || case([100.0, 10.0, 0.0]);
    check(step(), "promotes to Within { stage: 1, percent: 100.0 }: 1d are over");
    check(Case { now: "2026-05-01", ..step() }, "waits until 2026-05-02: beta 10 % → 100 %");
    // PostHog takes it by itself, unless it is late.
    check(Case { scheduled: Some("2026-05-04"), ..step() }, "waits until 2026-05-04: beta 10 % → 100 %");
    check(
        Case { scheduled: Some("2026-05-03"), ..step() },
        "promotes to Within { stage: 1, percent: 100.0 }: 1d are over",
    );
    // Without a pace a person takes each step.
    let brief = BRIEF.replace("pace = \"1d\"\n", "");
    check(Case { brief, ..step() }, "asks for Within { stage: 1, percent: 100.0 }: 30 people met it");
}

#[test]
fn a_gate_that_opens_by_itself() {
    let check = |case: Case, expect: &str| assert_eq!(case.words(), expect);
    let beta = || case([100.0, 100.0, 0.0]);
    check(
        beta(),
        "promotes to Across { stage: 2, percent: 100.0 }: open for 2d; 30 people met it; nobody met an exception",
    );
    check(
        Case { met: Ok((30, 2)), ..beta() },
        "waits: fewer exceptions: 2 people of 30 met an exception, at most 1 may",
    );
    check(Case { now: "2026-05-02", ..beta() }, "waits until 2026-05-03: 2d to pass since it opened");
    // What must be done before the last stage.
    let brief = format!("{BRIEF}[[before_lifting]]\nwhat = \"Subtitles\"\n");
    check(Case { brief: brief.clone(), ..beta() }, "waits: 'Subtitles' to be done before lifting");
    let done = format!("{brief}done = true\n");
    assert!(matches!(Case { brief: done, ..beta() }.judge(), Verdict::Promotes { .. }));
    // It holds up no earlier stage.
    assert!(matches!(Case { brief, ..case([100.0, 0.0, 0.0]) }.judge(), Verdict::Asks { .. }));
}

#[test]
fn guards() {
    let on = |windows: Vec<Vec<(&'static str, u64, u64)>>| Case { windows, ..case([100.0, 100.0, 0.0]) };
    let goes_on = |case: Case| assert!(matches!(case.judge(), Verdict::Promotes { .. }), "{}", case.words());
    let stops = |case: Case, expect: &str| assert_eq!(case.words(), expect);
    stops(
        on(vec![vec![("true", 50, 2)], vec![("true", 60, 3)]]),
        "stops (PreviousStage): 5 % of 60 people met an exception, more than 2 %, in each of the last 2 windows of 1h",
    );
    goes_on(on(vec![vec![("true", 50, 0)], vec![("true", 60, 3)]]));
    goes_on(on(vec![vec![("true", 60, 3)]]));
    // Too few say nothing, and 2 % are not more than 2 %.
    goes_on(on(vec![vec![("true", 19, 9)], vec![("true", 60, 3)]]));
    goes_on(on(vec![vec![("true", 50, 1)], vec![("true", 50, 1)]]));
    // So is what everyone has, until it is finished.
    let everyone = Case { windows: vec![vec![("true", 50, 9)], vec![("true", 60, 9)]], ..case([100.0; 3]) };
    assert!(matches!(everyone.judge(), Verdict::Stops { .. }), "{}", everyone.words());
    // What is not as planned is stopped as well.
    let custom = Case { drift: vec!["x".into()], ..on(vec![vec![("true", 50, 9)], vec![("true", 60, 9)]]) };
    assert!(matches!(custom.judge(), Verdict::Stops { .. }));
}

#[test]
fn guards_with_a_base() {
    let guard = |more: &str| BRIEF.replace("above = 2\n", &format!("windows = 1\n{more}\n"));
    let test = "key = \"tour\"\nrelease = \"ab-test\"\n[metric]\nkind = \"trend\"\nevents = [\"paid\"]\n";
    let of_test = |more: &str| match more.contains("control") {
        true => guard(more).replace("key = \"tour\"\n", test),
        false => guard(more),
    };
    let on = |brief: &str, shares: &[(&'static str, u64, u64)], before| Case {
        brief: of_test(brief),
        windows: vec![shares.to_vec()],
        before,
        ..case([100.0, 100.0, 0.0])
    };
    let is_stopped = |case: &Case| matches!(case.judge(), Verdict::Stops { .. });
    let control = "above = 2\nbaseline = \"control\"\nthen = \"off\"";
    let worse = on(control, &[("control", 100, 4), ("test", 100, 9)], None);
    assert_eq!(
        worse.words(),
        "stops (Off): 9 % of 100 people met an exception, more than 2 times that of control (4 %), in the last 1h"
    );
    assert!(!is_stopped(&on(control, &[("control", 100, 5), ("test", 100, 9)], None)));
    assert!(!is_stopped(&on(control, &[("control", 19, 0), ("test", 100, 9)], None)));
    // Of a base to which nothing happened, one case counts.
    assert!(!is_stopped(&on(control, &[("control", 100, 0), ("test", 100, 2)], None)));
    assert!(is_stopped(&on(control, &[("control", 100, 0), ("test", 100, 3)], None)));
    // A good variant hides no bad one.
    let hidden = on(control, &[("blue", 100, 0), ("control", 100, 4), ("red", 100, 9)], None);
    assert_eq!(
        hidden.words(),
        "stops (Off): 9 % of 100 people with red met an exception, more than 2 times that of control (4 %), in the last 1h"
    );
    assert!(!is_stopped(&on(control, &[("blue", 100, 0), ("control", 100, 4), ("red", 19, 9)], None)));
    // Nothing is not less than nothing.
    let none = Some(Share { people: 1000, hit: 0 });
    assert!(!is_stopped(&on("below = 0.5\nbaseline = \"before\"", &[("true", 100, 0)], none)));
    let before = "above = 3\nbaseline = \"before\"";
    assert!(is_stopped(&on(before, &[("true", 100, 7)], Some(Share { people: 1000, hit: 20 }))));
    assert!(!is_stopped(&on(before, &[("true", 100, 6)], Some(Share { people: 1000, hit: 20 }))));
    assert!(!is_stopped(&on(before, &[("true", 100, 7)], None)));
    let below = "below = 50".to_owned();
    let fewer = Case {
        brief: BRIEF.replace(
            "metric = \"exceptions\"\nabove = 2\n",
            &format!("metric = \"paid\"\nwindows = 1\n{below}\n"),
        ),
        windows: vec![vec![("true", 100, 30)]],
        ..case([100.0, 100.0, 0.0])
    };
    assert_eq!(
        fewer.words(),
        "stops (PreviousStage): paid happened to 30 % of 100 people, less than 50 %, in the last 1h"
    );
}

#[test]
fn old_windows_say_nothing() {
    // Nobody came since: the windows are of yesterday.
    let mut case = case([100.0, 100.0, 0.0]);
    case.windows = vec![vec![("true", 50, 9)], vec![("true", 50, 9)]];
    case.windows.extend((0..24).map(|_| Vec::new()));
    assert!(matches!(case.judge(), Verdict::Promotes { .. }));
}

#[test]
fn what_nobody_can_guard_does_not_get_wider_by_itself() {
    let run = |case: Case| case.decide(|it| guarded(judge(it), it));
    let brief = BRIEF.replace(", people = 20, max_exceptions = 1", "");
    let unknown = || Case { brief: brief.clone(), met: Err("too slow"), ..case([100.0, 100.0, 0.0]) };
    let Verdict::Waits { missing, .. } = run(unknown()) else { panic!("it goes on") };
    assert_eq!(missing, ["its guards, which cannot be told: too slow"]);
    let without = brief.split("[[guard]]").next().unwrap().to_owned();
    assert!(matches!(run(Case { brief: without, ..unknown() }), Verdict::Promotes { .. }));
}
