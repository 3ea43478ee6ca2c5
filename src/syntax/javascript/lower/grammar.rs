//! The kinds of nodes and tokens that say something, in both TypeScript grammars: the two number them differently.

use std::sync::LazyLock;

use tree_sitter::{Language, Node};

use super::super::super::field::{Field, Fields};
use super::super::super::kinds::kinds;

kinds! {
    AbstractClass "abstract_class_declaration",
    AbstractMethod "abstract_method_signature",
    Accessibility "accessibility_modifier",
    Ambient "ambient_declaration",
    Arguments "arguments",
    Array "array",
    ArrayPattern "array_pattern",
    ArrayType "array_type",
    Arrow "arrow_function",
    As "as_expression",
    Assertion "type_assertion",
    Assignment "assignment_expression",
    AssignmentPattern "assignment_pattern",
    Augmented "augmented_assignment_expression",
    Await "await_expression",
    Binary "binary_expression",
    Block "statement_block",
    Call "call_expression",
    CatchClause "catch_clause",
    Class "class",
    ClassBody "class_body",
    ClassDeclaration "class_declaration",
    ClassHeritage "class_heritage",
    ComputedName "computed_property_name",
    ConditionalType "conditional_type",
    ConstructorType "constructor_type",
    Decorator "decorator",
    ElseClause "else_clause",
    Enum "enum_declaration",
    EnumAssignment "enum_assignment",
    EnumBody "enum_body",
    Error "ERROR",
    EscapeSequence "escape_sequence",
    Export "export_statement",
    ExportClause "export_clause",
    ExportSpecifier "export_specifier",
    ExpressionStatement "expression_statement",
    Extends "extends_clause",
    ExtendsType "extends_type_clause",
    False "false",
    Field "public_field_definition",
    FlowMaybeType "flow_maybe_type",
    For "for_statement",
    ForIn "for_in_statement",
    Function "function_declaration",
    FunctionExpression "function_expression",
    FunctionSignature "function_signature",
    FunctionType "function_type",
    Generator "generator_function_declaration",
    GeneratorExpression "generator_function",
    GenericType "generic_type",
    Identifier "identifier",
    If "if_statement",
    Implements "implements_clause",
    Import "import_statement",
    ImportAlias "import_alias",
    ImportCall "import",
    ImportClause "import_clause",
    ImportRequire "import_require_clause",
    ImportSpecifier "import_specifier",
    IndexSignature "index_signature",
    Instantiation "instantiation_expression",
    Interface "interface_declaration",
    InternalModule "internal_module",
    IntersectionType "intersection_type",
    JsxAttribute "jsx_attribute",
    JsxElement "jsx_element",
    JsxExpression "jsx_expression",
    JsxOpening "jsx_opening_element",
    JsxSelfClosing "jsx_self_closing_element",
    KeyofType "index_type_query",
    Label "statement_identifier",
    Lexical "lexical_declaration",
    LiteralType "literal_type",
    LookupType "lookup_type",
    MappedType "mapped_type_clause",
    Member "member_expression",
    MetaProperty "meta_property",
    Method "method_definition",
    MethodSignature "method_signature",
    Module "module",
    NamedImports "named_imports",
    NamespaceExport "namespace_export",
    NamespaceImport "namespace_import",
    NestedIdentifier "nested_identifier",
    NestedType "nested_type_identifier",
    New "new_expression",
    NonNull "non_null_expression",
    Null "null",
    Number "number",
    Object "object",
    ObjectAssignmentPattern "object_assignment_pattern",
    ObjectPattern "object_pattern",
    ObjectType "object_type",
    OptionalParameter "optional_parameter",
    OptionalType "optional_type",
    OverrideModifier "override_modifier",
    Pair "pair",
    PairPattern "pair_pattern",
    Parameters "formal_parameters",
    Parenthesized "parenthesized_expression",
    ParenthesizedType "parenthesized_type",
    PredefinedType "predefined_type",
    PrivateName "private_property_identifier",
    PropertyName "property_identifier",
    PropertySignature "property_signature",
    ReadonlyType "readonly_type",
    Regex "regex",
    RequiredParameter "required_parameter",
    RestPattern "rest_pattern",
    RestType "rest_type",
    Return "return_statement",
    Satisfies "satisfies_expression",
    Sequence "sequence_expression",
    Shorthand "shorthand_property_identifier",
    ShorthandPattern "shorthand_property_identifier_pattern",
    Spread "spread_element",
    StaticBlock "class_static_block",
    String "string",
    StringFragment "string_fragment",
    Subscript "subscript_expression",
    Super "super",
    SwitchBody "switch_body",
    Switch "switch_statement",
    SwitchCase "switch_case",
    SwitchDefault "switch_default",
    TemplateString "template_string",
    TemplateSubstitution "template_substitution",
    TemplateType "template_literal_type",
    Ternary "ternary_expression",
    This "this",
    ThisType "this_type",
    True "true",
    TupleType "tuple_type",
    TypeAlias "type_alias_declaration",
    TypeAnnotation "type_annotation",
    TypeArguments "type_arguments",
    TypeIdentifier "type_identifier",
    TypeParameters "type_parameters",
    TypeQuery "type_query",
    Unary "unary_expression",
    Undefined "undefined",
    UnionType "union_type",
    Update "update_expression",
    Variable "variable_declaration",
    Variables "variable_declarator",
    Yield "yield_expression",
    ;
    And "&&",
    AndAssign "&&=",
    CloseParen ")",
    Comma ",",
    Const "const",
    Default "default",
    Delete "delete",
    Equals "=",
    EqualTo "==",
    Identical "===",
    NotEqualTo "!=",
    NotIdentical "!==",
    FunctionWord "function",
    Get "get",
    In "in",
    Let "let",
    Nullish "??",
    NullishAssign "??=",
    OpenBrace "{",
    OpenParen "(",
    Or "||",
    OrAssign "||=",
    Plus "+",
    Quote "'",
    DoubleQuote "\"",
    Readonly "readonly",
    Semicolon ";",
    Set "set",
    Star "*",
    Var "var",
    Void "void",
}

