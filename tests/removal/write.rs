//! How expressions are written in each language, with the parentheses that they need and no others.

/// The language of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    TypeScript,
    Tsx,
    Python,
}

impl Language {
    pub fn is_python(self) -> bool {
        self == Language::Python
    }

    pub fn of_flagline(self) -> flagline::syntax::Language {
        match self {
            Language::TypeScript => flagline::syntax::Language::TypeScript,
            Language::Tsx => flagline::syntax::Language::Tsx,
            Language::Python => flagline::syntax::Language::Python,
        }
    }

    pub fn pick<'a>(self, javascript: &'a str, python: &'a str) -> &'a str {
        if self.is_python() { python } else { javascript }
    }
}

/// How tightly an expression binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Arrow functions, lambdas, assignments.
    Function,
    Choice,
    Coalesce,
    Or,
    And,
    /// Python's `not`.
    Not,
    Comparison,
    Sum,
    /// `!`, `await`, `typeof`.
    Unary,
    Primary,
}

/// An expression.
#[derive(Debug, Clone)]
pub struct Code {
    pub text: String,
    pub level: Level,
}

impl Code {
    pub fn new(text: impl Into<String>, level: Level) -> Code {
        Code { text: text.into(), level }
    }

    pub fn primary(text: impl Into<String>) -> Code {
        Code::new(text, Level::Primary)
    }

    /// The text, in parentheses where it binds less than what is round it.
    pub fn within(&self, level: Level) -> String {
        if self.level < level { format!("({})", self.text) } else { self.text.clone() }
    }
}

pub fn and(language: Language, left: &Code, right: &Code) -> Code {
    let operator = language.pick("&&", "and");
    let right_level = if language.is_python() { Level::Not } else { Level::Comparison };
    Code::new(format!("{} {operator} {}", left.within(Level::And), right.within(right_level)), Level::And)
}

pub fn or(language: Language, left: &Code, right: &Code) -> Code {
    let operator = language.pick("||", "or");
    Code::new(format!("{} {operator} {}", left.within(Level::Or), right.within(Level::And)), Level::Or)
}

/// JavaScript's `??`, which stands beside `&&` and `||` in parentheses alone.
pub fn coalesce(left: &Code, right: &Code) -> Code {
    let (left, right) = (left.within(Level::Comparison), right.within(Level::Comparison));
    Code::new(format!("{left} ?? {right}"), Level::Coalesce)
}

pub fn not(language: Language, inner: &Code) -> Code {
    match language {
        Language::Python => Code::new(format!("not {}", inner.within(Level::Not)), Level::Not),
        _ => Code::new(format!("!{}", inner.within(Level::Unary)), Level::Unary),
    }
}

pub fn choice(language: Language, test: &Code, yes: &Code, no: &Code) -> Code {
    let text = match language {
        Language::Python => format!(
            "{} if {} else {}",
            yes.within(Level::Or),
            test.within(Level::Or),
            no.within(Level::Choice)
        ),
        _ => format!(
            "{} ? {} : {}",
            test.within(Level::Coalesce),
            yes.within(Level::Function),
            no.within(Level::Function)
        ),
    };
    Code::new(text, Level::Choice)
}

pub fn compare(left: &Code, operator: &str, right: &Code) -> Code {
    let (left, right) = (left.within(Level::Sum), right.within(Level::Sum));
    Code::new(format!("{left} {operator} {right}"), Level::Comparison)
}

/// Lines, further in.
pub fn indented(lines: Vec<String>, by: &str) -> Vec<String> {
    let further = |it: String| if it.is_empty() { it } else { format!("{by}{it}") };
    lines.into_iter().map(further).collect()
}
