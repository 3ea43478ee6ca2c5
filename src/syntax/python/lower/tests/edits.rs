//! Code as it is while somebody types: broken, nested without end, changed at any place.

use std::fmt::Write;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::{check, lowered};
use crate::syntax::Language;
use crate::syntax::ir::{Module, lower};
use crate::syntax::python::lower::RULES;
use crate::text::Text;

#[test]
fn broken_code() {
    check(
        "
f(a.b('x'
g = h()
",
        "
call h()
",
    );
    check(
        "
if a.b('x')
    c.d('y')
e.f('z')
",
        "
call a.b('x')
call c.d('y')
call e.f('z')
",
    );
    check(
        "
def f(self):
    if self.a('x')
    self.b('y')
    return c.d('z')
x = 1
",
        "
f = fn ->
.self = param 0 of f
call self.a('x')
call self.b('y')
call c.d('z')
x = plain
",
    );
    check(
        "
a.
b()
",
        "
call a.b()
",
    );
    check(
        "
x = 
y = f(, a)
",
        "
x = f()
y = f()
call f()
",
    );
    check(
        "
class A:
    def f(self):
        self.x = g(
    def h(self): pass
",
        "
A = class A
.f = fn self ->
..self = param 0 of f
class A()
  f = fn self ->
call h(self)
",
    );
    check(
        "
def f():
    if a:
        return b
    if c
        d()
g = 1
",
        "
f = fn -> b
call d()
g = plain
",
    );
    check(
        "
from a import
import
",
        "
",
    );
    check(
        "
{'a': , 'b': c}
[for x in y]
f'{a'
",
        "
index x in y
",
    );
    check(
        "
@
def f(: a()
",
        "
f = fn ->
call a()
",
    );
}

#[test]
fn a_long_body_is_a_chunk_of_its_own() {
    let long = "    # as long as it takes\n".repeat(100);
    let code = format!(
        "def f(self, a):\n{long}    global b\n    b = a\n    c = [d for d in c]\n    yield c\n    def g(): return 'g'\n{long}    return g\n"
    );
    let expected = "
f = fn long ->
.self = param 0 of f
.a = param 1 of f
body of f -> c | g
.d = each c
c = [d]
g = fn -> 'g'
assign b = a
";
    check(&code, expected);
}

/// The texts of all names of members, keys of dictionaries, bindings and calls.
fn places(module: &Module) -> Vec<&str> {
    let source = module.text.as_str();
    let mut found = Vec::new();
    for placed in &module.chunks {
        let start = placed.start as usize;
        let it = &placed.chunk;
        let bindings = it.bindings.iter().map(|it| it.at.clone());
        let members = it.members.iter().map(|it| it.at.clone());
        let props = it.props.iter().map(|it| it.at.clone());
        let calls = it.calls.iter().map(|call| it.spans[call.expr.at()].clone());
        for at in bindings.chain(members).chain(props).chain(calls) {
            found.push(&source[start + at.start as usize..start + at.end as usize]);
        }
    }
    found
}

#[test]
fn places_are_those_of_the_text() {
    let code = "# ä\nimport a.b\nx = a.c(['d'])['e']\ny = {'f': g, h: i}\ngetattr(x, 'j')\nz = x[('k')]\n";
    let expected = ["a", "x", "c", "'e'", "a.c(['d'])", "y", "'f'", "h", "'j'", "z", "'k'"];
    assert_eq!(places(&lowered(code, None)), expected);
}

#[test]
fn every_call_of_half_typed_code_is_there() {
    let shown = lowered(include_str!("../../../../../fixtures/reads/half_typed.py"), None).show();
    for key in ["before", "during", "inside", "after", "condition", "next-line", "and-then", "indented"] {
        assert!(shown.contains(&format!("call posthog.feature_enabled('{key}', user)")), "{key}\n{shown}");
    }
    for key in ["dedented", "later"] {
        assert!(shown.contains(&format!("call posthog.feature_enabled('{key}', user)")), "{key}\n{shown}");
    }
}

/// Generous, since tests run unoptimised and beside each other; what is quadratic takes minutes.
fn soon(what: &str, code: &str) -> Module {
    let text = Text::new(code);
    let tree = Language::Python.parse(code, None);
    let start = Instant::now();
    let module = lower(&RULES, Language::Python, &text, &tree, None);
    let took = start.elapsed();
    // Nor is what it gives too deep to go down.
    module.show();
    println!("{what}: {took:?}");
    assert!(took < Duration::from_secs(5), "{what} took {took:?}");
    module
}

#[test]
fn deep_nesting_is_no_danger() {
    let read = "posthog.feature_enabled('deep', 1)";
    let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
    let many = |it: &str, count| it.repeat(count);
    for (what, code) in [
        ("parentheses", format!("{open}{read}{close}")),
        ("open parentheses", format!("{open}{read}")),
        ("argument in parentheses", format!("posthog.feature_enabled({open}'deep'{close})")),
        ("sum", format!("{}{read}", many("a + ", 100_000))),
        ("difference", format!("{}{read}", many("a - ", 100_000))),
        ("alternatives", format!("{}{read}", many("a or ", 100_000))),
        ("strings", format!("({}{read})", many("'a' ", 100_000))),
        ("nots", format!("x = {}{read}", many("not ", 50_000))),
        ("signs", format!("x = {}{read}", many("-", 50_000))),
        ("chain", format!("posthog{}.feature_enabled('x')", many(".client", 50_000))),
        ("calls", format!("posthog{}.feature_enabled('x')", many(".client()", 50_000))),
        ("elements", format!("posthog{}", many("['a']", 50_000))),
        ("brackets", format!("{}{read}", many("[", 100_000))),
        ("conditions", format!("{}{read}", many("a if b else ", 20_000))),
        ("lambdas", format!("{}{read}", many("lambda: ", 20_000))),
        ("assignments", format!("{}{read}", many("a = ", 20_000))),
        ("types", format!("x: {}A{}", many("list[", 10_000), many("]", 10_000))),
        ("quoted types", format!("x: '{}'", many("list[", 10_000))),
        ("union", format!("x: {}A", many("A | ", 50_000))),
        ("patterns", format!("{}a{} = b", many("(", 10_000), many(",)", 10_000))),
        ("blocks", (0..1_000).map(|it| format!("{}if a:\n", many(" ", it))).collect()),
        ("powers", format!("{}{read}", many("a ** ", 20_000))),
        ("interpolations", format!("{}{read}", many("f'{", 1_000))),
        ("lines", format!("def f():\n{}", many("    a.b('c')\n", 20_000))),
        ("colons", many("if posthog.feature_enabled('x')\n", 5_000)),
    ] {
        soon(what, &code);
    }
}

#[test]
fn a_chain_of_lines_keeps_its_calls() {
    let lines = (0..300).fold(String::new(), |mut lines, it| {
        let _ = writeln!(lines, "    posthog.feature_enabled('k{it}', 1)");
        lines
    });
    let shown = soon("lines", &format!("def f():\n    if a\n{lines}")).show();
    for it in 0..300 {
        assert!(shown.contains(&format!("call posthog.feature_enabled('k{it}', plain)")), "{it}\n{shown}");
    }
}

/// About a hundred lines, in which one function has a long body.
fn sample() -> String {
    let mut code = String::from(
        "import a\nfrom m import (x as y,\n    z)\nFLAG = 'flag'\nFLAGS = {'A': 'a', 'B': FLAG}\n\n\nclass A(B):\n    C = 'c'\n\n    def d(self, e=1):\n        self.f = e\n        return a.g(self.f)\n\n\ndef long(user):\n",
    );
    for it in 0..70 {
        let _ = writeln!(code, "    v{it} = y(user, f'key-{{v{it}}}')  # ä");
        if it % 10 == 0 {
            let _ = writeln!(code, "    if v{it}:\n        return [w for w in v{it}]");
        }
    }
    code + "\n\ndef g(x):\n    '''\n    text'''\n    return x\n\n\nwith h() as i:\n    g(i['k'])\nlast = 1; same = 2\n"
}

const INSERTS: [&str; 20] = [
    "",
    "x",
    "'",
    "(",
    ")",
    "[",
    "\n",
    "    ",
    "\n    ",
    "ä",
    ":",
    " = ",
    ".",
    "'''",
    "def n():\n",
    "# ",
    "+ 'a'",
    "return v\n",
    "if a:\n",
    "\\",
];

/// Replaces a stretch of a text, from character to character.
fn edited(code: &str, from: usize, len: usize, insert: &str) -> String {
    let places: Vec<usize> = code.char_indices().map(|it| it.0).chain([code.len()]).collect();
    let from = from % places.len();
    let to = (from + len).min(places.len() - 1);
    [&code[..places[from]], insert, &code[places[to]..]].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_edit_gives_what_a_fresh_start_gives(
        edits in prop::collection::vec((0..4_000usize, 0..30usize, 0..INSERTS.len()), 1..5),
    ) {
        let mut code = sample();
        let mut module = lowered(&code, None);
        for (from, len, insert) in edits {
            code = edited(&code, from, len, INSERTS[insert]);
            module = lowered(&code, Some(&module));
            let fresh = lowered(&code, None);
            prop_assert_eq!(module.show(), fresh.show(), "{}", code);
            let parts = |it: &Module| -> Vec<_> {
                it.chunks.iter().map(|it| (it.start, it.parent, it.nested.clone(), it.chunk.clone())).collect()
            };
            prop_assert_eq!(parts(&module), parts(&fresh));
        }
    }
}

#[test]
fn the_sample_has_a_long_body() {
    assert_eq!(lowered(&sample(), None).chunks.iter().filter(|it| it.parent.is_some()).count(), 1);
}
