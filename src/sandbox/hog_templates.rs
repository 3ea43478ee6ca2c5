//! `/api/projects/:id/hog_function_templates/…`: what hog functions are made of, and which inputs each takes.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::hog_text::{Language, check};
use super::reply::{Problem, Reply, Request, Result, page};

/// What a function does.
pub(super) struct Template {
    pub id: &'static str,
    name: &'static str,
    description: &'static str,
    pub inputs: &'static [Input],
}

/// What a function must be told to do it.
pub(super) struct Input {
    pub key: &'static str,
    label: &'static str,
    kind: Kind,
    required: bool,
    pub secret: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Json,
    Dictionary,
    Boolean,
    Method,
    Integration,
}

const fn input(key: &'static str, label: &'static str, kind: Kind) -> Input {
    Input { key, label, kind, required: false, secret: false }
}

const fn required(key: &'static str, label: &'static str, kind: Kind) -> Input {
    Input { required: true, ..input(key, label, kind) }
}

/// All templates of the sandbox.
pub(super) const TEMPLATES: [Template; 4] = [
    Template {
        id: "template-slack",
        name: "Slack",
        description: "Sends a message to a Slack channel",
        inputs: &[
            required("slack_workspace", "Slack workspace", Kind::Integration),
            required("channel", "Channel to post to (bot must be in channel)", Kind::Text),
            input("icon_emoji", "Emoji icon", Kind::Text),
            input("username", "Bot name", Kind::Text),
            input("blocks", "Blocks", Kind::Json),
            input("text", "Plain text message", Kind::Text),
            input("thread_ts", "Thread timestamp", Kind::Text),
        ],
    },
    Template {
        id: "template-webhook",
        name: "HTTP Webhook",
        description: "Sends a webhook templated by the incoming event data",
        inputs: &[
            required("url", "Webhook URL", Kind::Text),
            input("method", "Method", Kind::Method),
            input("body", "JSON Body", Kind::Json),
            input("headers", "Headers", Kind::Dictionary),
            Input { secret: true, ..input("signing_secret", "Signing secret", Kind::Text) },
            input("debug", "Log responses", Kind::Boolean),
        ],
    },
    Template {
        id: "template-discord",
        name: "Discord",
        description: "Sends a message to a Discord channel",
        inputs: &[
            required("webhookUrl", "Webhook URL", Kind::Text),
            required("content", "Content", Kind::Text),
        ],
    },
    Template {
        id: "template-microsoft-teams",
        name: "Microsoft Teams",
        description: "Sends a message to a Microsoft Teams channel",
        inputs: &[required("webhookUrl", "Webhook URL", Kind::Text), required("text", "Text", Kind::Text)],
    },
];

/// The template with this id.
pub(super) fn find(id: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|it| it.id == id)
}

impl Template {
    pub fn json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "description": self.description,
            "type": "destination",
            "status": "stable",
            "free": true,
            "category": ["Customer Success"],
            "code": "",
            "code_language": "hog",
            "inputs_schema": self.schema(),
            "filters": null,
            "masking": null,
            "mapping_templates": null,
            "icon_url": null,
        })
    }

    pub fn schema(&self) -> Value {
        self.inputs.iter().map(Input::json).collect()
    }

    /// The inputs of a function that are kept: those that the template knows, each of its type.
    pub fn inputs(&self, sent: &Map<String, Value>) -> Result<Map<String, Value>> {
        let mut kept = Map::new();
        for input in self.inputs {
            let at = format!("inputs__{}", input.key);
            let refuse = |text: String| Err(Problem::invalid(Some(&at), text));
            let it = sent.get(input.key).filter(|it| !it.is_null());
            if it.is_some_and(|it| !it.is_object()) {
                return refuse("Invalid data. Expected a dictionary.".into());
            }
            let value = it.map_or(&Value::Null, |it| &it["value"]);
            if value.is_null() || value == "" {
                if input.required {
                    return Err(Problem::required(&at));
                }
                continue;
            }
            if let Err(text) = input.kind.accepts(value) {
                return refuse(text.into());
            }
            let templating = it.map_or(&Value::Null, |it| &it["templating"]);
            if !templating.is_null() && templating != "hog" && templating != "liquid" {
                return refuse(format!("{templating} is not a valid choice."));
            }
            if let Err(why) = check(value, language(templating)) {
                return refuse(format!("Invalid template: {why}"));
            }
            let mut it = json!({"value": value});
            if !templating.is_null() {
                it["templating"] = templating.clone();
            }
            kept.insert(input.key.into(), it);
        }
        Ok(kept)
    }
}

/// What an input's `templating` means.
pub(super) fn language(templating: &Value) -> Language {
    if templating == "liquid" { Language::Liquid } else { Language::Hog }
}

impl Input {
    fn json(&self) -> Value {
        let mut it = json!({
            "key": self.key,
            "type": match self.kind {
                Kind::Text if self.key == "channel" => "integration_field",
                Kind::Text => "string",
                Kind::Json => "json",
                Kind::Dictionary => "dictionary",
                Kind::Boolean => "boolean",
                Kind::Method => "choice",
                Kind::Integration => "integration",
            },
            "label": self.label,
            "required": self.required,
            "secret": self.secret,
            "hidden": false,
        });
        if self.kind == Kind::Integration {
            it["integration"] = "slack".into();
        }
        if self.kind == Kind::Method {
            it["choices"] = METHODS.iter().map(|it| json!({"label": it, "value": it})).collect();
        }
        it
    }
}

const METHODS: [&str; 5] = ["POST", "PUT", "PATCH", "GET", "DELETE"];

impl Kind {
    fn accepts(self, value: &Value) -> std::result::Result<(), &'static str> {
        match self {
            Kind::Text if !value.is_string() => Err("Value must be a string."),
            Kind::Dictionary if !value.is_object() => Err("Value must be a dictionary."),
            Kind::Boolean if !value.is_boolean() => Err("Value must be a boolean."),
            Kind::Integration if !value.is_u64() => Err("Value must be an Integration ID."),
            Kind::Method if !value.as_str().is_some_and(|it| METHODS.contains(&it)) => {
                Err("Value must be one of the choices.")
            }
            _ => Ok(()),
        }
    }
}

/// Answers a request below `hog_function_templates/`.
pub(super) fn route(request: &Request, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {
            let asked = request.param("type").or_else(|| request.param("types"));
            let is_asked = asked.is_none_or(|it| it.split(',').any(|it| it == "destination"));
            page(request, if is_asked { TEMPLATES.len() } else { 0 }, |at| TEMPLATES[at].json())
        }
        (&Method::GET, [id]) => Ok(Reply::ok(find(id).ok_or_else(Problem::not_found)?.json())),
        (method, [] | [_]) => Err(Problem::wrong_method(method)),
        _ => Err(Problem::no_endpoint()),
    }
}
