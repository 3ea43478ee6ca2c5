//! Who is told of a flag: from what somebody wants and what is there, what is made, kept, enabled and deleted.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::SlackChannel;
use super::bodies::{changes, marker, messages, to_slack, to_webhook};
use crate::feature::brief::{Brief, Notify};
use crate::flags::{FlagKey, Follower, IT_TELLS, Place, Tells};
use crate::schema::similar;

/// The variables that hold the addresses of webhooks begin so.
pub const VARIABLES: &str = "FLAGLINE_WEBHOOK_";

/// What is there.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The flag's key.
    pub key: FlagKey,
    /// The flag's number; none when the flag is gone.
    pub flag: Option<u64>,
    /// The project's functions, as PostHog shows them.
    pub functions: Vec<Value>,
}

/// Whom to tell from now on.
#[derive(Debug, Clone)]
pub enum Whom {
    /// A channel.
    Slack(SlackChannel),
    /// A webhook, by the team's name of it. PostHog keeps its address, which nobody else sees.
    Webhook {
        /// The name.
        name: String,
        /// The address.
        address: SecretString,
    },
}

/// Whom not to tell any more, as somebody calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Called {
    /// A channel, by its name with or without `#`, or its id.
    Slack(String),
    /// A webhook, by its name.
    Webhook(String),
}

/// What becomes of one function.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// It is made of this.
    Make(Value),
    /// It is there, and runs.
    Keep(Follower),
    /// It is there, and somebody disabled it.
    Enable(Follower),
    /// It tells the same once more.
    Delete(Follower),
}

impl Scene {
    /// Everything that tells about the flag: first what was made here, then by name.
    pub fn followers(&self) -> Vec<Follower> {
        let mut found: Vec<Follower> = self.functions.iter().filter_map(Follower::of).collect();
        found.retain(|it| it.is_about(self.key.as_str(), self.flag));
        found.sort_by_cached_key(|it| (!self.is_ours(it), it.tells, it.whom(), it.id.clone()));
        found
    }

    /// Whether it was made here, and so may be changed and deleted here.
    pub fn is_ours(&self, it: &Follower) -> bool {
        it.is_ours(self.key.as_str())
    }

    fn tells(&self, it: &Follower, whom: &Whom) -> bool {
        match (whom, &it.place) {
            (Whom::Slack(channel), Place::Slack { id: Some(id), .. }) => *id == channel.id,
            (Whom::Slack(channel), Place::Slack { id: None, name }) => name.as_ref() == Some(&channel.name),
            (Whom::Webhook { name, address }, Place::Webhook { name: there }) => {
                let function = self.functions.iter().find(|function| function["id"] == it.id.as_str());
                let url = function.and_then(|it| it["inputs"]["url"]["value"].as_str());
                there.as_ref() == Some(name) || url == Some(address.expose_secret())
            }
            _ => false,
        }
    }
}

impl Whom {
    /// In words for a person; of a webhook its name alone.
    pub fn words(&self) -> String {
        match self {
            Whom::Slack(channel) => channel.name.clone(),
            Whom::Webhook { name, .. } => format!("the webhook {name}"),
        }
    }
}

/// What makes somebody follow. Of several functions that tell the same, the first by id stays: whoever looks decides the
/// same, also when two make one at once.
pub fn follow(scene: &Scene, whom: &Whom, tells: Tells) -> Vec<Step> {
    let mut same = scene.followers();
    same.retain(|it| scene.is_ours(it) && it.tells == tells && scene.tells(it, whom));
    same.sort_by(|a, b| a.id.cmp(&b.id));
    let (running, disabled): (Vec<Follower>, Vec<Follower>) = same.into_iter().partition(|it| it.enabled);
    let mut running = running.into_iter();
    match (running.next(), disabled.into_iter().next()) {
        (Some(first), _) => std::iter::once(Step::Keep(first)).chain(running.map(Step::Delete)).collect(),
        (None, Some(disabled)) => vec![Step::Enable(disabled)],
        (None, None) => body(scene, whom, tells).map(Step::Make).into_iter().collect(),
    }
}

