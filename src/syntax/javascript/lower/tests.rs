//! Code and what it says, as text.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::super::Language;
use super::super::super::ir::{self, Expr, Module};
use super::RULES;
use crate::text::Text;

fn lower(language: Language, code: &str, before: Option<&Module>) -> Module {
    ir::lower(&RULES, language, &Text::new(code), &language.parse(code, None), before)
}

fn check_as(language: Language, code: &str, expected: &str) {
    let lines = |it: &str| it.trim().lines().map(|it| it.trim_end().to_owned()).collect::<Vec<_>>();
    let shown = lower(language, code, None).show();
    assert_eq!(lines(&shown), lines(expected), "\n{code}\nis\n{shown}");
}

#[track_caller]
fn check(code: &str, expected: &str) {
    check_as(Language::TypeScript, code, expected);
}

/// The text of every expression that `which` picks.
fn places(code: &str, which: fn(&Expr) -> bool) -> Vec<String> {
    let module = lower(Language::Tsx, code, None);
    let mut found = Vec::new();
    for it in &module.chunks {
        for (expr, at) in it.chunk.exprs.iter().zip(&it.chunk.spans) {
            if which(expr) {
                found.push(code[(it.start + at.start) as usize..(it.start + at.end) as usize].to_owned());
            }
        }
    }
    found
}

#[test]
fn what_does_not_change_a_value_is_not_there() {
    check(
        "const a = ((await b)!) as C satisfies D, c = <T>d, e = (f(), g), h = Object.freeze({ i }), j = k<T>",
        "
a = const b
c = const d
e = const g
h = const {i: i}
j = const k
call f()",
    );
    assert_eq!(places("x = ((a!.b) as C)", |it| matches!(it, Expr::Member(_))), ["a!.b"]);
}

#[test]
fn operators() {
    check(
        "const a = b ? c : d ? e : f, g = h || i ?? j, k = l && m.n, o = p < q, r = !s, t = 'u' in v
const w = void 0, x = typeof y, z = null, n = undefined, m = -1, q = /a/, i = a instanceof B, t = true
const k = (f() || g) && h ? i() : (j ?? k)",
        "
a = const (c | e | f)
g = const (h | i | j)
k = const m.n
o = const plain
r = const plain
t = const 'u' in v
index 'u' in v
w = const null
x = const plain
z = const null
n = const null
m = const plain
q = const plain
i = const plain
t = const plain
k = const (i() | (j | k))
call f()
call i()",
    );
}

#[test]
fn strings_and_templates() {
    check(
        r"const a = 'b\'c\x41\u{42}\u0043', d = `e`, f = `g${h}i${j.k}`, l = 'm' + n + `o${p}` + ('q' + r), s = '\b'
const t = `u\n${v}\b`, w = f`x${y()}`",
        r"
a = const 'b'cABC'
d = const 'e'
f = const `'g'+h+'i'+j.k`
l = const `'m'+n+'o'+p+'q'+r`
s = const ?
t = const `'u'+'
'+v+?`
w = const ?
call y()",
    );
    assert_eq!(places("f('a', `b`)", |it| matches!(it, Expr::Text(_))), ["'a'", "`b`"]);
}

