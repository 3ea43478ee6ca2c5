//! Running programs. Node and Python are started once, since starting takes longer than most programs.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use tempfile::TempDir;

/// A flag that was asked for: the method, and the key.
pub type Asked = (String, String);

/// A folder for programs, below the packages that they import, and what runs them.
pub struct Runtime {
    folder: TempDir,
    node: Option<Interpreter>,
    python: Option<Interpreter>,
}

struct Interpreter {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Answer {
    asked: Vec<Asked>,
    error: Option<String>,
}

impl Runtime {
    pub fn new() -> Runtime {
        let folder = tempfile::tempdir().unwrap();
        for package in ["posthog-js", "posthog-node"] {
            copy(
                &sources().join("packages").join(package),
                &folder.path().join("node_modules").join(package),
            );
        }
        Runtime { folder, node: None, python: None }
    }

    /// A folder for one program.
    pub fn folder(&self) -> TempDir {
        tempfile::tempdir_in(&self.folder).unwrap()
    }

    /// What a program asks for, or how it fails.
    pub fn run(&mut self, main: &Path) -> Result<BTreeSet<Asked>, String> {
        let interpreter = match main.extension().and_then(|it| it.to_str()) {
            Some("py") => self.python.get_or_insert_with(python),
            _ => self.node.get_or_insert_with(node),
        };
        interpreter.run(main)
    }
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/programs")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for file in std::fs::read_dir(from).unwrap().map(|it| it.unwrap()) {
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

fn node() -> Interpreter {
    Interpreter::start(Command::new("node").arg(sources().join("run.mjs")))
}

fn python() -> Interpreter {
    let mut command = Command::new("python3");
    command.env("PYTHONPATH", sources().join("packages")).env("PYTHONDONTWRITEBYTECODE", "1");
    Interpreter::start(command.arg(sources().join("run.py")))
}

impl Interpreter {
    fn start(command: &mut Command) -> Interpreter {
        let name = command.get_program().to_string_lossy().into_owned();
        let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started
            .unwrap_or_else(|why| panic!("these tests run programs in {name}, which does not start: {why}"));
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Interpreter { child, input, output: BufReader::new(output) }
    }

    fn run(&mut self, main: &Path) -> Result<BTreeSet<Asked>, String> {
        writeln!(self.input, "{}", main.display()).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let answer: Answer = serde_json::from_str(&line).map_err(|_| format!("it ended with {line:?}"))?;
        match answer.error {
            Some(error) => Err(error),
            None => Ok(answer.asked.into_iter().collect()),
        }
    }
}

impl Drop for Interpreter {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
