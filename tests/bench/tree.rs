//! The cold index of a whole tree, beside `rg` and `ast-grep` on the same files: a generated monorepo in several
//! sizes, and any tree that `FLAGLINE_BENCH_TREE` names.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use flagline::index::scan::{self, Root};
use serde_json::Value;

use super::{Figures, monorepo, resident};

/// Files of the generated monorepo: the middle one is the one that is compared, the others show the growth.
const SIZES: [usize; 3] = [5_000, 20_000, 80_000];

const RUNS: usize = 7;

/// The words that lead to a read, as one who searches by hand would write them.
const METHODS: &str = "isFeatureEnabled|getFeatureFlag(Result|Payload)?|useFeatureFlag(Enabled|VariantKey|Payload|Result)?|\
                       useActiveFeatureFlags|getAllFlags(AndPayloads)?|onFeatureFlags|evaluateFlags|PostHogFeature|\
                       feature_enabled|get_feature_flag(_result|_payload)?|get_all_flags(_and_payloads)?|evaluate_flags";

const GLOB: &str = "*.{ts,tsx,mts,cts,js,jsx,mjs,cjs,py,pyi}";

pub(super) fn run() -> anyhow::Result<()> {
    if let Some(tree) = std::env::var_os("FLAGLINE_BENCH_TREE") {
        println!("\n{}", tree.display());
        return compare(Path::new(&tree)).map(drop);
    }
    let mut before: Option<(usize, Duration)> = None;
    for n_files in SIZES {
        let folder = tempfile::tempdir()?;
        let written = monorepo::write(folder.path(), n_files)?;
        println!(
            "\na monorepo of {} files, {} MB; {} MB in files that read flags, {} reads",
            written.files,
            written.bytes / 1_000_000,
            written.candidate_bytes / 1_000_000,
            written.reads,
        );
        let found = reads(folder.path())?;
        anyhow::ensure!(found == written.reads, "{found} reads were found, {} written", written.reads);
        let index = compare(folder.path())?;
        if let Some((n_before, before)) = before {
            let times = index.as_secs_f64() / before.as_secs_f64();
            println!("{times:.2}x the time for {}x the files", n_files / n_before);
        }
        before = Some((n_files, index));
    }
    Ok(())
}

/// Prints the figures of a tree; the median of the complete index.
fn compare(tree: &Path) -> anyhow::Result<Duration> {
    let mut search =
        Command::new(tool("rg", "target/bench/bin/rg").context("tests/bench/tools installs rg")?);
    search.args(["--count", "--glob", GLOB, METHODS]).arg(tree);
    let mut index = Command::new(env!("CARGO_BIN_EXE_flagline"));
    index.args(["reads", "--format", "json"]).arg(tree).env("RUST_LOG", "off");
    let (mut searched, mut sifted, mut indexed) = (Vec::new(), Vec::new(), Vec::new());
    let mut peak = 0;
    for _ in 0..RUNS {
        searched.push(time(&mut search)?.0);
        sifted.push(sieve(tree).0);
        let (duration, memory) = time(&mut index)?;
        indexed.push(duration);
        peak = peak.max(memory);
    }
    let searched = Figures::new(searched);
    searched.print("rg --count with the SDK's words", None);
    Figures::new(sifted).print("the sieve: walk, read, keep candidates", Some(&searched));
    let indexed = Figures::new(indexed);
    indexed.print("flagline reads: the complete index, from nothing", Some(&searched));
    println!("candidates: {:.1} MB; peak memory {} MB", sieve(tree).1 as f64 / 1e6, peak / 1000);
    if let Some(ast_grep) = tool("ast-grep", "target/bench/node_modules/.bin/ast-grep") {
        let mut scan = Command::new(ast_grep);
        scan.args(["scan", "--json=stream", "--inline-rules", &rules()]).arg(tree);
        let scanned = Figures::new(vec![time(&mut scan)?.0]);
        scanned.print("ast-grep scan with rules for the same calls, once", Some(&searched));
        let times = scanned.percentile(50).as_secs_f64() / indexed.percentile(50).as_secs_f64();
        println!("the complete index is {times:.1}x faster than ast-grep");
    }
    Ok(indexed.percentile(50))
}

/// How long the sieve takes, and how many bytes it leaves for the parsers.
fn sieve(tree: &Path) -> (Duration, usize) {
    let root = Root { path: tree.to_owned(), ..Root::default() };
    let begin = Instant::now();
    let candidates = scan::candidates(&[root]);
    (begin.elapsed(), candidates.iter().map(String::len).sum())
}

/// Keyed reads that the binary lists.
fn reads(tree: &Path) -> anyhow::Result<usize> {
    let output = Command::new(env!("CARGO_BIN_EXE_flagline"))
        .args(["reads", "--format", "json"])
        .arg(tree)
        .stderr(Stdio::inherit())
        .output()?;
    let listing: Value = serde_json::from_slice(&output.stdout).context("no listing")?;
    let reads = listing["reads"].as_array().context("no reads")?;
    Ok(reads.iter().filter(|it| it["key"].is_string()).count())
}

/// How long a command takes, and its peak memory in kB as far as it was seen.
fn time(command: &mut Command) -> anyhow::Result<(Duration, u64)> {
    let begin = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("{} cannot be started", command.get_program().display()))?;
    let mut peak = 0;
    loop {
        peak = peak.max(resident(child.id(), "VmHWM:").unwrap_or_default());
        if let Some(status) = child.try_wait()? {
            anyhow::ensure!(status.code().is_some_and(|it| it < 2), "{command:?} failed: {status}");
            return Ok((begin.elapsed(), peak));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A program, if it is on the path or was installed by `tests/bench/tools`.
fn tool(name: &str, installed: &str) -> Option<PathBuf> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join(installed);
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&on_path).map(|it| it.join(name)).chain([installed]).find(|it| it.is_file())
}

/// One rule for each language, with a pattern for each way to call each of the words.
fn rules() -> String {
    let script = ["TypeScript", "Tsx", "JavaScript"].map(|it| rule(it, "call_expression"));
    [script.join("---\n"), rule("Python", "call")].join("---\n")
}

fn rule(language: &str, call: &str) -> String {
    format!(
        "id: flag-{language}
language: {language}
rule:
  kind: {call}
  has:
    field: function
    regex: '({METHODS})$'
"
    )
}
