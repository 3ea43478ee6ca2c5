use super::measure::{Design, Measure, Observed, Sample, measure, wants_less};
use super::stats::Estimate;
use crate::feature::brief::{Metric, Verdict};

/// Some people, and what the metric says of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Who they are.
    pub role: Role,
    /// How many.
    pub people: u64,
    /// The metric for each hundred of them; `None` = too few to tell.
    pub value: Option<Estimate>,
}

/// Who people of a group are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// They met the feature.
    Met,
    /// They got this variant.
    Variant(String),
    /// They were active before the feature opened.
    Before,
    /// They were active after everyone had it.
    After,
}

/// One group beside another one.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// This one.
    pub of: Role,
    /// That one.
    pub with: Role,
    /// By how much it is more, for each hundred people; `None` = too few to tell.
    pub difference: Option<Estimate>,
    /// How many times it is the other; `None` = too few, or one of them is nothing.
    pub ratio: Option<Estimate>,
}

/// What is known of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// Nobody wrote one.
    None,
    /// Too few people to tell.
    TooFew,
    /// It is reached, beyond chance.
    Reached,
    /// It is reached, and chance could have done it.
    JustReached,
    /// It is not reached, and chance could have done that.
    JustMissed,
    /// It is not reached, beyond chance.
    Missed,
}

/// What came of a feature, as far as numbers say.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// How it was measured.
    pub measure: Measure,
    /// Everyone who was looked at.
    pub groups: Vec<Group>,
    /// What stands beside what.
    pub comparisons: Vec<Comparison>,
    /// Who is held against the target.
    pub judged: Option<Role>,
    /// What that came to.
    pub target: Target,
    /// People who got one variant and then another one; they are left out.
    pub mixed: u64,
    /// What the numbers suggest; the word is a person's.
    pub suggested: Option<Verdict>,
}

/// From counts to a result. `met` are those who met the feature, by what they got; `before` and `after` those who were
/// active then, where that is compared.
pub fn review(metric: &Metric, design: &Design, met: &[Observed], sides: Option<(Sample, Sample)>) -> Review {
    let measure = measure(metric);
    let group =
        |role: Role, sample: &Sample| Group { role, people: sample.people, value: measure.value(sample) };
    let compare = |of: (Role, &Sample), with: (Role, &Sample)| Comparison {
        difference: measure.difference(of.1, with.1),
        ratio: measure.ratio(of.1, with.1),
        of: of.0,
        with: with.0,
    };
    let (mut groups, mut comparisons) = (Vec::new(), Vec::new());
    let mut mixed = 0;
    let judged = match design {
        Design::Variants { control, judged, .. } => {
            let (named, others): (Vec<_>, Vec<_>) = met.iter().partition(|it| it.response.is_some());
            mixed = others.iter().map(|it| it.sample.people).sum();
            let variant = |it: &Observed| Role::Variant(it.response.clone().unwrap_or_default());
            groups.extend(named.iter().map(|it| group(variant(it), &it.sample)));
            if let Some(base) = named.iter().find(|it| it.response.as_ref() == Some(control)) {
                let others = named.iter().filter(|it| it.response != base.response);
                comparisons.extend(
                    others.map(|it| compare((variant(it), &it.sample), (variant(base), &base.sample))),
                );
            }
            judged.clone().map(Role::Variant)
        }
        Design::BeforeAfter { .. } => {
            let all = met.iter().fold(Sample::default(), |sum, it| sum.with(it.sample));
            groups.push(group(Role::Met, &all));
            if let Some((before, after)) = sides {
                groups.push(group(Role::Before, &before));
                groups.push(group(Role::After, &after));
                comparisons.push(compare((Role::After, &after), (Role::Before, &before)));
            }
            Some(Role::Met)
        }
    };
    let value = judged.as_ref().and_then(|role| groups.iter().find(|it| it.role == *role)?.value);
    let target = against(metric, value);
    let compared = comparisons.iter().find(|it| Some(&it.of) == judged.as_ref() || it.of == Role::After);
    let suggested = suggestion(metric, target, compared);
    Review { measure, groups, comparisons, judged, target, mixed, suggested }
}

fn against(metric: &Metric, value: Option<Estimate>) -> Target {
    let Some(target) = metric.target else { return Target::None };
    let Some(value) = value else { return Target::TooFew };
    let is_reached = if wants_less(metric) { value.value <= target } else { value.value >= target };
    match (is_reached, value.includes(target)) {
        (true, false) => Target::Reached,
        (true, true) => Target::JustReached,
        (false, true) => Target::JustMissed,
        (false, false) => Target::Missed,
    }
}

