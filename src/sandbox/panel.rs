//! The controls on the sandbox's page: faults, clock, outbox and reset, as forms that need no script. Each is a POST below
//! `/_sandbox/form/`, answered with a redirect to the page; the front door turns away those that another site's
//! page sends.

use std::fmt::Write as _;

use axum::http::Method;
use jiff::SignedDuration;

use super::clock::Clock;
use super::fault::{Fault, Kind};
use super::outbox::Delivery;
use super::pages::{escape, minute, page, table};
use super::reply::{Body, Problem, Reply, Request, Result};
use super::server::{First, Inner};
use super::targeting::text;

/// One entry of the list of what can go wrong.
struct Choice {
    /// Its value in the form.
    value: &'static str,
    /// How people read it.
    label: &'static str,
    kind: Kind,
    status: Option<u16>,
}

const CHOICES: [Choice; 9] = [
    Choice { value: "slow", label: "Slow: the answer waits", kind: Kind::Latency, status: None },
    Choice { value: "401", label: "401: the key is refused", kind: Kind::Status, status: Some(401) },
    Choice { value: "403", label: "403: the key may not do this", kind: Kind::Status, status: Some(403) },
    Choice { value: "429", label: "429: too many requests", kind: Kind::Status, status: Some(429) },
    Choice { value: "500", label: "500: an error of the server", kind: Kind::Status, status: Some(500) },
    Choice { value: "504", label: "504: the query takes too long", kind: Kind::Status, status: Some(504) },
    Choice { value: "html", label: "A login page in place of the answer", kind: Kind::Html, status: None },
    Choice { value: "malformed", label: "JSON that ends in the middle", kind: Kind::Malformed, status: None },
    Choice { value: "cut", label: "The connection is cut", kind: Kind::Cut, status: None },
];

/// Parts of paths that are worth a fault of their own.
const PATHS: [&str; 5] = ["/feature_flags/", "/activity/", "/query/", "/dashboards/", "/users/@me/"];

/// Messages of the outbox that the page shows.
const SHOWN_DELIVERIES: usize = 50;
/// Slowness without a number.
const MILLISECONDS: u64 = 2_000;
const LONGEST_MILLISECONDS: u64 = 60_000;
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Answers a form.
pub(super) fn route(inner: &mut Inner, first: First, request: &Request, form: &[&str]) -> Result {
    if request.method != Method::POST {
        return Err(Problem::wrong_method(&request.method));
    }
    let fields = request.form()?;
    let done = match form {
        ["fault"] => fault(&fields).map(|it| inner.faults.push(it)),
        ["remove"] => remove(inner, &fields),
        ["clear"] => {
            inner.faults.clear();
            Ok(())
        }
        ["clock"] => clock(inner, &fields),
        ["outbox"] => {
            inner.world.outbox.clear();
            Ok(())
        }
        ["reset"] => {
            *inner = Inner::new(first);
            Ok(())
        }
        _ => return Err(Problem::no_endpoint()),
    };
    Ok(match done {
        Ok(()) => Reply { status: 303, body: Body::Redirect("/") },
        Err(why) => refusal(&why),
    })
}

/// A page for a form that a browser would not have sent.
fn refusal(why: &str) -> Reply {
    let body = format!("<p>{}</p><p><a href=\"/\">Back</a></p>", escape(why));
    Reply { status: 400, body: Body::Html(page("This does not work", &body)) }
}

type Fields = [(String, String)];

/// A field's text; an empty field is an absent one.
fn field<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    let found = fields.iter().find(|it| it.0 == name).map(|it| it.1.trim());
    found.filter(|it| !it.is_empty())
}

fn number(fields: &Fields, name: &str) -> std::result::Result<Option<u64>, String> {
    let parse = |it: &str| it.parse().map_err(|_| format!("{name}: {it:?} is no whole number."));
    field(fields, name).map(parse).transpose()
}

