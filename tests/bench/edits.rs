//! From a keystroke to facts and findings, without protocol and debounce, on a TSX file of 5,000 lines.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flagline::analysis::{Snapshot, findings};
use flagline::config::Config;
use flagline::flags::{Environment, FlagList, Mirror};
use flagline::index::{Codebase, Index};
use flagline::syntax::{FileFacts, Language, Source};
use flagline::text::{Change, Encoding, LineColumn, Text};
use jiff::Timestamp;

use super::Figures;

/// What a parse may take before it goes on beside the requests, as in the workspace.
const PARSE_FOR: Duration = Duration::from_millis(5);

pub(super) fn run() {
    let text = page(5_000);
    println!("{} lines, {} kB of TSX", text.lines().count(), text.len() / 1000);
    let whole = Figures::new(whole_parses(&text));
    whole.print("parse and scan of the whole file (what each edit is beside)", None);
    let mut held_up = Vec::new();
    for (name, typed) in [
        ("letters", "abc"),
        ("quotes", "'\"`"),
        ("tags", "<b>"),
        ("a paste of 40 lines", ""),
        ("undo of the paste", "-"),
    ] {
        let figures = Figures::new(edits(&text, typed, &mut held_up));
        figures.print(&format!("didChange to facts and findings: {name}"), Some(&whole));
    }
    Figures::new(held_up).print("all of these: time in which other requests wait", Some(&whole));
}

/// A page as people write it: components with props, conditions and lists, a read here and there.
fn page(lines: usize) -> String {
    let mut text = String::from(
        "import posthog from 'posthog-js'\nimport { useFeatureFlagEnabled } from 'posthog-js/react'\n",
    );
    let mut number = 0;
    while text.lines().count() < lines {
        number += 1;
        text.push_str(&format!(
            "
export function Row{number}({{ project, on{number} }}: Props) {{
  const total = project.trees.reduce((sum, it) => sum + it.count * {number}, 0)
  const label = `${{project.name}}: ${{total}}`
  if (total > {number} && project.owner?.email !== undefined) {{
    return <Empty title=\"Nothing here yet\" onClick={{() => on{number}(project.id)}} />
  }}
  return (
    <tr className={{total > 10 ? 'big' : 'small'}} data-row={{{number}}}>
      <td>{{label}}</td>
      {{project.videos.map((it) => <Video key={{it.id}} {{...it}} />)}}
      <td>{{format(total)}} trees</td>
    </tr>
  )
}}
"
        ));
        if number % 12 == 0 {
            text.push_str(&format!(
                "export const gate{number} = () => posthog.isFeatureEnabled('flag-{number}') ? 1 : 2\n"
            ));
        }
    }
    text
}

fn whole_parses(text: &str) -> Vec<Duration> {
    let text = Text::new(text);
    let once = || {
        let start = Instant::now();
        black_box(Source::new(Language::Tsx, 1, text.clone()));
        start.elapsed()
    };
    (0..40).map(|_| once()).collect()
}

/// Types in the middle of 200 places and takes it back; pastes are edits of their own.
fn edits(text: &str, typed: &str, held_up: &mut Vec<Duration>) -> Vec<Duration> {
    let paste = page(40);
    let mut source = Arc::new(Source::new(Language::Tsx, 0, Text::new(text)));
    let mut code = Codebase::default();
    let path: Arc<std::path::Path> = std::path::Path::new("page.tsx").into();
    let mut durations = Vec::new();
    let n_lines = text.lines().count() as u32;
    for round in 0..200_u32 {
        let line = (round * 7919) % n_lines;
        let at = LineColumn { line, column: 4 };
        let inserted = match typed {
            "" | "-" => paste.clone(),
            typed => typed[(round as usize % typed.len())..][..1].to_owned(),
        };
        let end = match inserted.rsplit_once('\n') {
            Some((before, last)) => {
                LineColumn { line: line + before.matches('\n').count() as u32 + 1, column: last.len() as u32 }
            }
            None => LineColumn { line, column: at.column + 1 },
        };
        let insert = Change { range: Some((at, at)), text: inserted };
        let undo = Change { range: Some((at, end)), text: String::new() };
        for (change, counts) in [(insert, typed != "-"), (undo, typed == "-")] {
            let start = Instant::now();
            let version = source.version + 1;
            let edited =
                source.edit_within(version, std::slice::from_ref(&change), Encoding::Utf16, PARSE_FOR);
            held_up.push(start.elapsed());
            // What the workspace does beside the requests.
            let edited = edited.unwrap_or_else(|text| Source::new(Language::Tsx, version, text));
            source = edited.into();
            let facts = code.set(&path, source.module.clone(), &Arc::default());
            let found = findings(&snapshot(&path, &source, facts));
            let duration = start.elapsed();
            black_box(found);
            if counts {
                durations.push(duration);
            }
        }
        // A column past the end of a short line moves the insertion; start afresh where the undo missed.
        if source.text.as_str().len() != text.len() {
            source = Arc::new(Source::new(Language::Tsx, 0, Text::new(text)));
        }
    }
    durations
}

fn snapshot(path: &Arc<std::path::Path>, source: &Arc<Source>, facts: Arc<FileFacts>) -> Snapshot {
    let now = Timestamp::now();
    let environment = Environment { flags: Some(FlagList::new([], now)), ..Environment::default() };
    Snapshot {
        path: path.clone(),
        source: Some(source.clone()),
        index: Arc::new(Index::new([(path.clone(), facts.clone())])),
        facts,
        mirror: Arc::new(Mirror { environments: vec![Arc::new(environment)], revision: 1 }),
        config: Arc::new(Config::default()),
        now,
    }
}
