//! An editor without windows for tests: the real binary over pipes, a folder for its files, and PostHog's sandbox
//! in this process.
//!
//! Every message that the server sends must be asked for: [`Editor::finish`] fails on one that is left, and a test
//! that forgets to finish fails too.

#![expect(dead_code, reason = "each test binary uses its part")]

mod posthog;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use flagline::lsp::client::Client;
use flagline::sandbox;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::Command;
use url::Url;

pub use posthog::Posthog;

/// What VS Code and most others say, reduced to what the server looks at.
pub fn capabilities() -> Value {
    json!({
        "textDocument": {
            "hover": { "contentFormat": ["markdown", "plaintext"] },
            "publishDiagnostics": { "codeDescriptionSupport": true },
            "codeAction": {
                "codeActionLiteralSupport": { "codeActionKind": { "valueSet": ["quickfix"] } },
                "disabledSupport": true,
            },
        },
        "workspace": { "workspaceEdit": { "documentChanges": true } },
        "window": { "showDocument": { "support": true } },
    })
}

/// How an editor starts its server.
pub struct Start {
    pub folder: TempDir,
    pub command: Command,
    pub params: Value,
}

impl Start {
    /// A workspace with these files, and nobody signed in.
    pub fn new(files: &[(&str, &str)]) -> Start {
        let folder = TempDir::new().unwrap();
        let root = folder.path().join("app");
        std::fs::create_dir(&root).unwrap();
        for (path, text) in files {
            write(&root.join(path), text);
        }
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_flagline"));
        command.arg("lsp").stderr(log).env("XDG_CACHE_HOME", folder.path().join("cache"));
        command.env("XDG_CONFIG_HOME", folder.path().join("config")).env("FLAGLINE_KEYRING", "off");
        for name in ["FLAGLINE_HOST", "FLAGLINE_API_KEY", "FLAGLINE_PROJECT", "FLAGLINE_LOG"] {
            command.env_remove(name);
        }
        let uri = Url::from_file_path(&root).unwrap();
        let params = json!({
            "processId": null,
            "rootUri": null,
            "capabilities": capabilities(),
            "workspaceFolders": [{ "uri": uri, "name": "app" }],
        });
        Start { folder, command, params }
    }

    pub fn signed_in(mut self, posthog: &Posthog) -> Start {
        self.command
            .env("FLAGLINE_HOST", posthog.url())
            .env("FLAGLINE_API_KEY", sandbox::API_KEY)
            .env("FLAGLINE_PROJECT", sandbox::PROJECT_ID.to_string());
        self
    }

    /// One more folder beside the root, with its files.
    pub fn folder(mut self, name: &str, files: &[(&str, &str)]) -> Start {
        let root = self.folder.path().join(name);
        std::fs::create_dir_all(&root).unwrap();
        for (path, text) in files {
            write(&root.join(path), text);
        }
        let folder = json!({ "uri": Url::from_file_path(&root).unwrap(), "name": name });
        self.params["workspaceFolders"].as_array_mut().unwrap().push(folder);
        self
    }

    pub fn env(mut self, name: &str, value: &str) -> Start {
        self.command.env(name, value);
        self
    }

    pub fn options(mut self, options: Value) -> Start {
        self.params["initializationOptions"] = options;
        self
    }

    /// Replaces one part of the client's capabilities; `pointer` as in `/window/showDocument`.
    pub fn capability(mut self, pointer: &str, value: Value) -> Start {
        let mut at = &mut self.params["capabilities"];
        for part in pointer.split('/').skip(1) {
            at = &mut at[part];
        }
        *at = value;
        self
    }

    pub fn capabilities(mut self, capabilities: Value) -> Start {
        self.params["capabilities"] = capabilities;
        self
    }

    /// The process alone, before `initialize`.
    pub fn process(self) -> Editor {
        let client = Client::start(self.command).unwrap();
        Editor {
            client,
            folder: self.folder,
            params: self.params,
            texts: HashMap::new(),
            ignored: Vec::new(),
            utf8: false,
            finished: false,
        }
    }

    /// `initialize` and `initialized`.
    pub async fn start(self) -> Editor {
        let mut editor = self.process();
        editor.initialize().await;
        editor
    }