fn fault(fields: &Fields) -> std::result::Result<Fault, String> {
    let what = field(fields, "what").unwrap_or_default();
    let choice = CHOICES.iter().find(|it| it.value == what);
    let choice = choice.ok_or_else(|| format!("{what:?} is nothing that can go wrong here."))?;
    let (milliseconds, seconds) = (number(fields, "milliseconds")?, number(fields, "retry_after")?);
    let slow = choice.kind == Kind::Latency;
    Ok(Fault {
        path_contains: field(fields, "path").unwrap_or_default().to_owned(),
        method: field(fields, "method").map(str::to_owned),
        times: number(fields, "times")?,
        kind: choice.kind,
        status: choice.status,
        retry_after: seconds.filter(|_| choice.status == Some(429)),
        body: None,
        milliseconds: slow.then(|| milliseconds.unwrap_or(MILLISECONDS).min(LONGEST_MILLISECONDS)),
    })
}

fn remove(inner: &mut Inner, fields: &Fields) -> std::result::Result<(), String> {
    let at = number(fields, "index")?.unwrap_or(u64::MAX) as usize;
    if at >= inner.faults.len() {
        return Err("This fault is gone already.".into());
    }
    inner.faults.remove(at);
    Ok(())
}

fn clock(inner: &mut Inner, fields: &Fields) -> std::result::Result<(), String> {
    match number(fields, "days")? {
        Some(days @ 1..=365) => inner.world.clock.advance(DAY.saturating_mul(days as i32)),
        Some(_) => return Err("The clock goes 1 to 365 days forward.".into()),
        None => inner.world.clock = Clock::new(None),
    }
    Ok(())
}

/// The controls as HTML.
pub(super) fn render(inner: &Inner) -> String {
    let mut out = String::from("<section><h2>What goes wrong</h2>");
    out += &faults(&inner.faults);
    out += &fault_form();
    out += "</section><section><h2>Clock</h2>";
    let now = minute(inner.world.now());
    let how = match inner.world.clock {
        Clock::Running(ahead) if ahead.is_zero() => "as this machine's".to_owned(),
        Clock::Running(ahead) => format!("{} days ahead of this machine's", ahead.as_hours() / 24),
        Clock::Stopped(_) => "stopped".to_owned(),
    };
    let _ = write!(
        out,
        "<p><b>{now}</b> UTC, {how}.</p><div class=\"row\">{}{}{}<span class=\"grow\"></span>{}</div></section>",
        button("clock", &[("days", "1")], "1 day forward"),
        button("clock", &[("days", "30")], "30 days forward"),
        button("clock", &[], "This machine's time"),
        button("reset", &[], "Reset everything"),
    );
    out += "<section><h2>Outbox</h2>";
    out += &outbox(&inner.world.outbox);
    out += "</section>";
    out
}

/// What hog functions would have sent, the last ones first.
fn outbox(sent: &[Delivery]) -> String {
    if sent.is_empty() {
        return "<p>Nothing: no hog function ran. What they send stays here.</p>".into();
    }
    let rows = sent.iter().rev().take(SHOWN_DELIVERIES).map(|it| {
        let to = if it.channel.is_null() { &it.url } else { &it.channel };
        let message = [&it.text, &it.body].into_iter().find(|it| !it.is_null()).map(text);
        vec![
            minute(it.at),
            escape(&it.function_name),
            format!("<code>{}</code>", escape(text(to))),
            escape(message.unwrap_or_default()),
            format!("<code>{}</code>", escape(&it.event)),
        ]
    });
    let more = match sent.len().saturating_sub(SHOWN_DELIVERIES) {
        0 => String::new(),
        more => format!("<p>And {more} before them.</p>"),
    };
    table(&["When", "Function", "To", "Message", "Event"], rows) + &more + &button("outbox", &[], "Empty it")
}

/// A form that is one button.
fn button(form: &str, fields: &[(&str, &str)], label: &str) -> String {
    let hidden = |(name, value): &(&str, &str)| {
        format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
    };
    let hidden: String = fields.iter().map(hidden).collect();
    format!(
        "<form method=\"post\" action=\"/_sandbox/form/{form}\">{hidden}<button>{}</button></form>",
        escape(label)
    )
}

/// What is set now.
fn faults(faults: &[Fault]) -> String {
    if faults.is_empty() {
        return "<p>Nothing: every request is answered as PostHog would.</p>".into();
    }
    let rows = faults.iter().enumerate().map(|(at, it)| {
        let often = match it.times {
            None => "always".to_owned(),
            Some(0) => "used up".to_owned(),
            Some(1) => "the next one".to_owned(),
            Some(times) => format!("the next {times}"),
        };
        vec![escape(what(it)), which(it), often, button("remove", &[("index", &at.to_string())], "Remove")]
    });
    table(&["What", "Requests", "How often", ""], rows) + &button("clear", &[], "Clear all")
}

