//! What came of a feature: how it is measured, from counts to a result, and what that says of the target.

mod measure;
mod result;
mod standing;
mod stats;

pub use measure::{Design, Measure, Observed, Sample, TimeSpan, design, measure};
pub use result::{Comparison, Group, Review, Role, Target, review};
pub use standing::{Ended, NotYet, ended, review_due};
pub use stats::{Estimate, LEAST_PEOPLE};
