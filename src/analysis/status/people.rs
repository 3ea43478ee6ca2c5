use jiff::Timestamp;

use crate::analysis::card::{Card, State};
use crate::flags::VariantExposure;

/// Who meets a feature.
#[derive(Debug, Clone, PartialEq)]
pub enum People {
    /// It is not in PostHog, so nobody does.
    Nobody,
    /// Not loaded yet.
    NotLoaded,
    /// It cannot be told, and why.
    CannotTell(String),
    /// So many in a window of days.
    Counted {
        /// People who see it, whatever variant of it.
        people: u64,
        /// By response, most people first.
        variants: Vec<VariantPeople>,
        /// The window.
        days: u32,
        /// The latest call.
        last_seen: Option<Timestamp>,
        /// When this was fetched.
        fetched_at: Timestamp,
    },
}

/// People with one response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantPeople {
    /// `on`, `off`, `no answer`, or a variant's key.
    pub name: String,
    /// How many.
    pub people: u64,
    /// Whether they see the feature.
    pub exposed: bool,
}

impl People {
    /// How many, where that is known.
    pub fn count(&self) -> Option<u64> {
        match self {
            People::Nobody => Some(0),
            People::Counted { people, .. } => Some(*people),
            People::NotLoaded | People::CannotTell(_) => None,
        }
    }
}

/// Who meets the flag of a card. PostHog is told of no read of a silent one.
pub(super) fn people(card: &Card, is_silent: bool) -> People {
    let details = match &card.state {
        State::NotLoaded => return People::NotLoaded,
        State::Unknown { .. } => return People::Nobody,
        State::Known(details) => details,
    };
    let nobody = details.exposure.as_ref().is_none_or(|it| it.variants.is_empty());
    match (&details.exposure, &details.exposure_trouble) {
        _ if is_silent && nobody => {
            People::CannotTell("only the payload is read here, and PostHog is not told of that".into())
        }
        (Some(exposure), _) => People::Counted {
            people: exposure.people(),
            variants: exposure.variants.iter().map(variant).collect(),
            days: exposure.window_days,
            last_seen: details.last_seen,
            fetched_at: exposure.fetched_at,
        },
        (None, Some(trouble)) => People::CannotTell(trouble.clone()),
        (None, None) => People::NotLoaded,
    }
}

fn variant(it: &VariantExposure) -> VariantPeople {
    VariantPeople { name: response_name(&it.response), people: it.people, exposed: it.is_exposed() }
}

/// What a response is called: `on`, `off`, `no answer`, or a variant's key.
pub fn response_name(response: &str) -> String {
    match response {
        "true" => "on".into(),
        "false" => "off".into(),
        "" | "null" => "no answer".into(),
        key => key.into(),
    }
}