/// What a fault does, in words.
fn what(fault: &Fault) -> String {
    match (fault.kind, fault.status.unwrap_or(500)) {
        (Kind::Latency, _) => format!("Slow: waits {} ms", fault.milliseconds.unwrap_or(0)),
        (Kind::Status, status) => {
            let label = CHOICES.iter().find(|it| it.status == Some(status)).map(|it| it.label.to_owned());
            let label = label.unwrap_or_else(|| status.to_string());
            let wait = fault.retry_after.map(|it| format!(", Retry-After {it} s"));
            let body = if fault.body.is_some() { ", with a body of its own" } else { "" };
            format!("{label}{}{body}", wait.unwrap_or_default())
        }
        (kind, _) => CHOICES.iter().find(|it| it.kind == kind).map_or("", |it| it.label).to_owned(),
    }
}

/// The requests that a fault is for, as HTML.
fn which(fault: &Fault) -> String {
    let method = fault.method.as_ref().map(|it| format!("{} ", escape(it.to_uppercase())));
    let path = match fault.path_contains.as_str() {
        "" if method.is_some() => "requests".to_owned(),
        "" => "all".to_owned(),
        path => format!("<code>{}</code>", escape(path)),
    };
    method.unwrap_or_default() + &path
}

fn fault_form() -> String {
    let option =
        |it: &Choice| format!("<option value=\"{}\">{}</option>", escape(it.value), escape(it.label));
    let choices: String = CHOICES.iter().map(option).collect();
    let paths: String = PATHS.iter().map(|it| format!("<option value=\"{}\">", escape(it))).collect();
    format!(
        "<form method=\"post\" action=\"/_sandbox/form/fault\" class=\"fields\">\
         <label class=\"wide\">What<select name=\"what\">{choices}</select></label>\
         <label>Requests with this in their path<input name=\"path\" list=\"paths\" placeholder=\"all\" \
         autocomplete=\"off\"></label><datalist id=\"paths\">{paths}</datalist>\
         <label>Method<select name=\"method\"><option value=\"\">any</option><option>GET</option>\
         <option>POST</option><option>PATCH</option><option>DELETE</option></select></label>\
         <label>How many<input name=\"times\" type=\"number\" min=\"1\" placeholder=\"always\"></label>\
         <label>Slow: milliseconds<input name=\"milliseconds\" type=\"number\" min=\"0\" \
         max=\"{LONGEST_MILLISECONDS}\" placeholder=\"{MILLISECONDS}\"></label>\
         <label>429: Retry-After, seconds<input name=\"retry_after\" type=\"number\" min=\"0\" \
         placeholder=\"not sent\"></label>\
         <button class=\"main\">Make it go wrong</button></form>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: &str) -> std::result::Result<Fault, String> {
        let fields: Vec<(String, String)> =
            url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
        fault(&fields)
    }

    #[test]
    fn a_form_becomes_a_fault() {
        let it = check("what=429&path=%2Fquery%2F&method=POST&times=3&milliseconds=&retry_after=7").unwrap();
        assert_eq!(
            (what(&it).as_str(), which(&it).as_str(), it.times),
            ("429: too many requests, Retry-After 7 s", "POST <code>/query/</code>", Some(3))
        );
        let it = check("what=slow&path=+&retry_after=7").unwrap();
        assert_eq!((what(&it).as_str(), which(&it).as_str(), it.times), ("Slow: waits 2000 ms", "all", None));
        assert_eq!(check("what=slow&milliseconds=999999").unwrap().milliseconds, Some(60_000));
        assert!(check("what=cut&times=-1").unwrap_err().contains("no whole number"));
        assert!(check("what=teapot").is_err() && check("").is_err());
    }

    #[test]
    fn what_was_typed_is_shown_as_text() {
        let it = check("what=cut&path=%3Cb%3E%22&method=%3Ci%3E").unwrap();
        let html = faults(&[it]);
        assert!(html.contains("&lt;b&gt;&quot;") && html.contains("&lt;I&gt;"), "{html}");
        assert!(!html.contains("<b>") && !html.contains("<i>") && !html.contains("<I>"), "{html}");
    }
}