    /// The same for nobody signed in, who is told so: a settings file is about PostHog.
    pub async fn start_signed_out(self) -> Editor {
        write(&self.folder.path().join("app/.posthog.json"), r#"{ "projectId": 1 }"#);
        let mut editor = self.start().await;
        let told = editor.told().await;
        assert!(told.contains("not signed in to"), "{told}");
        editor
    }
}

/// A document as this side of the protocol knows it.
struct Document {
    text: String,
    version: i32,
}

pub struct Editor {
    pub client: Client,
    pub folder: TempDir,
    params: Value,
    texts: HashMap<String, Document>,
    ignored: Vec<String>,
    /// Columns are bytes; else UTF-16 code units.
    pub utf8: bool,
    finished: bool,
}

impl Editor {
    /// `initialize` and `initialized`; returns the server's answer.
    pub async fn initialize(&mut self) -> Value {
        let answer = self.client.request("initialize", self.params.clone()).await.unwrap();
        self.utf8 = answer["capabilities"]["positionEncoding"] == "utf-8";
        self.client.notify("initialized", json!({})).await.unwrap();
        answer
    }

    // Files and documents. A path with a colon is an address.

    pub fn root(&self) -> PathBuf {
        self.folder.path().join("app")
    }

    pub fn uri(&self, path: &str) -> String {
        match path.contains(':') {
            true => path.to_owned(),
            false => Url::from_file_path(self.root().join(path)).unwrap().to_string(),
        }
    }

