//! The functions that the sandbox knows, in HogQL's names.

use std::cmp::Ordering;

use jiff::Timestamp;
use jiff::civil::Weekday;

use super::datum::Datum;

/// A function of one row's values.
pub(super) struct Scalar {
    pub name: &'static str,
    pub least: usize,
    pub most: usize,
    /// ClickHouse's result type; empty for that of the last argument.
    pub kind: &'static str,
    pub run: fn(&[Datum], Timestamp) -> Datum,
}

impl Scalar {
    /// Whether the first argument must be a list.
    pub fn takes_list(&self) -> bool {
        matches!(self.name, "arrayElement" | "arrayStringConcat")
    }
}

impl Aggregate {
    /// The result where there is no row: null for what can be null, else what the type holds by itself.
    pub fn of_none(&self, kind: &str) -> Datum {
        match self.kind {
            _ if kind.starts_with("Nullable") => Datum::Null,
            "" => Datum::of_nothing(kind),
            _ if self.name == "sum" => Datum::Int(0),
            _ => Datum::Float(f64::NAN),
        }
    }
}

impl std::fmt::Debug for Scalar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// A function of many rows.
#[derive(Debug)]
pub(super) struct Aggregate {
    pub name: &'static str,
    pub least: usize,
    pub most: usize,
    /// ClickHouse's result type; empty for that of the first argument.
    pub kind: &'static str,
}

const fn aggregation(name: &'static str, least: usize, most: usize, kind: &'static str) -> Aggregate {
    Aggregate { name, least, most, kind }
}

static AGGREGATES: &[Aggregate] = &[
    aggregation("count", 0, 1, "UInt64"),
    aggregation("uniq", 1, 8, "UInt64"),
    aggregation("uniqExact", 1, 8, "UInt64"),
    aggregation("sum", 1, 1, "Float64"),
    aggregation("avg", 1, 1, "Float64"),
    aggregation("varSamp", 1, 1, "Float64"),
    aggregation("varPop", 1, 1, "Float64"),
    aggregation("stddevSamp", 1, 1, "Float64"),
    aggregation("stddevPop", 1, 1, "Float64"),
    aggregation("min", 1, 1, ""),
    aggregation("max", 1, 1, ""),
    aggregation("any", 1, 1, ""),
    aggregation("anyLast", 1, 1, ""),
    aggregation("argMin", 2, 2, ""),
    aggregation("argMax", 2, 2, ""),
    aggregation("groupArray", 1, 1, "Array(String)"),
    aggregation("groupUniqArray", 1, 1, "Array(String)"),
];

/// An aggregation, and whether its last argument is a condition (`countIf`).
pub(super) fn aggregate(name: &str) -> Option<(&'static Aggregate, bool)> {
    let find = |name: &str| AGGREGATES.iter().find(|it| it.name.eq_ignore_ascii_case(name));
    let conditional = || name.strip_suffix("If").or_else(|| name.strip_suffix("if"));
    find(name).map(|it| (it, false)).or_else(|| conditional().and_then(find).map(|it| (it, true)))
}

/// Applies an aggregation to the arguments of all rows; an aggregation skips rows whose argument is null. `None` when
/// no row is left for one that needs some.
pub(super) fn fold(function: &Aggregate, distinct: bool, rows: &[Vec<Datum>]) -> Option<Datum> {
    let key = |row: &Vec<Datum>| {
        let mut key = String::new();
        row.iter().for_each(|it| it.key(&mut key));
        key
    };
    let present = || rows.iter().filter(|row| row.iter().all(|it| !it.is_null()));
    let firsts = || present().filter_map(|it| it.first());
    let different = || present().map(key).collect::<std::collections::HashSet<_>>().len() as i64;
    let best = |want: Ordering, place: usize| {
        let mut best: Option<&Vec<Datum>> = None;
        for row in present() {
            let better = |old: &&Vec<Datum>| row[place].compare(&old[place]) == Some(want);
            if best.as_ref().is_none_or(better) {
                best = Some(row);
            }
        }
        best.and_then(|it| it.first()).cloned()
    };
    Some(match function.name {
        "count" if distinct => Datum::Int(different()),
        "count" => Datum::Int(present().count() as i64),
        "uniq" | "uniqExact" => Datum::Int(different()),
        "sum" | "avg" | "varSamp" | "varPop" | "stddevSamp" | "stddevPop" => {
            return moments(function.name, &firsts().filter_map(Datum::number).collect::<Vec<_>>());
        }
        "min" => return best(Ordering::Less, 0),
        "max" => return best(Ordering::Greater, 0),
        "argMin" => return best(Ordering::Less, 1),
        "argMax" => return best(Ordering::Greater, 1),
        "any" => return firsts().next().cloned(),
        "anyLast" => return firsts().next_back().cloned(),
        "groupUniqArray" => {
            let mut seen = std::collections::HashSet::new();
            Datum::List(
                present().filter(|it| seen.insert(key(it))).filter_map(|it| it.first()).cloned().collect(),
            )
        }
        _ => Datum::List(firsts().cloned().collect()),
    })
}