/// Why a webhook does not follow: whoever moves the feature tells it already.
pub fn told_already(brief: &Brief, webhook: &str, tells: Tells) -> Option<String> {
    let own = brief.notify.webhook.as_deref().filter(|_| !brief.notify.webhook_in_posthog)?;
    let is_same = own == webhook || variable(own).is_ok_and(|it| variable(webhook) == Ok(it));
    (is_same && tells == Tells::Messages).then(|| {
        let key = &brief.key;
        format!(
            "the brief of '{key}' has the webhook {own} told already, so that PostHog would tell it everything a second time; to \
             let PostHog tell it instead, write webhook_in_posthog = true under [notify] and run: flagline launch {key}"
        )
    })
}

/// What somebody made by hand and tells the same people the same.
pub fn by_hand(scene: &Scene, whom: &Whom, tells: Tells) -> Option<Follower> {
    let mut found = scene.followers().into_iter();
    found.find(|it| !scene.is_ours(it) && it.enabled && it.tells == tells && scene.tells(it, whom))
}

/// The function that is made; `None` for changes of a flag that is gone.
fn body(scene: &Scene, whom: &Whom, tells: Tells) -> Option<Value> {
    let (key, words) = (scene.key.as_str(), whom.words());
    // A launch finds its own functions by other names.
    let (filters, name) = match tells {
        Tells::Messages => (messages(key), format!("{key}: {words} follows")),
        Tells::Changes | Tells::Alerts => {
            (changes(scene.flag?), format!("{key}: {words} follows its changes"))
        }
    };
    let mut body = match whom {
        Whom::Slack(channel) => to_slack(key, &name, channel, tells, filters),
        Whom::Webhook { address, .. } => to_webhook(key, &name, address, tells, filters),
    };
    body["description"] = format!("{} {IT_TELLS}{words}.", marker(key)).into();
    Some(body)
}

/// What is deleted so that somebody is told no more; an error is a sentence that says why nothing is.
pub fn unfollow(scene: &Scene, called: &Called) -> Result<Vec<Follower>, String> {
    let all = scene.followers();
    let meant = all.iter().filter(|it| is_called(it, called));
    let (ours, theirs): (Vec<&Follower>, Vec<&Follower>) = meant.partition(|it| scene.is_ours(it));
    match (&ours[..], &theirs[..]) {
        ([], [theirs, ..]) => Err(format!(
            "'{}' was made by hand and is left alone; whoever made it can disable it on its page",
            theirs.name
        )),
        ([], []) => Err(nobody_called(scene, &all, called)),
        _ => Ok(ours.into_iter().cloned().collect()),
    }
}

/// Whether that is how somebody calls a follower.
pub fn is_called(it: &Follower, called: &Called) -> bool {
    match (called, &it.place) {
        (Called::Slack(called), Place::Slack { id, name }) => {
            let bare = called.trim_start_matches('#');
            id.as_deref() == Some(bare)
                || name.as_deref().is_some_and(|it| it.trim_start_matches('#') == bare)
        }
        (Called::Webhook(called), Place::Webhook { name }) => name.as_ref() == Some(called),
        _ => false,
    }
}

/// How a follower is called so that it alone is meant; `None` where nothing tells it from others.
pub fn called(it: &Follower) -> Option<Called> {
    match &it.place {
        Place::Slack { id, name } => id.clone().or_else(|| name.clone()).map(Called::Slack),
        Place::Webhook { name } => name.clone().map(Called::Webhook),
        Place::Other => None,
    }
}

fn nobody_called(scene: &Scene, all: &[Follower], called: &Called) -> String {
    let words = match called {
        Called::Slack(name) => format!("#{}", name.trim_start_matches('#')),
        Called::Webhook(name) => format!("the webhook {name}"),
    };
    let mut others: Vec<String> = Vec::new();
    for whom in all.iter().map(Follower::whom) {
        if !others.contains(&whom) {
            others.push(whom);
        }
    }
    let others = match &others[..] {
        [] => "nobody does".to_owned(),
        [one] => format!("{one} does"),
        [first @ .., last] => format!("{} and {last} do", first.join(", ")),
    };
    format!("{words} does not follow '{}'; {others}", scene.key)
}

/// Whether a brief names one of those that follow no more: a launch would make it again.
pub fn is_named(notify: &Notify, deleted: &[Follower]) -> bool {
    let slack = notify.slack.iter().map(|it| Called::Slack(it.clone()));
    let webhook = notify.webhook.iter().filter(|_| notify.webhook_in_posthog);
    let mut named = slack.chain(webhook.map(|it| Called::Webhook(it.clone())));
    named.any(|called| deleted.iter().any(|it| is_called(it, &called)))
}

