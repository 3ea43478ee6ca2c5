//! Removing a flag: from one long file, and from a workspace in which 300 places read it, beside one parse of the
//! files that it touches.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use flagline::feature::Value;
use flagline::index::scan::{Progress, Root};
use flagline::index::{Codebase, resolver};
use flagline::removal::{ALONE, Alone, Kept, Request, plan, remove};
use flagline::syntax::{Language, Names};
use flagline::text::Text;
use flagline::workspace::CodeWorld;

use super::{Figures, monorepo};

const RUNS: usize = 15;
const KEY: &str = "bench-flag";
const N_READS: usize = 300;
const N_FILES: usize = 20_000;

pub(super) fn run() -> anyhow::Result<()> {
    println!();
    one_file();
    workspace()
}

/// Components of about 2,000 lines and 40 characters a line, as product code has them, with a read every hundred lines.
fn long_file() -> String {
    let mut text = String::from("import posthog from 'posthog-js'\n\n");
    for n in 0..20 {
        let _ = writeln!(text, "export function Part{n}(props: Props) {{");
        let _ = writeln!(text, "  const isNew{n} = posthog.isFeatureEnabled('{KEY}')");
        for line in (0..90).step_by(6) {
            let _ = writeln!(
                text,
                "  const value{line} = compute(props.items[{line}], {{ size: {n}, label: `l${{{line}}}` }})\n\
                 \x20 if (value{line} > props.limit) {{\n\
                 \x20   track('part {n}', {{ value: value{line} }})\n\
                 \x20 }}\n\
                 \x20 // Every part has its own size.\n\
                 \x20 sizes.push(value{line} ?? {n})"
            );
        }
        let _ = writeln!(
            text,
            "  return isNew{n} && props.ok ? <New{n} value={{value0}} /> : <Old{n} value={{value6}} />\n}}\n"
        );
    }
    text
}

fn one_file() {
    let text = long_file();
    let language = Language::Tsx;
    let indexed = Text::new(text.as_str());
    let facts = Arc::new(flagline::index::facts(language, &indexed, &Names::default()));
    let world = Alone { facts: &facts, text: &text, language };
    let kept = Kept::new(Value::On);
    let (mut parsed, mut removed) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let start = Instant::now();
        let tree = parser().parse(&text, None);
        parsed.push(start.elapsed());
        drop(tree);
        let start = Instant::now();
        let edits = remove(&world, Path::new(ALONE), KEY, &kept);
        removed.push(start.elapsed());
        assert!(edits.is_ok_and(|it| it.len() >= 20), "nothing was removed");
    }
    let parsed = Figures::new(parsed);
    let (n_lines, n_kb) = (text.lines().count(), text.len() / 1000);
    parsed.print(&format!("parse a file of {n_lines} lines, {n_kb} kB"), None);
    Figures::new(removed).print("remove a flag from it, read at 20 places", Some(&parsed));
}

fn workspace() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    monorepo::write(folder.path(), N_FILES)?;
    let touched = write_reads(folder.path())?;
    let root = Root { path: folder.path().to_owned(), exclude: Arc::default(), names: Arc::default() };
    let roots = [root];
    let code = Codebase::read(&roots, resolver(&roots), &BTreeMap::new(), &Progress::default());
    let (mut parsed, mut removed) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        parsed.push(parse(&touched)?);
        let world = CodeWorld::new(code.clone(), []);
        let start = Instant::now();
        let request =
            Request { key: KEY, kept: Kept::new(Value::On), whole: false, within: Vec::new(), partly: false };
        let removal = plan(&world, &request);
        removed.push(start.elapsed());
        anyhow::ensure!(removal.refusals.is_empty(), "refused: {:?}", removal.refusals.first());
        anyhow::ensure!(removal.files.len() == touched.len(), "{} files changed", removal.files.len());
    }
    let parsed = Figures::new(parsed);
    parsed.print(&format!("parse {} files once, on one core", touched.len()), None);
    Figures::new(removed)
        .print(&format!("remove a flag read {N_READS} times among {N_FILES} files"), Some(&parsed));
    Ok(())
}

/// Files that read the flag, of a usual length.
fn write_reads(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let folder = folder.join("bench");
    std::fs::create_dir(&folder)?;
    let write = |n: usize| {
        let mut text =
            String::from("import posthog from 'posthog-js'\nimport { old, fresh } from './pages'\n\n");
        for line in 0..120 {
            let _ = writeln!(text, "export const value{line} = compute({{ size: {line}, label: 'l{n}' }})");
        }
        let _ = writeln!(
            text,
            "export const page = () => (posthog.isFeatureEnabled('{KEY}') ? fresh({n}) : old({n}))"
        );
        let path = folder.join(format!("page{n}.ts"));
        std::fs::write(&path, text).map(|()| path)
    };
    Ok((0..N_READS).map(write).collect::<std::io::Result<_>>()?)
}

fn parse(paths: &[PathBuf]) -> anyhow::Result<Duration> {
    let texts: Vec<String> = paths.iter().map(std::fs::read_to_string).collect::<std::io::Result<_>>()?;
    let start = Instant::now();
    let mut parser = parser();
    for text in texts {
        drop(parser.parse(&text, None));
    }
    Ok(start.elapsed())
}

fn parser() -> tree_sitter::Parser {
    let mut parser = tree_sitter::Parser::new();
    parser.set_language(&tree_sitter_typescript::LANGUAGE_TSX.into()).expect("a grammar that fits");
    parser
}
