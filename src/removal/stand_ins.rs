//! What tests put in place of code: mocks of modules, of functions, of attributes.

use std::ops::Range;

use tree_sitter::Node;

use super::document::{Change, Document};
use super::view::{parts, text_of};
use super::{javascript, python};
use crate::syntax::Language;

/// A call of a test that puts something in the place of code.
pub(super) struct StandIn {
    /// The statement, where it is one by itself, else the call.
    pub(super) range: Range<usize>,
    /// In whose place.
    pub(super) target: Target,
    /// Whether the range is all that there is of it.
    pub(super) is_statement: bool,
}

/// In whose place something stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Names of a module as it is written; `None` where the whole module is replaced by what a program makes of it.
    Module(String, Option<Vec<String>>),
    /// What a file imports under a name.
    Local(String),
    /// What is looked up in something that a file imports under a name.
    Member(String, String),
}

/// Everything that a file puts in the place of code.
pub(super) fn stand_ins(document: &Document) -> Vec<StandIn> {
    let words = ["mock", "spyOn", "patch", "setattr"];
    if !words.iter().any(|it| document.text.contains(it)) {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut stack = vec![document.tree.root_node()];
    while let Some(node) = stack.pop() {
        found.extend(match document.language {
            Language::Python => of_python(document, node),
            _ => of_javascript(document, node),
        });
        stack.extend(parts(node));
    }
    found
}

/// A test without what stood in for a name; `at` is where that begins.
pub(super) fn without(document: &Document, at: usize, name: &str) -> Option<Change> {
    let stand_in = stand_ins(document).into_iter().find(|it| it.range.start == at && it.is_statement)?;
    let node =
        document.tree.root_node().descendant_for_byte_range(stand_in.range.start, stand_in.range.end)?;
    if let Target::Module(_, Some(names)) = &stand_in.target
        && names.iter().any(|it| it != name && it != "__esModule")
    {
        return Some(javascript::without_entry(document, entry_of(document, node, name)?));
    }
    match document.language {
        Language::Python => Some(python::without_entry(document, node)),
        _ => Some(Change::of([document.delete(node)])),
    }
}

fn of_javascript(document: &Document, call: Node) -> Option<StandIn> {
    if call.kind() != "call_expression" {
        return None;
    }
    let function = call.child_by_field_name("function")?;
    let arguments = parts(call.child_by_field_name("arguments")?);
    let text = |it: Node| text_of(&document.text, it);
    let target = match document.of(function) {
        "jest.mock" | "jest.doMock" | "jest.setMock" | "vi.mock" | "vi.doMock" => {
            let module = arguments.first().and_then(|it| text(*it).or_else(|| imported(document, *it)))?;
            Target::Module(module, arguments.get(1).and_then(|it| made(document, *it)))
        }
        "jest.spyOn" | "vi.spyOn" => {
            let [object, name, ..] = arguments[..] else { return None };
            (object.kind() == "identifier").then_some(())?;
            Target::Member(document.of(object).to_owned(), text(name)?)
        }
        // `useNewNav.mockReturnValue(true)`, also `vi.mocked(useNewNav)` and `(useNewNav as jest.Mock)`.
        _ => {
            let property = function.child_by_field_name("property").map(|it| document.of(it))?;
            property.starts_with("mock").then_some(())?;
            Target::Local(mocked(document, function.child_by_field_name("object")?)?)
        }
    };
    let statement = statement_of(document, call);
    let range = document.extent(statement.unwrap_or(call));
    Some(StandIn { range, target, is_statement: statement.is_some() })
}

/// The module of `import('./nav')`.
fn imported(document: &Document, node: Node) -> Option<String> {
    let is_import = node.kind() == "call_expression" && document.of(node).starts_with("import");
    let arguments = node.child_by_field_name("arguments").filter(|_| is_import)?;
    text_of(&document.text, *parts(arguments).first()?)
}

fn mocked(document: &Document, node: Node) -> Option<String> {
    let node = javascript::peeled(node);
    match node.kind() {
        "identifier" => Some(document.of(node).to_owned()),
        "as_expression" | "satisfies_expression" | "non_null_expression" => {
            mocked(document, node.named_child(0)?)
        }
        "call_expression" if document.of(node.child_by_field_name("function")?).ends_with(".mocked") => {
            mocked(document, *parts(node.child_by_field_name("arguments")?).first()?)
        }
        _ => None,
    }
}

/// The names of what a factory returns, where it returns an object that is written down.
fn made(document: &Document, factory: Node) -> Option<Vec<String>> {
    let object = object_of(factory)?;
    let pairs = parts(object).into_iter().filter(|it| it.kind() != "spread_element");
    pairs
        .map(|it| {
            let name = it.child_by_field_name("key").or_else(|| it.child_by_field_name("name")).unwrap_or(it);
            Some(document.of(name).trim_matches(['\'', '"']).to_owned())
        })
        .collect()
}

fn object_of(factory: Node) -> Option<Node> {
    let body = factory.child_by_field_name("body")?;
    let value = match body.kind() {
        "statement_block" => {
            let last = parts(body).pop().filter(|it| it.kind() == "return_statement")?;
            *parts(last).first()?
        }
        _ => body,
    };
    Some(javascript::peeled(value)).filter(|it| it.kind() == "object")
}

/// What a factory makes for a name.
fn entry_of<'t>(document: &Document, statement: Node<'t>, name: &str) -> Option<Node<'t>> {
    let mut stack = vec![statement];
    while let Some(node) = stack.pop() {
        if let Some(object) = object_of(node) {
            let is_it = |it: &Node| {
                let key =
                    it.child_by_field_name("key").or_else(|| it.child_by_field_name("name")).unwrap_or(*it);
                document.of(key).trim_matches(['\'', '"']) == name
            };
            return parts(object).into_iter().find(is_it);
        }
        stack.extend(parts(node));
    }
    None
}

