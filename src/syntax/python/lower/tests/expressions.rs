//! Names, values, strings, calls.

use super::check;

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
