//! Functions of lists and of JSON in text, which is how HogQL reads a property that is a list.

use serde_json::Value;

use super::datum::Datum;
use super::functions::{MANY, Scalar, function};
use super::table::inside;

/// Where the n-th of so many stands: from 1, or from the end when negative.
pub(super) fn place(at: i64, count: usize) -> Option<usize> {
    let count = i64::try_from(count).ok()?;
    let at = if at < 0 { count + at } else { at - 1 };
    usize::try_from(at).ok().filter(|_| at < count)
}

/// What is missing in JSON is the type's own nothing; only of null comes null.
pub(super) static SCALARS: &[Scalar] = &[
    function("arrayElement", (2, 2), "String", |it, _| {
        let Datum::List(list) = &it[0] else { return Datum::Null };
        let at = it[1].number().and_then(|it| place(it as i64, list.len()));
        at.and_then(|it| list.get(it)).cloned().unwrap_or_else(|| match list.first() {
            Some(Datum::Int(_) | Datum::Float(_)) => Datum::Int(0),
            _ => Datum::text(""),
        })
    }),
    function("arrayStringConcat", (1, 2), "String", |it, _| {
        let Datum::List(list) = &it[0] else { return Datum::Null };
        let between = it.get(1).and_then(Datum::string).unwrap_or_default();
        Datum::text(&list.iter().filter_map(Datum::string).collect::<Vec<_>>().join(&between))
    }),
    function("substring", (2, 3), "String", |it, _| {
        let (Some(text), Some(from)) = (it[0].string(), it[1].number()) else { return Datum::Null };
        let count = it.get(2).and_then(Datum::number).map_or(usize::MAX, |it| it.max(0.0) as usize);
        Datum::text(&text.chars().skip((from as usize).saturating_sub(1)).take(count).collect::<String>())
    }),
    function("JSONExtractString", (1, MANY), "String", |it, _| {
        json(it, |found| Datum::text(found.and_then(Value::as_str).unwrap_or_default()))
    }),
    function("JSONExtractRaw", (1, MANY), "String", |it, _| {
        json(it, |found| Datum::text(&found.map(Value::to_string).unwrap_or_default()))
    }),
    function("JSONExtractInt", (1, MANY), "Int64", |it, _| {
        json(it, |found| Datum::Int(found.and_then(Value::as_f64).unwrap_or_default() as i64))
    }),
    function("JSONExtractFloat", (1, MANY), "Float64", |it, _| {
        json(it, |found| Datum::Float(found.and_then(Value::as_f64).unwrap_or_default()))
    }),
    function("JSONExtractBool", (1, MANY), "Bool", |it, _| {
        json(it, |found| Datum::Bool(found.and_then(Value::as_bool).unwrap_or_default()))
    }),
    function("JSONExtractArrayRaw", (1, MANY), "Array(String)", |it, _| {
        json(it, |found| Datum::List(items(found).map(|it| Datum::text(&it.to_string())).collect()))
    }),
    function("JSONHas", (2, MANY), "UInt8", |it, _| json(it, |found| Datum::Bool(found.is_some()))),
    function("JSONLength", (1, MANY), "UInt64", |it, _| {
        json(it, |found| {
            let members = found.and_then(Value::as_object).map(|it| it.len());
            Datum::Int(members.unwrap_or_else(|| items(found).count()) as i64)
        })
    }),
    // Its last argument names a type; queries of exceptions ask for a list of texts.
    function("JSONExtract", (2, MANY), "Array(String)", |it, _| match it.split_last() {
        Some((kind, path)) if kind.string().as_deref() == Some("Array(String)") => json(path, |found| {
            let text = |it: &Value| it.as_str().map_or_else(|| it.to_string(), str::to_owned);
            Datum::List(items(found).map(|it| Datum::text(&text(it))).collect())
        }),
        _ => Datum::Null,
    }),
];

fn items(found: Option<&Value>) -> impl Iterator<Item = &Value> {
    found.and_then(Value::as_array).into_iter().flatten()
}

/// The first argument's JSON at the path of the others.
fn json(it: &[Datum], read: impl Fn(Option<&Value>) -> Datum) -> Datum {
    let Some(text) = it.first().and_then(Datum::string) else { return Datum::Null };
    let steps: Vec<String> = it[1..].iter().filter_map(Datum::string).collect();
    match serde_json::from_str::<Value>(&text) {
        Ok(value) => read(inside(&value, &steps)),
        Err(_) => read(None),
    }
}
