//! Computes a query: rows, groups, order.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::Refusal;
use super::bind::{Binder, Node};
use super::datum::Datum;
use super::functions::fold;
use super::parse::{Expr, Item, Rows, Select, Source};
use super::table::{BoundSource, Cell, Columns, open};
use crate::sandbox::world::World;

/// A computed query.
pub(super) struct Relation {
    pub names: Vec<String>,
    pub kinds: Vec<String>,
    pub rows: Vec<Vec<Datum>>,
}

/// One row: a cell of every source.
type Row<'a> = Vec<Cell<'a>>;

/// Pairs of rows that a join may look at; more would stall the server.
const LARGEST_JOIN: usize = 20_000_000;

/// Computes a query: the rows of a `SELECT`, followed by those that are united with them.
pub(super) fn select(world: &World, select: &Select) -> Result<Relation, Refusal> {
    let mut all = one(world, select)?;
    for other in &select.union {
        let other = self::select(world, other)?;
        if other.names.len() != all.names.len() {
            return Err(Refusal::new("UNION different number of columns in queries"));
        }
        all.rows.extend(other.rows);
    }
    Ok(all)
}

/// Computes a `SELECT` with its limit, if it has one.
fn one(world: &World, select: &Select) -> Result<Relation, Refusal> {
    let subquery = |it: &Select| -> Result<Vec<Datum>, Refusal> {
        let rows = self::select(world, it)?.rows;
        Ok(rows.into_iter().filter_map(|it| it.into_iter().next()).collect())
    };
    let (mut sources, mut rows) = (Vec::new(), vec![Row::new()]);
    if let Some(from) = &select.from {
        let (source, cells) = source(world, from)?;
        sources.push(source);
        rows = cells.into_iter().map(|it| vec![it]).collect();
    }
    for join in &select.joins {
        let (source, cells) = source(world, &join.source)?;
        sources.push(source);
        let on = Binder { sources: &sources, aliases: &[], aliases_first: false, subquery: &subquery }
            .bind(&join.on)?;
        rows = joined(world, rows, &cells, &on, join.left)?;
    }
    let items = expand(&select.items, &sources);
    let aliases: Vec<(String, Expr)> =
        items.iter().filter_map(|it| Some((it.alias.clone()?, it.expr.clone()))).collect();
    let binder = Binder { sources: &sources, aliases: &aliases, aliases_first: true, subquery: &subquery };
    if let Some(filter) = &select.filter {
        let binder =
            Binder { sources: &sources, aliases: &aliases, aliases_first: false, subquery: &subquery };
        let filter = binder.bind(filter)?;
        if let Some(name) = filter.aggregate() {
            return Err(Refusal::new(format!("Aggregate function {name} is found in WHERE in query")));
        }
        rows.retain(|row| value(world, &filter, row).truthy());
    }
    let plan = Plan::new(select, &items, &binder)?;
    let mut computed = plan.compute(world, rows);
    if select.distinct {
        let mut seen = std::collections::HashSet::new();
        computed.retain(|(_, row)| seen.insert(key(row)));
    }
    computed.sort_by(|(a, _), (b, _)| {
        let by = |((a, b), (_, down)): ((&Datum, &Datum), &(Node, bool))| order(a, b, *down);
        a.iter().zip(b).zip(&plan.order).map(by).find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
    });
    let limit = select.limit.map_or(usize::MAX, |it| it as usize);
    Ok(Relation {
        names: items.iter().map(|it| it.name.clone()).collect(),
        kinds: plan.items.iter().map(Node::kind).collect(),
        rows: computed.into_iter().map(|(_, row)| row).skip(select.offset as usize).take(limit).collect(),
    })
}

/// Every row with every cell that it belongs to.
fn joined<'a>(
    world: &World,
    rows: Vec<Row<'a>>,
    cells: &[Cell<'a>],
    on: &Node,
    left: bool,
) -> Result<Vec<Row<'a>>, Refusal> {
    let source = rows.first().map_or(0, Vec::len);
    let Some((ours, theirs)) = on.equality(source).filter(|_| !rows.is_empty()) else {
        return match rows.is_empty() {
            true => Ok(rows),
            false => Err(Refusal::new("Cannot determine join keys in JOIN ON expression")),
        };
    };
    // Rows that may match by one of the equalities; null matches nothing.
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, cell) in cells.iter().enumerate() {
        let mut row = vec![Cell::Nothing; source];
        row.push(cell.clone());
        if let Some(key) = value(world, theirs, &row).join_key() {
            places.entry(key).or_default().push(at);
        }
    }
    let (mut joined, mut looked_at) = (Vec::new(), 0_usize);
    for row in rows {
        let before = joined.len();
        let found = value(world, ours, &row).join_key().and_then(|it| places.get(&it));
        for at in found.into_iter().flatten() {
            let both: Row<'_> = row.iter().chain([&cells[*at]]).cloned().collect();
            if value(world, on, &both).truthy() {
                joined.push(both);
            }
        }
        looked_at += found.map_or(0, Vec::len);
        if looked_at > LARGEST_JOIN {
            return Err(Refusal::new("The join is too large for this server"));
        }
        if left && joined.len() == before {
            joined.push(row.into_iter().chain([Cell::Nothing]).collect());
        }
    }
    Ok(joined)
}

