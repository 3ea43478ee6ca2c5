use serde_json::{Value, json};

use crate::feature::{Plan, TAG};
use crate::flags::{Flag, FlagKey, Project};
use crate::posthog::{Client, Error, wire};

/// What a feature consists of once it is created.
#[derive(Debug, Clone)]
pub struct Created {
    /// The flag: off, its plan written into its release conditions.
    pub flag: Flag,
    /// Whether the flag was made now or was there.
    pub flag_made: Made,
    /// The dashboard's number.
    pub dashboard: u64,
    /// Whether the dashboard was made now or was there.
    pub dashboard_made: Made,
}

/// Whether an object was made now or was there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Made {
    /// Now.
    Now,
    /// It was there.
    Before,
}

/// A creation that did not come to its end.
#[derive(Debug)]
pub struct Interrupted {
    /// Why.
    pub error: Error,
    /// What is not there, as far as is known: an answer may be lost on its way.
    pub missing: &'static str,
    /// The flag, if it is there for certain.
    pub flag: Option<Flag>,
}

/// Makes a flag with the team's plan or the default one, off; a dashboard with its exposure; and links them. What
/// is there already is kept as it is. Nothing is undone on an error: the same call completes what is missing.
pub async fn create_feature(
    client: &Client,
    project: &Project,
    key: &FlagKey,
    plan: Option<&Plan>,
) -> Result<Created, Interrupted> {
    let nothing = |error| Interrupted { error, missing: "the flag", flag: None };
    let (flag, flag_made) = flag(client, project, key, plan).await.map_err(nothing)?;
    let there = Some(flag.clone());
    let without = |missing: &'static str| {
        let flag = there.clone();
        move |error| Interrupted { error, missing, flag }
    };
    let made = dashboard(client, project, &flag).await;
    let (dashboard, dashboard_made) = made.map_err(without("its dashboard"))?;
    let insight = exposure_insight(client, project, key, &dashboard).await;
    insight.map_err(without("the insight on its dashboard"))?;
    let linked = link(client, project, flag, dashboard.id).await;
    let flag = linked.map_err(without("the link from the flag to its dashboard"))?;
    Ok(Created { flag, flag_made, dashboard: dashboard.id, dashboard_made })
}

async fn flag(
    client: &Client,
    project: &Project,
    key: &FlagKey,
    plan: Option<&Plan>,
) -> Result<(Flag, Made), Error> {
    if let Some(flag) = client.flag_by_key(project, key).await? {
        return Ok((flag, Made::Before));
    }
    let plan = match plan {
        Some(plan) => plan.clone(),
        None => Plan::default_for(&client.me().await?.email),
    };
    let filters = json!({ "groups": plan.conditions(&|_| None), "multivariate": null, "payloads": {} });
    let body = json!({
        "key": key.as_str(),
        "name": "",
        "active": false,
        "filters": filters,
        "tags": [TAG],
    });
    match client.create_flag(project, &body).await {
        Ok(flag) => Ok((flag, Made::Now)),
        // Somebody was faster, or an answer was lost on the way.
        Err(error @ Error::Invalid { .. }) => match client.flag_by_key(project, key).await? {
            Some(flag) => Ok((flag, Made::Before)),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

async fn dashboard(
    client: &Client,
    project: &Project,
    flag: &Flag,
) -> Result<(wire::Dashboard, Made), Error> {
    let name = format!("Feature: {}", flag.key);
    for id in &flag.dashboards {
        match client.dashboard(project, *id).await {
            Ok(linked) if linked.name == name && !linked.deleted => return Ok((linked, Made::Before)),
            Ok(_) | Err(Error::NotFound(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if let Some(found) = client.find_dashboard(project, &name, TAG).await? {
        // A list leaves out the tiles.
        return Ok((client.dashboard(project, found.id).await?, Made::Before));
    }
    let body = json!({
        "name": name,
        "description": format!("Who meets the feature flag {}", flag.key),
        "tags": [TAG],
    });
    Ok((client.create_dashboard(project, &body).await?, Made::Now))
}

async fn exposure_insight(
    client: &Client,
    project: &Project,
    key: &FlagKey,
    dashboard: &wire::Dashboard,
) -> Result<(), Error> {
    let name = format!("{key}: people by variant");
    let stands = |it: &wire::Tile| it.insight.as_ref().is_some_and(|it| it.name == name);
    if dashboard.tiles.iter().any(stands) {
        return Ok(());
    }
    let body = json!({
        "name": name,
        "description": "Distinct people a day who were asked for the flag, by what they got",
        "query": exposure_query(key),
        "dashboards": [dashboard.id],
        "saved": true,
        "tags": [TAG],
    });
    client.create_insight(project, &body).await?;
    Ok(())
}

/// A trend of people by response (posthog-api 4.5).
fn exposure_query(key: &FlagKey) -> Value {
    json!({
        "kind": "InsightVizNode",
        "source": {
            "kind": "TrendsQuery",
            "dateRange": { "date_from": "-14d" },
            "interval": "day",
            "filterTestAccounts": false,
            "series": [{
                "kind": "EventsNode",
                "event": "$feature_flag_called",
                "name": "$feature_flag_called",
                "custom_name": format!("{key} exposure"),
                "math": "dau",
                "properties": [
                    { "key": "$feature_flag", "type": "event", "operator": "exact", "value": [key.as_str()] },
                ],
            }],
            "breakdownFilter": {
                "breakdown": "$feature_flag_response",
                "breakdown_type": "event",
                "breakdown_limit": 10,
            },
            "trendsFilter": { "display": "ActionsLineGraph", "showLegend": true },
        },
    })
}

async fn link(client: &Client, project: &Project, flag: Flag, dashboard: u64) -> Result<Flag, Error> {
    if flag.dashboards.contains(&dashboard) {
        return Ok(flag);
    }
    // Where nothing tells that somebody else wrote meanwhile, it is read again just before.
    let flag = if flag.version.is_none() { client.flag(project, flag.id).await? } else { flag };
    match client.link_dashboard(project, &flag, dashboard).await {
        // Somebody linked another dashboard meanwhile: with what they wrote, once more.
        Err(Error::Conflict(_)) => {
            let flag = client.flag(project, flag.id).await?;
            client.link_dashboard(project, &flag, dashboard).await
        }
        answer => answer,
    }
}
