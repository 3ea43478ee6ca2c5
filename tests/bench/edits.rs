//! From a keystroke to facts and findings, without protocol and debounce, on a TSX file of 5,000 lines.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flagline::analysis::{Snapshot, findings};
use flagline::config::Config;
use flagline::flags::{Environment, FlagList, Mirror};
use flagline::index::scan::{Progress, Root};
use flagline::index::{Codebase, Index, resolver};
use flagline::syntax::{FileFacts, Language, Source};
use flagline::text::{Change, Encoding, LineColumn, Text};
use jiff::Timestamp;

use super::{Figures, monorepo};

/// What a parse may take before it goes on beside the requests, as in the workspace.
const PARSE_FOR: Duration = Duration::from_millis(5);

pub(super) fn run() {
    let text = page(5_000);
    println!("{} lines, {} kB of TSX", text.lines().count(), text.len() / 1000);
    let whole = Figures::new(whole_parses(&text));
    whole.print("parse and scan of the whole file (what each edit is beside)", None);
    let mut held_up = Vec::new();
    let mut editor = Editor { slow: Some(Vec::new()), ..Editor::new(&text, Codebase::default()) };
    let statements = editor.type_statements(20, &mut held_up);
    let n_statements = statements.len();
    Figures::new(statements).print("a statement, letter by letter, in 20 places", Some(&whole));
    print_slow(&editor.slow.take().unwrap_or_default(), n_statements);
    for (name, typed) in [
        ("letters in the middle of words", "abc"),
        ("quotes", "'\"`"),
        ("tags", "<b>"),
        ("a paste of 40 lines", ""),
        ("undo of the paste", "-"),
    ] {
        let figures = Figures::new(editor.scatter(typed, &mut held_up));
        figures.print(name, Some(&whole));
    }
    Figures::new(held_up).print("all of these: time in which other requests wait", Some(&whole));
    beside_a_workspace(&text);
    without_end(&text);
}

/// Half-typed code costs a parser more; what an edit costs beside a whole parse of just that text.
fn print_slow(slow: &[(Duration, Text)], n: usize) {
    let ratio = |(duration, text): &(Duration, Text)| {
        let start = Instant::now();
        black_box(Source::new(Language::Tsx, 1, text.clone()));
        duration.as_secs_f64() / start.elapsed().as_secs_f64()
    };
    let mut ratios: Vec<f64> = slow.iter().map(ratio).collect();
    ratios.sort_by(f64::total_cmp);
    // Those that are not slow are below.
    let p99 = ratios.iter().rev().nth(n / 100);
    if let (Some(most), Some(p99)) = (ratios.last(), p99) {
        println!(
            "  {} of {n} took over 10 ms: p99 {p99:.2}x a whole parse of their text, {most:.2}x at most",
            ratios.len()
        );
    }
}

/// What an edit takes does not depend on how many files the workspace has.
fn beside_a_workspace(text: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    monorepo::write(folder.path(), 20_000).expect("a monorepo");
    let roots = [Root { path: folder.path().to_owned(), ..Root::default() }];
    let code = Codebase::read(&roots, resolver(&roots), &BTreeMap::new(), &Progress::default());
    let median = |code| Figures::new(Editor::new(text, code).type_statements(20, &mut Vec::new()));
    let (alone, beside) = (median(Codebase::default()), median(code));
    beside.print("a statement, in a workspace of 20,000 files (beside: alone)", Some(&alone));
}

