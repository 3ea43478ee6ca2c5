//! Tokens to a tree. Operators become calls under HogQL's own names, as PostHog prints them.

use std::fmt;

use serde_json::{Map, Value};

use super::Refusal;
use super::datum::Datum;
use super::token::{Kind, Token, tokens};

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Value(Datum),
    List(Vec<Expr>),
    /// `a.b.c`
    Field(Vec<String>),
    Call {
        name: String,
        args: Vec<Expr>,
        distinct: bool,
    },
    Query(Box<Select>),
}

/// A `SELECT`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Select {
    pub distinct: bool,
    pub items: Vec<Item>,
    pub from: Option<Source>,
    pub joins: Vec<Join>,
    pub filter: Option<Expr>,
    pub group_by: Vec<Expr>,
    pub having: Option<Expr>,
    /// With whether it descends.
    pub order_by: Vec<(Expr, bool)>,
    pub limit: Option<u64>,
    pub offset: u64,
    /// The queries whose rows follow: `UNION ALL`.
    pub union: Vec<Select>,
}

/// What a `SELECT` yields.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub expr: Expr,
    pub alias: Option<String>,
    /// The column's name in the answer.
    pub name: String,
}

/// Where rows come from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Source {
    pub rows: Rows,
    pub alias: Option<String>,
}

/// A table by name, or a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Rows {
    Table(String),
    Query(Box<Select>),
}

/// A join; an inner one drops rows without a match.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Join {
    pub source: Source,
    pub left: bool,
    pub on: Expr,
}

/// Reads one `SELECT`, or several in a `UNION ALL`; `{name}` takes its value from `values`.
pub(super) fn select(sql: &str, values: &Map<String, Value>) -> Result<Select, Refusal> {
    let mut parser = Parser { sql, tokens: tokens(sql)?, at: 0, values, depth: 0 };
    let select = parser.query()?;
    parser.sign(";");
    parser.end()?;
    Ok(select)
}

/// Reads one expression.
pub(super) fn expression(text: &str) -> Result<Expr, Refusal> {
    let values = Map::new();
    let mut parser = Parser { sql: text, tokens: tokens(text)?, at: 0, values: &values, depth: 0 };
    let expr = parser.expr(0)?;
    parser.end()?;
    Ok(expr)
}

struct Parser<'a> {
    sql: &'a str,
    tokens: Vec<Token>,
    at: usize,
    values: &'a Map<String, Value>,
    /// How deep expressions are nested; text from outside must not overflow the stack.
    depth: u8,
}

/// Words that end an expression or an alias.
const RESERVED: &[&str] = &[
    "select", "from", "where", "group", "having", "order", "limit", "offset", "as", "on", "join", "left",
    "inner", "and", "or", "not", "in", "is", "like", "ilike", "between", "asc", "desc", "by", "union",
    "with", "nulls",
];