/// The channel that somebody names, by name or id; an error is a sentence that says what to name instead.
pub fn channel<'a>(called: &str, channels: &'a [SlackChannel]) -> Result<&'a SlackChannel, String> {
    let bare = called.trim().trim_start_matches('#');
    if let Some(found) = channels.iter().find(|it| it.id == bare) {
        return Ok(found);
    }
    let name = |it: &'a SlackChannel| it.name.trim_start_matches('#');
    let found: Vec<&SlackChannel> = channels.iter().filter(|it| name(it) == bare).collect();
    match &found[..] {
        [only] => Ok(only),
        [] => {
            let hint = similar(bare, channels.iter().map(name));
            let hint = hint.map(|it| format!("; did you mean #{it}?")).unwrap_or_default();
            let invite =
                if hint.is_empty() { "; invite PostHog to it in Slack, or name another" } else { "" };
            Err(format!("Slack has no channel #{bare} that PostHog sees{hint}{invite}"))
        }
        several => {
            let ids: Vec<&str> = several.iter().map(|it| &*it.id).collect();
            Err(format!(
                "several Slack workspaces have a channel #{bare}; name it by its id: {}",
                ids.join(" or ")
            ))
        }
    }
}

/// The variable that holds the address of a webhook; an error is a sentence that says what is no name.
pub fn variable(name: &str) -> Result<String, String> {
    let is_name = |it: char| it.is_ascii_alphanumeric() || matches!(it, '-' | '_');
    if name.is_empty() || !name.chars().all(is_name) {
        // What was typed may be the address itself, and is not repeated.
        return Err(format!(
            "a webhook is named by letters, digits, - and _; its address is a secret and stands in the variable \
             {VARIABLES}<NAME>"
        ));
    }
    Ok(format!("{VARIABLES}{}", name.to_ascii_uppercase().replace('-', "_")))
}

/// The name that goes with a variable.
pub fn name_of(variable: &str) -> Option<String> {
    let name = variable.strip_prefix(VARIABLES)?.to_ascii_lowercase();
    (!name.is_empty()).then_some(name)
}

