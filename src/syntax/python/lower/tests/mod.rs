//! Code, and what it is lowered to.

mod edits;
mod expressions;
mod statements;

use super::RULES;
use crate::syntax::Language;
use crate::syntax::ir::{Module, lower};
use crate::text::Text;

fn lowered(code: &str, before: Option<&Module>) -> Module {
    let text = Text::new(code);
    let tree = Language::Python.parse(code, None);
    lower(&RULES, Language::Python, &text, &tree, before)
}

#[track_caller]
fn check(code: &str, expected: &str) {
    let code = code.strip_prefix('\n').unwrap_or(code);
    let shown = lowered(code, None).show();
    let shown: String = shown.lines().flat_map(|it| [it.trim_end(), "\n"]).collect();
    let shown = format!("\n{shown}");
    if std::env::var_os("SHOW").is_some() {
        println!("=====\n{code}-----{shown}");
        return;
    }
    assert!(shown == expected, "of\n{code}\n{shown}");
}
