//! What a program asks for against what is found in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use flagline::index::scan;
use flagline::syntax::Read;

use crate::run::{Asked, Runtime};

/// The files of a program by their paths in its folder.
pub type Program = BTreeMap<String, String>;

const MAINS: [&str; 3] = ["main.mjs", "main.cjs", "main.py"];

/// A program that lies in a folder.
pub fn read(folder: &Path) -> Program {
    let mut files = Program::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for path in std::fs::read_dir(next).unwrap().map(|it| it.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
                files.insert(name, std::fs::read_to_string(path).unwrap());
            }
        }
    }
    files
}

/// Runs a program and looks for its reads; says in what they differ.
pub fn check(program: &Program, runtime: &mut Runtime) -> Result<(), String> {
    let folder = runtime.folder();
    for (path, text) in program {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let main = MAINS.iter().find(|it| program.contains_key(**it)).ok_or("it has no main file")?;
    let asked = runtime.run(&folder.path().join(main))?;
    let found = found(folder.path());
    let differences = differences(&asked, &found, &announced(program));
    if differences.is_empty() { Ok(()) } else { Err(differences) }
}

/// A read and the file it stands in.
type Found = (String, Read);

fn found(folder: &Path) -> Vec<Found> {
    let root = scan::Root { path: folder.to_owned(), ..scan::Root::default() };
    let mut all = Vec::new();
    for file in scan::scan(&[root], &scan::Progress::default()) {
        let path = file.path.strip_prefix(folder).unwrap().to_str().unwrap().replace('\\', "/");
        let reads = file.facts.map(|it| it.reads.clone()).unwrap_or_default();
        all.extend(reads.into_iter().map(|it| (path.clone(), it)));
    }
    all
}

/// The keys that no reader can tell, with the file that says so.
fn announced(program: &Program) -> Vec<(String, Asked)> {
    let mut all = Vec::new();
    for (path, text) in program {
        let words = text.lines().filter_map(|it| it.split_once("at run time: ")?.1.trim().split_once(' '));
        all.extend(words.map(|(method, key)| (path.clone(), (method.to_owned(), key.to_owned()))));
    }
    all
}

fn differences(asked: &BTreeSet<Asked>, found: &[Found], announced: &[(String, Asked)]) -> String {
    let key = |it: &Found| Some((it.1.method.to_string(), it.1.key.as_ref()?.to_string()));
    let keys: BTreeSet<Asked> = found.iter().filter_map(key).collect();
    let at_run_time: BTreeSet<&Asked> = announced.iter().map(|it| &it.1).collect();
    let mut out = String::new();
    for it in asked.iter().filter(|it| !keys.contains(*it) && !at_run_time.contains(it)) {
        writeln!(out, "asked for and not found: {} {}", it.0, it.1).unwrap();
    }
    for it in keys.difference(asked) {
        writeln!(out, "found and never asked for: {} {}", it.0, it.1).unwrap();
    }
    for (file, it) in announced {
        if !asked.contains(it) {
            writeln!(out, "announced and never asked for: {} {}", it.0, it.1).unwrap();
        } else if keys.contains(it) {
            writeln!(out, "announced and found all the same: {} {}", it.0, it.1).unwrap();
        } else if !found.iter().any(|read| read.0 == *file && may_ask(&read.1, it)) {
            writeln!(out, "announced and no read in {file} may ask for it: {} {}", it.0, it.1).unwrap();
        }
    }
    // What a wrapper passes on is known where it is called; everything else must be known where it stands.
    for (file, read) in found.iter().filter(|it| it.1.key.is_none() && !it.1.is_forwarded) {
        if !announced.iter().any(|it| it.0 == *file && may_ask(read, &it.1)) {
            let (line, prefix) = (read.key_span.start.line + 1, read.prefix.as_deref().unwrap_or_default());
            writeln!(out, "not known: {} {prefix}* in {file}:{line}", read.method).unwrap();
        }
    }
    out
}

/// Whether a read whose key is not known may be one that asked for this.
fn may_ask(read: &Read, (method, key): &Asked) -> bool {
    read.key.is_none()
        && *read.method == **method
        && read.prefix.as_ref().is_none_or(|it| key.starts_with(&**it))
}
