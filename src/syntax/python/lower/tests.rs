//! Code, and what it is lowered to.

use std::fmt::Write;
use std::time::{Duration, Instant};

use proptest::prelude::*;

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

#[test]
fn names_and_plain_values() {
    check(
        "
x = 1
y = None
z = (await (a))
w = not a == b
v = -a < b < c
u = ...
",
        "
x = plain
y = null
z = a
w = plain
v = plain
u = plain
",
    );
}

#[test]
fn transparent_expressions() {
    check(
        "
if (client := make()):
    client
",
        "
client = make()
call make()
",
    );
    check(
        "
def f(xs):
    return [(made := g(it)) for it in xs]
",
        "
f = fn -> [g(it)]
.xs = param 0 of f
.made = g(it)
..it = each xs
call g(it)
",
    );
    check(
        "
a = cast(Client, make())
b = typing.cast('Client', c)
",
        "
a = make()
call make()
b = c
",
    );
}

#[test]
fn alternatives() {
    check(
        "
x = a if c() else 'b'
",
        "
x = (a | 'b')
call c()
",
    );
    check(
        "
x = a or b and c or ('d' or e)
y = a and b
",
        "
x = (a | c | 'd' | e)
y = b
",
    );
}

#[test]
fn strings() {
    check(
        r#"
a = 'x' "y"
b = f'a{{b}}-{c}-{d!r}-{e:>{w()}}-{f=}'
c = f'plain'
d = b'bytes'
e = 'a\n\x41\u00e4\''
f = 'a\N{DASH}'
g = r'\d'
h = ''
i = f'a{b}' 'c' f'{d}e'
"#,
        r"
a = 'xy'
b = `'a{b}-'+c+'-'+?+'-'+?+'-'+?`
call w()
c = 'plain'
d = ?
e = 'a
Aä''
f = ?
g = '\d'
h = ''
i = `'a'+b+'c'+d+'e'`
",
    );
    check(
        "
a = 'x-' + b + ('c' + d) + 'e'
b = 1 + 2 * c
c = a - b
d = A | B
e = a % b
",
        "
a = `'x-'+b+'c'+d+'e'`
b = `plain+plain`
c = plain
d = ?
e = ?
",
    );
    check(
        "
a = 'a-%s-b' % x
b = 'a-%s-%s' % (x, y)
c = 'a-%d' % x
d = '100%%-%s' % x.y
e = 'a-%(n)s' % {'n': x}
f = '%s' % x + '-z'
",
        "
a = `'a-'+x+'-b'`
b = `'a-'+x+'-'+y`
c = `'a-'+?`
d = `'100%-'+x.y`
e = `'a-'+?`
f = `x+'-z'`
",
    );
    check(
        "
a = 'a-{}-b'.format(x)
b = 'a-{}-{}'.format(x, f())
c = 'a-{0}'.format(x)
d = '{{a}}-{}'.format(x)
e = 'a-{n}'.format(n=x)
f = 'a'.format()
g = 'a-{}'.format(*x)
",
        "
a = `'a-'+x+'-b'`
b = `'a-'+x+'-'+f()`
call f()
c = `'a-'+?`
d = `'{a}-'+x`
e = `'a-'+?`
f = 'a'
g = `'a-'+?`
",
    );
    check(
        "
'documentation'
f'{called()}'
",
        "
call called()
",
    );
}

#[test]
fn membership() {
    check(
        "
a in b
x = 'a' not in b
if key in FLAGS and a < b: pass
",
        "
index a in b
x = 'a' in b
index 'a' in b
index key in FLAGS
",
    );
}

#[test]
fn literals() {
    check(
        "
x = [a, 'b', *c]
y = ('a',)
z = {'a', b}
w = 'a', 'b'
",
        "
x = [a, 'b', each c]
y = ['a']
z = ['a', b]
w = ['a', 'b']
",
    );
    check(
        "
x = {'a': 1, b: 'c', **d, 'f': lambda: e}
",
        "
x = {a: plain, [b]: 'c', ...d, f: fn -> e}
",
    );
    check(
        "
x = [f(i) for i in g(i) if h(i)]
y = {k: v for k, v in xs.items()}
z = any(a.b for a in xs for b in a)
w = {i for i in a, b}
",
        "
.i = each g(i)
x = [f(i)]
call f(i)
call g(i)
call h(i)
.k = each xs.items()[0]
.v = each xs.items()[1]
y = {[k]: v}
call xs.items()
.a = each xs
.b = each a
z = any([a.b])
call any([a.b])
.i = each [a, b]
w = [i]
",
    );
}

#[test]
fn members_and_indexes() {
    check(
        "
a.b
a['b']
a[b]
a[0]
a[b:c()]
a[b, c]
a[('b')]['c' 'd']
",
        "
index a[b]
index a[plain]
call c()
index a[[b, c]]
",
    );
    check(
        "
getattr(a, 'b')
getattr(a, 'b', f())
getattr(a, b)
",
        "
call f()
call getattr(a, b)
",
    );
    check(
        "
importlib.import_module('m')
import_module('m.n')
loader.import_module('m')
import_module('.m', package=p)
",
        "
call loader.import_module('m')
call import_module('.m', package=p)
",
    );
}

