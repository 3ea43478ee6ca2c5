//! A program as a tree: how it is written down, and what is simpler.

/// A part of a program: a text with holes.
#[derive(Debug, Clone)]
pub struct Tree {
    kind: Kind,
    parts: Vec<Part>,
}

/// What a tree may be replaced by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Statement,
    Value,
    /// What stands between the tags of JSX.
    Child,
}

#[derive(Debug, Clone)]
pub enum Part {
    Text(String),
    Tree(Tree),
    /// Statements, one deeper than what stands round them.
    Block(Block),
}

pub type Block = Vec<Tree>;

impl From<Tree> for Part {
    fn from(tree: Tree) -> Part {
        Part::Tree(tree)
    }
}

impl From<Block> for Part {
    fn from(block: Block) -> Part {
        Part::Block(block)
    }
}

impl From<String> for Part {
    fn from(text: String) -> Part {
        Part::Text(text)
    }
}

impl From<&str> for Part {
    fn from(text: &str) -> Part {
        Part::Text(text.into())
    }
}

/// An expression, and how tightly it binds.
pub struct Value<B> {
    pub tree: Tree,
    pub binds: B,
}

/// A tree by a template with a `%` for each of its parts.
pub fn tree(kind: Kind, template: &str, parts: impl IntoIterator<Item = Part>) -> Tree {
    let mut parts = parts.into_iter();
    let mut all = Vec::new();
    for (at, text) in template.split('%').enumerate() {
        if at > 0 {
            all.push(parts.next().unwrap_or_else(|| panic!("a part is missing: {template}")));
        }
        all.push(Part::Text(text.into()));
    }
    assert!(parts.next().is_none(), "a part is too much: {template}");
    Tree { kind, parts: all }
}

/// A statement by a template.
pub fn statement(template: &str, parts: impl IntoIterator<Item = Part>) -> Tree {
    tree(Kind::Statement, template, parts)
}

/// An expression by a template; how tightly it binds is the language's.
pub fn value<B>(binds: B, template: &str, parts: impl IntoIterator<Item = Part>) -> Value<B> {
    Value { tree: tree(Kind::Value, template, parts), binds }
}

impl<B: PartialOrd> Value<B> {
    /// With parentheses where it binds less tightly.
    pub fn at(self, binds: B) -> Part {
        match self.binds < binds {
            true => tree(Kind::Value, "(%)", [self.tree.into()]).into(),
            false => self.tree.into(),
        }
    }

    pub fn any(self) -> Part {
        self.tree.into()
    }
}

/// How a program is written down.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    pub indentation: &'static str,
    pub line_end: &'static str,
    pub semicolons: bool,
    /// Blocks by colons, not by braces.
    pub colons: bool,
}

/// In a template: a semicolon where the style has some.
pub const END: char = '¦';

/// Writes a program down.
pub fn render(program: &[Tree], style: Style) -> String {
    let lines = program.iter().map(|it| write_statement(it, style, 0));
    let text = lines.map(|it| it + "\n").collect::<String>();
    let text: String = text.lines().map(|it| it.trim_end().to_owned() + "\n").collect();
    text.replace('\n', style.line_end)
}

fn write_statement(tree: &Tree, style: Style, level: usize) -> String {
    let mut text = String::new();
    write(tree, style, level, &mut text);
    // What the line before would go on with.
    let goes_on = text.starts_with(['(', '[', '`', '+', '-', '/']) && !text.starts_with("//");
    if !style.semicolons && !style.colons && goes_on && !text.starts_with("/*") {
        text.insert(0, ';');
    }
    text
}