/// What is computed for every row or group.
struct Plan {
    items: Vec<Node>,
    keys: Vec<Node>,
    having: Option<Node>,
    order: Vec<(Node, bool)>,
    grouped: bool,
}

impl Plan {
    fn new(select: &Select, items: &[Item], binder: &Binder<'_>) -> Result<Plan, Refusal> {
        // `GROUP BY 1` and `ORDER BY 2` mean the first and the second column.
        let positional = |it: &Expr| -> Result<Expr, Refusal> {
            let Expr::Value(Datum::Int(at)) = it else { return Ok(it.clone()) };
            let item = usize::try_from(*at - 1).ok().and_then(|it| items.get(it));
            let meant = |it: &Item| match &it.alias {
                Some(alias) => Expr::Field(vec![alias.clone()]),
                None => it.expr.clone(),
            };
            item.map(meant).ok_or_else(|| Refusal::new(format!("There is no column {at}")))
        };
        let bind = |it: &Expr| binder.bind(it);
        let order = select.order_by.iter().map(|(it, down)| Ok((bind(&positional(it)?)?, *down)));
        let plan = Plan {
            items: items.iter().map(|it| binder.bind_item(it)).collect::<Result<_, _>>()?,
            keys: select.group_by.iter().map(|it| bind(&positional(it)?)).collect::<Result<_, Refusal>>()?,
            having: select.having.as_ref().map(bind).transpose()?,
            order: order.collect::<Result<_, Refusal>>()?,
            grouped: false,
        };
        let aggregates = plan.outputs().any(|it| it.aggregate().is_some());
        let grouped = aggregates || !plan.keys.is_empty() || plan.having.is_some();
        if let Some(name) = plan.keys.iter().find_map(Node::aggregate) {
            return Err(Refusal::new(format!("Aggregate function {name} is found in GROUP BY in query")));
        }
        if grouped {
            plan.outputs().try_for_each(|it| it.check_grouped(&plan.keys))?;
        }
        Ok(Plan { grouped, ..plan })
    }

    fn outputs(&self) -> impl Iterator<Item = &Node> {
        self.items.iter().chain(&self.having).chain(self.order.iter().map(|(it, _)| it))
    }

    /// Rows of the answer, each with what it is ordered by.
    fn compute(&self, world: &World, rows: Vec<Row<'_>>) -> Vec<(Vec<Datum>, Vec<Datum>)> {
        let groups: Vec<Vec<Row<'_>>> = if !self.grouped {
            rows.into_iter().map(|it| vec![it]).collect()
        } else if self.keys.is_empty() {
            vec![rows]
        } else {
            let mut places = HashMap::new();
            let mut groups: Vec<Vec<Row<'_>>> = Vec::new();
            for row in rows {
                let values: Vec<Datum> = self.keys.iter().map(|it| value(world, it, &row)).collect();
                let place = *places.entry(key(&values)).or_insert_with(|| {
                    groups.push(Vec::new());
                    groups.len() - 1
                });
                groups[place].push(row);
            }
            groups
        };
        let compute = |rows: &Vec<Row<'_>>| {
            let order = self.order.iter().map(|(it, _)| evaluate(world, it, rows)).collect();
            (order, self.items.iter().map(|it| evaluate(world, it, rows)).collect())
        };
        let kept =
            |rows: &&Vec<Row<'_>>| self.having.as_ref().is_none_or(|it| evaluate(world, it, rows).truthy());
        groups.iter().filter(kept).map(compute).collect()
    }
}

/// Nulls come last in both directions, as in ClickHouse.
fn order(a: &Datum, b: &Datum, down: bool) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (false, false) => {
            let order = a.compare(b).unwrap_or(Ordering::Equal);
            if down { order.reverse() } else { order }
        }
        (a, b) => a.cmp(&b),
    }
}

fn key(values: &[Datum]) -> String {
    let mut key = String::new();
    values.iter().for_each(|it| it.key(&mut key));
    key
}

