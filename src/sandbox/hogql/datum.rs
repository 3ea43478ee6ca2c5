//! Values of a query.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::sandbox::clock::{civil, iso, timestamp};
use crate::sandbox::targeting;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Datum {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Arc<str>),
    Time(Timestamp),
    Day(Date),
    /// A span of time; months count apart, they differ in length.
    Interval {
        months: i64,
        seconds: i64,
    },
    List(Vec<Datum>),
}

impl Datum {
    pub fn text(it: &str) -> Datum {
        Datum::Text(it.into())
    }

    pub fn from_json(value: &Value) -> Datum {
        match value {
            Value::Null => Datum::Null,
            Value::Bool(it) => Datum::Bool(*it),
            Value::Number(it) => match it.as_i64() {
                Some(it) => Datum::Int(it),
                None => Datum::Float(it.as_f64().unwrap_or_default()),
            },
            Value::String(it) => Datum::text(it),
            other => Datum::text(&other.to_string()),
        }
    }

    /// A property: PostHog reads booleans as text, and takes empty text for nothing.
    pub fn from_property(value: Option<&Value>) -> Datum {
        match value {
            Some(Value::Bool(it)) => Datum::text(if *it { "true" } else { "false" }),
            Some(Value::String(it)) if it.is_empty() || it == "null" => Datum::Null,
            other => Datum::from_json(other.unwrap_or(&Value::Null)),
        }
    }

    /// What a type of ClickHouse holds where there is nothing.
    pub fn of_nothing(kind: &str) -> Datum {
        match kind {
            _ if kind.starts_with("Nullable") => Datum::Null,
            _ if kind.starts_with("DateTime") => Datum::Time(Timestamp::UNIX_EPOCH),
            _ if kind.starts_with("Array") => Datum::List(Vec::new()),
            _ if kind.starts_with("UInt") || kind.starts_with("Int") => Datum::Int(0),
            "Float64" => Datum::Float(0.0),
            "Bool" => Datum::Bool(false),
            "Date" => Datum::Time(Timestamp::UNIX_EPOCH).day().map_or(Datum::Null, Datum::Day),
            "UUID" => Datum::text("00000000-0000-0000-0000-000000000000"),
            "String" => Datum::text(""),
            _ => Datum::Null,
        }
    }

    /// As PostHog's answer writes it.
    pub fn json(&self) -> Value {
        match self {
            Datum::Null => Value::Null,
            Datum::Bool(it) => (*it).into(),
            Datum::Int(it) => (*it).into(),
            Datum::Float(it) => serde_json::Number::from_f64(*it).map_or(Value::Null, Value::Number),
            Datum::Text(it) => (&**it).into(),
            Datum::Time(it) if it.subsec_nanosecond() == 0 => it.to_string().into(),
            Datum::Time(it) => iso(*it).into(),
            Datum::Day(it) => it.to_string().into(),
            Datum::Interval { months: 0, seconds } => (*seconds).into(),
            Datum::Interval { months, .. } => format!("{months} months").into(),
            Datum::List(it) => it.iter().map(Datum::json).collect(),
        }
    }

    /// As HogQL writes a constant.
    pub fn literal(&self) -> String {
        match self {
            Datum::Null => "NULL".into(),
            Datum::Text(it) => format!("'{}'", it.replace('\\', "\\\\").replace('\'', "\\'")),
            other => other.string().unwrap_or_default(),
        }
    }

    /// As `toString` makes it; null has no text.
    pub fn string(&self) -> Option<String> {
        Some(match self {
            Datum::Null => return None,
            Datum::Text(it) => it.to_string(),
            Datum::Time(it) => it.strftime("%Y-%m-%d %H:%M:%S%.6f").to_string(),
            other => match other.json() {
                Value::String(it) => it,
                json => json.to_string(),
            },
        })
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Datum::Bool(it) => Some(f64::from(u8::from(*it))),
            Datum::Int(it) => Some(*it as f64),
            Datum::Float(it) => Some(*it),
            Datum::Text(it) => it.parse().ok(),
            _ => None,
        }
    }

    /// Whether a condition counts as met.
    pub fn truthy(&self) -> bool {
        match self {
            Datum::Null => false,
            Datum::Bool(it) => *it,
            Datum::Text(it) => &**it == "true",
            other => other.number().is_some_and(|it| it != 0.0),
        }
    }

    pub fn is_null(&self) -> bool {
        *self == Datum::Null
    }

    /// As a time; text is read in the project's time zone, which is UTC here.
    pub fn time(&self) -> Option<Timestamp> {
        match self {
            Datum::Time(it) => Some(*it),
            Datum::Day(it) => timestamp(it.at(0, 0, 0, 0)),
            Datum::Text(it) => targeting::date(it, Timestamp::UNIX_EPOCH),
            Datum::Int(it) => Timestamp::from_second(*it).ok(),
            _ => None,
        }
    }

    pub fn day(&self) -> Option<Date> {
        match self {
            Datum::Day(it) => Some(*it),
            other => other.time().map(|it| civil(it).date()),
        }
    }

    /// `self + sign * interval`
    pub fn shifted(&self, months: i64, seconds: i64, sign: i64) -> Option<Datum> {
        let time = civil(self.time()?);
        let span = jiff::Span::new().try_months(months.checked_mul(sign)?).ok()?;
        let time = time.checked_add(span).ok()?;
        let time = time.checked_add(SignedDuration::from_secs(seconds.checked_mul(sign)?)).ok()?;
        Some(match self {
            Datum::Day(_) if seconds % 86_400 == 0 => Datum::Day(time.date()),
            _ => Datum::Time(timestamp(time)?),
        })
    }

    /// The order of two values; `None` when one is null or they cannot be compared.
    pub fn compare(&self, other: &Datum) -> Option<Ordering> {
        match (self, other) {
            (Datum::Null, _) | (_, Datum::Null) => None,
            (Datum::Text(a), Datum::Text(b)) => Some(a.cmp(b)),
            (Datum::Day(a), Datum::Day(b)) => Some(a.cmp(b)),
            (Datum::Time(_) | Datum::Day(_), _) | (_, Datum::Time(_) | Datum::Day(_)) => {
                Some(self.time()?.cmp(&other.time()?))
            }
            (Datum::List(a), Datum::List(b)) => {
                let first = a.iter().zip(b).filter_map(|(a, b)| a.compare(b)).find(|it| it.is_ne());
                Some(first.unwrap_or(a.len().cmp(&b.len())))
            }
            // A property that holds `true` is the text 'true'.
            (Datum::Bool(a), Datum::Text(b)) => Some(a.to_string().as_str().cmp(b)),
            (Datum::Text(a), Datum::Bool(b)) => Some((**a).cmp(b.to_string().as_str())),
            (Datum::Text(_), _) | (_, Datum::Text(_))
                if self.number().is_none() || other.number().is_none() =>
            {
                Some(self.string()?.cmp(&other.string()?))
            }
            _ => Some(self.number()?.total_cmp(&other.number()?)),
        }
    }

    /// What a join looks rows up by; null has no match.
    pub fn join_key(&self) -> Option<String> {
        match self.number() {
            Some(number) => Some(number.to_string()),
            None => self.string(),
        }
    }

    /// Adds what tells values apart to a key.
    pub fn key(&self, into: &mut String) {
        let kind = match self {
            Datum::Null => 'n',
            Datum::Bool(_) => 'b',
            Datum::Int(_) | Datum::Float(_) => '#',
            _ => 't',
        };
        into.push(kind);
        into.push_str(&self.string().unwrap_or_default());
        into.push('\0');
    }
}