/// The statement that a call is all of; with it goes a `beforeEach` that does nothing else.
fn statement_of<'t>(document: &Document, call: Node<'t>) -> Option<Node<'t>> {
    let mut node = call;
    loop {
        let parent = node.parent()?;
        match parent.kind() {
            "member_expression" | "await_expression" | "parenthesized_expression" => node = parent,
            "call_expression" if parent.child_by_field_name("function") == Some(node) => node = parent,
            "arrow_function" => return prepares(document, parent).and_then(|it| statement_of(document, it)),
            "expression_statement" => {
                let block =
                    parent.parent().filter(|it| it.kind() == "statement_block" && parts(*it).len() == 1);
                let whole = block.and_then(|it| prepares(document, it.parent()?));
                return whole.and_then(|it| statement_of(document, it)).or(Some(parent));
            }
            _ => return None,
        }
    }
}

/// The call of `beforeEach` or the like that a function is given to.
fn prepares<'t>(document: &Document, function: Node<'t>) -> Option<Node<'t>> {
    let call = function.parent()?.parent().filter(|it| it.kind() == "call_expression")?;
    let callee = document.of(call.child_by_field_name("function")?);
    matches!(callee, "beforeEach" | "afterEach" | "beforeAll" | "afterAll").then_some(call)
}

fn of_python(document: &Document, call: Node) -> Option<StandIn> {
    if call.kind() != "call" {
        return None;
    }
    let callee = document.of(call.child_by_field_name("function")?);
    let last = callee.rsplit('.').next().unwrap_or_default();
    let is_object = callee.ends_with("patch.object");
    if !is_object && !matches!(last, "patch" | "setattr" | "delattr") {
        return None;
    }
    let arguments = parts(call.child_by_field_name("arguments")?);
    let text = |it: &Node| text_of(&document.text, *it);
    let target = match (arguments.first()?, arguments.get(1).and_then(text)) {
        (first, _) if text(first).is_some() => {
            let path = text(first)?;
            let (module, name) = path.rsplit_once('.')?;
            Target::Module(module.to_owned(), Some(vec![name.to_owned()]))
        }
        (first, Some(name)) if first.kind() == "identifier" => {
            Target::Member(document.of(*first).to_owned(), name)
        }
        (first, Some(name)) if first.kind() == "attribute" => {
            Target::Module(document.of(*first).to_owned(), Some(vec![name]))
        }
        _ => return None,
    };
    let statement = call.parent().filter(|it| it.kind() == "expression_statement");
    let range = statement.unwrap_or(call).byte_range();
    Some(StandIn { range, target, is_statement: statement.is_some() })
}