/// Sum, mean and spread of numbers. One number alone has no spread of a sample.
fn moments(name: &str, numbers: &[f64]) -> Option<Datum> {
    if numbers.is_empty() {
        return None;
    }
    let (count, sum) = (numbers.len() as f64, numbers.iter().sum::<f64>());
    let mean = sum / count;
    let squares: f64 = numbers.iter().map(|it| (it - mean).powi(2)).sum();
    Some(match name {
        "sum" => whole(sum),
        "avg" => Datum::Float(mean),
        "varSamp" => Datum::Float(squares / (count - 1.0)),
        "varPop" => Datum::Float(squares / count),
        "stddevSamp" => Datum::Float((squares / (count - 1.0)).sqrt()),
        _ => Datum::Float((squares / count).sqrt()),
    })
}

/// A scalar function.
pub(super) fn scalar(name: &str) -> Option<&'static Scalar> {
    SCALARS.iter().chain(super::lists::SCALARS).find(|it| it.name.eq_ignore_ascii_case(name))
}

pub(super) const fn function(
    name: &'static str,
    arguments: (usize, usize),
    kind: &'static str,
    run: fn(&[Datum], Timestamp) -> Datum,
) -> Scalar {
    Scalar { name, least: arguments.0, most: arguments.1, kind, run }
}

pub(super) const MANY: usize = 1_000;
const TIME: &str = "DateTime64(6, 'UTC')";

