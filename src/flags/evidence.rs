use jiff::Timestamp;

/// What happened to the people of a feature since its stage was opened, as far as its gate and its guards ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Since when.
    pub since: Timestamp,
    /// Who met the feature, by the response that they got first; false and null do not count.
    pub met: Vec<Met>,
    /// For each guard of the brief, in its order.
    pub guards: Vec<GuardEvidence>,
    /// When this was asked, by the server's clock.
    pub fetched_at: Timestamp,
}

/// People with one response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// `true`, or a variant's key.
    pub response: String,
    /// Distinct people.
    pub people: u64,
    /// How many of them met an exception afterwards.
    pub troubled: u64,
}

/// What a guard looks at.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GuardEvidence {
    /// Complete windows of time, oldest first; those in which nobody was there who had met the feature are missing.
    pub windows: Vec<Window>,
    /// The week before the stage was opened, in windows of the same length taken together; `None` = not asked for.
    pub before: Option<Share>,
}

/// One window of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// When it begins.
    pub begin: Timestamp,
    /// By response.
    pub shares: Vec<(String, Share)>,
}

/// How many of some people it happened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Of how many.
    pub people: u64,
    /// To how many.
    pub hit: u64,
}

impl Evidence {
    /// People who met the feature.
    pub fn people(&self) -> u64 {
        self.met.iter().map(|it| it.people).sum()
    }

    /// How many of them met an exception.
    pub fn troubled(&self) -> u64 {
        self.met.iter().map(|it| it.troubled).sum()
    }
}

impl Window {
    /// The people whose response is one of these, taken together.
    pub fn share(&self, is: impl Fn(&str) -> bool) -> Share {
        let all = self.shares.iter().filter(|it| is(&it.0));
        all.fold(Share::default(), |sum, (_, it)| sum.with(*it))
    }
}

impl Share {
    /// Both taken together.
    pub fn with(self, other: Share) -> Share {
        Share { people: self.people + other.people, hit: self.hit + other.hit }
    }

    /// From 0 to 1; 0 of nobody.
    pub fn rate(self) -> f64 {
        if self.people == 0 { 0.0 } else { self.hit as f64 / self.people as f64 }
    }
}