#[test]
fn members_and_calls() {
    check(
        "a?.b!['c'].d?.[e]?.(f, ...g)
new H.I(j)
new K
require('l').m(require(n))
const { o } = await import('p')
import(q).then(r => r.s)
import.meta.env.T
class U { #v; w() { return this.#v } }",
        "
call a.b['c'].d[e](f, ...g)
index a.b['c'].d[e]
call new H.I(j)
call new K()
call require(n)
call module l.m(require(n))
o = const module p.o
.r = param 0 of ?
call ?.then(fn -> r.s)
U = class U
class U()
  v =
  w = fn -> this.v",
    );
}

#[test]
fn objects_and_lists() {
    check(
        "const a = { b: 1, 'c-d': e, [f.g]: h, ...i, j, k() { return l }, get m() { return n }, set m(o) {}, 2: p }
const q = [r, , ...s, [t]]",
        "
.....o = param 0 of m
a = const {b: plain, c-d: e, [f.g]: h, ...i, j: j, k: fn -> l, m: get -> n, 2: p}
q = const [r, null, each s, [t]]",
    );
}

#[test]
fn elements() {
    check_as(
        Language::Tsx,
        "const a = <B.C d=\"e\\\" {...f} g={h} i j={<K />} l='&amp;'>{m()}<div n={o('p')}>text {q}</div></B.C>
const r = <><S>{/* nothing */}</S></>",
        "
a = const <B.C d='e\\' ...f g=h i=plain j=<K > l=?>
call <K >
call <B.C d='e\\' ...f g=h i=plain j=<K > l=?>
call m()
call o('p')
r = const plain
call <S >",
    );
    assert_eq!(
        places("<A b='c'><D /></A>", |it| matches!(it, Expr::Call(_) | Expr::Text(_))),
        ["'c'", "<A b='c'><D /></A>", "<D />"]
    );
}

#[test]
fn assignments() {
    check(
        "a = b = c
d.e = f
g['h'] ??= i
j[k()] = l
m += n()
o++
p ||= q
delete r.s
delete t['u'].v
;({ w, x: y.z, 'a-b': [c, ...d] = e, [f]: g = h, ...i } = j())
;[k, l = m] = n",
        "
assign b = c
assign a = c
assign d.e = f
assign g.h = i
assign j[] = l
call k()
assign m = ?
call n()
assign o = ?
assign p = q
assign w = j().w
assign y.z = j().x
assign c = (j()['a-b'] | e)[plain]
assign d = ?
assign g = (j()[f] | h)
assign i = ?
call j()
index (j()['a-b'] | e)[plain]
index j()[f]
assign k = n[plain]
assign l = (n[plain] | m)
index n[plain]
index n[plain]",
    );
    assert_eq!(places("a.b = c; delete d.e", |it| matches!(it, Expr::Member(_))), [""; 0]);
    assert_eq!(places("a.b.c = d.e", |it| matches!(it, Expr::Member(_))), ["d.e", "a.b"]);
}

#[test]
fn functions() {
    check(
        "function a(b, { c, 'd-e': f = g, h: { i } = {} }: J = {}, k = 'l', ...m): N { return c; return f }
const n = o => o.p, q = async () => { yield r; yield* s }, t = function u() { return () => v }
x.y = () => z
function* a2(this: B2, [c2, , ...d2]) {}
declare function e2(f2?: G2): H2
export default function () { return 1 }",
        "
.b = param 0 of a
.c = param 1 of a: J.c
.f = param 1 of a: J.d-e default g
.i = param 1 of a: J.h.i
.k = param 2 of a default 'l'
.m = rest param 3 of a
a = fn: N -> c | f
.o = param 0 of n
n = const fn -> o.p
q = const fn -> r | each s
....u = fn -> fn -> v
t = const fn -> fn -> v
assign x.y = fn -> z
.c2 = param 0 of a2[0]
.d2 = param 0 of a2...
a2 = fn ->
.f2 = param 0 of e2: G2
e2 = fn: H2 ->
export default = fn -> plain",
    );
}

#[test]
fn scopes() {
    check(
        "function a() { { let b = 1; const c = 2; var d = 3 } function e() {} class F {} }
if (g) { var h = 1; let i = 2 }
for (let j = 0; j < 1; j++) { k() }
for (const [l, m] of n) var o = l
for (p in q);
for (r.s of t);
for (var u in v);
try {} catch ({ w }) { w() }
switch (x) { case y(): let z = 1 }",
        "
...b = plain
...c = const plain
.d = plain
..e = fn ->
..F = class F
a = fn ->
class F()
h = plain
.i = plain
.j = plain
assign j = ?
call k()
.l = const each n[0]
.m = const each n[1]
o = l
assign p = each Object.keys(q)
call Object.keys(q)
assign r.s = each t
u = each Object.keys(v)
call Object.keys(v)
..w = other.w
call w()
.z = plain
call y()",
    );
}

#[test]
fn patterns() {
    check(
        "const { a, b: c, 'd-e': [, f = 1], ...g } = h(), { [i]: j } = k
let { l = () => m }: N = o",
        "
a = const h().a
c = const h().b
f = const h().d-e[1] default plain
g = const h()...
j = k[i]
call h()
index k[i]
l = o: N.l default fn -> m",
    );
    let module = lower(Language::TypeScript, "const { a, 'b-c': d, e: { f: [g] } } = h", None);
    let bindings = &module.chunks[0].chunk.bindings;
    let at: Vec<_> =
        bindings.iter().map(|it| &module.text.as_str()[it.at.start as usize..it.at.end as usize]).collect();
    assert_eq!(at, ["a", "'b-c'", "g"]);
}

#[test]
fn classes() {
    check(
        "@a() class B extends c(D) implements E {
  f: G = h
  static #i = () => this.j
  k(l: string): void
  k(l: any) { return this.f }
  @m('n') get o(): P { return q }
  set o(v) {}
  constructor(private readonly r: S, t = u()) { super(r); this.w = t }
  static { x() }
  [y()]() {}
  @z() aa
}
const bb = class cc extends dd {}, ee = class {}
abstract class ff { abstract gg(): hh; ii?(): jj }",
        "
...l = param 0 of k: ?
.......v = param 0 of o
.........r = param 0 of constructor: S
.........t = param 1 of constructor default u()
B = class B
class B(c(D))
  f: G = h
  i = fn -> this.j
  k = fn -> this.f
  o = @m('n') get: P -> q
  r: S = r
  constructor = fn ->
  aa =
assign this.w = t
call a()
call c(D)
call m('n')
call u()
call this(r)
call x()
call y()
call z()
.cc = class cc
bb = const class cc
ee = const class ee
class cc(dd)
class ee()
ff = class ff
class ff()
  gg: () => hh =
  ii: () => jj =",
    );
}

