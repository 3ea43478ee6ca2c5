use super::Sample;

/// With fewer people than this on a side nothing is told: an interval would be about a few of them.
pub const LEAST_PEOPLE: u64 = 30;

/// The quantile of the normal distribution for 95 % between both ends.
const Z: f64 = 1.959_963_984_540_054;

/// A value with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Estimate {
    /// Whether chance could make it look so if this were the truth.
    pub fn includes(&self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }

    fn scaled(self, by: f64) -> Estimate {
        Estimate { value: self.value * by, low: self.low * by, high: self.high * by }
    }
}

/// A share in percent, with Wilson's interval: it stays between 0 and 100 and is honest near both.
pub(super) fn share(sample: &Sample) -> Option<Estimate> {
    is_enough(sample).then(|| wilson(sample).scaled(100.0))
}

/// The difference of two shares in percentage points, by Newcombe's method of both Wilson intervals.
pub(super) fn share_difference(of: &Sample, with: &Sample) -> Option<Estimate> {
    if !is_enough(of) || !is_enough(with) {
        return None;
    }
    let (a, b) = (wilson(of), wilson(with));
    let value = a.value - b.value;
    let low = value - ((a.value - a.low).powi(2) + (b.high - b.value).powi(2)).sqrt();
    let high = value + ((a.high - a.value).powi(2) + (b.value - b.low).powi(2)).sqrt();
    Some(Estimate { value, low, high }.scaled(100.0))
}

/// How many times one share is the other; nothing where either is nothing.
pub(super) fn share_ratio(of: &Sample, with: &Sample) -> Option<Estimate> {
    let variance = |it: &Sample| (1.0 - it.mean()) / it.total;
    log_ratio(of, with, variance(of) + variance(with))
}

/// A mean for each hundred people, with the interval of Student's t.
pub(super) fn mean(sample: &Sample) -> Option<Estimate> {
    is_enough(sample).then(|| {
        let wide = t(sample.people as f64 - 1.0) * sample.error_squared().sqrt();
        around(sample.mean(), wide).scaled(100.0)
    })
}

/// The difference of two means for each hundred people, with Welch's interval: neither side need spread like the other.
pub(super) fn mean_difference(of: &Sample, with: &Sample) -> Option<Estimate> {
    if !is_enough(of) || !is_enough(with) {
        return None;
    }
    let (a, b) = (of.error_squared(), with.error_squared());
    let parts = a * a / (of.people as f64 - 1.0) + b * b / (with.people as f64 - 1.0);
    // Without any spread there is nothing that a small sample could hide.
    let freedom = if parts > 0.0 { (a + b).powi(2) / parts } else { f64::INFINITY };
    Some(around(of.mean() - with.mean(), t(freedom) * (a + b).sqrt()).scaled(100.0))
}

/// How many times one mean is the other; nothing where either is nothing.
pub(super) fn mean_ratio(of: &Sample, with: &Sample) -> Option<Estimate> {
    let variance = |it: &Sample| it.error_squared() / it.mean().powi(2);
    log_ratio(of, with, variance(of) + variance(with))
}

fn is_enough(sample: &Sample) -> bool {
    sample.people >= LEAST_PEOPLE
}

fn around(value: f64, wide: f64) -> Estimate {
    Estimate { value, low: value - wide, high: value + wide }
}

fn wilson(sample: &Sample) -> Estimate {
    let (n, share) = (sample.people as f64, sample.mean());
    let z = Z * Z / n;
    let middle = (share + z / 2.0) / (1.0 + z);
    let wide = Z / (1.0 + z) * (share * (1.0 - share) / n + z / (4.0 * n)).sqrt();
    Estimate { value: share, low: (middle - wide).max(0.0), high: (middle + wide).min(1.0) }
}

/// The interval is one of the logarithm, in which a ratio and its inverse are as far from 1.
fn log_ratio(of: &Sample, with: &Sample, variance: f64) -> Option<Estimate> {
    if !is_enough(of) || !is_enough(with) || of.total <= 0.0 || with.total <= 0.0 {
        return None;
    }
    let value = of.mean() / with.mean();
    let factor = (Z * variance.max(0.0).sqrt()).exp();
    Some(Estimate { value, low: value / factor, high: value * factor })
}