/// The address of a webhook, out of its variable. An error does not repeat it.
pub fn address(variable: &str, value: Option<&str>) -> Result<SecretString, String> {
    let value = value.map(str::trim).filter(|it| !it.is_empty());
    let Some(value) = value else {
        return Err(format!(
            "the variable {variable} does not hold the webhook's address; set it, and run this again"
        ));
    };
    match Url::parse(value) {
        Err(_) => Err(format!("what {variable} holds is no address (https://...)")),
        Ok(url) if url.scheme() != "https" => Err(format!(
            "the address in {variable} must begin with https://: it is a secret, and PostHog sends it"
        )),
        Ok(_) if value.contains(['{', '}']) => Err(format!(
            "the address in {variable} has a {{ or }} in it, which PostHog would take for a place for values"
        )),
        Ok(_) => Ok(SecretString::from(value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn releases() -> Whom {
        Whom::Slack(SlackChannel { workspace: 1, id: "C0RELEASES".into(), name: "#releases".into() })
    }

    fn deploys(address: &str) -> Whom {
        Whom::Webhook { name: "deploys".into(), address: address.to_owned().into() }
    }

    fn scene(functions: Vec<Value>) -> Scene {
        Scene { key: "videos".into(), flag: Some(7), functions }
    }

    fn made(whom: &Whom, tells: Tells, id: &str) -> Value {
        let steps = follow(&scene(Vec::new()), whom, tells);
        let [Step::Make(body)] = &steps[..] else { panic!("{steps:?}") };
        let mut body = body.clone();
        body["id"] = id.into();
        body
    }

    fn with(mut function: Value, field: &str, value: Value) -> Value {
        function[field] = value;
        function
    }

    /// Each step as a sign and an id.
    fn signs(steps: &[Step]) -> String {
        let sign = |it: &Step| match it {
            Step::Make(_) => "+".to_owned(),
            Step::Keep(it) => format!("={}", it.id),
            Step::Enable(it) => format!("~{}", it.id),
            Step::Delete(it) => format!("-{}", it.id),
        };
        steps.iter().map(sign).collect::<Vec<String>>().join(" ")
    }

    #[test]
    fn what_is_there_is_not_made_again() {
        let hook = deploys("https://chat.example/s3cret");
        let slack = |id| made(&releases(), Tells::Messages, id);
        let off = |it| with(it, "enabled", false.into());
        let by_hand = |it| with(it, "description", "mine".into());
        for (functions, whom, tells, expected) in [
            (vec![], &releases(), Tells::Messages, "+"),
            (vec![slack("a")], &releases(), Tells::Messages, "=a"),
            (vec![slack("a")], &releases(), Tells::Changes, "+"),
            (vec![slack("a")], &hook, Tells::Messages, "+"),
            (vec![slack("b"), slack("a"), slack("c")], &releases(), Tells::Messages, "=a -b -c"),
            (vec![off(slack("a"))], &releases(), Tells::Messages, "~a"),
            (vec![off(slack("a")), slack("b")], &releases(), Tells::Messages, "=b"),
            (vec![by_hand(slack("a"))], &releases(), Tells::Messages, "+"),
            (vec![with(slack("a"), "name", "renamed".into())], &releases(), Tells::Messages, "=a"),
            (vec![made(&hook, Tells::Messages, "a")], &hook, Tells::Messages, "=a"),
            (vec![made(&hook, Tells::Changes, "a")], &hook, Tells::Changes, "=a"),
            // One name with a new address, and one address with a new name, are still the same.
            (
                vec![made(&deploys("https://chat.example/old"), Tells::Messages, "a")],
                &hook,
                Tells::Messages,
                "=a",
            ),
        ] {
            assert_eq!(signs(&follow(&scene(functions.clone()), whom, tells)), expected, "{functions:#?}");
        }
        let other =
            Whom::Webhook { name: "chat".into(), address: "https://chat.example/s3cret".to_owned().into() };
        let there = scene(vec![made(&hook, Tells::Messages, "a")]);
        assert_eq!(signs(&follow(&there, &other, Tells::Messages)), "=a");
        let there = scene(vec![by_hand(slack("a"))]);
        assert_eq!(by_hand_of(&there), Some("a".to_owned()));
        assert_eq!(by_hand_of(&scene(vec![slack("a")])), None);
    }

    #[test]
    fn what_the_brief_tells_is_not_told_a_second_time() {
        let brief = |notify: &str| Brief::parse(&format!("key = \"videos\"\n[notify]\n{notify}")).unwrap();
        let is_told = |brief: &Brief, name, tells| told_already(brief, name, tells).is_some();
        let own = brief("webhook = \"team-deploys\"");
        for (name, tells, told) in [
            ("team-deploys", Tells::Messages, true),
            ("team_deploys", Tells::Messages, true),
            ("team-deploys", Tells::Changes, false),
            ("releases", Tells::Messages, false),
        ] {
            assert_eq!(is_told(&own, name, tells), told, "{name}");
        }
        let kept = brief("webhook = \"team-deploys\"\nwebhook_in_posthog = true");
        assert!(!is_told(&kept, "team-deploys", Tells::Messages));
        assert!(!is_told(&brief(""), "team-deploys", Tells::Messages));
    }

    fn by_hand_of(scene: &Scene) -> Option<String> {
        by_hand(scene, &releases(), Tells::Messages).map(|it| it.id)
    }

    #[test]
    fn a_launch_does_not_take_it_for_its_own_of_another_channel() {
        for tells in [Tells::Messages, Tells::Changes] {
            let body = made(&releases(), tells, "a");
            let name = body["name"].as_str().unwrap();
            assert!(!name.contains(": messages to ") && !name.contains(": changes to "), "{name}");
            assert!(body["description"].as_str().unwrap().starts_with(&marker("videos")));
        }
    }

    #[test]
    fn only_what_was_made_here_is_deleted() {
        let theirs = with(made(&releases(), Tells::Messages, "a"), "description", "mine".into());
        let theirs = with(theirs, "name", "Ada's".into());
        let ours = made(&releases(), Tells::Messages, "b");
        let changes = made(&releases(), Tells::Changes, "c");
        let hook = made(&deploys("https://chat.example/s3cret"), Tells::Messages, "d");
        let there = scene(vec![theirs.clone(), ours, changes, hook]);
        let ids = |called: &Called| {
            unfollow(&there, called).map(|it| it.into_iter().map(|it| it.id).collect::<Vec<String>>())
        };
        for name in ["#releases", "releases", "C0RELEASES"] {
            assert_eq!(ids(&Called::Slack(name.into())), Ok(vec!["b".into(), "c".into()]));
        }
        assert_eq!(ids(&Called::Webhook("deploys".into())), Ok(vec!["d".into()]));
        let why = ids(&Called::Webhook("other".into())).unwrap_err();
        assert_eq!(
            why,
            "the webhook other does not follow 'videos'; #releases, the webhook deploys and the channel C0RELEASES do"
        );
        let why = unfollow(&scene(vec![theirs]), &Called::Slack("C0RELEASES".into())).unwrap_err();
        assert!(why.starts_with("'Ada's' was made by hand and is left alone"), "{why}");
        let why = unfollow(&scene(Vec::new()), &Called::Slack("#releases".into())).unwrap_err();
        assert_eq!(why, "#releases does not follow 'videos'; nobody does");
    }

    #[test]
    fn a_flag_that_is_gone_can_be_unfollowed() {
        let functions = vec![made(&releases(), Tells::Messages, "a"), made(&releases(), Tells::Changes, "b")];
        let gone = Scene { flag: None, ..scene(functions) };
        let found = unfollow(&gone, &Called::Slack("releases".into())).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(follow(&Scene { functions: Vec::new(), ..gone }, &releases(), Tells::Changes), Vec::new());
    }

    #[test]
    fn a_channel_is_named_by_its_name_or_its_id() {
        let of =
            |workspace, id: &str, name: &str| SlackChannel { workspace, id: id.into(), name: name.into() };
        let channels = [of(1, "C1", "#releases"), of(1, "C2", "#alerts"), of(2, "C3", "#alerts")];
        for called in ["#releases", "releases", " C1"] {
            assert_eq!(channel(called, &channels).unwrap().id, "C1");
        }
        let why = |called| channel(called, &channels).unwrap_err();
        assert_eq!(
            why("#release"),
            "Slack has no channel #release that PostHog sees; did you mean #releases?"
        );
        assert!(why("#nowhere").ends_with("invite PostHog to it in Slack, or name another"));
        assert!(why("alerts").ends_with("name it by its id: C2 or C3"));
        assert_eq!(channel("C3", &channels).unwrap().workspace, 2);
    }

    #[test]
    fn an_address_is_a_secret_in_a_variable() {
        assert_eq!(variable("team-deploys").unwrap(), "FLAGLINE_WEBHOOK_TEAM_DEPLOYS");
        assert_eq!(name_of("FLAGLINE_WEBHOOK_TEAM_DEPLOYS").as_deref(), Some("team_deploys"));
        let secret = "https://chat.example/s3cret";
        for wrong in [variable(secret).unwrap_err(), variable("").unwrap_err()] {
            assert!(wrong.contains("FLAGLINE_WEBHOOK_<NAME>") && !wrong.contains("s3cret"), "{wrong}");
        }
        assert_eq!(address("X", Some(&format!(" {secret}\n"))).unwrap().expose_secret(), secret);
        for (value, words) in [
            (None, "does not hold the webhook's address"),
            (Some(" "), "does not hold the webhook's address"),
            (Some("chat.example/s3cret"), "is no address"),
            (Some("http://chat.example/s3cret"), "must begin with https://"),
            (Some("https://chat.example/s3cret/{x}"), "has a { or } in it"),
        ] {
            let why = address("X", value).unwrap_err();
            assert!(why.contains(words) && !why.contains("s3cret"), "{why}");
        }
        let debug = format!("{:?}", deploys(secret));
        assert!(!debug.contains("s3cret"), "{debug}");
    }

    #[test]
    fn a_webhook_is_told_of_changes_too() {
        let body = made(&deploys("https://chat.example/s3cret"), Tells::Changes, "a");
        assert_eq!(body["type"], "internal_destination");
        assert_eq!(body["inputs"]["body"]["value"]["kind"], "changed");
        assert_eq!(body["filters"]["events"][0]["properties"][1]["value"], json!(["7"]));
    }
}
