//! Names to meanings: fields to columns, aliases to expressions, calls to functions. Everything that the sandbox
//! does not know is refused here, whether or not there are rows.

use std::collections::HashSet;
use std::sync::Arc;

use super::Refusal;
use super::datum::Datum;
use super::functions::{self, Aggregate, Scalar};
use super::parse::Expr;
use super::table::{BoundSource, Column};

/// An expression that can be evaluated.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Value(Datum),
    List(Vec<Node>),
    Column {
        source: usize,
        column: Column,
        kind: Arc<str>,
        name: String,
    },
    And(Vec<Node>),
    Or(Vec<Node>),
    /// `in` with a constant set, kept by its keys.
    In {
        item: Box<Node>,
        set: HashSet<String>,
        negated: bool,
    },
    Scalar {
        function: &'static Scalar,
        args: Vec<Node>,
    },
    Aggregate {
        function: &'static Aggregate,
        distinct: bool,
        condition: Option<Box<Node>>,
        args: Vec<Node>,
    },
}

/// Where names are looked up.
pub(super) struct Binder<'a> {
    pub sources: &'a [BoundSource],
    /// The aliases of the `SELECT`.
    pub aliases: &'a [(String, Expr)],
    /// Whether an alias hides a column of the same name: not in `WHERE`.
    pub aliases_first: bool,
    /// Runs a query in brackets and yields its first column.
    pub subquery: &'a dyn Fn(&super::parse::Select) -> Result<Vec<Datum>, Refusal>,
}

