//! Reading the settings of a folder from disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

use serde_json::Value;

use super::Root;
use crate::config::{self, Config, FileProblem, Inputs, Keys, file, posthog_json};

/// What settings depend on besides files.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// What the editor sent.
    pub settings: Option<Value>,
    /// The keys that the editor keeps.
    pub keys: Keys,
    /// The keys that `flagline login` kept.
    pub stored: Keys,
}

/// What came of reading settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// What is wrong with variables and editor settings, as sentences for a person.
    pub problems: Vec<String>,
    /// Whether other files are read now, or by other names.
    pub rescan: bool,
}

/// A settings file with everything that is wrong in it.
#[derive(Debug, Clone)]
pub struct SettingsFile {
    /// Where it lies.
    pub path: Arc<Path>,
    /// As it is on disk.
    pub text: String,
    /// By place.
    pub problems: Vec<FileProblem>,
}

impl Root {
    /// Reads the settings that count in a folder.
    pub(super) fn load(path: PathBuf, old: Option<&Root>, given: &Given) -> (Root, Vec<String>) {
        let mut problems = Vec::new();
        let found = find(&path, file::FILE_NAME);
        let good = old.and_then(|it| it.good.clone());
        let (read, good) = match found.as_deref().map(fs::read_to_string) {
            None => (None, None),
            Some(Ok(text)) => match file::read(&text) {
                Ok(file) => {
                    let file = Arc::new(file);
                    (Some(Ok(file.clone())), Some(file))
                }
                Err(wrong) => (Some(good.clone().ok_or_else(|| file::summary(&text, &wrong))), good),
            },
            Some(Err(error)) => {
                let why = cannot_read(found.as_deref().unwrap_or(&path), &error);
                problems.push(why.clone());
                (Some(good.clone().ok_or(why)), good)
            }
        };
        let json_path = find(&path, posthog_json::FILE_NAME);
        let json = json_path.as_ref().and_then(|it| fs::read_to_string(it).ok());
        let folder = found.as_deref().and_then(Path::parent).unwrap_or(&path);
        let inputs = Inputs {
            folder: Some(folder),
            file: read.as_ref().map(|it| it.as_deref().map_err(String::as_str)),
            posthog_json: json.map(|it| posthog_json::read(&it).0).unwrap_or_default(),
            ..given.inputs()
        };
        let (config, told) = config::load(variable, &inputs);
        problems.extend(told);
        let files = found.into_iter().chain(json_path).map(Arc::from).collect();
        (Root { config: config.into(), path, files, good }, problems)
    }
}

impl Given {
    pub(super) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            settings: self.settings.as_ref(),
            keys: Some(&self.keys),
            stored: Some(&self.stored),
            ..Inputs::default()
        }
    }

    /// The settings of what lies in no folder.
    pub(super) fn outside(&self) -> (Config, Vec<String>) {
        config::load(variable, &self.inputs())
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn cannot_read(path: &Path, error: &io::Error) -> String {
    format!("{} cannot be read: {error}", path.display())
}

/// A settings file of this name in a folder, or above it up to the folder that is a repository.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    for folder in folder.ancestors() {
        let file = folder.join(name);
        if file.is_file() {
            return Some(file);
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    None
}

/// The settings for a command that runs in a folder, with the keys that `flagline login` kept, and what is wrong with
/// variables.
pub fn config_in(folder: &Path, stored: Keys) -> (Config, Vec<String>) {
    let given = Given { stored, ..Given::default() };
    let (root, problems) = Root::load(folder.to_owned(), None, &given);
    (Arc::unwrap_or_clone(root.config), problems)
}

/// The settings files of a folder as they are on disk, with what is wrong in them.
pub fn files_of(folder: &Path) -> Vec<SettingsFile> {
    let read = |name: &str, check: fn(&str) -> Vec<FileProblem>| {
        let path = find(folder, name)?;
        let text = fs::read_to_string(&path).ok()?;
        Some(SettingsFile { path: path.into(), problems: check(&text), text })
    };
    let toml = read(file::FILE_NAME, |it| file::read(it).err().unwrap_or_default());
    let json = read(posthog_json::FILE_NAME, |it| posthog_json::read(it).1);
    toml.into_iter().chain(json).collect()
}
