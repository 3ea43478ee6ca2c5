//! `flagline login`, `logout`, `whoami`: keys that are kept, and where they go.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;
#[path = "support/terminal.rs"]
mod terminal;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use assert_cmd::Command;
use flagline::posthog::account::SCOPES;
use flagline::sandbox::{API_KEY, READ_KEY};
use posthog::Posthog;
use serde_json::{Value, json};
use terminal::{flagline, run, signed_in, tree};

const APP: (&str, &str) = ("app.ts", "posthog.isFeatureEnabled('new-checkout')\n");

/// A repository that names this host.
fn repository(posthog: &Posthog) -> tempfile::TempDir {
    let toml = format!("[[environment]]\nhost = \"{}\"\nproject = 1\n", posthog.url());
    tree(&[APP, ("flagline.toml", &toml)])
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = flagline(folder);
    command.args(arguments);
    command
}

fn login(folder: &Path, host: &str, key: &str) -> Command {
    let mut command = command(folder, &["login", host, "--key-from-stdin"]);
    command.write_stdin(format!("{key}\n"));
    command
}

#[tokio::test]
async fn a_key_is_tried_kept_used_and_forgotten() {
    let posthog = Posthog::start().await;
    let folder = repository(&posthog);
    let path = folder.path();
    let (code, stdout, stderr) = run(command(path, &["whoami"])).await;
    assert_eq!((code, &*stderr), (1, ""), "{stdout}");
    assert!(stdout.contains("not signed in to http://127.0.0.1:"), "{stdout}");

    let (code, stdout, stderr) = run(login(path, posthog.url(), API_KEY)).await;
    assert_eq!((code, &*stderr), (0, ""));
    let kept = path.join(".config/flagline/keys.json");
    for words in [
        &format!("Signed in to {} as Ada", posthog.url()),
        "The key can see 1 Offset.",
        &format!("kept in {}, readable by you alone, since FLAGLINE_KEYRING is off.", kept.display()),
    ] {
        assert!(stdout.contains(words), "no {words:?} in {stdout}");
    }
    assert!(!stdout.contains(API_KEY) && !stdout.contains("lacks"), "{stdout}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(kept.parent().unwrap()).unwrap().count(), 1, "no temporary file stays");
    }

    let (code, stdout, _) = run(command(path, &["whoami"])).await;
    assert_eq!(code, 0);
    let expected = format!("production: {}, project 1 Offset\n  the key is of Ada", posthog.url());
    assert!(stdout.starts_with(&expected), "{stdout}");
    assert!(stdout.contains("from the file that `flagline login` wrote"), "{stdout}");
    let (code, stdout, _) = run(command(path, &["check"])).await;
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("new-checkout"), "{stdout}");
    let mirror = fs::read_dir(path.join(".cache/flagline")).unwrap().count();
    assert!(mirror > 0);

    let (code, stdout, stderr) = run(command(path, &["logout"])).await;
    assert_eq!((code, &*stderr), (0, ""));
    assert_eq!(stdout, format!("Signed out of {}.\n", posthog.url()));
    assert!(!fs::read_to_string(&kept).unwrap().contains("phx_"));
    let mirrors = fs::read_dir(path.join(".cache/flagline")).unwrap().flatten();
    assert!(mirrors.into_iter().all(|it| it.path().extension().is_none_or(|it| it != "json")));
    assert_eq!(run(command(path, &["whoami"])).await.0, 1);
    let (code, _, stderr) = run(command(path, &["logout"])).await;
    assert_eq!((code, stderr), (1, format!("flagline: nobody was signed in to {}\n", posthog.url())));
}

#[tokio::test]
async fn a_key_goes_only_to_the_host_that_it_was_kept_for() {
    let (ours, theirs) = (Posthog::start().await, Posthog::start().await);
    let folder = repository(&theirs);
    let path = folder.path();
    assert_eq!(run(login(path, ours.url(), API_KEY)).await.0, 0);
    let (code, stdout, _) = run(command(path, &["whoami"])).await;
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains(&format!("Signed in to {} too", ours.url())), "{stdout}");
    assert_eq!(run(command(path, &["check"])).await.0, 2);
    // Nor is a key tried at a host that only a file names.
    let mut blind = command(path, &["login", "--key-from-stdin"]);
    blind.write_stdin(API_KEY);
    let (code, _, stderr) = run(blind).await;
    assert_eq!(code, 2);
    assert!(stderr.contains("say which PostHog the key is for"), "{stderr}");
    assert_eq!(theirs.all_requests().await, 0);
    // Where nothing names a host, the only one that somebody signed in to is meant.
    fs::remove_file(path.join("flagline.toml")).unwrap();
    assert_eq!(run(command(path, &["whoami"])).await.0, 0);
}

