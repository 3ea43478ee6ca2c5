//! What came of a feature: a number for each person who met it, summed by what they got.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Evaluations, Query, condition, days_since, decides, is_exposed};
use crate::feature::brief::{EventEntry, Metric, MetricKind};
use crate::feature::review::{Measure, Observed, Sample, TimeSpan, measure};
use crate::flags::FlagKey;

/// The response of those who got different ones. No variant can be called so: keys of variants are not empty.
const MIXED: &str = "";

/// Whose numbers are wanted.
#[derive(Debug, Clone, Copy)]
pub enum Whose<'a> {
    /// Those who met a flag with a response other than false, from their first meeting.
    Met(Evaluations, &'a FlagKey),
    /// Those who were active, from the first thing that they did: an event of the metric's, or a page.
    Active,
}

/// One row for each response: response, people, the sum of their numbers, the sum of the squares. Only people are
/// counted who can be looked at for as long as the metric takes.
pub fn outcome(metric: &Metric, whose: Whose, span: TimeSpan, now: Timestamp) -> Query {
    let mut asked =
        Asked { values: Map::new(), metric, measure: measure(metric), days: days_since(span.from, now) };
    let (from, until) = (span.from.as_second(), span.until.as_second());
    asked.values.insert("from".into(), from.into());
    asked.values.insert("until".into(), until.into());
    asked.values.insert("latest".into(), (until - asked.measure.end.as_secs()).into());
    asked.values.insert("begin".into(), asked.measure.begin.as_secs().into());
    asked.values.insert("end".into(), asked.measure.end.as_secs().into());
    asked.values.insert("mixed".into(), MIXED.into());
    let text = asked.text(whose);
    decides("flagline review", text, Value::Object(asked.values))
}

/// Reads its rows.
pub fn observed(rows: &[Vec<Value>]) -> Vec<Observed> {
    let observed = |row: &Vec<Value>| {
        let [response, people, total, squares] = row.as_slice() else { return None };
        let response = response.as_str().unwrap_or_default();
        Some(Observed {
            response: (response != MIXED).then(|| response.to_owned()),
            sample: Sample { people: people.as_u64()?, total: total.as_f64()?, squares: squares.as_f64()? },
        })
    };
    rows.iter().filter_map(observed).collect()
}

struct Asked<'a> {
    values: Map<String, Value>,
    metric: &'a Metric,
    measure: Measure,
    days: i64,
}