/// A target decides; but a test that does no better than its control has only scraped through, and one that does worse
/// has failed. Without a target a difference that is beyond chance decides, and no difference says nothing.
fn suggestion(metric: &Metric, target: Target, compared: Option<&Comparison>) -> Option<Verdict> {
    let is_better = compared.and_then(|it| it.difference).map(|it| match it.includes(0.0) {
        true => None,
        false => Some((it.value > 0.0) != wants_less(metric)),
    });
    let is_tested = compared.is_some_and(|it| it.of != Role::After);
    match (target, is_better) {
        (Target::TooFew, _) | (Target::None, None | Some(None)) => None,
        (Target::JustMissed | Target::Missed, _) => Some(Verdict::Failed),
        (Target::Reached | Target::JustReached, Some(Some(false))) if is_tested => Some(Verdict::Failed),
        (Target::Reached, Some(None)) if is_tested => Some(Verdict::Scraped),
        (Target::Reached, _) => Some(Verdict::Nailed),
        (Target::JustReached, _) => Some(Verdict::Scraped),
        (Target::None, Some(Some(true))) => Some(Verdict::Nailed),
        (Target::None, Some(Some(false))) => Some(Verdict::Failed),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::TimeSpan;
    use super::*;
    use crate::feature::Brief;

    fn metric(rest: &str) -> Metric {
        let text = format!("key = \"videos\"\n[metric]\nkind = \"retention\"\n{rest}");
        Brief::parse(&text).unwrap().metric.unwrap()
    }

    fn span() -> TimeSpan {
        TimeSpan { from: Timestamp::UNIX_EPOCH, until: Timestamp::UNIX_EPOCH }
    }

    fn hits(people: u64, total: u64) -> Sample {
        Sample { people, total: total as f64, squares: total as f64 }
    }

    fn observed(response: &str, people: u64, total: u64) -> Observed {
        let response = (!response.is_empty()).then(|| response.to_owned());
        Observed { response, sample: hits(people, total) }
    }

    fn rollout() -> Design {
        Design::BeforeAfter { met: span(), sides: Ok((span(), span())) }
    }

    #[test]
    fn the_target_and_what_it_suggests() {
        for (goal, target, people, total, expect, verdict) in [
            ("at-least", 30.0, 1000, 400, Target::Reached, Some(Verdict::Nailed)),
            ("at-least", 39.0, 1000, 400, Target::JustReached, Some(Verdict::Scraped)),
            ("at-least", 41.0, 1000, 400, Target::JustMissed, Some(Verdict::Failed)),
            ("at-least", 50.0, 1000, 400, Target::Missed, Some(Verdict::Failed)),
            ("at-most", 50.0, 1000, 400, Target::Reached, Some(Verdict::Nailed)),
            ("at-most", 30.0, 1000, 400, Target::Missed, Some(Verdict::Failed)),
            ("at-least", 30.0, 29, 20, Target::TooFew, None),
        ] {
            let metric = metric(&format!("target = {target}\ngoal = \"{goal}\"\n"));
            let got = review(&metric, &rollout(), &[observed("true", people, total)], None);
            assert_eq!((got.target, got.suggested), (expect, verdict), "{goal} {target} of {total}/{people}");
        }
    }

    #[test]
    fn without_a_target_only_a_clear_difference_suggests_anything() {
        let suggested = |rest: &str, before, after| {
            review(&metric(rest), &rollout(), &[], Some((before, after))).suggested
        };
        assert_eq!(suggested("", hits(1000, 300), hits(1000, 400)), Some(Verdict::Nailed));
        assert_eq!(suggested("", hits(1000, 400), hits(1000, 300)), Some(Verdict::Failed));
        assert_eq!(suggested("goal = \"at-most\"", hits(1000, 400), hits(1000, 300)), Some(Verdict::Nailed));
        assert_eq!(suggested("", hits(1000, 300), hits(1000, 310)), None);
        assert_eq!(suggested("", hits(20, 1), hits(20, 19)), None);
    }

    #[test]
    fn variants_are_compared_with_control_and_mixed_people_are_left_out() {
        let design = Design::Variants { control: "control".into(), judged: Some("b".into()), span: span() };
        let met = [
            observed("a", 500, 100),
            observed("b", 500, 200),
            observed("control", 500, 100),
            observed("", 12, 9),
        ];
        let got = review(&metric("target = 35\n"), &design, &met, None);
        let roles: Vec<_> = got.comparisons.iter().map(|it| (&it.of, &it.with)).collect();
        let variant = |it: &str| Role::Variant(it.into());
        assert_eq!(roles, [(&variant("a"), &variant("control")), (&variant("b"), &variant("control"))]);
        assert!(got.comparisons[0].difference.unwrap().includes(0.0));
        assert!(got.comparisons[1].difference.unwrap().low > 10.0);
        assert!((got.comparisons[1].ratio.unwrap().value - 2.0).abs() < 1e-9);
        assert_eq!((got.groups.len(), got.mixed, got.target), (3, 12, Target::Reached));
        // What control reaches too is not the feature's doing.
        for (control, expect) in [(195, Verdict::Scraped), (350, Verdict::Failed), (100, Verdict::Nailed)] {
            let met = [observed("b", 500, 200), observed("control", 500, control)];
            assert_eq!(
                review(&metric("target = 35\n"), &design, &met, None).suggested,
                Some(expect),
                "{control}"
            );
        }
        // Nobody can say which of several is meant.
        let design = Design::Variants { control: "control".into(), judged: None, span: span() };
        assert_eq!(review(&metric("target = 35\n"), &design, &met, None).target, Target::TooFew);
    }
}
