//! Python's trees in the form that every language is lowered to, in one walk.
//!
//! Whatever the parser makes of broken code is lowered as well: what stands in an error is taken for statements
//! or expressions, as it looks.

mod chains;
mod classes;
mod expressions;
mod functions;
mod imports;
mod operators;
mod statements;
mod strings;
mod targets;
#[cfg(test)]
mod tests;
mod types;

use std::sync::LazyLock;

use tree_sitter::Node;

use super::super::ir::{Builder, Rules};
use super::super::kinds::kinds;

/// How Python is lowered.
pub static RULES: Rules = Rules { statement: statements::statement, body: functions::body };

kinds! {
    AliasedImport "aliased_import",
    AsPattern "as_pattern",
    AsPatternTarget "as_pattern_target",
    Assignment "assignment",
    Attribute "attribute",
    AugmentedAssignment "augmented_assignment",
    Await "await",
    BinaryOperator "binary_operator",
    Block "block",
    BooleanOperator "boolean_operator",
    Call "call",
    CaseClause "case_clause",
    CasePattern "case_pattern",
    ClassDefinition "class_definition",
    ClassPattern "class_pattern",
    ComparisonOperator "comparison_operator",
    ConcatenatedString "concatenated_string",
    ConditionalExpression "conditional_expression",
    DecoratedDefinition "decorated_definition",
    Decorator "decorator",
    DefaultParameter "default_parameter",
    DeleteStatement "delete_statement",
    Dictionary "dictionary",
    DictionaryComprehension "dictionary_comprehension",
    DictionarySplat "dictionary_splat",
    DictionarySplatPattern "dictionary_splat_pattern",
    DottedName "dotted_name",
    Ellipsis "ellipsis",
    EscapeInterpolation "escape_interpolation",
    EscapeSequence "escape_sequence",
    ExceptClause "except_clause",
    ExpressionList "expression_list",
    ExpressionStatement "expression_statement",
    False "false",
    Float "float",
    ForInClause "for_in_clause",
    ForStatement "for_statement",
    FunctionDefinition "function_definition",
    FutureImportStatement "future_import_statement",
    GeneratorExpression "generator_expression",
    GenericType "generic_type",
    GlobalStatement "global_statement",
    Identifier "identifier",
    IfStatement "if_statement",
    ImportFromStatement "import_from_statement",
    ImportStatement "import_statement",
    Integer "integer",
    Interpolation "interpolation",
    KeywordArgument "keyword_argument",
    KeywordPattern "keyword_pattern",
    KeywordSeparator "keyword_separator",
    Lambda "lambda",
    List "list",
    ListComprehension "list_comprehension",
    ListPattern "list_pattern",
    ListSplat "list_splat",
    ListSplatPattern "list_splat_pattern",
    Match "match_statement",
    NamedExpression "named_expression",
    NonlocalStatement "nonlocal_statement",
    None "none",
    NotOperator "not_operator",
    Pair "pair",
    ParenthesizedExpression "parenthesized_expression",
    PatternList "pattern_list",
    PositionalSeparator "positional_separator",
    ReturnStatement "return_statement",
    Set "set",
    SetComprehension "set_comprehension",
    Slice "slice",
    SplatPattern "splat_pattern",
    String "string",
    StringContent "string_content",
    StringEnd "string_end",
    StringStart "string_start",
    Subscript "subscript",
    True "true",
    TryStatement "try_statement",
    Tuple "tuple",
    TuplePattern "tuple_pattern",
    Type "type",
    TypeAliasStatement "type_alias_statement",
    TypeParameter "type_parameter",
    TypedDefaultParameter "typed_default_parameter",
    TypedParameter "typed_parameter",
    UnaryOperator "unary_operator",
    UnionPattern "union_pattern",
    UnionType "union_type",
    WildcardImport "wildcard_import",
    WithStatement "with_statement",
    Yield "yield",
}

/// What kind of node one is; an error is [`Kind::Other`].
fn kind(node: Node) -> Kind {
    static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| Kind::table(&tree_sitter_python::LANGUAGE.into()));
    KINDS.get(usize::from(node.kind_id())).copied().unwrap_or(Kind::Other)
}

/// The named children of a node; comments and errors excluded.
fn children<'t>(node: Node<'t>) -> Vec<Node<'t>> {
    let says = |it: &Node| !it.is_extra() && !it.is_error();
    // A cursor is dearer than a few steps from the first child.
    match node.named_child_count() as u32 {
        0 => Vec::new(),
        count @ 1..=4 => (0..count).filter_map(|it| node.named_child(it)).filter(says).collect(),
        _ => node.named_children(&mut node.walk()).filter(says).collect(),
    }
}

/// The first of the [`children`].
fn first<'t>(node: Node<'t>) -> Option<Node<'t>> {
    let count = node.named_child_count() as u32;
    (0..count).filter_map(|it| node.named_child(it)).find(|it| !it.is_extra() && !it.is_error())
}

/// Lowers the errors that stand among the children of a node, which nothing else looks at.
fn errors<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    if !node.has_error() {
        return;
    }
    let all: Vec<_> = node.named_children(&mut node.walk()).filter(Node::is_error).collect();
    all.into_iter().for_each(|it| statements::statement(b, it));
}

/// The [`children`] of a node that is lowered by the one round it, after the errors among them.
fn parts<'t>(b: &mut Builder<'t>, node: Node<'t>) -> Vec<Node<'t>> {
    errors(b, node);
    children(node)
}

/// Lowers all children of a node as statements, the errors among them as well.
fn all<'t>(b: &mut Builder<'t>, node: Node<'t>) {
    let mut cursor = node.walk();
    for child in node.named_children(&mut cursor) {
        if !child.is_extra() || child.is_error() {
            statements::statement(b, child);
        }
    }
}