impl Parser<'_> {
    fn peek(&self) -> &Kind {
        self.tokens.get(self.at).map_or(&Kind::End, |it| &it.kind)
    }

    fn next(&mut self) -> Kind {
        let kind = self.peek().clone();
        self.at += 1;
        kind
    }

    /// Takes a keyword when it is next.
    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Kind::Word(it) if it.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    /// Takes a sign when it is next.
    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Kind::Sign(it) if *it == sign);
        self.at += usize::from(found);
        found
    }

    fn need(&mut self, sign: &str) -> Result<(), Refusal> {
        if self.sign(sign) { Ok(()) } else { Err(self.unexpected(&format!("'{sign}'"))) }
    }

    fn need_word(&mut self, word: &str) -> Result<(), Refusal> {
        if self.word(word) { Ok(()) } else { Err(self.unexpected(word)) }
    }

    fn end(&self) -> Result<(), Refusal> {
        if *self.peek() == Kind::End { Ok(()) } else { Err(self.unexpected("the end")) }
    }

    fn unexpected(&self, wanted: &str) -> Refusal {
        let token = self.tokens.get(self.at).filter(|it| it.kind != Kind::End);
        match token {
            Some(it) => {
                let text = &self.sql[it.start..it.end];
                Refusal::syntax(format!("expected {wanted} but found '{text}' at position {}", it.start))
            }
            None => Refusal::syntax(format!("expected {wanted} but the query ends")),
        }
    }

    fn name(&mut self) -> Result<String, Refusal> {
        match self.peek().clone() {
            Kind::Word(it) | Kind::Quoted(it) => {
                self.at += 1;
                Ok(it)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn query(&mut self) -> Result<Select, Refusal> {
        let mut first = self.branch()?;
        while self.word("union") {
            self.need_word("all")?;
            first.union.push(self.branch()?);
        }
        Ok(first)
    }

    /// One side of a union, which may stand in brackets.
    fn branch(&mut self) -> Result<Select, Refusal> {
        if !self.sign("(") {
            return self.select();
        }
        let inner = self.nested(Parser::query)?;
        self.need(")")?;
        Ok(inner)
    }

    fn select(&mut self) -> Result<Select, Refusal> {
        self.need_word("select")?;
        let mut select = Select { distinct: self.word("distinct"), ..Select::default() };
        loop {
            select.items.push(self.item()?);
            if !self.sign(",") {
                break;
            }
        }
        if self.word("from") {
            select.from = Some(self.source()?);
            while let Some(join) = self.join()? {
                select.joins.push(join);
            }
        }
        if self.word("where") {
            select.filter = Some(self.expr(0)?);
        }
        if self.word("group") {
            self.need_word("by")?;
            select.group_by = self.list()?;
        }
        if self.word("having") {
            select.having = Some(self.expr(0)?);
        }
        if self.word("order") {
            self.need_word("by")?;
            loop {
                let expr = self.expr(0)?;
                let down = self.word("desc");
                if !down {
                    self.word("asc");
                }
                select.order_by.push((expr, down));
                if !self.sign(",") {
                    break;
                }
            }
        }
        if self.word("limit") {
            select.limit = Some(self.count()?);
        }
        if self.word("offset") {
            select.offset = self.count()?;
        }
        Ok(select)
    }

    fn count(&mut self) -> Result<u64, Refusal> {
        match self.next() {
            Kind::Int(it) if it >= 0 => Ok(it as u64),
            _ => {
                self.at -= 1;
                Err(self.unexpected("a number"))
            }
        }
    }

    fn item(&mut self) -> Result<Item, Refusal> {
        let start = self.tokens.get(self.at).map_or(0, |it| it.start);
        if self.sign("*") {
            return Ok(Item { expr: Expr::Field(vec!["*".into()]), alias: None, name: "*".into() });
        }
        let expr = self.expr(0)?;
        let end = self.tokens.get(self.at.saturating_sub(1)).map_or(start, |it| it.end);
        let alias = self.alias()?;
        let name = match (&alias, &expr) {
            (Some(alias), _) => alias.clone(),
            // PostHog names a column without alias after the last part of the field.
            (None, Expr::Field(parts)) => parts.last().cloned().unwrap_or_default(),
            (None, _) => self.sql[start..end].split_whitespace().collect::<Vec<_>>().join(" "),
        };
        Ok(Item { expr, alias, name })
    }

    fn alias(&mut self) -> Result<Option<String>, Refusal> {
        if self.word("as") {
            return self.name().map(Some);
        }
        match self.peek() {
            Kind::Word(it) if !RESERVED.contains(&it.to_ascii_lowercase().as_str()) => self.name().map(Some),
            Kind::Quoted(_) => self.name().map(Some),
            _ => Ok(None),
        }
    }

    fn source(&mut self) -> Result<Source, Refusal> {
        let rows = if self.sign("(") {
            let select = self.nested(Parser::query)?;
            self.need(")")?;
            Rows::Query(Box::new(select))
        } else {
            let mut name = self.name()?;
            while self.sign(".") {
                name = format!("{name}.{}", self.name()?);
            }
            Rows::Table(name)
        };
        Ok(Source { rows, alias: self.alias()? })
    }

    fn join(&mut self) -> Result<Option<Join>, Refusal> {
        let left = self.word("left");
        let inner = !left && self.word("inner");
        if !self.word("join") {
            return if left || inner { Err(self.unexpected("join")) } else { Ok(None) };
        }
        let source = self.source()?;
        self.need_word("on")?;
        Ok(Some(Join { source, left, on: self.expr(0)? }))
    }

    fn list(&mut self) -> Result<Vec<Expr>, Refusal> {
        let mut list = vec![self.expr(0)?];
        while self.sign(",") {
            list.push(self.expr(0)?);
        }
        Ok(list)
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Refusal>) -> Result<T, Refusal> {
        if self.depth >= 60 {
            return Err(Refusal::syntax("the query is nested too deeply"));
        }
        self.depth += 1;
        let it = read(self);
        self.depth -= 1;
        it
    }

    /// Precedence climbing: `or` 1, `and` 2, `not` 3, comparisons 4, sums 5, products 6.
    fn expr(&mut self, least: u8) -> Result<Expr, Refusal> {
        self.nested(|it| it.climb(least))
    }

    fn climb(&mut self, least: u8) -> Result<Expr, Refusal> {
        let mut left = if self.word("not") {
            call("not", vec![self.expr(4)?])
        } else if self.sign("-") {
            match self.expr(7)? {
                Expr::Value(Datum::Int(it)) => Expr::Value(Datum::Int(-it)),
                Expr::Value(Datum::Float(it)) => Expr::Value(Datum::Float(-it)),
                other => call("negate", vec![other]),
            }
        } else {
            self.primary()?
        };
        loop {
            if least <= 4
                && let Some(next) = self.predicate(&left)?
            {
                left = next;
                continue;
            }
            let Some((name, level)) = self.operator() else { return Ok(left) };
            if level < least {
                return Ok(left);
            }
            self.at += 1;
            let right = self.expr(level + 1)?;
            left = match left {
                // PostHog prints chains flat: and(a, b, c).
                Expr::Call { name: same, mut args, distinct } if same == name && level <= 2 => {
                    args.push(right);
                    Expr::Call { name: same, args, distinct }
                }
                left => call(name, vec![left, right]),
            };
        }
    }

    fn operator(&self) -> Option<(&'static str, u8)> {
        Some(match self.peek() {
            Kind::Word(it) if it.eq_ignore_ascii_case("or") => ("or", 1),
            Kind::Word(it) if it.eq_ignore_ascii_case("and") => ("and", 2),
            Kind::Sign("=" | "==") => ("equals", 4),
            Kind::Sign("!=" | "<>") => ("notEquals", 4),
            Kind::Sign("<") => ("less", 4),
            Kind::Sign("<=") => ("lessOrEquals", 4),
            Kind::Sign(">") => ("greater", 4),
            Kind::Sign(">=") => ("greaterOrEquals", 4),
            Kind::Sign("||") => ("concat", 5),
            Kind::Sign("+") => ("plus", 5),
            Kind::Sign("-") => ("minus", 5),
            Kind::Sign("*") => ("multiply", 6),
            Kind::Sign("/") => ("divide", 6),
            Kind::Sign("%") => ("modulo", 6),
            _ => return None,
        })
    }

    /// `is null`, `in`, `like`, `between` behind an expression.
    fn predicate(&mut self, left: &Expr) -> Result<Option<Expr>, Refusal> {
        let start = self.at;
        if self.word("is") {
            let negated = self.word("not");
            self.need_word("null")?;
            return Ok(Some(call(if negated { "isNotNull" } else { "isNull" }, vec![left.clone()])));
        }
        let negated = self.word("not");
        let named = |plain, not| if negated { not } else { plain };
        if self.word("in") {
            let list = self.set()?;
            return Ok(Some(call(named("in", "notIn"), vec![left.clone(), list])));
        }
        if self.word("like") {
            return Ok(Some(call(named("like", "notLike"), vec![left.clone(), self.expr(5)?])));
        }
        if self.word("ilike") {
            return Ok(Some(call(named("ilike", "notILike"), vec![left.clone(), self.expr(5)?])));
        }
        if self.word("between") {
            let low = call("greaterOrEquals", vec![left.clone(), self.expr(5)?]);
            self.need_word("and")?;
            let both = call("and", vec![low, call("lessOrEquals", vec![left.clone(), self.expr(5)?])]);
            return Ok(Some(if negated { call("not", vec![both]) } else { both }));
        }
        self.at = start;
        Ok(None)
    }

    /// The right side of `in`.
    fn set(&mut self) -> Result<Expr, Refusal> {
        if !self.sign("(") {
            return match self.primary()? {
                list @ Expr::List(_) => Ok(list),
                one => Ok(Expr::List(vec![one])),
            };
        }
        let set = match self.peek() {
            Kind::Word(it) if it.eq_ignore_ascii_case("select") => {
                Expr::Query(Box::new(self.nested(Parser::query)?))
            }
            _ => match self.list()? {
                // `in ({keys})`
                list if list.len() == 1 && matches!(list[0], Expr::List(_)) => list[0].clone(),
                list => Expr::List(list),
            },
        };
        self.need(")")?;
        Ok(set)
    }

    fn primary(&mut self) -> Result<Expr, Refusal> {
        let mut expr = match self.next() {
            Kind::Text(it) => Expr::Value(Datum::text(&it)),
            Kind::Int(it) => Expr::Value(Datum::Int(it)),
            Kind::Float(it) => Expr::Value(Datum::Float(it)),
            Kind::Sign("(") => {
                let list = match self.peek() {
                    Kind::Word(it) if it.eq_ignore_ascii_case("select") => {
                        vec![Expr::Query(Box::new(self.nested(Parser::query)?))]
                    }
                    _ => self.list()?,
                };
                self.need(")")?;
                match <[Expr; 1]>::try_from(list) {
                    Ok([one]) => one,
                    Err(list) => Expr::List(list),
                }
            }
            Kind::Sign("[") => {
                let list = if self.sign("]") {
                    Vec::new()
                } else {
                    let list = self.list()?;
                    self.need("]")?;
                    list
                };
                Expr::List(list)
            }
            Kind::Sign("{") => {
                let name = self.name()?;
                self.need("}")?;
                let value = self.values.get(&name);
                placeholder(value.ok_or_else(|| Refusal::new(format!("Unresolved placeholder: {{{name}}}")))?)
            }
            Kind::Quoted(it) => Expr::Field(vec![it]),
            Kind::Word(it) => return self.name_or_call(it),
            _ => {
                self.at -= 1;
                return Err(self.unexpected("an expression"));
            }
        };
        self.path(&mut expr)?;
        Ok(expr)
    }

    fn name_or_call(&mut self, word: String) -> Result<Expr, Refusal> {
        let lower = word.to_ascii_lowercase();
        match lower.as_str() {
            "null" => return Ok(Expr::Value(Datum::Null)),
            "true" => return Ok(Expr::Value(Datum::Bool(true))),
            "false" => return Ok(Expr::Value(Datum::Bool(false))),
            "interval" if !matches!(self.peek(), Kind::Sign("(")) => return self.interval(),
            _ => {}
        }
        if self.sign("(") {
            let distinct = self.word("distinct");
            let args = if self.sign(")") {
                Vec::new()
            } else if self.sign("*") {
                self.need(")")?;
                Vec::new()
            } else {
                let args = self.list()?;
                self.need(")")?;
                args
            };
            let mut expr = Expr::Call { name: word, args, distinct };
            self.path(&mut expr)?;
            return Ok(expr);
        }
        if RESERVED.contains(&lower.as_str()) {
            self.at -= 1;
            return Err(self.unexpected("an expression"));
        }
        let mut expr = Expr::Field(vec![word]);
        self.path(&mut expr)?;
        Ok(expr)
    }

    /// `.name`, `['name']` and `[1]` behind an expression. Behind a field a number is a step of its path as well:
    /// PostHog reads `properties.list[1]` so.
    fn path(&mut self, expr: &mut Expr) -> Result<(), Refusal> {
        loop {
            match expr {
                Expr::Field(parts) if self.sign(".") => parts.push(self.name()?),
                Expr::Field(parts) if self.sign("[") => {
                    match self.next() {
                        Kind::Text(it) => parts.push(it),
                        Kind::Int(it) => parts.push(it.to_string()),
                        Kind::Sign("-") => parts.push(format!("-{}", self.count()?)),
                        Kind::Sign("{") => parts.push(self.text_value()?),
                        _ => {
                            self.at -= 1;
                            return Err(self.unexpected("a property's name"));
                        }
                    }
                    self.need("]")?;
                }
                Expr::Call { .. } | Expr::List(_) if self.sign("[") => {
                    let at = self.expr(0)?;
                    self.need("]")?;
                    let list = std::mem::replace(expr, Expr::Value(Datum::Null));
                    *expr = call("arrayElement", vec![list, at]);
                }
                _ => return Ok(()),
            }
        }
    }

    /// The rest of a placeholder that stands for a name.
    fn text_value(&mut self) -> Result<String, Refusal> {
        let name = self.name()?;
        self.need("}")?;
        match self.values.get(&name) {
            Some(Value::String(it)) => Ok(it.clone()),
            Some(_) => Err(Refusal::syntax(format!("{{{name}}} is no property's name"))),
            None => Err(Refusal::new(format!("Unresolved placeholder: {{{name}}}"))),
        }
    }

    /// `INTERVAL 7 DAY` or `INTERVAL '7 days'`
    fn interval(&mut self) -> Result<Expr, Refusal> {
        let wrong = || Refusal::syntax("an interval is a whole number and a unit");
        let (count, unit) = match self.next() {
            Kind::Int(count) => (count, self.name()?),
            Kind::Text(text) => {
                let (count, unit) = text.split_once(' ').ok_or_else(wrong)?;
                (count.parse().map_err(|_| wrong())?, unit.to_owned())
            }
            _ => return Err(wrong()),
        };
        let unit = unit.to_ascii_lowercase();
        let unit = unit.strip_suffix('s').unwrap_or(&unit);
        let known = ["second", "minute", "hour", "day", "week", "month", "year"];
        if !known.contains(&unit) {
            return Err(Refusal::syntax(format!("unsupported interval unit: {unit}")));
        }
        let name = format!("toInterval{}{}", unit[..1].to_ascii_uppercase(), &unit[1..]);
        Ok(call(&name, vec![Expr::Value(Datum::Int(count))]))
    }
}

fn call(name: &str, args: Vec<Expr>) -> Expr {
    Expr::Call { name: name.to_owned(), args, distinct: false }
}

fn placeholder(value: &Value) -> Expr {
    match value {
        Value::Array(list) => Expr::List(list.iter().map(placeholder).collect()),
        other => Expr::Value(Datum::from_json(other)),
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Value(it) => f.write_str(&it.literal()),
            Expr::List(it) => write!(f, "tuple({})", joined(it)),
            Expr::Field(parts) => {
                let plain = |it: &str| {
                    it == "*" || it.chars().all(|it| it.is_alphanumeric() || it == '_' || it == '$')
                };
                let part = |it: &String| if plain(it) { it.clone() } else { format!("`{it}`") };
                f.write_str(&parts.iter().map(part).collect::<Vec<_>>().join("."))
            }
            Expr::Call { name, args, distinct } => {
                write!(f, "{name}({}{})", if *distinct { "DISTINCT " } else { "" }, joined(args))
            }
            Expr::Query(it) => write!(f, "({it})"),
        }
    }
}

fn joined(list: &[Expr]) -> String {
    list.iter().map(Expr::to_string).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rows {
            Rows::Table(name) => f.write_str(name)?,
            Rows::Query(select) => write!(f, "({select})")?,
        }
        self.alias.iter().try_for_each(|it| write!(f, " AS {it}"))
    }
}

