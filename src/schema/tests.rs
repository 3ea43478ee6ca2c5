use schemars::JsonSchema;

use super::*;

/// A made-up document.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Menu {
    /// How many guests.
    #[schemars(range(min = 1, max = 12), extend("default" = 4))]
    guests: Option<u32>,
    /// What there is to drink.
    drink: Option<Drink>,
    /// The courses.
    course: Vec<Course>,
    /// Anything else, by name.
    extra: std::collections::BTreeMap<String, Course>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Drink {
    /// From the tap.
    Water,
    /// Red or white.
    Wine,
}

#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Course {
    /// What it is called.
    name: String,
    /// Whether it has meat.
    meat: bool,
    /// Who likes it.
    fans: Fans,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is looked at")]
enum Fans {
    /// All of them.
    Everyone,
    /// One by name.
    Guest(String),
}

/// A text with `|` where the cursor is.
fn cursor(text: &str) -> (String, usize) {
    let offset = text.find('|').unwrap();
    (text.replace('|', ""), offset)
}

/// What is offered at `|`, and the text after what fits was taken.
fn offered(text: &str) -> (Vec<String>, String) {
    let (text, offset) = cursor(text);
    let items = complete(&Schema::of::<Menu>(), &text, offset);
    let mut after = text.clone();
    let fits = |it: &&Item| it.label.starts_with(&text[it.replaced.start..offset]);
    if let Some(chosen) = items.iter().find(fits) {
        after.replace_range(chosen.replaced.clone(), &chosen.text);
    }
    (items.into_iter().map(|it| it.label).collect(), after)
}

fn check_offered(text: &str, labels: &[&str]) {
    let (mut found, mut labels) = (offered(text).0, labels.to_vec());
    found.sort();
    labels.sort_unstable();
    assert_eq!(found, labels, "{text}");
}

#[test]
fn keys_are_offered_where_keys_stand() {
    check_offered("|", &["guests", "drink", "course", "extra"]);
    check_offered("gu|", &["guests", "drink", "course", "extra"]);
    check_offered("guests = 3\n\n|", &["drink", "course", "extra"]);
    check_offered("|\ndrink = \"wine\"\n[[course]]\nname = \"x\"\n", &["guests", "course", "extra"]);
    check_offered("[[course]]\n|", &["name", "meat", "fans"]);
    check_offered("[[course]]\nname = \"soup\"\nm|\n", &["meat", "fans"]);
    check_offered("course = [{ name = \"a\" }, { |", &["name", "meat", "fans"]);
    check_offered("course = [\n  { name = \"a\", meat = true, fans = { | } },\n]\n", &["guest"]);
    check_offered("[extra.late]\n|", &["name", "meat", "fans"]);
    check_offered("[extra.late]\nfans.|", &["guest"]);
}

#[test]
fn headers_are_offered_between_brackets() {
    check_offered("[|", &["extra"]);
    check_offered("[[|]]\n", &["course"]);
    check_offered("guests = 3\n[[co|\n", &["course"]);
}

#[test]
fn values_are_offered_after_the_equals_sign() {
    check_offered("drink = |", &["water", "wine"]);
    check_offered("drink = \"|\"", &["water", "wine"]);
    check_offered("drink = \"wa|", &["water", "wine"]);
    check_offered("guests = |\n", &["4"]);
    check_offered("[[course]]\nmeat = |", &["true", "false"]);
    check_offered("[[course]]\nfans = |", &["everyone", "guest"]);
    check_offered("course = [{ fans = \"|\" }]", &["everyone"]);
    check_offered("extra.late.meat = |", &["true", "false"]);
    check_offered("course = [|]", &["fans"]);
}

#[test]
fn nothing_is_offered_where_nothing_is_known() {
    for text in [
        "# |",
        "guests = 3 # |",
        "name = \"\"\"\n[x|\"\"\"",
        "[nobody]\n|",
        "nobody = |",
        "a.b.c = |",
        "drink = \"wine\" |",
        "guests = 3 |",
        "course = [{ meat = true |",
    ] {
        check_offered(text, &[]);
    }
}

#[test]
fn what_is_taken_leaves_a_document() {
    assert_eq!(offered("gu|").1, "guests = 4");
    assert_eq!(offered("drink = \"wa|ter\"").1, "drink = \"water\"");
    assert_eq!(offered("drink = w|").1, "drink = \"water\"");
    assert_eq!(offered("gu| = 3").1, "guests = 3");
    assert_eq!(offered("[[co|").1, "[[course");
    let course = "{ fans = \"everyone\", meat = true, name = \"\" }";
    assert_eq!(offered("course = [|]").1, format!("course = [{course}]"));
    assert_eq!(offered("course = |").1, format!("course = [{course}]"));
    assert_eq!(offered("extra.late.fans = \"|\"").1, "extra.late.fans = \"everyone\"");
}

#[test]
fn no_place_breaks_it() {
    let texts = [
        "guests = 3\n[[course]]\nname = \"sü\\\"ß\" # é\nfans = { guest = 'x' }\n[extra.\"a b\"]\n",
        "[[[",
        "a = [[1], {b = \"\"\"x\n",
        "'''",
        "= = =\n[]\n{}",
        "ä = \"\\",
        "\r\n[a]\r\nb=1\r\n",
    ];
    for text in texts {
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            complete(&Schema::of::<Menu>(), text, offset);
            explain(&Schema::of::<Menu>(), text, offset);
        }
    }
}

#[test]
fn a_key_and_a_value_explain_themselves() {
    let explained = |text: &str| {
        let (text, offset) = cursor(text);
        explain(&Schema::of::<Menu>(), &text, offset).map(|(words, span)| (words, text[span].to_owned()))
    };
    let (words, word) = explained("gue|sts = 3").unwrap();
    assert_eq!(word, "guests");
    assert_eq!(words, "`guests`: a whole number from 1 to 12, default `4`\n\nHow many guests.");
    let (words, word) = explained("drink = \"wi|ne\"").unwrap();
    assert_eq!((words.as_str(), word.as_str()), ("`\"wine\"`\n\nRed or white.", "wine"));
    assert!(explained("extra.late.na|me = 1").unwrap().0.contains("What it is called."));
    assert!(explained("extra.late.fans = \"ev|eryone\"").unwrap().0.contains("All of them."));
    assert!(explained("[[cou|rse]]").unwrap().0.contains("The courses."));
    assert!(explained("course = [{ na|me = \"a\" }]").unwrap().0.contains("What it is called."));
    assert!(explained("nob|ody = 1").is_none() && explained("# gue|sts").is_none());
}
