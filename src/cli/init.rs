//! `flagline init`: a first `flagline.toml`, from what the code, the key and the user say.

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::answers::Answers;
use super::{complain, configuration, print, stored_keys};
use crate::config::Environment;
use crate::config::draft::{Draft, DraftAudience, DraftEnvironment, DraftStage};
use crate::config::file::{self, FILE_NAME};
use crate::feature::{Audience, Plan};
use crate::flags::Project;
use crate::index::tokens::{self, Traces};
use crate::posthog::{Client, Error, wire};

pub(super) async fn run(yes: bool) -> anyhow::Result<ExitCode> {
    let directory = std::env::current_dir().context("the working directory is gone")?;
    let path = directory.join(FILE_NAME);
    if path.exists() {
        complain(&format!("there is a {FILE_NAME} already; it stays as it is"));
        return Ok(ExitCode::from(1));
    }
    let config = configuration(&directory, stored_keys())?;
    let environment = config.environments.first().context("no environment is configured")?;
    let traces = tokens::traces(&directory);
    let client = Client::new(environment).map_err(|error| with_host(error, &traces))?;
    let projects = client.projects().await.map_err(|error| with_host(error, &traces))?;
    let mut answers = Answers { ask: !yes };

    let environments = environments(&projects, &traces, environment, &mut answers)?;
    let first = environments.first().context("no project was chosen")?;
    let project = Project { id: first.project, name: first.project_name.as_str().into() };
    let stages = stages(&client, &project, &mut answers).await?;
    let text = Draft { environments, stages }.text();
    // Answers are anybody's words: what would be refused afterwards is not written.
    if let Err(problems) = file::read(&text) {
        bail!("nothing is written, since it would be wrong: {}", file::summary(&text, &problems));
    }
    write_new(&path, &text)?;
    print(&format!(
        "{FILE_NAME} is written:\n\n{text}\nThe key stays where it is; nothing secret is in this file.\n"
    ))?;
    Ok(ExitCode::SUCCESS)
}

/// The code may say which host is meant.
fn with_host(error: Error, traces: &Traces) -> anyhow::Error {
    let host = traces.hosts.iter().max_by_key(|it| it.1).map(|it| it.0);
    match (error, host) {
        (error @ (Error::SignedOut { .. } | Error::Unauthorized { .. }), Some(host)) => {
            anyhow::anyhow!("{error}; the code here speaks to {host}")
        }
        (error, _) => error.into(),
    }
}

/// The projects whose tokens stand in the code; else the only one, or the one that the user chooses.
fn environments(
    projects: &[wire::Project],
    traces: &Traces,
    environment: &Environment,
    answers: &mut Answers,
) -> anyhow::Result<Vec<DraftEnvironment>> {
    let host = &*environment.host;
    let in_code = |it: &&wire::Project| it.api_token.as_ref().and_then(|it| traces.tokens.get(it)).copied();
    let mut found: Vec<&wire::Project> = projects.iter().filter(|it| in_code(it).is_some()).collect();
    found.sort_by_key(|it| std::cmp::Reverse(in_code(it)));
    for it in &found {
        let files = in_code(it).unwrap_or_default();
        answers
            .tell(&format!("project {} \"{}\": its token is in {files} of the files here", it.id, it.name));
    }
    if found.is_empty() {
        let is_elsewhere = !traces.tokens.is_empty();
        if is_elsewhere {
            let whose = match traces.tokens.len() {
                1 => "the project token in the code belongs to a project".to_owned(),
                n => format!("the {n} project tokens in the code belong to projects"),
            };
            answers.tell(&format!("{whose} that the key of {host} cannot see"));
        }
        found.push(choose(projects, environment, is_elsewhere, answers)?);
    } else if found.len() > 1 {
        let asked = format!("Which is production, where staleness is judged ({})?", listed(&found));
        let first = found[0].id.to_string();
        let primary = answers.ask_until(&asked, &first, |it| project(it, &found))?;
        found.sort_by_key(|it| it.id != primary);
    }
    let mut taken: Vec<String> = Vec::new();
    for it in &found {
        taken.push(environment_name(it, &taken));
    }
    let entry = |(name, it): (String, &wire::Project)| DraftEnvironment {
        name,
        host: host.to_owned(),
        project: it.id,
        project_name: it.name.clone(),
    };
    Ok(taken.into_iter().zip(found).map(entry).collect())
}