fn write(tree: &Tree, style: Style, level: usize, out: &mut String) {
    // How deep the line is that is written.
    let mut here = level;
    for part in &tree.parts {
        match part {
            Part::Text(text) => here = write_text(text, style, (level, here), out),
            Part::Tree(tree) if tree.kind == Kind::Statement => {
                out.push_str(&write_statement(tree, style, here))
            }
            Part::Tree(tree) => write(tree, style, here, out),
            Part::Block(block) => {
                for it in block {
                    new_line(style, here + 1, out);
                    out.push_str(&write_statement(it, style, here + 1));
                }
                if style.colons && block.is_empty() {
                    new_line(style, here + 1, out);
                    out.push_str("pass");
                }
                if !style.colons && !block.is_empty() {
                    new_line(style, here, out);
                }
            }
        }
    }
}

/// Writes a text of a template, of which lines may be deeper than the first one. Returns how deep the last one is.
fn write_text(text: &str, style: Style, (level, mut here): (usize, usize), out: &mut String) -> usize {
    let unit = if style.colons { 4 } else { 2 };
    for (at, line) in text.split('\n').enumerate() {
        let rest = line.trim_start_matches(' ');
        let deeper = line.len() - rest.len();
        let line = if at > 0 { rest } else { line };
        if at > 0 {
            here = level + deeper / unit;
            new_line(style, here, out);
        }
        out.push_str(&line.replace(END, if style.semicolons { ";" } else { "" }));
    }
    here
}

fn new_line(style: Style, level: usize, out: &mut String) {
    out.push('\n');
    out.push_str(&style.indentation.repeat(level));
}

/// All programs that are one step simpler; the simplest first.
pub fn simpler_block(block: &[Tree]) -> Vec<Block> {
    let mut all = Vec::new();
    let mut size = block.len();
    while size > 0 {
        for start in (0..block.len()).step_by(size) {
            let end = (start + size).min(block.len());
            all.push([&block[..start], &block[end..]].concat());
        }
        size /= 2;
    }
    for (at, tree) in block.iter().enumerate() {
        let with = |new: &[Tree]| [&block[..at], new, &block[at + 1..]].concat();
        for part in &tree.parts {
            match part {
                Part::Block(inner) if !inner.is_empty() => all.push(with(inner)),
                Part::Tree(inner) if inner.kind == Kind::Statement => {
                    all.push(with(std::slice::from_ref(inner)));
                }
                _ => {}
            }
        }
        all.extend(simpler(tree).into_iter().map(|it| with(&[it])));
    }
    all
}

fn simpler(tree: &Tree) -> Vec<Tree> {
    let mut all = Vec::new();
    for (at, part) in tree.parts.iter().enumerate() {
        let with = |new: Part| {
            let mut tree = tree.clone();
            tree.parts[at] = new;
            tree
        };
        match part {
            Part::Text(_) => {}
            Part::Block(block) => all.extend(simpler_block(block).into_iter().map(|it| with(it.into()))),
            Part::Tree(inner) => {
                let is_plain = inner.parts.iter().all(|it| matches!(it, Part::Text(_)));
                if !is_plain && inner.kind == Kind::Value {
                    all.push(with(self::tree(Kind::Value, "0", []).into()));
                }
                if inner.kind == Kind::Child {
                    all.push(with(self::tree(Kind::Child, "", []).into()));
                }
                all.extend(inside(inner).into_iter().map(|it| with(it.clone().into())));
                all.extend(simpler(inner).into_iter().map(|it| with(it.into())));
            }
        }
    }
    all
}

/// The trees right inside of one that may take its place.
fn inside(tree: &Tree) -> Vec<&Tree> {
    let trees = tree.parts.iter().filter_map(|it| match it {
        Part::Tree(inner) if inner.kind == tree.kind => Some(inner),
        _ => None,
    });
    trees.collect()
}

/// How many parts a program has.
pub fn size(block: &[Tree]) -> usize {
    let of = |tree: &Tree| -> usize {
        let parts = tree.parts.iter().map(|it| match it {
            Part::Text(_) => 0,
            Part::Tree(tree) => size(std::slice::from_ref(tree)),
            Part::Block(block) => size(block),
        });
        1 + parts.sum::<usize>()
    };
    block.iter().map(of).sum()
}
