//! The other end of the protocol: a small client that drives the real binary over pipes, for `flagline demo` and
//! for tests.

use std::collections::VecDeque;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Longer than any answer takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A language server in a process of its own.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    unread: VecDeque<Value>,
    next_id: u64,
}

impl Client {
    /// Starts the server. Its log goes where `command` says.
    pub fn start(mut command: Command) -> anyhow::Result<Client> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child = child.context("the server does not start")?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().context("the server has no stdout")?);
        Ok(Client { child, input, output, unread: VecDeque::new(), next_id: 0 })
    }

    /// The server's process.
    pub fn process(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Sends a request and waits for its answer; the error object is an error. What else arrives is kept.
    pub async fn request(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        let id = self.send_request(method, params).await?;
        self.answer_to(id).await
    }

    /// Sends a request without waiting.
    pub async fn send_request(&mut self, method: &str, params: Value) -> anyhow::Result<u64> {
        self.next_id += 1;
        let id = self.next_id;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await?;
        Ok(id)
    }

    /// Waits for the answer to a request.
    pub async fn answer_to(&mut self, id: u64) -> anyhow::Result<Value> {
        let is_answer = |it: &Value| it["id"] == id && it.get("method").is_none();
        let answer = self.wait_for(is_answer).await?;
        match answer.get("error") {
            Some(error) => bail!("{error}"),
            None => Ok(answer["result"].clone()),
        }
    }

    /// Sends a notification.
    pub async fn notify(&mut self, method: &str, params: Value) -> anyhow::Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params })).await
    }

    /// Waits for the next notification or request of this method and returns its parameters. A request is
    /// answered with `null`.
    pub async fn expect(&mut self, method: &str) -> anyhow::Result<Value> {
        let message =
            self.wait_for(|it| it["method"] == method).await.with_context(|| format!("no {method}"))?;
        if let Some(id) = message.get("id") {
            self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": null })).await?;
        }
        Ok(message["params"].clone())
    }

    /// Waits for a message, keeping all others in their order.
    pub async fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) -> anyhow::Result<Value> {
        if let Some(at) = self.unread.iter().position(&wanted)
            && let Some(message) = self.unread.remove(at)
        {
            return Ok(message);
        }
        loop {
            let message = tokio::time::timeout(PATIENCE, self.receive()).await;
            let message = message.context("the server is silent")??;
            if wanted(&message) {
                return Ok(message);
            }
            self.unread.push_back(message);
        }
    }

    /// Messages that arrived and that nobody asked for, after a moment for those under way.
    pub async fn unread(&mut self) -> Vec<Value> {
        while let Ok(Ok(message)) = tokio::time::timeout(Duration::from_millis(100), self.receive()).await {
            self.unread.push_back(message);
        }
        self.unread.drain(..).collect()
    }

    /// `shutdown` and `exit`; returns the exit code.
    pub async fn end(&mut self) -> anyhow::Result<Option<i32>> {
        self.request("shutdown", Value::Null).await?;
        self.notify("exit", Value::Null).await?;
        self.exit_code().await
    }

    /// Closes the server's stdin.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Waits until the server ended.
    pub async fn exit_code(&mut self) -> anyhow::Result<Option<i32>> {
        let status =
            tokio::time::timeout(PATIENCE, self.child.wait()).await.context("the server does not end")?;
        Ok(status?.code())
    }

    /// Sends a message as it is.
    pub async fn send(&mut self, message: &Value) -> anyhow::Result<()> {
        let body = serde_json::to_string(message)?;
        let input = self.input.as_mut().context("stdin is closed")?;
        input.write_all(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).await?;
        input.flush().await?;
        Ok(())
    }

    async fn receive(&mut self) -> anyhow::Result<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if self.output.read_line(&mut line).await? == 0 {
                bail!("the server closed its stdout");
            }
            match line.trim_end() {
                "" => break,
                header => {
                    if let Some(value) = header.strip_prefix("Content-Length:") {
                        length = value.trim().parse()?;
                    }
                }
            }
        }
        let mut body = vec![0; length];
        self.output.read_exact(&mut body).await?;
        Ok(serde_json::from_slice(&body)?)
    }
}