#[test]
fn enums_and_namespaces() {
    check(
        "const enum A { B = 'b', C, 'd-e' = F.G }
declare enum H { I }
export enum J { K = `k` }
namespace L { export const m = 'n'; const o = 1; export function p() {} }
declare module 'q' { export const r: S }
declare global { const t: U }",
        "
A = const enum {B: 'b', C: plain, d-e: F.G}
H = const enum {I: plain}
J = const enum {K: 'k'}
export J = J
.m = const 'n'
.o = const plain
.p = fn ->
L = const {m: m, p: p}
.r = const -: S
.t = const -: U",
    );
}

#[test]
fn imports() {
    check(
        "import a, { b, c as d, default as e, 'f-g' as h, type I } from 'j'
import type { K } from './k'
import l, * as m from 'n'
import 'o'
import p = require('q')
import r = s.t.u",
        "
a = import default from j
b = import b from j
d = import c from j
e = import default from j
h = import f-g from j
I = import I from j
K = import K from ./k
l = import default from n
m = import * from n
p = import * from q
r = const s.t.u",
    );
}

#[test]
fn exports() {
    check(
        "export const { a, b: c } = d(), e = 'f'
export { g, h as i, j as default, k as 'l-m' }
export { default, n as o } from 'p'
export * from 'q'
export * as r from 's'
export default class T {}
export abstract class U {}
export function v() { var w; { var x } }
export type Y = Z
export interface AA {}
export = bb",
        "
a = const d().a
c = const d().b
e = const 'f'
call d()
export a = a
export c = c
export e = e
export g = g
export i = h
export default = j
export l-m = k
export default = default from p
export o = n from p
export * from q
export r = * from s
T = class T
class T()
export default = T
U = class U
class U()
export U = U
.w = -
.x = -
v = fn ->
export v = v
type Y = Z
type AA = {}
export = bb",
    );
    check_as(
        Language::JavaScript,
        "module.exports = { a }; exports.b = c; module.exports.d = () => e; exports = module.exports = f",
        "
assign module.exports = {a: a}
export = {a: a}
assign exports.b = c
export b = c
assign module.exports.d = fn -> e
export d = fn -> e
assign module.exports = f
assign exports = f
export = f",
    );
}