/// Comparisons are as HogQL compiles them: null equals null, differs from the rest, and is in no order.
static SCALARS: &[Scalar] = &[
    function("equals", (2, 2), "UInt8", |it, _| Datum::Bool(equal(it))),
    function("notEquals", (2, 2), "UInt8", |it, _| Datum::Bool(!equal(it))),
    function("less", (2, 2), "UInt8", |it, _| ordered(it, Ordering::is_lt)),
    function("lessOrEquals", (2, 2), "UInt8", |it, _| ordered(it, Ordering::is_le)),
    function("greater", (2, 2), "UInt8", |it, _| ordered(it, Ordering::is_gt)),
    function("greaterOrEquals", (2, 2), "UInt8", |it, _| ordered(it, Ordering::is_ge)),
    function("not", (1, 1), "UInt8", |it, _| Datum::Bool(!it[0].truthy())),
    function("isNull", (1, 1), "UInt8", |it, _| Datum::Bool(it[0].is_null())),
    function("isNotNull", (1, 1), "UInt8", |it, _| Datum::Bool(!it[0].is_null())),
    function("like", (2, 2), "UInt8", |it, _| like(it, false)),
    function("ilike", (2, 2), "UInt8", |it, _| like(it, true)),
    function("notLike", (2, 2), "UInt8", |it, _| Datum::Bool(!like(it, false).truthy())),
    function("notILike", (2, 2), "UInt8", |it, _| Datum::Bool(!like(it, true).truthy())),
    function("match", (2, 2), "UInt8", |it, _| {
        let texts = (it[0].string(), it[1].string().and_then(|it| regex::Regex::new(&it).ok()));
        Datum::Bool(matches!(texts, (Some(text), Some(pattern)) if pattern.is_match(&text)))
    }),
    function("has", (2, 2), "UInt8", |it, _| {
        Datum::Bool(
            matches!(&it[0], Datum::List(list) if list.iter().any(|item| equal(&[item.clone(), it[1].clone()]))),
        )
    }),
    function("plus", (2, 2), "", |it, _| sum(it, 1)),
    function("minus", (2, 2), "", |it, _| sum(it, -1)),
    function("multiply", (2, 2), "Float64", |it, _| numbers(it, |a, b| a * b).map_or(Datum::Null, whole)),
    function("divide", (2, 2), "Float64", |it, _| {
        numbers(it, |a, b| a / b).map_or(Datum::Null, Datum::Float)
    }),
    function("intDiv", (2, 2), "Int64", |it, _| match numbers(it, |a, b| a / b) {
        Some(quotient) if quotient.is_finite() => Datum::Int(quotient.trunc() as i64),
        _ => Datum::Null,
    }),
    function("modulo", (2, 2), "Float64", |it, _| numbers(it, |a, b| a % b).map_or(Datum::Null, whole)),
    function("negate", (1, 1), "", |it, _| it[0].number().map_or(Datum::Null, |it| whole(-it))),
    function("round", (1, 2), "Float64", |it, _| {
        let scale = 10_f64.powf(it.get(1).and_then(Datum::number).unwrap_or(0.0));
        it[0].number().map_or(Datum::Null, |it| Datum::Float((it * scale).round() / scale))
    }),
    function("floor", (1, 1), "Float64", |it, _| {
        it[0].number().map_or(Datum::Null, |it| Datum::Float(it.floor()))
    }),
    function("ceil", (1, 1), "Float64", |it, _| {
        it[0].number().map_or(Datum::Null, |it| Datum::Float(it.ceil()))
    }),
    function("sqrt", (1, 1), "Float64", |it, _| {
        it[0].number().map_or(Datum::Null, |it| Datum::Float(it.sqrt()))
    }),
    function("pow", (2, 2), "Float64", |it, _| numbers(it, f64::powf).map_or(Datum::Null, Datum::Float)),
    function("abs", (1, 1), "", |it, _| it[0].number().map_or(Datum::Null, |it| whole(it.abs()))),
    function("toString", (1, 1), "Nullable(String)", |it, _| {
        it[0].string().map_or(Datum::Null, |it| Datum::text(&it))
    }),
    function("toInt", (1, 1), "Nullable(Int64)", |it, _| {
        it[0].number().map_or(Datum::Null, |it| Datum::Int(it.trunc() as i64))
    }),
    function("toFloat", (1, 1), "Nullable(Float64)", |it, _| {
        it[0].number().map_or(Datum::Null, Datum::Float)
    }),
    function("toUUID", (1, 1), "UUID", |it, _| it[0].clone()),
    function("lower", (1, 1), "String", |it, _| {
        it[0].string().map_or(Datum::Null, |it| Datum::text(&it.to_lowercase()))
    }),
    function("upper", (1, 1), "String", |it, _| {
        it[0].string().map_or(Datum::Null, |it| Datum::text(&it.to_uppercase()))
    }),
    function("length", (1, 1), "UInt64", |it, _| match &it[0] {
        Datum::List(list) => Datum::Int(list.len() as i64),
        other => other.string().map_or(Datum::Null, |it| Datum::Int(it.len() as i64)),
    }),
    function("concat", (1, MANY), "String", |it, _| {
        // HogQL's concat takes null for empty text.
        Datum::text(&it.iter().filter_map(Datum::string).collect::<String>())
    }),
    function("startsWith", (2, 2), "UInt8", |it, _| texts(it, |a, b| a.starts_with(b))),
    function("endsWith", (2, 2), "UInt8", |it, _| texts(it, |a, b| a.ends_with(b))),
    function("empty", (1, 1), "UInt8", |it, _| Datum::Bool(it[0].string().is_none_or(|it| it.is_empty()))),
    function("notEmpty", (1, 1), "UInt8", |it, _| {
        Datum::Bool(it[0].string().is_some_and(|it| !it.is_empty()))
    }),
    function("if", (3, 3), "", |it, _| it[if it[0].truthy() { 1 } else { 2 }].clone()),
    function("multiIf", (3, MANY), "", |it, _| {
        let met = it.chunks(2).find(|pair| pair.len() == 1 || pair[0].truthy());
        met.and_then(<[Datum]>::last).cloned().unwrap_or(Datum::Null)
    }),
    function("coalesce", (1, MANY), "", |it, _| first_present(it)),
    function("ifNull", (2, 2), "", |it, _| first_present(it)),
    function("nullIf", (2, 2), "", |it, _| if equal(it) { Datum::Null } else { it[0].clone() }),
    function("least", (2, MANY), "", |it, _| extreme(it, Ordering::Less)),
    function("greatest", (2, MANY), "", |it, _| extreme(it, Ordering::Greater)),
    function("now", (0, 0), "DateTime('UTC')", |_, now| Datum::Time(now)),
    function("today", (0, 0), "Date", |_, now| Datum::Time(now).day().map_or(Datum::Null, Datum::Day)),
    function("yesterday", (0, 0), "Date", |_, now| {
        Datum::Time(now).shifted(0, 86_400, -1).and_then(|it| it.day()).map_or(Datum::Null, Datum::Day)
    }),
    function("toDate", (1, 1), "Date", |it, _| it[0].day().map_or(Datum::Null, Datum::Day)),
    function("toDateTime", (1, 2), TIME, |it, _| it[0].time().map_or(Datum::Null, Datum::Time)),
    function("toUnixTimestamp", (1, 1), "UInt32", |it, _| {
        it[0].time().map_or(Datum::Null, |it| Datum::Int(it.as_second()))
    }),
    function("fromUnixTimestamp", (1, 1), "DateTime('UTC')", |it, _| {
        let time = it[0].number().and_then(|it| Timestamp::from_second(it as i64).ok());
        time.map_or(Datum::Null, Datum::Time)
    }),
    function("dateDiff", (3, 3), "Int64", |it, _| difference(it)),
    function("toStartOfMinute", (1, 1), "DateTime('UTC')", |it, _| start(&it[0], 60)),
    function("toStartOfHour", (1, 1), "DateTime('UTC')", |it, _| start(&it[0], 3_600)),
    function("toStartOfDay", (1, 1), "DateTime('UTC')", |it, _| start(&it[0], 86_400)),
    function("toStartOfWeek", (1, 2), "Date", |it, _| {
        // Mode 0, ClickHouse's default, starts on Sunday; 1 on Monday.
        let first = if it.get(1) == Some(&Datum::Int(1)) { Weekday::Monday } else { Weekday::Sunday };
        let back = |it: jiff::civil::Date| {
            let days = i64::from(first.until(it.weekday()));
            it.checked_sub(jiff::Span::new().days(days)).ok()
        };
        it[0].day().and_then(back).map_or(Datum::Null, Datum::Day)
    }),
    function("toStartOfMonth", (1, 1), "Date", |it, _| {
        it[0].day().map_or(Datum::Null, |it| Datum::Day(it.first_of_month()))
    }),
    function("toIntervalSecond", (1, 1), "IntervalSecond", |it, _| interval(it, 0, 1)),
    function("toIntervalMinute", (1, 1), "IntervalMinute", |it, _| interval(it, 0, 60)),
    function("toIntervalHour", (1, 1), "IntervalHour", |it, _| interval(it, 0, 3_600)),
    function("toIntervalDay", (1, 1), "IntervalDay", |it, _| interval(it, 0, 86_400)),
    function("toIntervalWeek", (1, 1), "IntervalWeek", |it, _| interval(it, 0, 604_800)),
    function("toIntervalMonth", (1, 1), "IntervalMonth", |it, _| interval(it, 1, 0)),
    function("toIntervalYear", (1, 1), "IntervalYear", |it, _| interval(it, 12, 0)),
];

