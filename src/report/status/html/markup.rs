//! HTML that is XML too, so that a test can read it. Whatever comes from elsewhere goes through [`text`].

use jiff::Timestamp;

use crate::analysis::{Link, ago, plain};
use crate::feature::time;

/// A text from PostHog, a brief or source: no markup, no control characters, nothing that turns the reading direction.
pub(super) fn text(of: &str) -> String {
    let mut out = String::with_capacity(of.len());
    for c in plain(of).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // No characters at all.
            '\u{fffe}' | '\u{ffff}' => {}
            other => out.push(other),
        }
    }
    out
}

/// The same, kept apart from what stands round it in another direction.
pub(super) fn apart(of: &str) -> String {
    format!("<bdi>{}</bdi>", text(of))
}

/// A command to copy: one click selects all of it.
pub(super) fn command(of: &str) -> String {
    // A line ends between words, not at a hyphen inside of one.
    let words: Vec<String> = of.split(' ').map(|it| format!("<span>{}</span>", text(it))).collect();
    format!("<code class=\"command\">{}</code>", words.join(" "))
}

/// Words for those who listen.
pub(super) fn unseen(words: &str) -> String {
    format!("<span class=\"unseen\">{}</span>", text(words))
}

/// What a value is, where no column says so: on narrow screens, and for those who listen.
pub(super) fn label(of: &str) -> String {
    format!("<span class=\"label\">{}: </span>", text(of))
}

/// A moment: absolute, and how long ago.
pub(super) fn moment(at: Timestamp, now: Timestamp) -> String {
    format!("<time datetime=\"{at}\">{}</time> ({})", time(at), text(&ago(at, now)))
}

/// A page of PostHog. Only addresses of pages are links.
pub(super) fn link(it: &Link) -> String {
    let is_page = it.url.starts_with("https://") || it.url.starts_with("http://");
    match is_page {
        true => {
            let (url, title) = (text(&it.url), text(&it.title));
            format!("<a href=\"{url}\" rel=\"noreferrer noopener\">{title}</a>")
        }
        false => text(&it.title),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_elsewhere_is_markup() {
        assert_eq!(text("<script>\"'&\u{202e}\u{7}\u{ffff}"), "&lt;script&gt;&quot;&#39;&amp;");
        let evil = Link { title: "<b>".into(), url: "javascript:alert(1)".into() };
        assert_eq!(link(&evil), "&lt;b&gt;");
        let quoted = Link { title: "Flag".into(), url: "https://x/\"onclick=\"".into() };
        assert!(link(&quoted).contains("href=\"https://x/&quot;onclick=&quot;\""));
    }
}