#[test]
fn types() {
    check(
        "type A = 'b' | \"c\" | (D & E.F<G>) | null
type H = keyof typeof i; type J = (typeof k)[keyof typeof k]; type L = (typeof m)[number]; type N = typeof o.p
type Q = readonly R[] | [S, t?: T] | Record<U, V> | { [w: string]: X } | { [Y in Z]: AA } | Promise<BB[]>
type CC = (dd: EE) => FF; type GG = typeof HH['ii']; type JJ = KK extends LL ? MM : NN
interface OO extends PP, QQ.RR<SS> { tt: UU; vv?(): WW; 'xx-yy': typeof zz; readonly ab: cd; (ef: gh): ij }",
        "
type A = 'b' | 'c' | D | E.F<G> | ?
type H = keyof i
type J = valueof k
type L = valueof m
type N = typeof o.p
type Q = R[] | S | T[] | V[] | X[] | AA[] | Promise<BB[]>
type CC = () => FF
type GG = typeof HH['ii']
type JJ = ?
type OO = {..: PP, ..: QQ.RR<SS>, tt: UU, vv: () => WW, xx-yy: typeof zz, ab: cd}",
    );
}

fn calls(code: &str) -> Vec<String> {
    let shown = lower(Language::Tsx, code, None).show();
    shown.lines().filter_map(|it| it.strip_prefix("call ")).map(Into::into).collect()
}

#[test]
fn broken_code() {
    assert_eq!(
        calls(include_str!("../../../../fixtures/reads/half_typed.ts")),
        [
            "posthog.isFeatureEnabled('before')",
            "posthog.isFeatureEnabled(?)",
            "posthog.getFeatureFlag('a')",
            "posthog.isFeatureEnabled(FLAG)",
            "posthog.isFeatureEnabled('after')",
        ]
    );
    for (code, expected) in [
        ("a.b('c", "a.b(?)"),
        ("a.b('c', d, ", "a.b('c', d)"),
        ("function f() {\n const x = a.b('c'", "a.b('c')"),
        ("if (a.b('c') {", "a.b('c')"),
        ("const x = <D e={a.b('c')}", "a.b('c')"),
        ("f(g(h('i'", "f(g(h('i')))"),
        ("a.b('c')!.", "a.b('c')"),
    ] {
        let found = calls(code);
        assert!(found.iter().any(|it| it == expected), "{code}: {found:?}");
    }
    check("a.", "");
}

const EDITED: &str = include_str!("tests/edited.tsx");

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// An edited module is the one that would be lowered from the start; so is the one after that.
    #[test]
    fn edits(edits in prop::collection::vec((0..EDITED.len(), 0..30usize, 0..INSERTS.len()), 1..6)) {
        let mut code = EDITED.to_owned();
        let mut module = lower(Language::Tsx, &code, None);
        for (from, length, insert) in edits {
            let boundary = |at: usize| (0..=at.min(code.len())).rev().find(|it| code.is_char_boundary(*it));
            let (from, to) = (boundary(from).unwrap_or(0), boundary(from + length).unwrap_or(0));
            code.replace_range(from..to, INSERTS[insert]);
            module = lower(Language::Tsx, &code, Some(&module));
            if !Language::Tsx.parse(&code, None).root_node().has_error() {
                prop_assert_eq!(module.show(), lower(Language::Tsx, &code, None).show(), "{}", code);
            }
        }
    }

    #[test]
    fn no_cut_is_fatal(from in 0..EDITED.len(), to in 0..EDITED.len()) {
        let code: String = EDITED.chars().skip(from).take(to).collect();
        lower(Language::Tsx, &code, None).show();
        lower(Language::TypeScript, &code, None).show();
    }
}

