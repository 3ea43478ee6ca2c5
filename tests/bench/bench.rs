//! `cargo bench`: how long people wait, each figure beside something measured on the same machine in the same
//! run. Nothing here asserts a time.

mod edits;
mod mirror;
mod monorepo;
mod removal;
mod server;
mod tree;

use std::time::Duration;

fn main() {
    // `cargo test --benches` only wants to know that this builds.
    if std::env::args().any(|it| it == "--test") {
        return;
    }
    // `cargo bench -- tree` measures one of them.
    let wanted = |name: &str| {
        let mut named = std::env::args().skip(1).filter(|it| !it.starts_with('-')).peekable();
        named.peek().is_none() || named.any(|it| it == name)
    };
    println!("{:<58} {:>10} {:>10} {:>8}", "", "median", "p99", "ratio");
    if wanted("edits") {
        edits::run();
    }
    if wanted("server") {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(server::run()).expect("the server's figures");
    }
    if wanted("mirror") {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(mirror::run()).expect("the figures of a mirror");
    }
    if wanted("removal") {
        removal::run().expect("the figures of a removal");
    }
    if wanted("tree") {
        tree::run().expect("the figures of a tree");
    }
}

/// Durations of one kind, sorted.
struct Figures(Vec<Duration>);

impl Figures {
    fn new(mut durations: Vec<Duration>) -> Figures {
        durations.sort();
        Figures(durations)
    }

    fn percentile(&self, percent: usize) -> Duration {
        self.0[(self.0.len() - 1) * percent / 100]
    }

    /// A row; the ratio is this median in terms of the other's.
    fn print(&self, name: &str, beside: Option<&Figures>) {
        let (median, p99) = (self.percentile(50), self.percentile(99));
        let ratio =
            beside.map(|it| format!("{:.3}x", median.as_secs_f64() / it.percentile(50).as_secs_f64()));
        println!("{name:<58} {:>10} {:>10} {:>8}", short(median), short(p99), ratio.unwrap_or_default());
    }
}

fn short(duration: Duration) -> String {
    format!("{:.3} ms", duration.as_secs_f64() * 1000.0)
}

/// Memory of a process in kB, as Linux counts it: `VmRSS:` now, `VmHWM:` at most.
fn resident(pid: u32, line: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix(line))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
