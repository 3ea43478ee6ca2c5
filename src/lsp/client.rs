//! The other end of the protocol: a small client that drives the real binary over pipes, for `flagline demo` and
//! for tests.

use std::collections::VecDeque;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// Longer than any answer takes, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A language server in a process of its own.
pub struct Client {
    child: Child,
    input: Option<ChildStdin>,
    output: ChildStdout,
    /// Bytes of messages that are not complete yet, or that nobody waited for.
    received: Vec<u8>,
    unread: VecDeque<Value>,
    next_id: u64,
}

impl Client {
    /// Starts the server. Its log goes where `command` says.
    pub fn start(mut command: Command) -> anyhow::Result<Client> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn();
        let mut child = child.context("the server does not start")?;
        let input = child.stdin.take();
        let output = child.stdout.take().context("the server has no stdout")?;
        Ok(Client { child, input, output, received: Vec::new(), unread: VecDeque::new(), next_id: 0 })
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

    /// The next message. What was read of it is kept when nobody waits any longer, so that a message is never
    /// lost in its middle.
    async fn receive(&mut self) -> anyhow::Result<Value> {
        loop {
            if let Some(message) = take_message(&mut self.received)? {
                return Ok(message);
            }
            self.received.reserve(8 << 10);
            if self.output.read_buf(&mut self.received).await? == 0 {
                match self.received.as_slice() {
                    [] => bail!("the server closed its stdout"),
                    rest => bail!("the server closed its stdout in a message: {}", lossy(rest)),
                }
            }
        }
    }
}

/// Takes the first message off `bytes` if it is complete. Anything but the protocol is an error.
fn take_message(bytes: &mut Vec<u8>) -> anyhow::Result<Option<Value>> {
    let Some(header_end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
        let sound = b"Content-".starts_with(&bytes[..bytes.len().min(8)]) || bytes.starts_with(b"Content-");
        return if sound { Ok(None) } else { bail!("this is no protocol: {}", lossy(bytes)) };
    };
    let header = std::str::from_utf8(&bytes[..header_end]).context("a header is no UTF-8")?;
    let mut length = None;
    for line in header.split("\r\n") {
        match line.split_once(": ") {
            Some(("Content-Length", value)) => length = Some(value.trim().parse::<usize>()?),
            Some(("Content-Type", _)) => {}
            _ => bail!("this is no header of the protocol: {line}"),
        }
    }
    let start = header_end + 4;
    let end = start + length.context("a message without Content-Length")?;
    if bytes.len() < end {
        return Ok(None);
    }
    let message = serde_json::from_slice(&bytes[start..end])?;
    bytes.drain(..end);
    Ok(Some(message))
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_whole_or_not_at_all() {
        let mut bytes = b"Content-Length: 2\r\n\r\n{}Content-Le".to_vec();
        assert_eq!(take_message(&mut bytes).unwrap(), Some(json!({})));
        assert_eq!(take_message(&mut bytes).unwrap(), None);
        bytes.extend_from_slice(b"ngth: 3\r\n\r\n[1");
        assert_eq!(take_message(&mut bytes).unwrap(), None);
        bytes.extend_from_slice(b"]");
        assert_eq!(take_message(&mut bytes).unwrap(), Some(json!([1])));
        assert!(bytes.is_empty());
        assert!(take_message(&mut b"warning: hello".to_vec()).is_err());
    }
}
