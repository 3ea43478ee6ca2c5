//! Code that runs on a server: there no hook may be called, and the client of browsers knows nobody.

use std::path::Path;

use tree_sitter::Node;

use super::Request;
use super::file::{File, ancestors, inside};
use super::functions::{self, called_hook};
use super::imports;
use crate::removal::named;

/// What makes it run there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    /// A component that waits.
    AsyncComponent,
    /// A component of Next's app folder.
    NextComponent,
    /// A function or a file.
    Code,
}

/// Whether a place runs on a server, and why; `component` is the one round it.
pub(super) fn server(file: &File, request: &Request, node: Node, component: Option<Node>) -> Option<Server> {
    if file.is_python() {
        return None;
    }
    let is_action = ancestors(node)
        .filter(|it| functions::is_function(*it))
        .filter_map(|it| it.child_by_field_name("body"))
        .any(|it| has_directive(file, it, "use server"));
    if is_action || has_directive(file, file.tree.root_node(), "use server") {
        return Some(Server::Code);
    }
    match component {
        Some(it) if functions::is_async(file, it) => Some(Server::AsyncComponent),
        Some(_) if is_of_next_server(file, request) => Some(Server::NextComponent),
        Some(_) => None,
        None => is_of_node(file).then_some(Server::Code),
    }
}

fn has_directive(file: &File, list: Node, words: &str) -> bool {
    named(list).into_iter().any(|it| file.is_directive(it) && file.of_node(it).contains(words))
}

/// Files that Next shows by their names.
const PAGES: [&str; 6] = ["page", "layout", "template", "loading", "not-found", "default"];

/// Hooks that only are called in browsers.
const BROWSER_HOOKS: [&str; 10] = [
    "useState",
    "useEffect",
    "useLayoutEffect",
    "useReducer",
    "useRef",
    "useContext",
    "useFeatureFlagEnabled",
    "useFeatureFlagVariantKey",
    "useFeatureFlagPayload",
    "usePostHog",
];

/// Whether components of a file of Next's app folder are shown by the server.
fn is_of_next_server(file: &File, request: &Request) -> bool {
    let is_in_app = request.path.parent().is_some_and(|it| it.iter().any(|it| it == "app"));
    let root = file.tree.root_node();
    if !is_in_app || has_directive(file, root, "use client") {
        return false;
    }
    let is_hook = |it: &str| BROWSER_HOOKS.contains(&it.rsplit('.').next().unwrap_or_default());
    let calls_hooks =
        || inside(root, |_| true).into_iter().filter_map(|it| called_hook(file, it)).any(is_hook);
    is_of_next(file, request) && !calls_hooks()
}

/// Whether a file of an app folder belongs to a project of Next: its settings lie above, or else the file looks like it.
fn is_of_next(file: &File, request: &Request) -> bool {
    let is_set_up = |name: &str| {
        let there = |folder: &Path| {
            let mut paths = ["js", "mjs", "ts"].iter().map(|it| folder.join(format!("{name}.config.{it}")));
            paths.any(|it| (request.text_of)(&it).is_some())
        };
        request.path.ancestors().skip(1).any(there)
    };
    let stem = request.path.file_stem().and_then(|it| it.to_str()).unwrap_or_default();
    let imports_next = || imports::modules(file).iter().any(|it| it == "next" || it.starts_with("next/"));
    imports_next() || is_set_up("next") || PAGES.contains(&stem) && !is_set_up("vite")
}

/// Modules that no browser has.
const OF_NODE: [&str; 20] = [
    "posthog-node",
    "@posthog/next",
    "server-only",
    "next/headers",
    "next/server",
    "express",
    "fastify",
    "koa",
    "fs",
    "fs/promises",
    "child_process",
    "os",
    "net",
    "http",
    "https",
    "tls",
    "dns",
    "cluster",
    "worker_threads",
    "readline",
];

fn is_of_node(file: &File) -> bool {
    let first = file.text.lines().next().unwrap_or_default();
    let is_script =
        first.starts_with("#!") && ["node", "deno", "bun", "tsx"].iter().any(|it| first.contains(it));
    let is_module = |it: &String| it.starts_with("node:") || OF_NODE.contains(&it.as_str());
    is_script || imports::modules(file).iter().any(is_module)
}