fn source<'a>(world: &'a World, source: &Source) -> Result<(BoundSource, Vec<Cell<'a>>), Refusal> {
    match &source.rows {
        Rows::Table(name) => {
            let opened = open(world, name).ok_or_else(|| Refusal::new(format!("Unknown table `{name}`.")))?;
            let alias = source.alias.clone().unwrap_or_else(|| name.clone());
            Ok((BoundSource { alias: Some(alias), columns: opened.0 }, opened.1))
        }
        Rows::Query(select) => {
            let inner = self::select(world, select)?;
            let columns = inner.names.into_iter().zip(inner.kinds.into_iter().map(Into::into)).collect();
            let rows = inner.rows.into_iter().map(|it| Cell::Record(it.into())).collect();
            Ok((BoundSource { alias: source.alias.clone(), columns: Columns::Named(columns) }, rows))
        }
    }
}

/// Writes out `*`.
fn expand(items: &[Item], sources: &[BoundSource]) -> Vec<Item> {
    let one = |item: &Item| match &item.expr {
        Expr::Field(parts) if parts.as_slice() == ["*"] => {
            let names = sources.iter().flat_map(|it| it.columns.names());
            names.map(|name| Item { expr: Expr::Field(vec![name.clone()]), alias: None, name }).collect()
        }
        _ => vec![item.clone()],
    };
    items.iter().flat_map(one).collect()
}

/// An expression's value for one row.
fn value(world: &World, node: &Node, row: &Row<'_>) -> Datum {
    evaluate(world, node, std::slice::from_ref(row))
}

/// An expression's value for a group of rows; outside aggregations its first row stands for all.
fn evaluate(world: &World, node: &Node, rows: &[Row<'_>]) -> Datum {
    match node {
        Node::Value(it) => it.clone(),
        Node::List(it) => Datum::List(it.iter().map(|it| evaluate(world, it, rows)).collect()),
        Node::Column { source, column, kind, .. } => match rows.first().and_then(|it| it.get(*source)) {
            // ClickHouse fills the side that has no match with what a type holds by itself, which is rarely null.
            None | Some(Cell::Nothing) => Datum::of_nothing(kind),
            Some(cell) => cell.get(column, world),
        },
        Node::And(it) => Datum::Bool(it.iter().all(|it| evaluate(world, it, rows).truthy())),
        Node::Or(it) => Datum::Bool(it.iter().any(|it| evaluate(world, it, rows).truthy())),
        Node::In { item, set, negated } => {
            let inside = evaluate(world, item, rows).string().is_some_and(|it| set.contains(&it));
            Datum::Bool(inside != *negated)
        }
        Node::Scalar { function, args } => {
            let args: Vec<Datum> = args.iter().map(|it| evaluate(world, it, rows)).collect();
            (function.run)(&args, world.now())
        }
        Node::Aggregate { function, distinct, condition, args } => {
            let counted =
                |it: &&Row<'_>| condition.as_ref().is_none_or(|node| value(world, node, it).truthy());
            let each = |row: &Row<'_>| args.iter().map(|it| value(world, it, row)).collect();
            let values: Vec<Vec<Datum>> = rows.iter().filter(counted).map(each).collect();
            let found = fold(function, *distinct, &values);
            found.unwrap_or_else(|| function.of_none(&args.first().map(Node::kind).unwrap_or_default()))
        }
    }
}

/// Computes a formula whose fields are the letters of series.
pub(super) fn formula(expr: &Expr, series: &[f64]) -> Result<f64, Refusal> {
    match expr {
        Expr::Value(it) => it.number().ok_or_else(|| Refusal::new("A formula is made of numbers")),
        Expr::Field(parts) => {
            let letter = match parts.as_slice() {
                [name] if name.len() == 1 => name.bytes().next().map(|it| it.to_ascii_uppercase()),
                _ => None,
            };
            let at = letter.and_then(|it| it.checked_sub(b'A')).map(usize::from);
            let value = at.and_then(|it| series.get(it)).copied();
            value.ok_or_else(|| Refusal::new(format!("There is no series {}", parts.join("."))))
        }
        Expr::Call { name, args, .. } => {
            let args = args.iter().map(|it| formula(it, series)).collect::<Result<Vec<f64>, _>>()?;
            let value = match (name.as_str(), args.as_slice()) {
                ("plus", [a, b]) => a + b,
                ("minus", [a, b]) => a - b,
                ("multiply", [a, b]) => a * b,
                ("divide", [a, b]) => a / b,
                ("negate", [a]) => -a,
                _ => return Err(Refusal::new(format!("Unsupported function call '{name}(...)'"))),
            };
            // PostHog shows 0 where it divides by nothing.
            Ok(if value.is_finite() { value } else { 0.0 })
        }
        _ => Err(Refusal::new("A formula is made of series and numbers")),
    }
}