const INSERTS: [&str; 16] = [
    "",
    "x",
    "'",
    "`",
    "(",
    ")",
    "{",
    "}",
    "\n",
    "ä",
    "// ",
    "${",
    "<a>",
    "f('new')",
    "const b = 'z'\n",
    "/* a */",
];

/// Generous, since tests run unoptimised and beside each other; what is quadratic takes minutes.
fn soon(what: &str, code: &str) {
    let tree = Language::Tsx.parse(code, None);
    let start = Instant::now();
    let module = ir::lower(&RULES, Language::Tsx, &Text::new(code), &tree, None);
    let took = start.elapsed();
    println!("{what}: {took:?}, {} chunks", module.chunks.len());
    assert!(took < Duration::from_secs(5), "{what} took {took:?}");
}

#[test]
fn deep_nesting_is_no_danger() {
    let call = "f('deep')";
    let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
    for (what, code) in [
        ("parentheses", format!("{open}{call}{close}")),
        ("open parentheses", format!("{open}{call}")),
        ("argument in parentheses", format!("f({open}'deep'{close})")),
        ("sum", format!("{}1", format!("{call} + ").repeat(2_000))),
        ("long sum", format!("f({}'x')", "a + ".repeat(100_000))),
        ("alternatives", format!("f({}'x')", "a || ".repeat(100_000))),
        ("blocks", format!("if (a) {{ {call};").repeat(2_000)),
        ("functions", format!("{}{call}", "function f() {\n".repeat(2_000))),
        ("closed functions", format!("{}{call}{}", "function f() {\n".repeat(2_000), "}".repeat(2_000))),
        ("chain", format!("a{}.b('x')", ".client".repeat(50_000))),
        ("calls", format!("a{}.b('x')", ".client()".repeat(50_000))),
        ("indices", format!("a{}.b('x')", "[c]".repeat(50_000))),
        ("brackets", format!("{}{call}", "[".repeat(100_000))),
        ("elements", format!("{}{{{call}}}", "<a>".repeat(20_000))),
        ("closed elements", format!("{}{{{call}}}{}", "<a>".repeat(5_000), "</a>".repeat(5_000))),
        ("nots", format!("{}{call}", "!".repeat(50_000))),
        ("ternaries", format!("{}c", "a ? b : ".repeat(20_000))),
        ("else", format!("{}{{}}", "if (a) {} else ".repeat(20_000))),
        ("union", format!("type A = {}'b'", "'a' | ".repeat(50_000))),
        ("arrows", format!("{}b", "a => ".repeat(5_000))),
        ("objects", format!("x = {}b{}", "{a: ".repeat(5_000), "}".repeat(5_000))),
        ("types", format!("type A = {}b{}", "{a: ".repeat(5_000), "}".repeat(5_000))),
        ("patterns", format!("const {}b{} = c", "{a: ".repeat(5_000), "}".repeat(5_000))),
        (
            "variables",
            format!(
                "function f() {{ {} }}",
                (0..20_000).map(|it| format!("let v{it} = 1;")).collect::<String>()
            ),
        ),
    ] {
        soon(what, &code);
    }
}

/// The innermost that is not cut off: what is inside is known as deep as people write.
#[test]
fn depth_that_people_write() {
    let elements = format!("const a = {}{{f('x')}}{}", "<b>".repeat(40), "</b>".repeat(40));
    assert_eq!(calls(&elements), ["f('x')"]);
    let callbacks = format!("{}f('x'){}", "g(() => { if (a) { ".repeat(25), " } })".repeat(25));
    assert!(calls(&callbacks).iter().any(|it| it == "f('x')"));
    let chain = format!("a{}.b('x')", ".c(d => d)".repeat(500));
    assert_eq!(lower(Language::Tsx, &chain, None).chunks[0].chunk.calls.len(), 501);
}