#[test]
fn calls() {
    check(
        "
f(a, 'b', c=d, *e, **g)
a.b(c()).d(e.f)
f(x for x in y)
print(a)
await a.b()
",
        "
call f(a, 'b', c=d, ...e, ...g)
call c()
call a.b(c())
call a.b(c()).d(e.f)
.x = each y
call f([x])
call print(a)
call a.b()
",
    );
}

#[test]
fn assignments() {
    check(
        "
a = b = c.d = v
a: T
b: 'T' = v
a += g()
c.d += v
x['a'] = v
x[a()] = v
del x['a'], y.z, w
",
        "
a = v
b = v
assign c.d = v
a = -: T
b = v: T
a = other
call g()
assign c.d = ?
assign x.a = v
assign x[] = v
call a()
assign x.a = null
assign y.z = null
",
    );
    check(
        "
a, b = v
(a, [b, *c]), d.e = make()
*init, last = xs
a.b, c['d'] = x, y
[p, q] = 1, 2
",
        "
a = v[0]
b = v[1]
a = make()[0][0]
b = make()[0][1][0]
c = make()[0][1]...
assign d.e = ?
call make()
init = xs...
last = other
assign a.b = x
assign c.d = y
p = [plain, plain][0]
q = [plain, plain][1]
",
    );
    check(
        "
self.a = v
cls.b: T = v
self.c: T
",
        "
assign self.a = v
assign cls.b: T = v
assign self.c: T = null
",
    );
}

#[test]
fn outer_names() {
    check(
        "
def f():
    global a, b
    a = v
    a += 1
    b: T = w
    c = v
    def a(): pass
    def g():
        nonlocal c
        c = x
        a = y
    for b in xs: pass
",
        "
f = fn ->
.c = v
.g = fn ->
...a = y
assign a = v
assign a = ?
assign b: T = w
assign a = fn ->
assign c = x
assign b = each xs
",
    );
}

#[test]
fn blocks() {
    check(
        "
for k, v in xs.items():
    a = k
else:
    b = 1
",
        "
k = each xs.items()[0]
v = each xs.items()[1]
a = k
b = plain
call xs.items()
",
    );
    check(
        "
with open(a) as f, g() as (h, i), j: k()
with (l() as m): pass
with n() as self.o: pass
",
        "
f = open(a)
h = g()[0]
i = g()[1]
call open(a)
call g()
call k()
m = l()
call l()
assign self.o = n()
call n()
",
    );
    check(
        "
try:
    a()
except (E, F) as e:
    b(e)
except* G: pass
else: c()
finally:
    d()
",
        "
e = other
call a()
call b(e)
call c()
call d()
",
    );
    check(
        "
while a(): b()
assert c(), d
raise E(f) from g
",
        "
call a()
call b()
call c()
call E(f)
",
    );
    check(
        "
match f(x):
    case A.B(n=c, d=1) | 'e' if g(c): pass
    case {'k': v, **rest}: pass
    case [1, *o, (2 as p)]: pass
    case Mod.X: pass
    case None | _: pass
    case other: pass
",
        "
c = other
v = other
rest = other
o = other
p = other
other = other
call f(x)
call g(c)
",
    );
}

#[test]
fn functions() {
    check(
        "
@deco(arg)
@mod.other
async def f(a, /, b: T = d(), *args: A, c=1, **kw) -> R:
    if a:
        return b, c
    yield 'x'
    x = yield g()
    yield from h
",
        "
f = @deco(arg) @mod.other fn: R -> [b, c] | 'x' | g() | h
.a = param 0 of f
.b = param 1 of f: T default d()
.args = rest param 2 of f: A
.c = param 3 of f default plain
.kw = rest param 4 of f
.x = ?
call deco(arg)
call d()
call g()
",
    );
    check(
        "
def f(*, a): return
def g(a: Client = Client()): return lambda b, c=1: b(c)
h = lambda: a
k = lambda *x, **y: x
",
        "
f = fn ->
.a = param 0 of f
g = fn -> fn -> b(c)
.a = param 0 of g: Client default Client()
..b = param 0 of ?
..c = param 1 of ? default plain
call Client()
call b(c)
h = fn -> a
.x = rest param 0 of k
.y = rest param 1 of k
k = fn -> x
",
    );
    check(
        "
@contextmanager
def f() -> Iterator[Client]: yield c
def g(x: Iterator[Client]): pass
",
        "
f = @contextmanager fn: Client -> c
g = fn ->
.x = param 0 of g: Client[]
",
    );
}

