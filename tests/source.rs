//! An open document after edits is the document that one would have opened; and no text, however odd, is slow
//! or fatal.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flagline::index::{Codebase, facts};
use flagline::syntax::{FileFacts, Language, Names, Source, may_read_flags};
use flagline::text::{Change, Encoding, LineColumn, Text};
use proptest::prelude::*;

const TYPESCRIPT: &str = "import posthog from 'posthog-js'\r\n// 🦀 ünï\nconst FLAG = 'a'\nexport function f(x) {\n  if (posthog.isFeatureEnabled(FLAG)) { return posthog.getFeatureFlag(`b-${x}`) }\n}\nconst t = <b flag='ä'>{useFeatureFlagEnabled('c')}</b>\n";
const PYTHON: &str = "import posthog\r\nFLAG = 'a' # 🦀 ünï\n\ndef f(user):\n    if posthog.feature_enabled(FLAG, user):\n        return posthog.get_feature_flag(f'b-{user}', user)\n    return (\n        '''\n        posthog'''\n    )\n";

/// Texts that change what a parser thinks.
const INSERTS: [&str; 24] = [
    "",
    "x",
    "'",
    "\"",
    "`",
    "(",
    ")",
    "{",
    "}",
    "\n",
    "\r\n",
    "🦀",
    "ä",
    " ",
    "// ",
    "# ",
    "/*",
    "'''",
    "posthog.isFeatureEnabled('new')",
    "posthog.feature_enabled('new', 1)\n",
    "\n    ",
    "${",
    "<a>",
    "const FLAG = 'z'\n",
];

/// What an open document says by itself.
fn said(source: &Source) -> FileFacts {
    let path = Path::new("file");
    let codebase = Codebase::alone(path, source.module.clone(), Arc::default());
    codebase.facts(path).map(|it| (**it).clone()).unwrap_or_default()
}

#[derive(Debug, Clone)]
struct Edit {
    from: usize,
    length: usize,
    insert: usize,
    whole: bool,
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = (0..400usize, 0..40usize, 0..INSERTS.len(), prop::bool::weighted(0.05))
        .prop_map(|(from, length, insert, whole)| Edit { from, length, insert, whole });
    prop::collection::vec(edit, 1..12)
}

/// Line and column of a character, counted without the line index.
fn place(text: &str, at: usize, encoding: Encoding) -> LineColumn {
    let before = &text[..at];
    let line = before.matches('\n').count() as u32;
    let start = before.rfind('\n').map_or(0, |it| it + 1);
    let column = match encoding {
        Encoding::Utf8 => at - start,
        Encoding::Utf16 => before[start..].encode_utf16().count(),
    };
    LineColumn { line, column: column as u32 }
}

fn boundary(text: &str, at: usize) -> usize {
    let places: Vec<usize> = text.char_indices().map(|it| it.0).chain([text.len()]).collect();
    let at = places[at % places.len()];
    // No position stands between the two characters of a line end.
    if text[..at].ends_with('\r') && text[at..].starts_with('\n') { at - 1 } else { at }
}