impl Asked<'_> {
    fn text(&mut self, whose: Whose) -> String {
        let began = self.began(whose);
        let happened = match self.metric.kind {
            MetricKind::Funnel => self.last_step(&began),
            MetricKind::Trend | MetricKind::Retention => {
                let first = self.metric.events.first().cloned();
                self.happened(first.unwrap_or_else(|| EventEntry::Name("$pageview".into())), 0)
            }
        };
        let often = "countIf(e.happened >= m.began + {begin} AND e.happened < m.began + {end})";
        let number = match self.measure.is_share {
            true => format!("if({often} > 0, 1, 0)"),
            false => often.to_owned(),
        };
        format!(
            "SELECT p.got AS response, count() AS people, sum(p.number) AS total, \
             sum(p.number * p.number) AS squares FROM (\
             SELECT m.person AS person, if(any(m.different) > 1, {{mixed}}, any(m.answer)) AS got, \
             {number} AS number FROM ({began}) AS m LEFT JOIN ({happened}) AS e ON e.person = m.person \
             WHERE m.began <= {{latest}} GROUP BY m.person) AS p \
             GROUP BY response ORDER BY response LIMIT 1000"
        )
    }

    /// Each person with when it began and what they got.
    fn began(&mut self, whose: Whose) -> String {
        match whose {
            Whose::Met(table, key) => {
                let [flag, response, _, from] = table.columns();
                self.values.insert("key".into(), key.as_str().into());
                format!(
                    "SELECT person_id AS person, min(toUnixTimestamp(timestamp)) AS began, \
                     any({response}) AS answer, uniq({response}) AS different FROM {from} {} \
                     AND {flag} = {{key}} AND {exposed} GROUP BY person",
                    self.inside(),
                    exposed = is_exposed(response),
                )
            }
            Whose::Active => {
                let mut names: Vec<&str> = self.metric.events.iter().map(EventEntry::event).collect();
                names.push("$pageview");
                self.values.insert("active".into(), json!(names));
                format!(
                    "SELECT person_id AS person, min(toUnixTimestamp(timestamp)) AS began, 'active' AS answer, \
                     1 AS different FROM events WHERE {} AND event IN {{active}} GROUP BY person",
                    self.inside()
                )
            }
        }
    }

    /// A text without a zone would be one of the project's, and so times are compared as numbers.
    fn inside(&self) -> String {
        format!(
            "timestamp >= now() - INTERVAL {} DAY AND toUnixTimestamp(timestamp) >= {{from}} \
             AND toUnixTimestamp(timestamp) < {{until}}",
            self.days
        )
    }

    /// Whenever an event happened to whom.
    fn happened(&mut self, event: EventEntry, step: usize) -> String {
        let mut conditions = vec![self.inside(), format!("event = {{event_{step}}}")];
        self.values.insert(format!("event_{step}"), event.event().into());
        for (n, filter) in event.properties().iter().enumerate() {
            let (name, value) = (format!("property_{step}_{n}"), format!("value_{step}_{n}"));
            if let Some((condition, given)) = condition(filter, &name, &value) {
                conditions.push(condition);
                self.values.insert(name, filter["key"].clone());
                self.values.extend(given.map(|it| (value, it)));
            }
        }
        format!(
            "SELECT person_id AS person, toUnixTimestamp(timestamp) AS happened FROM events WHERE {}",
            conditions.join(" AND ")
        )
    }

    /// When each person first did the last step of a funnel, after all others in their order.
    fn last_step(&mut self, began: &str) -> String {
        let mut before =
            format!("SELECT b.person AS person, b.began AS began, b.began AS reached FROM ({began}) AS b");
        let steps = self.metric.events.clone();
        for (at, step) in steps.iter().enumerate() {
            // One event is no two steps.
            let is_same = at > 0 && steps[at - 1].event() == step.event();
            let (later, happened) = (if is_same { ">" } else { ">=" }, self.happened(step.clone(), at));
            before = format!(
                "SELECT s.person AS person, any(s.began) AS began, min(h.happened) AS reached FROM ({before}) AS s \
                 INNER JOIN ({happened}) AS h ON h.person = s.person \
                 WHERE h.happened {later} s.reached AND h.happened < s.began + {{end}} GROUP BY s.person"
            );
        }
        format!("SELECT l.person AS person, l.reached AS happened FROM ({before}) AS l")
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::Freshness;
    use super::*;
    use crate::feature::Brief;

    fn metric(text: &str) -> Metric {
        Brief::parse(&format!("key = \"a\"\n[metric]\n{text}")).unwrap().metric.unwrap()
    }

    fn all() -> [Metric; 4] {
        [
            "kind = \"trend\"\nevents = [\"x') OR 1=1 --\"]\n",
            "kind = \"trend\"\nevents = [\"a\"]\ncount = \"people\"\n",
            "kind = \"funnel\"\nevents = [\"a\", \"a\", { event = \"b\", properties = [{ key = \"kg') OR 1=1\", operator = \"gt\", value = 5 }] }]\n",
            "kind = \"retention\"\n",
        ]
        .map(metric)
    }

    #[test]
    fn every_query_keeps_to_the_rules() {
        let now: Timestamp = "2026-11-25T12:00:00Z".parse().unwrap();
        let span = TimeSpan { from: now - SignedDuration::from_hours(24 * 30), until: now };
        let key = FlagKey::from("x') OR 1=1 --");
        for metric in all() {
            for whose in [
                Whose::Met(Evaluations::Events, &key),
                Whose::Met(Evaluations::FlagEvaluations, &key),
                Whose::Active,
            ] {
                let Query { name, text, values, freshness } = outcome(&metric, whose, span, now);
                assert_eq!(freshness, Freshness::Computed);
                assert!(name.starts_with("flagline ") && text.ends_with(" LIMIT 1000"), "{text}");
                assert!(
                    !text.contains("OR 1") && !text.contains("toDateTime") && !text.contains("'20"),
                    "{text}"
                );
                // Every table is read from a day on that the server can find by its order.
                let tables =
                    text.matches(" FROM events ").count() + text.matches(" FROM flag_evaluations ").count();
                assert_eq!(text.matches("timestamp >= now() - INTERVAL 32 DAY").count(), tables, "{text}");
                let placeholders: Vec<&str> =
                    text.split('{').skip(1).map(|it| it.split_once('}').unwrap().0).collect();
                assert!(placeholders.iter().all(|it| values.get(it).is_some()), "{text}\n{values}");
                assert_eq!(text.matches('(').count(), text.matches(')').count(), "{text}");
            }
        }
    }

    #[test]
    fn a_step_comes_after_the_one_before_it() {
        let now = Timestamp::UNIX_EPOCH;
        let text = outcome(&all()[2], Whose::Active, TimeSpan { from: now, until: now }, now).text;
        assert_eq!(text.matches("WHERE h.happened > s.reached").count(), 1, "{text}");
        assert_eq!(text.matches("WHERE h.happened >= s.reached").count(), 2, "{text}");
        assert_eq!(text.matches("INNER JOIN").count(), 3, "{text}");
    }

    #[test]
    fn rows_become_samples() {
        let rows = [
            vec![json!(""), json!(2), json!(0), json!(0)],
            vec![json!("test"), json!(40), json!(80), json!(200.0)],
            vec![json!("broken"), json!(null), json!(1), json!(1)],
        ];
        let got = observed(&rows);
        assert_eq!((got.len(), got[0].response.clone(), got[0].sample.people), (2, None, 2));
        assert_eq!(got[1].sample, Sample { people: 40, total: 80.0, squares: 200.0 });
    }
}