/// The quantile of Student's t for 95 %, from the normal one by the expansion of Cornish and Fisher: right to three
/// digits from ten degrees of freedom on.
fn t(freedom: f64) -> f64 {
    if freedom.is_infinite() {
        return Z;
    }
    let (z3, z5, z7) = (Z.powi(3), Z.powi(5), Z.powi(7));
    Z + (z3 + Z) / (4.0 * freedom)
        + (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / (96.0 * freedom.powi(2))
        + (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * Z) / (384.0 * freedom.powi(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(n: u64, hits: f64) -> Sample {
        Sample { people: n, total: hits, squares: hits }
    }

    /// As a table would print it.
    fn rounded(it: Estimate) -> [f64; 3] {
        [it.value, it.low, it.high].map(|it| (it * 100.0).round() / 100.0)
    }

    #[test]
    fn shares_as_newcombe_published_them() {
        // Newcombe 1998, Statistics in Medicine 17, 857 (81 of 263, by Wilson) and 873 (56 of 70 less 48 of 80).
        assert_eq!(rounded(share(&of(263, 81.0)).unwrap()), [30.8, 25.53, 36.62]);
        assert_eq!(rounded(share_difference(&of(70, 56.0), &of(80, 48.0)).unwrap()), [20.0, 5.24, 33.39]);
        let ratio = share_ratio(&of(100, 40.0), &of(100, 20.0)).unwrap();
        assert_eq!(rounded(ratio), [2.0, 1.26, 3.17]);
    }

    #[test]
    fn shares_of_nobody_and_of_everybody_keep_inside() {
        let (none, all) = (share(&of(50, 0.0)).unwrap(), share(&of(50, 50.0)).unwrap());
        assert!(none.low == 0.0 && none.high > 5.0 && none.high < 10.0, "{none:?}");
        assert!((all.high - 100.0).abs() < 1e-9 && all.low > 90.0, "{all:?}");
        assert_eq!(share_ratio(&of(50, 10.0), &of(50, 0.0)), None);
    }

    #[test]
    fn means_by_student_and_welch() {
        // 1, 2, ..., 40 and 1, 3, ..., 79, for one person each.
        let sample = |values: &[f64]| Sample {
            people: values.len() as u64,
            total: values.iter().sum(),
            squares: values.iter().map(|it| it * it).sum(),
        };
        let small: Vec<f64> = (1..=40).map(f64::from).collect();
        let large: Vec<f64> = (0..40).map(|it| f64::from(2 * it + 1)).collect();
        let (small, large) = (sample(&small), sample(&large));
        // t of 39 degrees of freedom is 2.0227; the mean 20.5, its error 1.8484.
        let it = mean(&small).unwrap();
        assert!((it.value - 2050.0).abs() < 1e-9 && (it.high - 2423.87).abs() < 0.1, "{it:?}");
        // Welch: 57.35 degrees of freedom, t 2.0022, error 4.1332.
        let it = mean_difference(&large, &small).unwrap();
        assert!((it.value - 1950.0).abs() < 1e-9 && (it.low - 1122.45).abs() < 0.5, "{it:?}");
        let it = mean_ratio(&large, &small).unwrap();
        assert!((it.value - 40.0 / 20.5).abs() < 1e-9 && it.low > 1.5 && it.high < 2.6, "{it:?}");
        assert_eq!(mean_ratio(&large, &sample(&[0.0; 40])), None);
    }

    #[test]
    fn of_few_people_nothing_is_told() {
        assert_eq!(share(&of(29, 10.0)), None);
        assert!(share(&of(30, 10.0)).is_some());
        assert_eq!(share_difference(&of(29, 10.0), &of(5000, 10.0)), None);
        assert_eq!(mean(&of(29, 10.0)), None);
        assert_eq!(mean_difference(&of(5000, 10.0), &of(29, 10.0)), None);
        assert_eq!(mean_ratio(&of(29, 10.0), &of(290, 10.0)), None);
    }

    #[test]
    fn quantiles_of_student() {
        for (freedom, expect) in [(10.0, 2.2281), (29.0, 2.0452), (100.0, 1.9840), (f64::INFINITY, 1.9600)] {
            assert!((t(freedom) - expect).abs() < 0.001, "{freedom}: {}", t(freedom));
        }
    }
}
