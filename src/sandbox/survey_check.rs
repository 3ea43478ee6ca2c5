//! What PostHog refuses in a survey.

use serde_json::{Map, Value};

use super::flag_check;
use super::reply::{Problem, Result, object_field, text_field};
use super::targeting::Filters;
use super::world::World;

/// The types of surveys.
pub(super) const TYPES: [&str; 4] = ["popover", "widget", "external_survey", "api"];
const QUESTIONS: [&str; 5] = ["open", "link", "rating", "single_choice", "multiple_choice"];
const LONGEST_NAME: usize = 400;
/// The web SDK's name for every variant.
const ANY_VARIANT: &str = "any";

/// A name that no other survey has.
pub(super) fn name(world: &World, own: &str, body: &Map<String, Value>) -> Result<Option<String>> {
    let Some(name) = text_field(body, "name")? else { return Ok(None) };
    if name.is_empty() {
        return Err(Problem::field(Some("name"), "blank", "This field may not be blank."));
    }
    if name.chars().count() > LONGEST_NAME {
        let text = format!("Ensure this field has no more than {LONGEST_NAME} characters.");
        return Err(Problem::field(Some("name"), "max_length", text));
    }
    match world.surveys.iter().any(|it| it.id != own && it.name == name) {
        true => Err(Problem::field(Some("name"), "unique", "There is already a survey with this name.")),
        false => Ok(Some(name)),
    }
}

/// The flag that the survey is linked to; null unlinks.
pub(super) fn linked_flag(world: &World, body: &Map<String, Value>) -> Result<Option<Option<u64>>> {
    match body.get("linked_flag_id") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(id) => {
            let flag = world.living_flags().find(|it| Some(it.id) == id.as_u64());
            let flag = flag.ok_or_else(|| {
                Problem::invalid(Some("linked_flag_id"), "Feature Flag with this ID does not exist")
            })?;
            Ok(Some(Some(flag.id)))
        }
    }
}

/// Refuses a condition on a variant that the linked flag does not have.
pub(super) fn variant(world: &World, flag: Option<u64>, conditions: &Value) -> Result<()> {
    let wanted = conditions.get("linkedFlagVariant").and_then(Value::as_str);
    let Some(wanted) = wanted.filter(|it| *it != ANY_VARIANT) else { return Ok(()) };
    let Some(flag) = world.flags.iter().find(|it| Some(it.id) == flag) else {
        let text = "linkedFlagVariant can only be used when a linked_flag_id is specified";
        return Err(Problem::invalid(Some("conditions"), text));
    };
    let filters = Filters::read(&flag.state.filters);
    match filters.variants().iter().any(|it| it.key == wanted) {
        true => Ok(()),
        false => {
            let text = format!("Feature Flag Variant '{wanted}' does not exist on flag '{}'", flag.state.key);
            Err(Problem::invalid(Some("conditions"), text))
        }
    }
}

/// The questions, each of a known type and with its text.
pub(super) fn questions(body: &Map<String, Value>) -> Result<Option<Value>> {
    let refuse = |text: String| Err(Problem::invalid(Some("questions"), text));
    let sent = match body.get("questions") {
        None => return Ok(None),
        Some(Value::Null) => return Ok(Some(Value::Null)),
        Some(it) => it,
    };
    let Some(list) = sent.as_array() else { return refuse("Questions must be a list of objects".into()) };
    for question in list {
        if !question.is_object() {
            return refuse("Questions must be a list of objects".into());
        }
        if question["question"].as_str().is_none_or(str::is_empty) {
            return refuse("Question text is required".into());
        }
        let kind = question["type"].as_str().unwrap_or_default();
        if !QUESTIONS.contains(&kind) {
            return refuse(format!("\"{kind}\" is no type of question: one of {}", QUESTIONS.join(", ")));
        }
        if let Some(link) = question["link"].as_str().filter(|it| kind == "link" && !it.is_empty())
            && !["https://", "mailto:"].iter().any(|it| link.starts_with(it))
        {
            return refuse("Link must be a URL with the https, or mailto scheme".into());
        }
        if kind.ends_with("_choice") && question["choices"].as_array().is_none_or(Vec::is_empty) {
            return refuse("Question choices must be a list of at least one".into());
        }
    }
    Ok(Some(sent.clone()))
}

/// An object; null clears it.
pub(super) fn object_or_null(body: &Map<String, Value>, name: &str) -> Result<Option<Value>> {
    match body.get(name) {
        Some(Value::Null) => Ok(Some(Value::Null)),
        _ => object_field(body, name),
    }
}

/// After how many responses the survey ends by itself.
pub(super) fn limit(body: &Map<String, Value>) -> Result<Option<Option<u64>>> {
    match body.get("responses_limit") {
        None => Ok(None),
        Some(Value::Null) => Ok(Some(None)),
        Some(it) => match it.as_u64() {
            Some(limit) => Ok(Some(Some(limit))),
            None => Err(Problem::invalid(Some("responses_limit"), "A valid integer is required.")),
        },
    }
}

/// Whom the survey is shown to: filters as a flag has them, with a condition that leaves somebody out.
pub(super) fn targeting(world: &World, body: &Map<String, Value>) -> Result<Option<Value>> {
    const NAME: &str = "targeting_flag_filters";
    let Some(filters) = object_field(body, NAME)? else { return Ok(None) };
    flag_check::filters(world, &filters, true).map_err(|it| Problem { attr: Some(NAME.into()), ..it })?;
    let typed = Filters::read(&filters);
    let narrows = typed.groups.iter().any(|it| !it.properties.is_empty() || it.percentage() < 100.0);
    match narrows {
        true => Ok(Some(filters)),
        false => {
            let text = "Invalid operation: User filters cannot match everyone. Leave them out instead.";
            Err(Problem::invalid(Some(NAME), text))
        }
    }
}