#[tokio::test]
async fn what_a_key_lacks_is_said_with_what_it_is_for() {
    let posthog = Posthog::start().await;
    let folder = repository(&posthog);
    let (code, stdout, _) = run(login(folder.path(), posthog.url(), READ_KEY)).await;
    assert_eq!(code, 0);
    for scope in ["feature_flag:write", "dashboard:write", "insight:write"] {
        assert_eq!(stdout.matches(scope).count(), 1, "{stdout}");
    }
    let (code, stdout, _) = run(command(folder.path(), &["whoami", "--format", "json"])).await;
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    let row = &answer["environments"][0];
    assert_eq!(
        (code, &row["keyFrom"], &row["project"]),
        (0, &json!("file"), &json!({"id": 1, "name": "Offset"}))
    );
    let missing = json!({"scope": "feature_flag:write", "neededFor": "launching and moving features, and archiving flags"});
    let scopes = row["missingScopes"].as_array().unwrap().iter();
    let n_writes = scopes.filter(|it| it["scope"].as_str().unwrap().ends_with(":write")).count();
    assert_eq!((&row["missingScopes"][0], n_writes), (&missing, 11));

    // An older server does not say; that is no reason to call anything missing.
    let unknown = json!([{ "path_contains": "personal_api_keys", "kind": "status", "status": 404 }]);
    posthog.faults(unknown).await;
    let (code, stdout, _) = run(command(folder.path(), &["whoami"])).await;
    assert!(code == 0 && !stdout.contains("lacks"), "{stdout}");
}

#[tokio::test]
async fn what_cannot_be_a_key_or_is_refused_is_not_kept() {
    let posthog = Posthog::start().await;
    let folder = repository(&posthog);
    let path = folder.path();
    for (key, code, words) in [
        ("phc_sandbox", 2, "project token"),
        ("", 2, "was it pasted whole"),
        ("phx_wrong", 1, "does not accept the API key"),
    ] {
        let (found, stdout, stderr) = run(login(path, posthog.url(), key)).await;
        assert_eq!((found, &*stdout), (code, ""), "{stderr}");
        assert!(stderr.contains(words) && !stderr.contains("phx_wrong"), "{stderr}");
    }
    let (code, _, stderr) = run(command(path, &["login", API_KEY])).await;
    assert!(code == 2 && stderr.contains("does not belong on the command line"), "{stderr}");
    assert!(!stderr.contains(API_KEY), "{stderr}");
    assert!(!path.join(".config/flagline/keys.json").exists());
    posthog.faults(json!([{ "kind": "status", "status": 503 }])).await;
    assert_eq!(run(login(path, posthog.url(), API_KEY)).await.0, 2);
}

#[tokio::test]
async fn the_variable_goes_before_what_was_kept() {
    let posthog = Posthog::start().await;
    let folder = tree(&[APP]);
    let mut variable = signed_in(folder.path(), &posthog);
    variable.arg("whoami");
    let (code, stdout, _) = run(variable).await;
    assert!(code == 0 && stdout.contains("from FLAGLINE_API_KEY"), "{stdout}");
    let mut both = signed_in(folder.path(), &posthog);
    both.args(["login", posthog.url(), "--key-from-stdin"]).write_stdin(READ_KEY);
    let (code, _, stderr) = run(both).await;
    assert!(code == 0 && stderr.contains("FLAGLINE_API_KEY is set and goes before"), "{stderr}");
    let mut variable = signed_in(folder.path(), &posthog);
    variable.arg("whoami");
    let (_, stdout, _) = run(variable).await;
    assert!(stdout.contains("from FLAGLINE_API_KEY") && !stdout.contains("lacks"), "{stdout}");
    let mut logout = signed_in(folder.path(), &posthog);
    logout.arg("logout");
    let (code, stdout, stderr) = run(logout).await;
    assert!(code == 1 && stdout.starts_with("Signed out of"), "{stdout}");
    assert!(stderr.contains("comes from FLAGLINE_API_KEY; unset it"), "{stderr}");
}