fn equal(it: &[Datum]) -> bool {
    match (&it[0], &it[1]) {
        (Datum::Null, other) | (other, Datum::Null) => other.is_null(),
        (a, b) => a.compare(b) == Some(Ordering::Equal),
    }
}

fn ordered(it: &[Datum], held: fn(Ordering) -> bool) -> Datum {
    Datum::Bool(it[0].compare(&it[1]).is_some_and(held))
}

fn numbers(it: &[Datum], f: fn(f64, f64) -> f64) -> Option<f64> {
    Some(f(it[0].number()?, it[1].number()?))
}

/// A whole number stays one.
fn whole(it: f64) -> Datum {
    match it.fract() == 0.0 && it.abs() < 9e15 {
        true => Datum::Int(it as i64),
        false => Datum::Float(it),
    }
}

/// Sums of numbers, and of a time and an interval.
fn sum(it: &[Datum], sign: i64) -> Datum {
    match (&it[0], &it[1]) {
        (time, Datum::Interval { months, seconds }) if time.time().is_some() => {
            time.shifted(*months, *seconds, sign).unwrap_or(Datum::Null)
        }
        (Datum::Interval { months, seconds }, time) if sign > 0 => {
            time.shifted(*months, *seconds, 1).unwrap_or(Datum::Null)
        }
        (Datum::Day(day), Datum::Int(days)) => {
            Datum::Day(*day).shifted(0, days.saturating_mul(86_400), sign).unwrap_or(Datum::Null)
        }
        (Datum::Day(a), Datum::Day(b)) if sign < 0 => {
            Datum::Int(i64::from(a.duration_since(*b).as_hours() as i32 / 24))
        }
        (Datum::Time(a), Datum::Time(b)) if sign < 0 => Datum::Float(a.duration_since(*b).as_secs_f64()),
        _ => match sign {
            1 => numbers(it, |a, b| a + b).map_or(Datum::Null, whole),
            _ => numbers(it, |a, b| a - b).map_or(Datum::Null, whole),
        },
    }
}

