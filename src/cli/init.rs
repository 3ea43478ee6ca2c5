//! `flagline init`: a first `flagline.toml`, from what the code, the key and the user say.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, bail};

use super::{complain, configuration, print};
use crate::config::draft::{Draft, DraftAudience, DraftEnvironment, DraftStage};
use crate::config::file::FILE_NAME;
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
    let config = configuration(&directory)?;
    let environment = config.environments.first().context("no environment is configured")?;
    let traces = tokens::traces(&directory);
    let client = Client::new(environment).map_err(|error| with_host(error, &traces))?;
    let projects = client.projects().await.map_err(|error| with_host(error, &traces))?;
    let mut answers = Answers { ask: !yes };

    let environments =
        environments(&projects, &traces, environment.project, &environment.host, &mut answers)?;
    let first = environments.first().context("no project was chosen")?;
    let project = Project { id: first.project, name: first.project_name.as_str().into() };
    let stages = stages(&client, &project, &mut answers).await?;
    let text = Draft { environments, stages }.text();
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
    configured: Option<u64>,
    host: &str,
    answers: &mut Answers,
) -> anyhow::Result<Vec<DraftEnvironment>> {
    let in_code = |it: &&wire::Project| it.api_token.as_ref().and_then(|it| traces.tokens.get(it)).copied();
    let mut found: Vec<&wire::Project> = projects.iter().filter(|it| in_code(it).is_some()).collect();
    found.sort_by_key(|it| std::cmp::Reverse(in_code(it)));
    for it in &found {
        let files = in_code(it).unwrap_or_default();
        answers
            .tell(&format!("project {} \"{}\": its token is in {files} of the files here", it.id, it.name));
    }
    if found.is_empty() {
        if !traces.tokens.is_empty() {
            let n = traces.tokens.len();
            answers.tell(&format!(
                "{n} tokens in the code belong to projects that the key of {host} cannot see"
            ));
        }
        found.push(choose(projects, configured, answers)?);
    } else if found.len() > 1 {
        let names: Vec<String> = found.iter().map(|it| format!("{} {}", it.id, it.name)).collect();
        let first = found[0].id.to_string();
        let asked = format!("Which is production, where staleness is judged ({})?", names.join(", "));
        let primary = answers.ask(&asked, &first)?;
        let at = found.iter().position(|it| it.id.to_string() == primary);
        let primary = found.remove(at.with_context(|| format!("{primary} is none of {}", names.join(", ")))?);
        found.insert(0, primary);
    }
    let several = found.len() > 1;
    let entry = |(at, it): (usize, &&wire::Project)| DraftEnvironment {
        name: if at == 0 || !several { "production".into() } else { it.name.to_lowercase() },
        host: host.to_owned(),
        project: it.id,
        project_name: it.name.clone(),
    };
    Ok(found.iter().enumerate().map(entry).collect())
}

fn choose<'a>(
    projects: &'a [wire::Project],
    configured: Option<u64>,
    answers: &mut Answers,
) -> anyhow::Result<&'a wire::Project> {
    let names: Vec<String> = projects.iter().map(|it| format!("{} {}", it.id, it.name)).collect();
    let default = match projects {
        [] => bail!("the key cannot see any project"),
        [only] => only.id.to_string(),
        _ => configured.map(|it| it.to_string()).unwrap_or_default(),
    };
    let chosen = answers.ask(&format!("Which project ({})?", names.join(", ")), &default)?;
    let found = projects.iter().find(|it| it.id.to_string() == chosen);
    found.with_context(|| match chosen.is_empty() {
        true => format!("say which project by FLAGLINE_PROJECT: {}", names.join(", ")),
        false => format!("{chosen} is none of {}", names.join(", ")),
    })
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

/// Questions to the user, on stderr, and answers from stdin, one a line. Without anybody to ask, the defaults
/// count.
struct Answers {
    ask: bool,
}

impl Answers {
    fn tell(&self, text: &str) {
        complain(&crate::analysis::plain(text));
    }

    fn ask(&mut self, question: &str, default: &str) -> anyhow::Result<String> {
        if !self.ask {
            return Ok(default.to_owned());
        }
        let mut stderr = std::io::stderr();
        let hint = if default.is_empty() { String::new() } else { format!(" [{default}]") };
        write!(stderr, "{}{hint} ", crate::analysis::plain(question))?;
        stderr.flush()?;
        let mut line = String::new();
        if std::io::stdin().lock().read_line(&mut line)? == 0 {
            // Nobody is there: no further question either.
            self.ask = false;
            writeln!(stderr)?;
        }
        if !std::io::stdin().is_terminal() {
            writeln!(stderr)?;
        }
        let answer = line.trim();
        Ok(if answer.is_empty() { default } else { answer }.to_owned())
    }

    /// Asks until the answer means something.
    fn ask_until<T>(
        &mut self,
        question: &str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> anyhow::Result<T> {
        loop {
            let answer = self.ask(question, default)?;
            match parse(&answer) {
                Ok(value) => return Ok(value),
                Err(why) if self.ask => self.tell(&why),
                Err(why) => bail!("{why}"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