impl fmt::Display for Select {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let item = |it: &Item| match &it.alias {
            Some(alias) => format!("{} AS {alias}", it.expr),
            None => it.expr.to_string(),
        };
        let items: Vec<_> = self.items.iter().map(item).collect();
        write!(f, "SELECT {}{}", if self.distinct { "DISTINCT " } else { "" }, items.join(", "))?;
        self.from.iter().try_for_each(|it| write!(f, " FROM {it}"))?;
        for join in &self.joins {
            write!(f, " {}JOIN {} ON {}", if join.left { "LEFT " } else { "" }, join.source, join.on)?;
        }
        self.filter.iter().try_for_each(|it| write!(f, " WHERE {it}"))?;
        if !self.group_by.is_empty() {
            write!(f, " GROUP BY {}", joined(&self.group_by))?;
        }
        self.having.iter().try_for_each(|it| write!(f, " HAVING {it}"))?;
        if !self.order_by.is_empty() {
            let part = |(it, down): &(Expr, bool)| format!("{it} {}", if *down { "DESC" } else { "ASC" });
            write!(f, " ORDER BY {}", self.order_by.iter().map(part).collect::<Vec<_>>().join(", "))?;
        }
        self.limit.iter().try_for_each(|it| write!(f, " LIMIT {it}"))?;
        if self.offset > 0 {
            write!(f, " OFFSET {}", self.offset)?;
        }
        self.union.iter().try_for_each(|it| write!(f, " UNION ALL {it}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn printed(sql: &str) -> String {
        let values = json!({"keys": ["a", "b'c"], "n": 3});
        select(sql, values.as_object().unwrap()).unwrap().to_string()
    }

    #[test]
    fn operators_print_as_posthog_prints_them() {
        assert_eq!(
            printed(
                "select event, count() as c from events where timestamp > now() - interval 7 day group by event order by c desc"
            ),
            "SELECT event, count() AS c FROM events WHERE greater(timestamp, minus(now(), toIntervalDay(7))) GROUP BY event ORDER BY c DESC"
        );
        assert_eq!(
            printed("select 1 where a = 1 and b != 2 and not c in {keys} or d is not null"),
            r"SELECT 1 WHERE or(and(equals(a, 1), notEquals(b, 2), not(in(c, tuple('a', 'b\'c')))), isNotNull(d))"
        );
        assert_eq!(printed("select 1 + 2 * 3 - -4"), "SELECT minus(plus(1, multiply(2, 3)), -4)");
        assert_eq!(printed("select properties['$feature/x-y'], {n}"), "SELECT properties.`$feature/x-y`, 3");
        assert_eq!(
            printed("select a from (select 1 as a union all (select 2 as a)) as e"),
            "SELECT a FROM (SELECT 1 AS a UNION ALL SELECT 2 AS a) AS e"
        );
        assert_eq!(
            printed("select properties.$exception_types[1], groupArray(event)[2] from events"),
            "SELECT properties.$exception_types.1, arrayElement(groupArray(event), 2) FROM events"
        );
    }

    #[test]
    fn columns_are_named_as_posthog_names_them() {
        let names = |sql: &str| -> Vec<String> {
            select(sql, &Map::new()).unwrap().items.into_iter().map(|it| it.name).collect()
        };
        assert_eq!(
            names("select count(), properties.$lib, uniq( person_id ), 1 as one from events"),
            ["count()", "$lib", "uniq( person_id )", "one"]
        );
    }

    #[test]
    fn broken_queries_are_refused() {
        for sql in [
            "",
            "select",
            "select 1 from",
            "select (1",
            "select 1 2 3",
            "select {nothing}",
            "select 1 limit x",
            "select interval 1 fortnight",
            "update events",
            "select 1; select 2",
            "select 1 union select 2",
            "select properties.list[1",
        ] {
            assert!(select(sql, &Map::new()).is_err(), "{sql}");
        }
        let deep = format!("select {}1{}", "(".repeat(5_000), ")".repeat(5_000));
        assert!(select(&deep, &Map::new()).is_err());
    }
}