/// The first is production; the others are called like their project, each by a name of its own.
fn environment_name(project: &wire::Project, taken: &[String]) -> String {
    if taken.is_empty() {
        return "production".into();
    }
    let mut name = match project.name.trim() {
        "" => format!("project-{}", project.id),
        name => name.to_lowercase(),
    };
    while taken.contains(&name) {
        name = format!("{name}-{}", project.id);
    }
    name
}

/// A project that no token in the code names. `is_elsewhere` when the tokens name others: then none is taken that
/// nobody chose, since everything would be judged by a project that this code does not use.
fn choose<'a>(
    projects: &'a [wire::Project],
    environment: &Environment,
    is_elsewhere: bool,
    answers: &mut Answers,
) -> anyhow::Result<&'a wire::Project> {
    let all: Vec<&wire::Project> = projects.iter().collect();
    let by_variable = environment.project_from == Some("FLAGLINE_PROJECT");
    let configured = environment.project.filter(|_| by_variable || !is_elsewhere);
    let default = match projects {
        [] => bail!("the key cannot see any project"),
        [only] if !is_elsewhere && configured.is_none_or(|it| it == only.id) => return Ok(only),
        _ => configured.map(|it| it.to_string()).unwrap_or_default(),
    };
    let asked = format!("Which project ({})?", listed(&all));
    let chosen = answers.ask_until(&asked, &default, |it| match it {
        "" => {
            Err(format!("say which project by its number or name, or set FLAGLINE_PROJECT: {}", listed(&all)))
        }
        it => project(it, &all),
    })?;
    projects.iter().find(|it| it.id == chosen).context("the project is gone")
}

fn listed(projects: &[&wire::Project]) -> String {
    let names: Vec<String> = projects.iter().map(|it| format!("{} {}", it.id, it.name)).collect();
    names.join(", ")
}

/// The number of a project that is named by it, or by its name.
fn project(answer: &str, projects: &[&wire::Project]) -> Result<u64, String> {
    let by_number = projects.iter().find(|it| it.id.to_string() == answer);
    let mut by_name = projects.iter().filter(|it| it.name.trim().eq_ignore_ascii_case(answer));
    match (by_number, by_name.next(), by_name.next()) {
        (Some(it), ..) | (None, Some(it), None) => Ok(it.id),
        (None, Some(_), Some(_)) => Err(format!("several are called {answer}; say the number")),
        (None, None, _) => Err(format!("{answer} is none of {}", listed(projects))),
    }
}

/// Who belongs to the stages before everyone.
async fn stages(
    client: &Client,
    project: &Project,
    answers: &mut Answers,
) -> anyhow::Result<Vec<DraftStage>> {
    let owner = client.me().await.map(|it| it.email).unwrap_or_default();
    let mut stages: Vec<DraftStage> = internal(&owner, answers)?.into_iter().collect();
    let cohorts = match client.cohorts(project).await {
        Ok(cohorts) => cohorts,
        // A key without cohort:read can still have a plan; cohorts are then named by number.
        Err(error) => {
            answers.tell(&format!("cohorts are not known here: {error}"));
            Vec::new()
        }
    };
    let usable: Vec<String> =
        cohorts.iter().filter(|it| it.is_usable()).map(|it| format!("{} {}", it.id, it.name)).collect();
    if !usable.is_empty() {
        answers.tell(&format!("cohorts that a flag can use: {}", usable.join(", ")));
    }
    let questions =
        [("beta", "beta testers"), ("low-value", "low-value users"), ("high-value", "high-value users")];
    for (name, who) in questions {
        let asked =
            format!("Who are the {who}: a cohort, or a property such as ltv < 500 (empty: no such stage)?");
        if let Some(audience) = answers.ask_until(&asked, "", |it| audience(it, &cohorts))? {
            stages.push(DraftStage { name, audience });
        }
    }
    Ok(stages)
}

fn internal(owner: &str, answers: &mut Answers) -> anyhow::Result<Option<DraftStage>> {
    let default = match Plan::default_for(owner).stages.into_iter().next().map(|it| it.audience) {
        Some(Audience::EmailDomain(domain)) => domain,
        Some(Audience::Email(address)) => address,
        _ => String::new(),
    };
    let asked = "Who is internal: an e-mail domain or address (- for nobody)?";
    let audience = answers.ask_until(asked, &default, |it| match it {
        "" | "-" => Ok(None),
        it if it.contains(char::is_whitespace) => Err(format!("{it} is no domain and no address")),
        it if it.trim_start_matches('@').contains('@') => Ok(Some(DraftAudience::Email(it.to_owned()))),
        it => Ok(Some(DraftAudience::EmailDomain(it.trim_start_matches('@').to_ascii_lowercase()))),
    })?;
    Ok(audience.map(|audience| DraftStage { name: "internal", audience }))
}

