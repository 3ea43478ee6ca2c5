//! What a difference between two groups of people is worth, as PostHog computes it for experiments: the relative
//! difference of means is taken for normal, its variance comes by the delta method, and nothing is believed before.

/// The values of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spread {
    pub count: usize,
    pub sum: f64,
    pub sum_squares: f64,
}

/// A group against the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Comparison {
    /// The relative difference with 95 %: 0.1 is a tenth more.
    pub interval: (f64, f64),
    /// How probable it is that the group does better.
    pub chance_to_win: f64,
}

/// Of the standard normal distribution, what 97.5 % lie below.
const BOUND: f64 = 1.959_963_984_540_054;
const LEVEL: f64 = 0.95;
/// A share needs so many who did it, and so many who did not, to be taken for normal.
const FEWEST_OF_A_SHARE: f64 = 5.0;

impl Comparison {
    pub fn is_decisive(&self) -> bool {
        self.chance_to_win > LEVEL || self.chance_to_win < 1.0 - LEVEL
    }
}

impl Spread {
    pub fn of(values: &[f64]) -> Spread {
        Spread {
            count: values.len(),
            sum: values.iter().sum(),
            sum_squares: values.iter().map(|it| it * it).sum(),
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// The variance of the mean; `share` when the values are only 0 and 1.
    fn variance_of_mean(&self, share: bool) -> f64 {
        let (count, mean) = (self.count as f64, self.mean());
        let variance = match share {
            true => mean * (1.0 - mean),
            false if self.count < 2 => 0.0,
            false => (self.sum_squares - self.sum * self.sum / count) / (count - 1.0),
        };
        variance / count
    }

    fn is_normal(&self, share: bool) -> bool {
        let failures = self.count as f64 - self.sum;
        self.count > 0 && (!share || (self.sum >= FEWEST_OF_A_SHARE && failures >= FEWEST_OF_A_SHARE))
    }
}

/// A group against the baseline; `None` when nothing can be computed. `inverse` = less is better.
pub(super) fn compare(group: &Spread, baseline: &Spread, share: bool, inverse: bool) -> Option<Comparison> {
    if !group.is_normal(share) || !baseline.is_normal(share) || baseline.mean() <= 0.0 {
        return None;
    }
    let (mean, base) = (group.mean(), baseline.mean());
    let effect = mean / base - 1.0;
    let variance = group.variance_of_mean(share) / base.powi(2)
        + mean.powi(2) * baseline.variance_of_mean(share) / base.powi(4);
    if variance <= 0.0 {
        return None;
    }
    let deviation = variance.sqrt();
    let above = normal(effect / deviation);
    Some(Comparison {
        interval: (effect - BOUND * deviation, effect + BOUND * deviation),
        chance_to_win: if inverse { 1.0 - above } else { above },
    })
}

/// How much of the standard normal distribution lies below: a series near the middle, a continued fraction outside.
fn normal(z: f64) -> f64 {
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let far = z.abs();
    if far < 3.0 {
        let (mut term, mut sum, mut n) = (z, z, 1.0);
        while term.abs() > 1e-17 {
            n += 2.0;
            term *= z * z / n;
            sum += term;
        }
        return 0.5 + density * sum;
    }
    let tail = density / (1..=60).rev().fold(far, |below, n| far + f64::from(n) / below);
    if z > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-6, "{a} is not {b}");
    }

    #[test]
    fn the_normal_distribution() {
        for (z, below) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746),
            (BOUND, 0.975),
            (-BOUND, 0.025),
            (3.5, 0.999_767_371),
            (-4.0, 0.000_031_671),
        ] {
            near(normal(z), below);
        }
        assert!(normal(-40.0) >= 0.0 && normal(40.0) <= 1.0);
    }

    #[test]
    fn shares() {
        // 20 of 100 against 30 of 100: half as many more; its deviation by the delta method is
        // sqrt(0.0021 / 0.04 + 0.09 * 0.0016 / 0.0016) = sqrt(0.0525 + 0.09).
        let share = |count, sum| Spread { count, sum, sum_squares: sum };
        let found = compare(&share(100, 30.0), &share(100, 20.0), true, false).unwrap();
        near(found.interval.0, 0.5 - BOUND * 0.1425_f64.sqrt());
        near(found.interval.1, 0.5 + BOUND * 0.1425_f64.sqrt());
        near(found.chance_to_win, normal(0.5 / 0.1425_f64.sqrt()));
        assert!(!found.is_decisive());
        let many = compare(&share(1_000, 300.0), &share(1_000, 200.0), true, false).unwrap();
        assert!(many.is_decisive() && many.chance_to_win > 0.99);
        let less = compare(&share(1_000, 300.0), &share(1_000, 200.0), true, true).unwrap();
        near(less.chance_to_win, 1.0 - many.chance_to_win);
        assert_eq!(compare(&share(100, 4.0), &share(100, 20.0), true, false), None);
        assert_eq!(compare(&share(100, 98.0), &share(100, 20.0), true, false), None);
    }

    #[test]
    fn means() {
        // 1, 2, 3 have the mean 2 and the variance 1; 2, 4, 6 the mean 4 and the variance 4.
        let (low, high) = (Spread::of(&[1.0, 2.0, 3.0]), Spread::of(&[2.0, 4.0, 6.0]));
        let found = compare(&high, &low, false, false).unwrap();
        let deviation = ((4.0 / 3.0) / 4.0 + 16.0 * (1.0 / 3.0) / 16.0_f64).sqrt();
        near(found.interval.0, 1.0 - BOUND * deviation);
        near(found.chance_to_win, normal(1.0 / deviation));
        assert_eq!(compare(&low, &Spread::of(&[0.0, 0.0]), false, false), None);
        assert_eq!(compare(&Spread::of(&[]), &low, false, false), None);
    }
}
