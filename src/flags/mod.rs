//! What PostHog knows, as plain data: flags, their conditions, who is exposed, what happened, and the mirror
//! that holds it all with the time each part was fetched.

mod catalog;
mod early_access;
mod evidence;
mod experiment;
mod experiment_result;
mod exposure;
mod filters;
mod flag;
mod follower;
mod history;
mod key;
mod mirror;
mod people;
mod schedule;
mod series;
mod uses;

pub use catalog::{Catalog, Channel, Cohort, CohortKind, Listed, Named};
pub use early_access::EarlyAccess;
pub use evidence::{Evidence, GuardEvidence, Met, Share, Window};
pub use experiment::{Experiment, KeyMetric};
pub use experiment_result::{Certainty, Compared, Comparison, ExperimentResult, Lacking, Outcome, Sample};
pub use exposure::{DayExposure, Exposure, SdkSeen, VariantExposure};
pub(crate) use filters::null_to_default;
pub use filters::{Filters, Holdout, Multivariate, Property, ReleaseCondition, Variant};
pub use flag::{Flag, Person};
pub use follower::{Follower, IT_TELLS, MADE_FOR, MESSAGE_EVENT, Place, Tells, marker};
pub use history::{Entry, History};
pub use key::FlagKey;
pub use mirror::{Access, Environment, FlagList, Lack, Lookup, Mirror, Project};
pub use people::people;
pub use schedule::{Scheduled, ScheduledChange};
pub use series::{AllSeries, FeatureSeries, Line, MetricLine, MetricSeries};
pub use uses::FlagUses;