impl Binder<'_> {
    pub fn bind(&self, expr: &Expr) -> Result<Node, Refusal> {
        self.expr(expr, &mut Vec::new())
    }

    /// Binds what `SELECT` yields under an alias: in there the name means the column.
    pub fn bind_item(&self, item: &super::parse::Item) -> Result<Node, Refusal> {
        self.expr(&item.expr, &mut item.alias.iter().cloned().collect())
    }

    /// `open` holds the aliases that are being expanded; inside its own expression a name means the column.
    fn expr(&self, expr: &Expr, open: &mut Vec<String>) -> Result<Node, Refusal> {
        match expr {
            Expr::Value(it) => Ok(Node::Value(it.clone())),
            Expr::List(list) => Ok(Node::List(self.all(list, open)?)),
            Expr::Field(parts) => self.field(parts, open),
            Expr::Query(select) => {
                let first = (self.subquery)(select)?.into_iter().next();
                Ok(Node::Value(first.unwrap_or(Datum::Null)))
            }
            Expr::Call { name, args, distinct } => self.call(name, args, *distinct, open),
        }
    }

    fn all(&self, list: &[Expr], open: &mut Vec<String>) -> Result<Vec<Node>, Refusal> {
        list.iter().map(|it| self.expr(it, open)).collect()
    }

    fn field(&self, parts: &[String], open: &mut Vec<String>) -> Result<Node, Refusal> {
        let alias = match parts {
            [name] => self.aliases.iter().find(|(it, _)| it == name && !open.contains(name)),
            _ => None,
        };
        let column = self.column(parts);
        match (alias, column) {
            (Some((name, expr)), column) if self.aliases_first || column.is_none() => {
                open.push(name.clone());
                let node = self.expr(expr, open);
                open.pop();
                node
            }
            (_, Some(column)) => Ok(column),
            _ if parts.len() > 1 && parts.last().is_some_and(|it| it.parse::<i64>().is_ok()) => {
                self.element(parts, open)
            }
            _ => Err(Refusal::new(format!("Unable to resolve field: {}", parts.join(".")))),
        }
    }

    /// `name[1]` where the name is no property but a list.
    fn element(&self, parts: &[String], open: &mut Vec<String>) -> Result<Node, Refusal> {
        let (last, list) = parts.split_last().map_or(("", parts), |(last, list)| (last.as_str(), list));
        let at = Expr::Value(last.parse().map_or(Datum::Null, Datum::Int));
        self.call("arrayElement", &[Expr::Field(list.to_vec()), at], false, open)
    }

    fn column(&self, parts: &[String]) -> Option<Node> {
        let node = |(source, (column, kind)): (usize, (Column, Arc<str>))| Node::Column {
            source,
            column,
            kind,
            name: parts.join("."),
        };
        let named = |it: &&BoundSource| it.alias.as_deref() == parts.first().map(String::as_str);
        if parts.len() > 1
            && let Some(at) = self.sources.iter().position(|it| named(&it))
            && let Some(column) = self.sources[at].columns.find(&parts[1..])
        {
            return Some(node((at, column)));
        }
        self.sources.iter().enumerate().find_map(|(at, it)| Some((at, it.columns.find(parts)?))).map(node)
    }

    fn call(
        &self,
        name: &str,
        args: &[Expr],
        distinct: bool,
        open: &mut Vec<String>,
    ) -> Result<Node, Refusal> {
        match (name.to_ascii_lowercase().as_str(), args) {
            ("and", _) if !args.is_empty() => return Ok(Node::And(self.all(args, open)?)),
            ("or", _) if !args.is_empty() => return Ok(Node::Or(self.all(args, open)?)),
            (name @ ("in" | "notin"), [item, set]) => {
                let item = self.expr(item, open)?;
                return self.set(item, set, name == "notin", open);
            }
            ("tuple" | "array", _) => return Ok(Node::List(self.all(args, open)?)),
            _ => {}
        }
        if let Some((function, conditional)) = functions::aggregate(name) {
            let mut args = self.all(args, open)?;
            let condition = if conditional { args.pop().map(Box::new) } else { None };
            if args.len() < function.least
                || args.len() > function.most
                || (conditional && condition.is_none())
            {
                let extra = usize::from(conditional);
                return Err(arguments(
                    name,
                    function.least + extra,
                    args.len() + usize::from(condition.is_some()),
                ));
            }
            if let Some(inner) = args.iter().chain(condition.as_deref()).find_map(Node::aggregate) {
                return Err(Refusal::new(format!(
                    "Aggregation '{inner}' cannot be nested inside another aggregation '{name}'."
                )));
            }
            return Ok(Node::Aggregate { function, distinct, condition, args });
        }
        let function = functions::scalar(name);
        let function =
            function.ok_or_else(|| Refusal::new(format!("Unsupported function call '{name}(...)'")))?;
        if args.len() < function.least || args.len() > function.most {
            return Err(arguments(name, function.least, args.len()));
        }
        let args = self.all(args, open)?;
        match args.first().map(Node::kind).filter(|_| function.takes_list()) {
            Some(kind) if !kind.starts_with("Array") && kind != "Tuple" => Err(Refusal::new(format!(
                "Illegal type {kind} of argument of function {name}, must be an array"
            ))),
            _ => Ok(Node::Scalar { function, args }),
        }
    }

    fn set(&self, item: Node, set: &Expr, negated: bool, open: &mut Vec<String>) -> Result<Node, Refusal> {
        let values = match set {
            Expr::Query(select) => (self.subquery)(select)?,
            other => {
                let list = match self.expr(other, open)? {
                    Node::List(list) => list,
                    one => vec![one],
                };
                let constant = |it: Node| match it {
                    Node::Value(it) => Ok(it),
                    _ => Err(Refusal::new("The right side of IN must be constant")),
                };
                list.into_iter().map(constant).collect::<Result<_, _>>()?
            }
        };
        // Properties are text, so a set of numbers or booleans is compared by text as well.
        let keys = values.iter().filter_map(Datum::string).collect();
        Ok(Node::In { item: Box::new(item), set: keys, negated })
    }
}

fn arguments(name: &str, wanted: usize, found: usize) -> Refusal {
    let plural = if wanted == 1 { "" } else { "s" };
    Refusal::new(format!("Function '{name}' expects {wanted} argument{plural}, found {found}"))
}

impl Node {
    fn children(&self) -> Vec<&Node> {
        match self {
            Node::Value(_) | Node::Column { .. } => Vec::new(),
            Node::List(it) | Node::And(it) | Node::Or(it) | Node::Scalar { args: it, .. } => {
                it.iter().collect()
            }
            Node::In { item, .. } => vec![item],
            Node::Aggregate { condition, args, .. } => args.iter().chain(condition.as_deref()).collect(),
        }
    }

