//! Assignments, blocks, functions, classes, imports, types.

use super::check;

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
