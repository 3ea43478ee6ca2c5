use std::time::Duration;

/// What can go wrong with a call. Each variant is one that somebody reacts to; each message says what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// 401.
    #[error("{host} does not accept the API key ({detail}); make a new personal API key there")]
    Unauthorized {
        /// Whom was asked.
        host: String,
        /// The server's words.
        detail: String,
    },
    /// 403: a missing scope, or a project that the key may not see.
    #[error("the API key is not allowed to do this: {0}")]
    Forbidden(String),
    /// 404.
    #[error("PostHog does not have this: {0}")]
    NotFound(String),
    /// 409: the flag changed since it was read.
    #[error("{0}")]
    Conflict(String),
    /// 409 with a change request.
    #[error("this change needs an approval in PostHog: {detail}")]
    ApprovalRequired {
        /// The server's words.
        detail: String,
        /// PostHog's id of the change request.
        request: Option<String>,
        /// Whether it was filed before, perhaps for another change of this kind: PostHog files no second one.
        is_earlier: bool,
    },
    /// 402.
    #[error("this PostHog plan does not include it: {0}")]
    PaymentRequired(String),
    /// 400 and its relatives: the request was wrong.
    #[error("PostHog refused: {detail}")]
    Invalid {
        /// The machine-readable code, `unique` for a key that is taken.
        code: String,
        /// The server's words.
        detail: String,
    },
    /// 429.
    #[error("PostHog asks to wait {} s: too many requests", .0.as_secs().max(1))]
    Limited(Duration),
    /// 504 and 512: a query that takes too long.
    #[error("the query takes PostHog too long")]
    TooSlow,
    /// 500 and its relatives.
    #[error("PostHog has a problem of its own ({status}); nothing to do but to try again later")]
    Server {
        /// The HTTP status.
        status: u16,
    },
    /// No connection.
    #[error("{host} cannot be reached: {detail}")]
    Offline {
        /// Whom was asked.
        host: String,
        /// The innermost cause.
        detail: String,
    },
    /// The certificate is not trusted.
    #[error(
        "the certificate of {host} is not trusted ({detail}); install your company's CA in the system's store, or \
         name its file in FLAGLINE_CA_FILE"
    )]
    Tls {
        /// Whom was asked.
        host: String,
        /// The innermost cause.
        detail: String,
    },
    /// An answer that is no API answer: a login page, a proxy's page, a redirect.
    #[error("{host} does not answer like PostHog ({what}); is the address right?")]
    NotPostHog {
        /// Whom was asked.
        host: String,
        /// What came instead.
        what: String,
    },
    /// An answer that breaks off, or JSON of an unexpected shape.
    #[error(
        "{host} gave an answer that cannot be understood ({detail}); try again, and if it stays so, look for a newer \
         Flagline, and at what stands between this machine and PostHog"
    )]
    Decode {
        /// Whom was asked.
        host: String,
        /// What was expected, and where.
        detail: String,
    },
    /// An answer larger than anything that PostHog has to say.
    #[error("PostHog's answer is larger than {} MB", .0 >> 20)]
    TooLarge(usize),
    /// Settings that name no place to ask.
    #[error("{0}")]
    Settings(String),
    /// The settings name a project that is not there for this key.
    #[error("{host} has no project {project} that the key can see; {from} names it{}", seen(.projects))]
    NoProject {
        /// Whom was asked.
        host: String,
        /// The project's number.
        project: u64,
        /// The setting that names it.
        from: &'static str,
        /// The projects that the key can see, if it may say so.
        projects: Option<String>,
    },
    /// No key.
    #[error(
        "not signed in to {host}; sign in (`flagline login`), or set FLAGLINE_API_KEY (and FLAGLINE_HOST outside of US \
         cloud)"
    )]
    SignedOut {
        /// Whom nobody signed in to.
        host: String,
    },
    /// More than one project to choose from.
    #[error("the key can see several projects; choose one in flagline.toml or by FLAGLINE_PROJECT: {0}")]
    WhichProject(String),
}

fn seen(projects: &Option<String>) -> String {
    match projects.as_deref() {
        None => String::new(),
        Some("") => "; it can see none".into(),
        Some(projects) => format!("; it can see {projects}"),
    }
}

impl Error {
    /// Whether the same call may succeed a little later.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::Limited(_) | Error::Server { .. } | Error::Offline { .. })
    }

    /// Whether the plan, the key or the server does not have something: the rest goes on without it.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Error::PaymentRequired(_) | Error::Forbidden(_) | Error::NotFound(_))
    }
}

/// What to do about a key that lacks a scope.
pub fn give_scope(host: &str, scope: &str) -> String {
    format!("give the key the scope {scope} under {host}/settings/user-api-keys")
}
