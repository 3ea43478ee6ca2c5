//! Names that are proposed: keys, variables, features.

use std::ops::Range;

use super::file::{File, ancestors};
use super::functions;
use crate::flags::FlagKey;
use crate::syntax::Source;

/// The most that PostHog takes.
const LONGEST: usize = 400;

/// A key for a feature of this name: `Videos of offsetting projects` is `videos-of-offsetting-projects`.
pub fn suggest_key(name: &str) -> FlagKey {
    let mut key = String::new();
    for part in words(name) {
        let room = LONGEST - key.len();
        let part: String = part.chars().take(room.saturating_sub(1)).collect();
        if !key.is_empty() && !part.is_empty() {
            key.push('-');
        }
        key.push_str(&part);
    }
    FlagKey::from(if key.is_empty() { "new-feature" } else { key.as_str() })
}

/// The variable that holds whether a flag is on, or which variant it has: `videosEnabled`, `videosVariant`.
pub(super) fn variable(key: &FlagKey, is_variant: bool) -> String {
    let mut name = String::new();
    for (n, word) in words(key.as_str()).enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if n > 0 => name.extend(first.to_uppercase().chain(letters)),
            Some(first) => name.extend(std::iter::once(first).chain(letters)),
            None => {}
        }
    }
    let ending = if is_variant { "Variant" } else { "Enabled" };
    if !name.ends_with(ending) && name != ending.to_lowercase() {
        name.push_str(ending);
    }
    match name.starts_with(|it: char| it.is_ascii_digit()) {
        true => format!("flag{name}"),
        false => name,
    }
}

/// The feature that a place is part of, by the component or function round it: `VideoPanel` is `Video panel`.
pub fn name_at(source: &Source, selection: Range<usize>) -> Option<String> {
    let file = File::of(source);
    let at = file.text.floor_char_boundary(selection.start.min(file.text.len()));
    let node = file.tree.root_node().named_descendant_for_byte_range(at, at)?;
    let outwards = || ancestors(node).filter(|it| functions::is_function(*it));
    // A component says more than what is inside of it.
    let component = functions::component(&file, node).and_then(|it| functions::name(&file, it));
    // What is selected itself says most.
    let element = selected_component(file.text.get(selection).unwrap_or_default());
    let name = element
        .or(component)
        .or_else(|| outwards().find_map(|it| functions::name(&file, it)))
        .or_else(|| {
            ancestors(node)
                .filter(|it| it.kind().contains("class"))
                .find_map(|it| it.child_by_field_name("name").map(|it| file.of_node(it).to_owned()))
        })?;
    let name = name.strip_prefix("use").filter(|it| it.starts_with(char::is_uppercase)).unwrap_or(&name);
    let words: Vec<String> = words(name).collect();
    let mut text = words.join(" ");
    let first = text.get(..1)?.to_uppercase();
    text.replace_range(..1, &first);
    Some(text)
}

/// The component whose element a selection begins with: `VideoPanel` of `<VideoPanel autoplay />`.
fn selected_component(selected: &str) -> Option<String> {
    let name = selected.trim_start().strip_prefix('<')?;
    let end = name.find(|it: char| !it.is_alphanumeric() && it != '_' && it != '.').unwrap_or(name.len());
    let name = name[..end].rsplit('.').next()?;
    name.starts_with(char::is_uppercase).then(|| name.to_owned())
}

/// The words of a name in small ASCII letters, whatever tells them apart.
fn words(name: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let letters: Vec<char> = name.chars().flat_map(plain).collect();
    for (n, letter) in letters.iter().enumerate() {
        let before = n.checked_sub(1).and_then(|it| letters.get(it));
        let next = letters.get(n + 1);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|it| {
                it.is_ascii_lowercase()
                    || it.is_ascii_digit()
                    || it.is_ascii_uppercase() && next.is_some_and(char::is_ascii_lowercase)
            });
        if begins || !letter.is_ascii_alphanumeric() && *letter != '\'' {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| letter.is_ascii_alphanumeric()) {
            word.push(letter.to_ascii_lowercase());
        }
    }
    words.into_iter().filter(|it| !it.is_empty())
}

/// A letter in ASCII; what has none separates words.
fn plain(letter: char) -> Vec<char> {
    let letters = match letter {
        'ä' | 'æ' => "ae",
        'ö' | 'œ' | 'ø' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'Ä' | 'Æ' => "Ae",
        'Ö' | 'Ø' => "Oe",
        'Ü' => "Ue",
        'à' | 'á' | 'â' | 'ã' | 'å' => "a",
        'ç' | 'č' | 'ć' => "c",
        'è' | 'é' | 'ê' | 'ë' | 'ě' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' | 'ń' => "n",
        'ò' | 'ó' | 'ô' | 'õ' => "o",
        'ù' | 'ú' | 'û' => "u",
        'š' | 'ś' => "s",
        'ž' | 'ź' | 'ż' => "z",
        'ý' | 'ÿ' => "y",
        'É' | 'È' | 'Ê' => "E",
        'Á' | 'À' | 'Â' | 'Å' => "A",
        'Ç' => "C",
        '’' => "'",
        it if it.is_ascii() => return vec![it],
        _ => " ",
    };
    letters.chars().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Language;
    use crate::text::Text;

    #[test]
    fn keys_are_words_in_small_letters() {
        for (name, key) in [
            ("Videos of offsetting projects", "videos-of-offsetting-projects"),
            ("VideoPanel", "video-panel"),
            ("  New -- nav_bar  2 ", "new-nav-bar-2"),
            ("Größe & Café", "groesse-cafe"),
            ("User's HTMLPage", "users-html-page"),
            ("日本", "new-feature"),
            ("", "new-feature"),
        ] {
            assert_eq!(suggest_key(name).as_str(), key, "{name}");
        }
        let long = suggest_key(&"many words ".repeat(100));
        assert!(long.is_valid() && !long.as_str().ends_with('-'), "{long}");
        assert!(suggest_key(&"x".repeat(1000)).is_valid());
    }

    #[test]
    fn variables_are_named_after_keys() {
        for (key, name) in [
            ("videos", "videosEnabled"),
            ("new-nav_bar", "newNavBarEnabled"),
            ("videos-enabled", "videosEnabled"),
            ("2024-sale", "flag2024SaleEnabled"),
        ] {
            assert_eq!(variable(&FlagKey::from(key), false), name);
        }
        assert_eq!(variable(&FlagKey::from("checkout"), true), "checkoutVariant");
    }

    #[test]
    fn features_are_named_after_what_is_round_them() {
        let name = |language, text: &str| {
            let at = text.find("here").unwrap();
            name_at(&Source::new(language, 1, Text::new(text)), at..at)
        };
        let tsx = Language::Tsx;
        assert_eq!(name(tsx, "function VideoPanel() { return <b>here</b> }").as_deref(), Some("Video panel"));
        let nested =
            "const VideoPanel = memo(() => { const row = () => <i>here</i>; return <b>{row()}</b> })";
        assert_eq!(name(tsx, nested).as_deref(), Some("Video panel"));
        assert_eq!(name(tsx, "function useVideos() { here() }").as_deref(), Some("Videos"));
        assert_eq!(name(tsx, "here()"), None);
        let python = "class Videos:\n    def list_all(self):\n        here()\n";
        assert_eq!(name(Language::Python, python).as_deref(), Some("List all"));
    }
}