fn texts(it: &[Datum], f: fn(&str, &str) -> bool) -> Datum {
    Datum::Bool(matches!((it[0].string(), it[1].string()), (Some(a), Some(b)) if f(&a, &b)))
}

/// `%` stands for any text and `_` for one character.
fn like(it: &[Datum], fold_case: bool) -> Datum {
    let (Some(text), Some(pattern)) = (it[0].string(), it[1].string()) else { return Datum::Bool(false) };
    let mut expression = String::from(if fold_case { "(?is)^" } else { "(?s)^" });
    for c in pattern.chars() {
        match c {
            '%' => expression.push_str(".*"),
            '_' => expression.push('.'),
            other => expression.push_str(&regex::escape(other.encode_utf8(&mut [0; 4]))),
        }
    }
    expression.push('$');
    Datum::Bool(regex::Regex::new(&expression).is_ok_and(|it| it.is_match(&text)))
}

fn first_present(it: &[Datum]) -> Datum {
    it.iter().find(|it| !it.is_null()).cloned().unwrap_or(Datum::Null)
}

fn extreme(it: &[Datum], want: Ordering) -> Datum {
    let better = |a: Datum, b: &Datum| if b.compare(&a) == Some(want) { b.clone() } else { a };
    it[1..].iter().fold(it[0].clone(), better)
}

/// How many borders of a unit lie between two times.
fn difference(it: &[Datum]) -> Datum {
    let seconds = match it[0].string().unwrap_or_default().as_str() {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        _ => return Datum::Null,
    };
    let place = |it: &Datum| it.time().map(|it| it.as_second().div_euclid(seconds));
    match (place(&it[1]), place(&it[2])) {
        (Some(from), Some(to)) => Datum::Int(to - from),
        _ => Datum::Null,
    }
}

/// The start of the span of so many seconds that the time lies in.
fn start(it: &Datum, seconds: i64) -> Datum {
    let Some(time) = it.time() else { return Datum::Null };
    let whole = time.as_second().div_euclid(seconds) * seconds;
    Timestamp::from_second(whole).map_or(Datum::Null, Datum::Time)
}

fn interval(it: &[Datum], months: i64, seconds: i64) -> Datum {
    match it[0].number() {
        Some(count) => Datum::Interval {
            months: months.saturating_mul(count as i64),
            seconds: seconds.saturating_mul(count as i64),
        },
        None => Datum::Null,
    }
}
