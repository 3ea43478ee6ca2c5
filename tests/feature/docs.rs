//! What the page on rollouts tells people to copy works.

use flagline::sandbox::Shape;
use saphyr::{LoadableYamlNode as _, Yaml};

use crate::bench::Bench;

const PAGE: &str = include_str!("../../docs/rollouts.md");

/// The commands of the steps of the page's one workflow.
fn commands() -> Vec<String> {
    let block = PAGE.split("```yaml\n").nth(1).and_then(|it| it.split("```").next()).unwrap();
    let yaml = Yaml::load_from_str(block).unwrap();
    let steps =
        ["jobs", "rollouts", "steps"].iter().fold(&yaml[0], |it, name| it.as_mapping_get(name).unwrap());
    let run = |it: &Yaml| it.as_mapping_get("run").and_then(Yaml::as_str).map(str::to_owned);
    steps.as_sequence().unwrap().iter().filter_map(run).collect()
}

#[tokio::test]
async fn the_workflow_runs_a_rollout() {
    let commands = commands();
    let command = commands.iter().find(|it| it.starts_with("flagline rollout")).unwrap();
    let arguments: Vec<&str> = command.split(' ').skip(1).collect();
    let bench = Bench::start(Shape::Today).await;
    bench.without_traffic().await;
    assert_eq!(bench.launch(&["guided-tour", "--yes"]).await.code, Some(0));
    let ran = bench.flagline(&arguments).await;
    assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert!(lines[0].starts_with("FLAG "), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("guided-tour     1/4 internal, 100 %  0       asks for a person's go"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("short-checkout  not launched         -       rests: not launched yet"),
        "{}",
        ran.stdout
    );
}