    /// The name of an aggregation inside, if there is one.
    pub fn aggregate(&self) -> Option<&'static str> {
        match self {
            Node::Aggregate { function, .. } => Some(function.name),
            other => other.children().into_iter().find_map(Node::aggregate),
        }
    }

    /// Of a join's condition: two sides that must be equal, one of the rows so far, one of this source.
    pub fn equality(&self, source: usize) -> Option<(&Node, &Node)> {
        match self {
            Node::And(all) => all.iter().find_map(|it| it.equality(source)),
            Node::Scalar { function, args } if function.name == "equals" => {
                let of = |it: &Node| {
                    let sources = it.sources();
                    let own = !sources.is_empty() && sources.iter().all(|it| *it == source);
                    let before = !sources.is_empty() && sources.iter().all(|it| *it < source);
                    (before, own)
                };
                match (of(&args[0]), of(&args[1])) {
                    ((true, _), (_, true)) => Some((&args[0], &args[1])),
                    ((_, true), (true, _)) => Some((&args[1], &args[0])),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn sources(&self) -> Vec<usize> {
        match self {
            Node::Column { source, .. } => vec![*source],
            other => other.children().into_iter().flat_map(Node::sources).collect(),
        }
    }

    /// Whether two expressions are the same computation.
    pub fn same(&self, other: &Node) -> bool {
        let children = || {
            let (a, b) = (self.children(), other.children());
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b))
        };
        match (self, other) {
            (Node::Value(a), Node::Value(b)) => a == b,
            (Node::Column { source: a, column: x, .. }, Node::Column { source: b, column: y, .. }) => {
                a == b && x == y
            }
            (Node::List(_), Node::List(_)) | (Node::And(_), Node::And(_)) | (Node::Or(_), Node::Or(_)) => {
                children()
            }
            (Node::In { set: a, negated: x, .. }, Node::In { set: b, negated: y, .. }) => {
                a == b && x == y && children()
            }
            (Node::Scalar { function: a, .. }, Node::Scalar { function: b, .. }) => {
                a.name == b.name && children()
            }
            _ => false,
        }
    }

    /// In a grouped query a column must be inside an aggregation or be what is grouped by.
    pub fn check_grouped(&self, keys: &[Node]) -> Result<(), Refusal> {
        if keys.iter().any(|it| it.same(self)) {
            return Ok(());
        }
        match self {
            Node::Aggregate { .. } => Ok(()),
            Node::Column { name, .. } => Err(Refusal::new(format!(
                "Column `{name}` is not under aggregate function and not in GROUP BY"
            ))),
            other => other.children().into_iter().try_for_each(|it| it.check_grouped(keys)),
        }
    }

    /// ClickHouse's name for the type of the result.
    pub fn kind(&self) -> String {
        match self {
            Node::Value(it) => match it {
                Datum::Null => "Nullable(Nothing)",
                Datum::Bool(_) => "Bool",
                Datum::Int(it) if (0..256).contains(it) => "UInt8",
                Datum::Int(_) => "Int64",
                Datum::Float(_) => "Float64",
                Datum::Text(_) => "String",
                Datum::Time(_) => "DateTime64(6, 'UTC')",
                Datum::Day(_) => "Date",
                Datum::Interval { .. } => "IntervalSecond",
                Datum::List(_) => "Array(String)",
            }
            .to_owned(),
            Node::List(_) => "Tuple".into(),
            Node::Column { kind, .. } => kind.to_string(),
            Node::And(_) | Node::Or(_) | Node::In { .. } => "UInt8".into(),
            Node::Scalar { function, args } => match function.kind {
                "" => args.last().map_or_else(String::new, Node::kind),
                kind => kind.to_owned(),
            },
            Node::Aggregate { function, args, .. } => match function.kind {
                "" => args.first().map_or_else(String::new, Node::kind),
                kind => kind.to_owned(),
            },
        }
    }
}