#[test]
fn classes() {
    check(
        "
class A(B, C[T], m.D, metaclass=M(x)):
    'doc'
    a = 'x'
    b: T
    c, d = 'y', 'z'
    if x:
        e = 1
    else:
        def f(self, a): return self.b
    try:
        import g
    except E:
        g = None
    @property
    def h(self): return 'h'
    @staticmethod
    def i(a): pass
    @classmethod
    def j(cls): return cls.a
    @functools.cached_property
    def k(self):
        self.l = 'l'
    class N(E):
        o = 1
",
        "
A = class A
.a = 'x'
.b = -: T
.c = ['y', 'z'][0]
.d = ['y', 'z'][1]
.e = plain
.f = fn self -> self.b
..self = param 0 of f
..a = param 1 of f
.g = import * from g
.g = null
.h = @property get self -> 'h'
...self = param 0 of h
.i = @staticmethod fn ->
....a = param 0 of i
.j = @classmethod fn self -> cls.a
.....cls = param 0 of j
.k = @functools.cached_property get self ->
......self = param 0 of k
.N = class N
.......o = plain
class A(B, C, m.D)
  a = 'x'
  b: T =
  c = c
  d = d
  e = plain
  f = fn self -> self.b
  g = g
  g = null
  h = @property get self -> 'h'
  i = @staticmethod fn ->
  j = @classmethod fn self -> cls.a
  k = @functools.cached_property get self ->
  N = class N
class N(E)
  o = plain
assign self.l = 'l'
call M(x)
index C[T]
",
    );
    check(
        "
def f():
    class A:
        def g(self):
            def h(self): pass
",
        "
f = fn ->
.A = class A
..g = fn self ->
...self = param 0 of g
...h = fn ->
....self = param 0 of h
class A()
  g = fn self ->
",
    );
}

#[test]
fn imports() {
    check(
        "
import a
import a.b
import a.b as c, d
from m import x as y, z
from . import p
from ..q.r import (s, t as u,)
from m.n import *
from __future__ import annotations
",
        "
a = import * from a
a = import * from a
c = import * from a.b
d = import * from d
y = import x from m
z = import z from m
p = import p from .
s = import s from ..q.r
u = import t from ..q.r
export * from m.n
",
    );
    check(
        "
try:
    from a import x
except ImportError:
    from b import x
if TYPE_CHECKING:
    from c import T
def f():
    from d import y
    from e import *
__all__ = ['x']
",
        "
x = import x from a
x = import x from b
T = import T from c
f = fn ->
.y = import y from d
__all__ = ['x']
",
    );
}

#[test]
fn types() {
    check(
        "
a: T
b: m.T
c: Optional[A]
d: Union[A, None, B]
e: A | m.B | None
f: Literal['a', 'b']
g: typing.Literal['a']
h: list[A]
i: dict[str, list[A]]
j: type[A]
k: Annotated[A, Depends(get)]
l: Callable[[int], A]
m: tuple[A, ...]
n: tuple[A, B]
o: Foo[A, B]
p: Final = 'x'
q: ClassVar[T] = v
r: Coroutine[X, Y, A]
s: None
t: f(x)
",
        "
a = -: T
b = -: m.T
c = -: A
d = -: A | B
e = -: A | m.B
f = -: 'a' | 'b'
g = -: 'a'
h = -: A[]
i = -: A[][]
j = -: A
k = -: A
call Depends(get)
l = -: () => A
m = -: A[]
n = -: ?
o = -: Foo<A, B>
p = 'x': ?
q = v: T
r = -: A
s = -: ?
t = -: ?
call f(x)
",
    );
    check(
        r#"
a: 'T'
b: 'm.T | None'
c: 'Optional[A]'
d: "Literal['a', 'b'] | None"
e: 'dict[str, list[A]]'
f: 'Callable[[int, str], A]'
g: Optional['A']
h: '['
i: 'None'
j: 'Foo[A]'
k: ''
l: 'a b ~ |'
"#,
        "
a = -: T
b = -: m.T
c = -: A
d = -: 'a' | 'b'
e = -: A[][]
f = -: () => A
g = -: A
h = -: ?
i = -: ?
j = -: Foo<A>
k = -: ?
l = -: a
",
    );
    check(
        "
Key = Literal['a', 'b']
Maybe = Client | None
type Alias[T] = list[Key]
X: TypeAlias = m.Y
lower = a | b
WITH = a.b | c
",
        "
Key = Literal[['a', 'b']]
type Key = 'a' | 'b'
index Literal[['a', 'b']]
Maybe = ?
type Maybe = Client
type Alias = Key[]
X = m.Y: ?
type X = m.Y
lower = ?
WITH = ?
",
    );
    check(
        "
def f[T: Bound](a: T) -> 'T': pass
class A[T]: pass
",
        "
f = fn: T ->
.a = param 0 of f: T
A = class A
class A()
",
    );
}

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
    let shown = lowered(include_str!("../../../../fixtures/reads/half_typed.py"), None).show();
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