    pub fn write(&self, path: &str, text: &str) {
        write(&self.root().join(path), text);
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    pub async fn open(&mut self, path: &str, text: &str) {
        let language = match path.rsplit('.').next() {
            Some("py") => "python",
            Some("tsx") => "typescriptreact",
            Some("toml") => "toml",
            _ => "typescript",
        };
        let document = json!({ "uri": self.uri(path), "languageId": language, "version": 1, "text": text });
        self.texts.insert(path.to_owned(), Document { text: text.to_owned(), version: 1 });
        self.notify("textDocument/didOpen", json!({ "textDocument": document })).await;
    }

    pub async fn close(&mut self, path: &str) {
        self.texts.remove(path);
        let document = json!({ "uri": self.uri(path) });
        self.notify("textDocument/didClose", json!({ "textDocument": document })).await;
    }

    /// What the document holds.
    pub fn text(&self, path: &str) -> &str {
        &self.texts[path].text
    }

    /// Replaces the first occurrence of `old`, here and there.
    pub async fn edit(&mut self, path: &str, old: &str, new: &str) {
        let change = json!({ "range": self.range_of(path, old), "text": new });
        let document = self.texts.get_mut(path).unwrap();
        document.text = document.text.replacen(old, new, 1);
        document.version += 1;
        let version = document.version;
        self.change(path, version, json!([change])).await;
    }

    /// Replaces all of the document.
    pub async fn rewrite(&mut self, path: &str, text: &str) {
        let document = self.texts.get_mut(path).unwrap();
        document.text = text.to_owned();
        document.version += 1;
        let version = document.version;
        self.change(path, version, json!([{ "text": text }])).await;
    }

    /// Writes the document to disk and says so.
    pub async fn save(&mut self, path: &str) {
        self.write(path, self.text(path));
        let saved = json!({ "textDocument": { "uri": self.uri(path) } });
        self.notify("textDocument/didSave", saved).await;
    }

    /// Tells that a file changed on disk: 1 created, 2 changed, 3 deleted.
    pub async fn watched(&mut self, path: &str, kind: u32) {
        let changes = json!([{ "uri": self.uri(path), "type": kind }]);
        self.notify("workspace/didChangeWatchedFiles", json!({ "changes": changes })).await;
    }

    /// Sends settings.
    pub async fn configure(&mut self, settings: Value) {
        self.notify("workspace/didChangeConfiguration", json!({ "settings": settings })).await;
    }

    /// `didChange` as it is.
    pub async fn change(&mut self, path: &str, version: i32, changes: Value) {
        let document = json!({ "uri": self.uri(path), "version": version });
        let params = json!({ "textDocument": document, "contentChanges": changes });
        self.notify("textDocument/didChange", params).await;
    }

    /// Where `needle` first stands in the document.
    pub fn range_of(&self, path: &str, needle: &str) -> Value {
        let text = self.text(path);
        let start = text.find(needle).unwrap_or_else(|| panic!("no {needle:?} in {text:?}"));
        let end = start + needle.len();
        json!({ "start": self.position(text, start), "end": self.position(text, end) })
    }

    fn position(&self, text: &str, offset: usize) -> Value {
        let line_start = text[..offset].rfind('\n').map_or(0, |it| it + 1);
        let before = &text[line_start..offset];
        let character = if self.utf8 { before.len() } else { before.encode_utf16().count() };
        json!({ "line": text[..offset].matches('\n').count(), "character": character })
    }

    /// The parameters of a request about the place behind the first occurrence of `needle`.
    pub fn behind(&self, path: &str, needle: &str) -> Value {
        let position = &self.range_of(path, needle)["end"];
        json!({ "textDocument": { "uri": self.uri(path) }, "position": position })
    }

    /// What can be written behind the first occurrence of `needle`.
    pub async fn completions(&mut self, path: &str, needle: &str) -> Value {
        let params = self.behind(path, needle);
        self.request("textDocument/completion", params).await
    }

    /// The hover at the first occurrence of `needle`.
    pub async fn hover(&mut self, path: &str, needle: &str) -> Value {
        let id = self.ask_hover(path, needle).await;
        self.client.answer_to(id).await.unwrap()
    }

    /// Asks for a hover and does not wait.
    pub async fn ask_hover(&mut self, path: &str, needle: &str) -> u64 {
        let position = &self.range_of(path, needle)["start"];
        let params = json!({ "textDocument": { "uri": self.uri(path) }, "position": position });
        self.client.send_request("textDocument/hover", params).await.unwrap()
    }

    pub async fn hover_text(&mut self, path: &str, needle: &str) -> String {
        let hover = self.hover(path, needle).await;
        hover["contents"]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// Hovers until the card says `words`: what it shows is loaded in the background.
    pub async fn hover_until(&mut self, path: &str, needle: &str, words: &str) -> String {
        let mut text = String::new();
        for _ in 0..1500 {
            text = self.hover_text(path, needle).await;
            if text.contains(words) {
                return text;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the hover never says {words:?}, but {text:?}");
    }

    pub async fn actions(&mut self, path: &str, needle: &str) -> Vec<Value> {
        let range = self.range_of(path, needle);
        let params = json!({
            "textDocument": { "uri": self.uri(path) },
            "range": { "start": range["start"], "end": range["start"] },
            "context": { "diagnostics": [] },
        });
        let actions = self.request("textDocument/codeAction", params).await;
        actions.as_array().cloned().unwrap_or_default()
    }

    /// The action whose title starts so.
    pub async fn action(&mut self, path: &str, needle: &str, title: &str) -> Value {
        let actions = self.actions(path, needle).await;
        let found = actions.iter().find(|it| it["title"].as_str().unwrap().starts_with(title));
        found.unwrap_or_else(|| panic!("no {title:?} in {actions:#?}")).clone()
    }

    /// Runs a command as an action carries it.
    pub async fn execute(&mut self, command: &Value) {
        let mut params = json!({ "command": command["command"] });
        if let Some(arguments) = command.get("arguments") {
            params["arguments"] = arguments.clone();
        }
        assert_eq!(self.request("workspace/executeCommand", params).await, json!(null));
    }

    // Messages.

    /// Writes the brief of a feature, and has it launched; a question is answered with yes. Returns what is told.
    pub async fn launch(&mut self, key: &str) -> String {
        let path = format!(".flagline/{key}.toml");
        if !self.root().join(&path).exists() {
            self.write(&path, &format!("key = \"{key}\"\n"));
        }
        self.start_launch(key).await;
        let question = self.answer("window/showMessageRequest", json!({ "title": "Launch" })).await;
        assert!(question["message"].as_str().unwrap().contains(key), "{question}");
        self.told().await
    }

    /// Has a feature launched that cannot be, so that nothing is asked.
    pub async fn start_launch(&mut self, key: &str) {
        let argument = json!({ "key": key, "uri": self.uri("app.ts") });
        self.execute(&json!({ "command": "flagline.launch", "arguments": [argument] })).await;
    }

    pub async fn request(&mut self, method: &str, params: Value) -> Value {
        self.client.request(method, params).await.unwrap()
    }

    /// The whole answer, error and all.
    pub async fn raw_answer(&mut self, id: u64) -> Value {
        self.client.wait_for(|it| it["id"] == id && it.get("method").is_none()).await.unwrap()
    }

    /// The code of the error that a request gets.
    pub async fn error_code(&mut self, method: &str, params: Value) -> i64 {
        let id = self.client.send_request(method, params).await.unwrap();
        let answer = self.raw_answer(id).await;
        answer["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error but {answer}"))
    }

    /// The sentence with which a request is refused.
    pub async fn refused(&mut self, method: &str, params: Value) -> String {
        let id = self.client.send_request(method, params).await.unwrap();
        let answer = self.raw_answer(id).await;
        let message = answer["error"]["message"].as_str();
        message.unwrap_or_else(|| panic!("no error but {answer}")).to_owned()
    }

    /// Messages of this method may be left at the end.
    pub fn ignore(&mut self, method: &str) {
        self.ignored.push(method.to_owned());
    }

    /// Reads statuses until the first environment is in this state.
    pub async fn status(&mut self, state: &str) -> Value {
        loop {
            let status = self.client.expect("flagline/status").await.unwrap();
            if status["environments"][0]["state"] == state {
                return status;
            }
        }
    }

    pub async fn notify(&mut self, method: &str, params: Value) {
        self.client.notify(method, params).await.unwrap();
    }

    /// The next pop-up.
    pub async fn told(&mut self) -> String {
        self.client.expect("window/showMessage").await.unwrap()["message"].as_str().unwrap().to_owned()
    }

    /// The next line in the client's log.
    pub async fn logged(&mut self) -> String {
        self.client.expect("window/logMessage").await.unwrap()["message"].as_str().unwrap().to_owned()
    }

    /// Waits for a request of the server and answers it; returns its parameters.
    pub async fn answer(&mut self, method: &str, result: Value) -> Value {
        let request = self.client.wait_for(|it| it["method"] == method).await.unwrap();
        let answer = json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
        self.client.send(&answer).await.unwrap();
        request["params"].clone()
    }

    /// The next diagnostics of a file.
    pub async fn published(&mut self, path: &str) -> Vec<Value> {
        self.publication(path).await["diagnostics"].as_array().unwrap().clone()
    }

    async fn publication(&mut self, path: &str) -> Value {
        let uri = self.uri(path);
        let wanted =
            |it: &Value| it["method"] == "textDocument/publishDiagnostics" && it["params"]["uri"] == *uri;
        self.client.wait_for(wanted).await.unwrap()["params"].clone()
    }

    /// The next diagnostics as "code: message".
    pub async fn warnings(&mut self, path: &str) -> Vec<String> {
        let words =
            |it: &Value| format!("{}: {}", it["code"].as_str().unwrap(), it["message"].as_str().unwrap());
        self.published(path).await.iter().map(words).collect()
    }

    /// Reads diagnostics of a file until they are these, in "code: message" or a part of it.
    pub async fn warned(&mut self, path: &str, expected: &[&str]) {
        loop {
            let warnings = self.warnings(path).await;
            let same = |(is, expected): (&String, &&str)| is.contains(expected);
            if warnings.len() == expected.len() && warnings.iter().zip(expected).all(same) {
                return;
            }
        }
    }

    /// State without secrets.
    pub async fn debug(&mut self) -> Value {
        self.request("flagline/debug", json!({})).await
    }

    /// Ends the session as editors do. Nothing may be left that no test asked for.
    pub async fn finish(mut self) {
        let mut unread = self.client.unread().await;
        unread.retain(|it| !self.ignored.iter().any(|method| it["method"] == **method));
        assert!(unread.is_empty(), "nobody expected {unread:#?}");
        assert_eq!(self.client.end().await.unwrap(), Some(0));
        self.finished = true;
    }

    /// The session ends in another way, and this is the exit code.
    pub async fn ended(mut self) -> Option<i32> {
        self.finished = true;
        self.client.exit_code().await.unwrap()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        if !self.finished && !std::thread::panicking() {
            panic!("the test ends without finish()");
        }
    }
}

pub fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Waits until a condition holds.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1500 {
        if holds().await {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}