#[tokio::test]
async fn who_cannot_be_asked_is_said_so() {
    let posthog = Posthog::start().await;
    let folder = repository(&posthog);
    assert_eq!(run(login(folder.path(), posthog.url(), API_KEY)).await.0, 0);
    posthog.faults(json!([{ "kind": "status", "status": 401 }])).await;
    let (code, stdout, _) = run(command(folder.path(), &["whoami"])).await;
    assert!(code == 1 && stdout.contains("does not accept the API key"), "{stdout}");
    posthog.stop().await;
    let (code, stdout, _) = run(command(folder.path(), &["whoami"])).await;
    assert!(code == 2 && stdout.contains("cannot be reached"), "{stdout}");
    fs::write(folder.path().join(".config/flagline/keys.json"), "{\"hosts\": {\"a\": phx_secret").unwrap();
    let (code, _, stderr) = run(command(folder.path(), &["whoami"])).await;
    assert!(code == 1 && stderr.contains("keys.json cannot be understood"), "{stderr}");
    assert!(!stderr.contains("phx_secret"), "{stderr}");
}

/// A bus that takes connections and never says a word.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_keyring_that_hangs_holds_up_nobody_for_long() {
    let posthog = Posthog::start().await;
    let folder = repository(&posthog);
    let path = folder.path();
    let socket = path.join("bus");
    let _silent = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let with_bus = |mut command: Command| {
        command.env_remove("FLAGLINE_KEYRING");
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display()));
        command
    };
    let begun = std::time::Instant::now();
    let (code, stdout, _) = run(with_bus(login(path, posthog.url(), API_KEY))).await;
    assert_eq!(code, 0);
    assert!(stdout.contains("since the keyring of this machine does not answer"), "{stdout}");
    // From the file no keyring is asked.
    let (code, ..) = run(with_bus(command(path, &["whoami"]))).await;
    assert_eq!(code, 0);
    // Neither is one with nothing in it waited for longer than that.
    let kept = path.join(".config/flagline/keys.json");
    fs::write(&kept, json!({ "hosts": { posthog.url(): {} } }).to_string()).unwrap();
    let (code, _, stderr) = run(with_bus(command(path, &["whoami"]))).await;
    assert!(
        code == 1 && stderr.contains("does not give it: the keyring of this machine does not"),
        "{stderr}"
    );
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

/// No bus at all, as on a server or in a container.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_machine_without_a_keyring_uses_the_file() {
    let posthog = Posthog::start().await;
    let folder = repository(&posthog);
    let mut command = login(folder.path(), posthog.url(), API_KEY);
    command.env_remove("FLAGLINE_KEYRING").env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/no/such/bus");
    let (code, stdout, stderr) = run(command).await;
    assert_eq!((code, &*stderr), (0, ""));
    assert!(stdout.contains("readable by you alone, since this machine has no keyring."), "{stdout}");
}

/// The scopes that a text names.
fn scopes_in(path: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(path).unwrap();
    let is_scope = |it: &&str| it.ends_with(":read") || it.ends_with(":write");
    let words = text.split(|it: char| !(it.is_ascii_lowercase() || it == '_' || it == ':'));
    words.filter(is_scope).map(str::to_owned).collect()
}

#[test]
fn the_documentation_has_the_same_scopes() {
    let all: BTreeSet<String> = SCOPES.iter().map(|it| it.0.to_owned()).collect();
    assert_eq!(scopes_in("docs/connect.md"), all);
    // What a key for CI needs is a part of it.
    let some = scopes_in("docs/check.md");
    assert!(!some.is_empty() && some.is_subset(&all), "{some:?}");
    for path in ["editors/vscode/src/signIn.ts", "editors/vscode/README.md"] {
        assert_eq!(scopes_in(path), all, "{path}");
    }
}
