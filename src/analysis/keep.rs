//! What stays of a flag that is removed from the code.

use serde_json::Value as Json;

use crate::feature::{Served, Value, ended, served, winner};
use crate::flags::{Flag, FlagKey, Lookup, Mirror};
use crate::removal::Kept;

/// What stays of a flag, and why.
#[derive(Debug, Clone, PartialEq)]
pub struct Keep {
    /// The value and its payload.
    pub kept: Kept,
    /// A sentence for a person.
    pub why: String,
}

/// What to keep of a flag: what somebody says, else what PostHog serves to everyone, else the winner of its
/// experiment. An error says why nobody knows.
pub fn keep(mirror: &Mirror, key: &FlagKey, said: Option<Value>) -> Result<Keep, String> {
    let environment = mirror.primary();
    let flag = match environment.map(|it| it.lookup(key)) {
        Some(Lookup::Known(flag)) => Some(&**flag),
        _ => None,
    };
    if let Some(value) = said {
        let kept = kept(flag, value.clone());
        return Ok(Keep { kept, why: format!("'{key}' is taken to serve {value} to everyone.") });
    }
    let (Some(flag), Some(environment)) = (flag, environment) else {
        return Err(format!("PostHog is not known to have '{key}'"));
    };
    let filters = flag.filters();
    if let Served::Everyone(value) = served(flag.is_evaluated(), filters.as_ref()) {
        let why = format!("'{key}' serves {value} to everyone.");
        return Ok(Keep { kept: kept(Some(flag), value), why });
    }
    let several = format!("'{key}' does not serve the same to everyone");
    let Some((experiment, _)) = ended(flag, environment) else { return Err(several) };
    let name = &experiment.name;
    match winner(flag, experiment) {
        Some(value) => {
            let why = format!("{value} won the experiment '{name}' on '{key}'.");
            Ok(Keep { kept: kept(Some(flag), value), why })
        }
        None => {
            Err(format!("{several}, and PostHog does not tell which variant won the experiment '{name}'"))
        }
    }
}

/// A value with its payload, where the flag is known.
fn kept(flag: Option<&Flag>, value: Value) -> Kept {
    let filters = flag.and_then(Flag::filters);
    let payload = filters.map(|filters| {
        let name = match &value {
            Value::Off => "false",
            Value::On => "true",
            Value::Variant(key) => key,
        };
        match filters.payloads.get(name) {
            // PostHog keeps JSON as a text.
            Some(Json::String(text)) => {
                serde_json::from_str(text).unwrap_or_else(|_| Json::String(text.clone()))
            }
            Some(payload) => payload.clone(),
            None => Json::Null,
        }
    });
    Kept { value, payload }
}
