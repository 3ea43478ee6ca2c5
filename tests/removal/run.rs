//! Running programs, many at a time: esbuild and Node for TypeScript and TSX, Python.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

use flagline::removal::Kept;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::check::Flags;
use crate::write::Language;

/// What a program left behind.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Answer {
    pub trace: Vec<String>,
    /// It cannot be read, or uses a name that does not exist.
    pub error: Option<String>,
}

#[derive(Serialize)]
struct Program<'a> {
    code: &'a str,
    loader: &'a str,
    flags: &'a Json,
}

/// An interpreter that is started once.
pub struct Runtime {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    language: Language,
}

impl Runtime {
    pub fn new(language: Language) -> Runtime {
        let mut command = match language {
            Language::Python => {
                let mut command = Command::new("python3");
                command.arg(sources().join("run.py"));
                command
            }
            _ => {
                let packages = esbuild();
                let mut command = Command::new("node");
                command.arg(sources().join("node/run.mjs")).arg(packages.join("package.json"));
                command
            }
        };
        let mut child = start(&mut command);
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Runtime { child, input, output: BufReader::new(output), language }
    }

    /// Runs programs one after another.
    pub fn run(&mut self, programs: &[(&str, &Json)]) -> Vec<Answer> {
        let loader = if self.language == Language::Tsx { "tsx" } else { "ts" };
        let programs: Vec<Program> =
            programs.iter().map(|(code, flags)| Program { code, loader, flags }).collect();
        writeln!(self.input, "{}", serde_json::to_string(&programs).unwrap()).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the interpreter ended with {line:?}"))
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the stub of the SDK is told: the removed flag is read in silence, since its reads go.
pub fn served(flags: &Flags) -> Json {
    let served = |kept: &Kept, logs: bool| {
        let value = match &kept.value {
            flagline::feature::Value::Off => json!(false),
            flagline::feature::Value::On => json!(true),
            flagline::feature::Value::Variant(key) => json!(key),
        };
        let payload = kept.payload.clone().filter(|_| kept.value != flagline::feature::Value::Off);
        json!({ "value": value, "payload": payload, "logs": logs })
    };
    let other = json!({ "value": "test", "payload": { "limit": 7 }, "logs": true });
    json!({ "flag": served(&flags.flag, false), "second": served(&flags.second, true), "other": other })
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/removal")
}

fn start(command: &mut Command) -> Child {
    let name = command.get_program().to_string_lossy().into_owned();
    let started = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    started.unwrap_or_else(|why| panic!("install {name}: these tests run programs in it ({why})"))
}

/// The folder of esbuild, installed in the version of the lock file unless it is there.
fn esbuild() -> PathBuf {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one = INSTALLING.lock().unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("removal-esbuild");
    let lock = std::fs::read_to_string(sources().join("node/package-lock.json")).unwrap();
    let stamp = folder.join("stamp");
    if std::fs::read_to_string(&stamp).is_ok_and(|it| it == lock) {
        return folder;
    }
    std::fs::create_dir_all(&folder).unwrap();
    for file in ["package.json", "package-lock.json"] {
        std::fs::copy(sources().join("node").join(file), folder.join(file)).unwrap();
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(&folder);
    let status = npm.status().unwrap_or_else(|why| panic!("install npm: esbuild comes from there ({why})"));
    assert!(status.success(), "npm could not install esbuild into {}", folder.display());
    std::fs::write(stamp, lock).unwrap();
    folder
}
