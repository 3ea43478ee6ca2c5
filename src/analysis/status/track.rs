use crate::analysis::card::Details;
use crate::feature::{Plan, PlanStage, Stage, StageLine};

/// A stage on the way of a feature.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackStage {
    /// `internal`, `beta`, ...
    pub name: String,
    /// How far it is open, 0 to 100.
    pub percent: f64,
    /// Where it lies from the feature.
    pub position: Position,
    /// Whether the rollout was stopped at it.
    pub is_stopped: bool,
    /// Who belongs to it, where the plan says so.
    pub audience: Option<String>,
}

/// Where a stage lies from the one that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Behind it.
    Done,
    /// It is this one.
    Current,
    /// Still to come.
    Ahead,
}

/// All stages: as the flag's conditions say them, else as the plan wants them.
pub(super) fn track(details: Option<&Details>, plan: Option<&Plan>) -> Vec<TrackStage> {
    let written = details.map(|it| it.stages.as_slice()).unwrap_or_default();
    let stage = details.map(|it| &it.stage);
    if !written.is_empty() {
        let current = written.iter().position(|it| it.current).filter(|_| is_on(stage));
        let of = |(at, line): (usize, &StageLine)| TrackStage {
            name: line.name.clone(),
            // While the flag is off, its percentages are only what is meant.
            percent: if is_on(stage) { line.percent } else { 0.0 },
            position: position(at, current, stage),
            is_stopped: line.stopped.is_some(),
            audience: planned(plan, at, &line.name).map(|it| it.audience.to_string()),
        };
        return written.iter().enumerate().map(of).collect();
    }
    // A flag that somebody opened without the plan is not on its track.
    let follows = matches!(stage, None | Some(Stage::NotLaunched));
    let of = |it: &PlanStage| TrackStage {
        name: it.name.clone(),
        percent: 0.0,
        position: Position::Ahead,
        is_stopped: false,
        audience: Some(it.audience.to_string()),
    };
    plan.filter(|_| follows).map(|it| it.stages.iter().map(of).collect()).unwrap_or_default()
}

fn is_on(stage: Option<&Stage>) -> bool {
    matches!(stage, Some(Stage::Planned { .. } | Stage::Everyone(_)))
}

fn position(at: usize, current: Option<usize>, stage: Option<&Stage>) -> Position {
    match (current, stage) {
        (_, Some(Stage::Everyone(_))) => Position::Done,
        (Some(current), _) if at < current => Position::Done,
        (Some(current), _) if at == current => Position::Current,
        _ => Position::Ahead,
    }
}

/// The stage of a plan at a place, if it is called the same.
pub(super) fn planned<'p>(plan: Option<&'p Plan>, at: usize, name: &str) -> Option<&'p PlanStage> {
    plan.and_then(|it| it.stages.get(at)).filter(|it| it.name == name)
}