impl Kind {
    /// Whether this is an expression, wherever it stands.
    pub fn is_expression(self) -> bool {
        use Kind::*;
        matches!(
            self,
            Array
                | Arrow
                | As
                | Assertion
                | Assignment
                | Augmented
                | Await
                | Binary
                | Call
                | Class
                | False
                | FunctionExpression
                | GeneratorExpression
                | Identifier
                | ImportCall
                | Instantiation
                | JsxElement
                | JsxOpening
                | JsxSelfClosing
                | Member
                | MetaProperty
                | New
                | NonNull
                | Null
                | Number
                | Object
                | Parenthesized
                | Regex
                | Satisfies
                | Sequence
                | String
                | Subscript
                | Super
                | TemplateString
                | Ternary
                | This
                | True
                | Unary
                | Undefined
                | Update
                | Yield
        )
    }

    /// Whether this is a type, or goes with one. No call stands in it.
    pub fn is_type(self) -> bool {
        use Kind::*;
        matches!(
            self,
            ArrayType
                | ConditionalType
                | ConstructorType
                | FlowMaybeType
                | FunctionType
                | GenericType
                | IntersectionType
                | KeyofType
                | LiteralType
                | LookupType
                | NestedType
                | ObjectType
                | OptionalType
                | ParenthesizedType
                | PredefinedType
                | ReadonlyType
                | RestType
                | TemplateType
                | ThisType
                | TupleType
                | TypeAnnotation
                | TypeArguments
                | TypeIdentifier
                | TypeParameters
                | TypeQuery
                | UnionType
        )
    }
}

/// The number that both grammars have for errors.
const ERROR: u16 = u16::MAX;

/// Nodes that say nothing.
const SILENT: &[&str] = &[
    "comment",
    "debugger_statement",
    "empty_statement",
    "hash_bang_line",
    "html_character_reference",
    "html_comment",
    "jsx_closing_element",
    "jsx_text",
    "optional_chain",
];

/// One of the two grammars.
#[derive(Debug)]
pub(super) struct Grammar {
    fields: Fields,
    /// By number; nothing for what says nothing.
    kinds: Vec<Option<Kind>>,
}

impl Grammar {
    /// The grammar of a node.
    pub fn of(node: Node) -> &'static Grammar {
        static TSX: LazyLock<Grammar> =
            LazyLock::new(|| Grammar::new(tree_sitter_typescript::LANGUAGE_TSX.into()));
        static PLAIN: LazyLock<Grammar> =
            LazyLock::new(|| Grammar::new(tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into()));
        if TSX.fields.are_of(node) { &TSX } else { &PLAIN }
    }

    fn new(language: Language) -> Grammar {
        let says = |id: u16| match language.node_kind_is_named(id) {
            true => !SILENT.contains(&language.node_kind_for_id(id).unwrap_or_default()),
            false => false,
        };
        let kinds = Kind::table(&language).into_iter().enumerate();
        let kinds =
            kinds.map(|(id, kind)| (kind != Kind::Other || says(id as u16)).then_some(kind)).collect();
        Grammar { fields: Fields::of(language), kinds }
    }

    /// The kind of a node; nothing for what says nothing.
    pub fn kind(&self, node: Node) -> Option<Kind> {
        let number = node.kind_id();
        match self.kinds.get(usize::from(number)) {
            Some(kind) => *kind,
            None if number == ERROR => Some(Kind::Error),
            None => Some(Kind::Other),
        }
    }

    /// The number of a field.
    pub fn field(&self, field: Field) -> Option<u16> {
        self.fields.number(field)
    }
}
