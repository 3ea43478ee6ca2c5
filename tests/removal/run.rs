//! Running programs. Node and Python are started once and run many programs each.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use flagline::syntax::Language;
use serde::{Deserialize, Serialize};

use crate::npm;

/// What a run of a program says: each line of its trace.
pub type Trace = Vec<String>;

/// A program, and what the flags are that it does not tell of when it reads them.
#[derive(Debug, Clone, Serialize)]
pub struct Job {
    pub code: String,
    /// By key: false, true or a variant.
    pub quiet: std::collections::BTreeMap<String, serde_json::Value>,
    pub payload: serde_json::Value,
}

#[derive(Serialize)]
struct Batch<'a> {
    loader: &'a str,
    jobs: &'a [Job],
}

#[derive(Deserialize)]
struct Answer {
    traces: Vec<Trace>,
}

pub struct Interpreter {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    loader: &'static str,
}

impl Interpreter {
    pub fn new(language: Language) -> Interpreter {
        let (mut command, loader) = match language {
            Language::Python => (Command::new("python3"), "py"),
            Language::TypeScript => (Command::new("node"), "ts"),
            Language::Tsx => (Command::new("node"), "tsx"),
            Language::JavaScript | Language::Jsx => (Command::new("node"), "jsx"),
        };
        if language == Language::Python {
            command.arg(sources().join("run.py"));
        } else {
            command.arg(sources().join("run.mjs")).arg(ESBUILD.join("node_modules/esbuild/lib/main.js"));
        }
        let name = command.get_program().to_string_lossy().into_owned();
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.unwrap_or_else(|why| panic!("{name} does not start: {why}. {INSTALL}"));
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Interpreter { child, input, output: BufReader::new(output), loader }
    }

    /// What each program says.
    pub fn run(&mut self, jobs: &[Job]) -> Vec<Trace> {
        let batch = serde_json::to_string(&Batch { loader: self.loader, jobs }).unwrap();
        writeln!(self.input, "{batch}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Answer = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("the interpreter ended with {line:?}, at one of these programs: {batch}")
        });
        assert_eq!(answer.traces.len(), jobs.len());
        answer.traces
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const INSTALL: &str =
    "These tests run programs: install Node 18 or newer (https://nodejs.org) and python3 3.11 or newer";

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/removal")
}

/// Where esbuild is installed.
static ESBUILD: LazyLock<PathBuf> = LazyLock::new(|| npm::install(&sources().join("packages"), "removal"));