/// Neither time nor memory grows with the number of edits.
fn without_end(text: &str) {
    let mut editor = Editor::new(text, Codebase::default());
    let resident = || super::resident(std::process::id(), "VmRSS:").unwrap_or_default();
    let mut first: Option<(Figures, u64)> = None;
    let mut n_edits = 0;
    while n_edits < 10_000 {
        let durations = editor.type_statements(20, &mut Vec::new());
        n_edits += durations.len();
        let (now, memory) = (Figures::new(durations), resident());
        match &first {
            None => first = Some((now, memory)),
            Some((before, memory_before)) if n_edits >= 10_000 => {
                now.print(&format!("the last of {n_edits} edits (beside: the first)"), Some(before));
                println!("memory: {} MB after the first, {} MB now", memory_before / 1000, memory / 1000);
            }
            Some(_) => {}
        }
    }
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

/// Somebody who types into the page.
struct Editor {
    begin: String,
    source: Arc<Source>,
    code: Codebase,
    path: Arc<std::path::Path>,
    /// Edits that took long and the text after them, where they are asked for.
    slow: Option<Vec<(Duration, Text)>>,
}

/// From here on an edit is compared with a parse of the text that it left.
const SLOW: Duration = Duration::from_millis(10);

impl Editor {
    fn new(text: &str, code: Codebase) -> Editor {
        let source = Arc::new(Source::new(Language::Tsx, 0, Text::new(text)));
        Editor {
            begin: text.to_owned(),
            source,
            code,
            path: std::path::Path::new("page.tsx").into(),
            slow: None,
        }
    }

    /// From an edit to facts and findings.
    fn edit(&mut self, change: &Change, held_up: &mut Vec<Duration>) -> Duration {
        let start = Instant::now();
        let version = self.source.version + 1;
        let edited =
            self.source.edit_within(version, std::slice::from_ref(change), Encoding::Utf16, PARSE_FOR);
        held_up.push(start.elapsed());
        // What the workspace does beside the requests.
        let edited = edited.unwrap_or_else(|text| Source::new(Language::Tsx, version, text));
        self.source = edited.into();
        let facts = self.code.set(&self.path, self.source.module.clone(), &Arc::default());
        let found = findings(&snapshot(&self.path, &self.source, facts));
        let duration = start.elapsed();
        black_box(found);
        if let Some(slow) = self.slow.as_mut().filter(|_| duration > SLOW) {
            slow.push((duration, self.source.text.clone()));
        }
        duration
    }

    /// Types a statement on a line of its own, and takes it back whole.
    fn type_statements(&mut self, places: u32, held_up: &mut Vec<Duration>) -> Vec<Duration> {
        const STATEMENT: &str = "  const rows = project.trees.filter((it) => it.count > 3)\n";
        let mut durations = Vec::new();
        let first = "  const total = ";
        let lines: Vec<u32> =
            self.begin.lines().zip(0..).filter(|it| it.0.starts_with(first)).map(|it| it.1).collect();
        for place in 0..places {
            let line = lines[(place as usize * 97) % lines.len()];
            for (column, letter) in (0..).zip(STATEMENT.chars()) {
                let at = LineColumn { line, column };
                let typed = Change { range: Some((at, at)), text: letter.to_string() };
                durations.push(self.edit(&typed, held_up));
            }
            let (from, to) = (LineColumn { line, column: 0 }, LineColumn { line: line + 1, column: 0 });
            let undo = Change { range: Some((from, to)), text: String::new() };
            durations.push(self.edit(&undo, held_up));
        }
        assert_eq!(self.source.text.as_str(), self.begin);
        durations
    }

    /// Types in the middle of 200 places and takes it back; pastes are edits of their own.
    fn scatter(&mut self, typed: &str, held_up: &mut Vec<Duration>) -> Vec<Duration> {
        let paste = page(40);
        let mut durations = Vec::new();
        let n_lines = self.begin.lines().count() as u32;
        for round in 0..200_u32 {
            let line = (round * 7919) % n_lines;
            let at = LineColumn { line, column: 4 };
            let inserted = match typed {
                "" | "-" => paste.clone(),
                typed => typed[(round as usize % typed.len())..][..1].to_owned(),
            };
            let end = match inserted.rsplit_once('\n') {
                Some((before, last)) => LineColumn {
                    line: line + before.matches('\n').count() as u32 + 1,
                    column: last.len() as u32,
                },
                None => LineColumn { line, column: at.column + 1 },
            };
            let insert = Change { range: Some((at, at)), text: inserted };
            let undo = Change { range: Some((at, end)), text: String::new() };
            for (change, counts) in [(insert, typed != "-"), (undo, typed == "-")] {
                let duration = self.edit(&change, held_up);
                if counts {
                    durations.push(duration);
                }
            }
            // A column past the end of a short line moves the insertion; start afresh where the undo missed.
            if self.source.text.as_str() != self.begin {
                self.source = Arc::new(Source::new(Language::Tsx, 0, Text::new(self.begin.as_str())));
            }
        }
        durations
    }
}

fn snapshot(path: &Arc<std::path::Path>, source: &Arc<Source>, facts: Arc<FileFacts>) -> Snapshot {
    let now = Timestamp::now();
    let environment = Environment { flags: Some(FlagList::new([], now)), ..Environment::default() };
    Snapshot {
        path: path.clone(),
        source: Some(source.clone()),
        index: Arc::new(Index::new([(path.clone(), facts.clone())])),
        facts,
        briefs: Arc::default(),
        mirror: Arc::new(Mirror { environments: vec![Arc::new(environment)], revision: 1 }),
        config: Arc::new(Config::default()),
        now,
    }
}
