use std::path::Path;

use assert_cmd::Command;
use flagline::sandbox;
use tempfile::TempDir;

use crate::posthog::Posthog;

/// The command with nothing of the machine's own settings.
pub fn flagline(folder: &Path) -> Command {
    let mut command = Command::from_std(std_flagline(folder));
    command.timeout(std::time::Duration::from_secs(60));
    command
}

pub fn std_flagline(folder: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_flagline"));
    command.current_dir(folder).env("XDG_CACHE_HOME", folder.join(".cache"));
    command.env("XDG_CONFIG_HOME", folder.join(".config")).env("FLAGLINE_KEYRING", "off");
    for name in [
        "FLAGLINE_HOST",
        "FLAGLINE_API_KEY",
        "FLAGLINE_PROJECT",
        "FLAGLINE_LOG",
        "NO_COLOR",
        "CLICOLOR",
        "CLICOLOR_FORCE",
    ] {
        command.env_remove(name);
    }
    command
}

pub fn signed_in(folder: &Path, posthog: &Posthog) -> Command {
    let mut command = flagline(folder);
    command
        .env("FLAGLINE_HOST", posthog.url())
        .env("FLAGLINE_API_KEY", sandbox::API_KEY)
        .env("FLAGLINE_PROJECT", sandbox::PROJECT_ID.to_string());
    command
}

/// Exit code, stdout and stderr. Blocking, so it does not run where the sandbox does.
pub async fn run(mut command: Command) -> (i32, String, String) {
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |it: Vec<u8>| String::from_utf8(it).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

pub fn tree(files: &[(&str, &str)]) -> TempDir {
    let folder = TempDir::new().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}