/// A cohort by number or name, or a property that is compared.
fn audience(answer: &str, cohorts: &[wire::Cohort]) -> Result<Option<DraftAudience>, String> {
    if answer.is_empty() {
        return Ok(None);
    }
    if let Some((key, operator, value)) = comparison(answer) {
        return Ok(Some(DraftAudience::Property { key, operator, value }));
    }
    let number = answer.trim_start_matches('#').parse::<u64>().ok();
    let found = cohorts.iter().find(|it| Some(it.id) == number || it.name.eq_ignore_ascii_case(answer));
    match (found, number) {
        (Some(it), _) if !it.is_usable() => Err(format!(
            "PostHog refuses cohort {} in a flag, since it is one of behaviour; make it static",
            it.id
        )),
        (Some(it), _) => Ok(Some(DraftAudience::Cohort(it.id, it.name.clone()))),
        (None, Some(number)) if cohorts.is_empty() => Ok(Some(DraftAudience::Cohort(number, String::new()))),
        _ => Err(format!("there is no cohort {answer}, and it is no comparison")),
    }
}

fn comparison(answer: &str) -> Option<(String, &'static str, String)> {
    let operators =
        [(">=", "gte"), ("<=", "lte"), ("!=", "is_not"), ("=", "exact"), (">", "gt"), ("<", "lt")];
    operators.into_iter().find_map(|(sign, operator)| {
        let (key, value) = answer.split_once(sign)?;
        let (key, value) = (key.trim(), value.trim_start_matches('=').trim());
        (!key.is_empty() && !value.is_empty()).then(|| (key.to_owned(), operator, value.to_owned()))
    })
}

/// Never over something that somebody else has just written.
fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let file = std::fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut it| it.write_all(text.as_bytes()));
    written.with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire_project(id: u64, name: &str) -> wire::Project {
        serde_json::from_value(serde_json::json!({ "id": id, "name": name })).unwrap()
    }

    #[test]
    fn every_environment_has_a_name_of_its_own() {
        let mut taken = Vec::new();
        let projects =
            [(1, "Shop"), (2, "Production"), (3, "Dev"), (4, "dev"), (5, " "), (6, "production-2")];
        for (id, name) in projects {
            taken.push(environment_name(&wire_project(id, name), &taken));
        }
        assert_eq!(taken, ["production", "production-2", "dev", "dev-4", "project-5", "production-2-6"]);
    }

    #[test]
    fn a_project_is_named_by_number_or_name() {
        let [a, b, c] = [wire_project(1, "Shop"), wire_project(2, "Dev"), wire_project(3, "dev")];
        let projects = [&a, &b, &c];
        assert_eq!((project("1", &projects), project("SHOP", &projects)), (Ok(1), Ok(1)));
        assert!(project("dev", &projects).unwrap_err().contains("say the number"));
        assert_eq!(project("shpo", &projects).unwrap_err(), "shpo is none of 1 Shop, 2 Dev, 3 dev");
    }

    #[test]
    fn comparisons_are_told_from_cohorts() {
        let compared =
            |text: &str| comparison(text).map(|(key, operator, value)| format!("{key} {operator} {value}"));
        assert_eq!(compared("ltv < 500").as_deref(), Some("ltv lt 500"));
        assert_eq!(compared("ltv>=500").as_deref(), Some("ltv gte 500"));
        assert_eq!(compared("plan == pro plus").as_deref(), Some("plan exact pro plus"));
        assert_eq!(compared("plan != free").as_deref(), Some("plan is_not free"));
        assert_eq!(compared("Beta testers"), None);
        assert_eq!(compared("< 3"), None);
    }

    #[test]
    fn a_cohort_is_named_by_number_or_name_and_must_be_usable() {
        let cohort = |id, name: &str, kind: &str| wire::Cohort {
            id,
            name: name.into(),
            is_static: kind == "static",
            cohort_type: Some(kind.into()),
        };
        let cohorts = [cohort(3, "Beta testers", "static"), cohort(4, "Buyers", "behavioral")];
        let beta = Ok(Some(DraftAudience::Cohort(3, "Beta testers".into())));
        assert_eq!(audience("3", &cohorts), beta);
        assert_eq!(audience("beta TESTERS", &cohorts), beta);
        assert!(audience("4", &cohorts).unwrap_err().contains("make it static"));
        assert!(audience("9", &cohorts).is_err());
        assert_eq!(audience("", &cohorts), Ok(None));
    }
}