fn check(language: Language, text: &str, edits: &[Edit], encoding: Encoding) -> Result<(), TestCaseError> {
    let mut model = text.to_owned();
    let mut source = Source::new(language, 0, Text::new(text));
    for (version, edit) in edits.iter().enumerate() {
        let version = version as i32 + 1;
        let (a, b) = (boundary(&model, edit.from), boundary(&model, edit.from + edit.length));
        let (a, b) = (a.min(b), a.max(b));
        let range = (place(&model, a, encoding), place(&model, b, encoding));
        let before = model.clone();
        model.replace_range(a..b, INSERTS[edit.insert]);
        let change = match edit.whole {
            true => Change { range: None, text: model.clone() },
            false => Change { range: Some(range), text: INSERTS[edit.insert].into() },
        };
        source = source.edit(version, &[change], encoding);
        prop_assert_eq!(source.text.as_str(), &model, "after {:?} of {:?}", edit, before);
        let fresh = Source::new(language, version, Text::new(model.as_str()));
        if !fresh.tree.root_node().has_error() {
            prop_assert_eq!(said(&source), said(&fresh), "{}", model);
        }
        for read in &said(&fresh).reads {
            prop_assert_eq!(read.key_span, fresh.text.span(read.key_span.bytes()));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn edits_of_typescript(edits in edits(), utf8: bool) {
        check(Language::Tsx, TYPESCRIPT, &edits, if utf8 { Encoding::Utf8 } else { Encoding::Utf16 })?;
    }

    #[test]
    fn edits_of_python(edits in edits(), utf8: bool) {
        check(Language::Python, PYTHON, &edits, if utf8 { Encoding::Utf8 } else { Encoding::Utf16 })?;
    }

    #[test]
    fn no_text_is_fatal(parts in prop::collection::vec(0..INSERTS.len(), 0..40), noise in "\\PC{0,40}") {
        let text: String = parts.iter().map(|it| INSERTS[*it]).chain([noise.as_str()]).collect();
        for language in [Language::TypeScript, Language::Tsx, Language::Python] {
            facts(language, &Text::new(text.as_str()), &Names::default());
        }
    }

    #[test]
    fn no_cut_is_fatal(at in 0..1_000_000usize) {
        for (language, text) in FIXTURES {
            facts(language, &Text::new(&text[..boundary(text, at)]), &Names::default());
            facts(language, &Text::new(&text[boundary(text, at)..]), &Names::default());
        }
    }
}

const FIXTURES: [(Language, &str); 6] = [
    (Language::TypeScript, include_str!("../fixtures/reads/browser.ts")),
    (Language::TypeScript, include_str!("../fixtures/reads/constants.ts")),
    (Language::TypeScript, include_str!("../fixtures/reads/receivers.ts")),
    (Language::Tsx, include_str!("../fixtures/reads/react.tsx")),
    (Language::Python, include_str!("../fixtures/reads/constants.py")),
    (Language::Python, include_str!("../fixtures/reads/receivers.py")),
];

/// Generous, since tests run unoptimised and beside each other; what is quadratic takes minutes.
fn soon(what: &str, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    let took = start.elapsed();
    println!("{what}: {took:?}");
    assert!(took < Duration::from_secs(10), "{what} took {took:?}");
}

#[test]
fn deep_nesting_is_no_danger() {
    let read = "posthog.isFeatureEnabled('deep')";
    let python = "posthog.feature_enabled('deep', 1)";
    let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
    let sum = format!("{read} + ").repeat(2_000);
    let blocks = format!("if (a) {{ {read};").repeat(2_000);
    let functions = "function f() {\n".repeat(2_000);
    for (what, language, text) in [
        ("parentheses", Language::Tsx, format!("{open}{read}{close}")),
        ("open parentheses", Language::Tsx, format!("{open}{read}")),
        ("argument in parentheses", Language::Tsx, format!("posthog.isFeatureEnabled({open}'deep'{close})")),
        ("sum", Language::Tsx, format!("{sum}1")),
        ("long sum", Language::Tsx, format!("posthog.isFeatureEnabled({}'x')", "a + ".repeat(100_000))),
        ("blocks", Language::Tsx, blocks),
        ("functions", Language::Tsx, format!("{functions}{read}")),
        ("chain", Language::Tsx, format!("posthog{}.isFeatureEnabled('x')", ".client".repeat(50_000))),
        ("calls", Language::Tsx, format!("posthog{}.isFeatureEnabled('x')", ".client()".repeat(50_000))),
        ("python parentheses", Language::Python, format!("{open}{python}{close}")),
        ("python sum", Language::Python, format!("posthog.feature_enabled({}'x')", "a + ".repeat(100_000))),
        ("python nots", Language::Python, format!("x = {}{python}", "not ".repeat(50_000))),
        ("brackets", Language::Tsx, format!("{}{read}", "[".repeat(100_000))),
        ("elements", Language::Tsx, format!("{}{{{read}}}", "<a>".repeat(20_000))),
    ] {
        soon(what, || {
            facts(language, &Text::new(text), &Names::default());
        });
    }
}

#[test]
fn many_reads_in_one_scope() {
    let mut typescript =
        String::from("import posthog from 'posthog-js'\nlet client = posthog\nconst FLAGS = {\n");
    let mut python = String::from("import posthog\nFLAGS = {\n");
    for n in 0..5_000 {
        let _ = writeln!(typescript, "  K{n}: 'key-{n}',");
        let _ = writeln!(python, "  'K{n}': 'key-{n}',");
    }
    typescript += "}\n";
    python += "}\n";
    for n in 0..5_000 {
        let _ = writeln!(typescript, "const c{n} = 'c-{n}'; let l{n} = 'l-{n}'");
        let _ = writeln!(typescript, "client.isFeatureEnabled(FLAGS.K{n}); client.getFeatureFlag(c{n})");
        let _ = writeln!(typescript, "client.getFeatureFlag(l{n})");
        let _ = writeln!(python, "C{n} = 'c-{n}'\nposthog.feature_enabled(FLAGS['K{n}'], 1)");
        let _ = writeln!(python, "posthog.get_feature_flag(C{n}, 1)");
    }
    for (language, text) in [(Language::TypeScript, typescript), (Language::Python, python)] {
        let source = Source::new(language, 0, Text::new(text));
        let known = said(&source).reads.iter().filter(|it| it.key.is_some()).count();
        assert_eq!(known, if language == Language::Python { 10_000 } else { 15_000 });
        soon(language.name(), || {
            let end = LineColumn { line: u32::MAX, column: 0 };
            source.edit(1, &[Change { range: Some((end, end)), text: "x".into() }], Encoding::Utf16);
        });
    }
}

#[test]
fn the_sieve_lets_through_what_can_hold_a_read() {
    for (language, text, expected) in [
        (Language::Tsx, "useFeatureFlagEnabled('a')", true),
        (Language::Tsx, "const f = await posthog.evaluateFlags()", true),
        (Language::Tsx, "features.isEnabled('a') // feature", false),
        (Language::Tsx, "isFeatureEnabledHere('a')", false),
        (Language::Python, "posthog.feature_enabled('a')", true),
        (Language::Python, "flags.is_enabled('a')", false),
    ] {
        assert_eq!(may_read_flags(language, text.as_bytes(), &Names::default()), expected, "{text}");
    }
}
