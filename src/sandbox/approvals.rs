//! `/api/projects/:id/change_requests/…` and `/approval_policies/`: writes to flags that somebody else must approve first.
//!
//! A policy gates an action (`feature_flag.enable`, `feature_flag.disable`, `feature_flag.update`). A gated write
//! changes nothing and is answered with 409, in a body of its own; approving the change request makes the change. While
//! one is pending, none is filed for the same action on the same flag.

use axum::http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock::iso;
use super::flag::State;
use super::flag_write;
use super::hash::uuid;
use super::reply::{Caller, Problem, Reply, Request, Result, page};
use super::world::{UserId, World};

/// The actions that a policy can gate.
pub(super) const ACTIONS: [&str; 3] = ["feature_flag.enable", "feature_flag.disable", "feature_flag.update"];

/// A change that waits.
pub(super) struct ChangeRequest {
    pub id: String,
    action: &'static str,
    flag: u64,
    /// What the flag is to become.
    wanted: State,
    state: &'static str,
    created_at: Timestamp,
    created_by: UserId,
}

impl ChangeRequest {
    fn json(&self, world: &World, caller: Caller) -> Value {
        let pending = self.state == "pending";
        json!({
            "id": self.id,
            "action_key": self.action,
            "action_version": 1,
            "resource_type": "feature_flag",
            "resource_id": self.flag.to_string(),
            "intent": {},
            "intent_display": {"description": format!("{} {}", self.action, self.wanted.key)},
            "policy_snapshot": {},
            "validation_status": "valid",
            "validation_errors": null,
            "validated_at": null,
            "state": self.state,
            "created_by": world.user_basic(Some(self.created_by)),
            "applied_by": null,
            "created_at": iso(self.created_at),
            "updated_at": null,
            "expires_at": iso(super::clock::add(self.created_at, jiff::SignedDuration::from_hours(24 * 7))),
            "applied_at": null,
            "apply_error": null,
            "result_data": null,
            "approvals": [],
            "can_approve": pending,
            "can_cancel": pending && caller.user == self.created_by,
            "is_requester": caller.user == self.created_by,
            "user_decision": null,
        })
    }
}

/// What a write of a flag's new state means to policies; `before` is `None` for a new flag.
fn actions(before: Option<&State>, after: &State) -> Vec<&'static str> {
    let was_active = before.is_some_and(|it| it.active);
    let mut actions = Vec::new();
    match (was_active, after.active) {
        (false, true) => actions.push(ACTIONS[0]),
        (true, false) => actions.push(ACTIONS[1]),
        _ => {}
    }
    if before.is_some_and(|it| gated(&it.filters) != gated(&after.filters)) {
        actions.push(ACTIONS[2]);
    }
    actions
}

/// What of a flag's filters the policy of updates looks at: percentages, variants and holdouts (posthog-api 2.9).
fn gated(filters: &Value) -> Value {
    let groups = filters["groups"].as_array().into_iter().flatten();
    json!({
        "percentages": groups.map(|it| it["rollout_percentage"].as_f64().unwrap_or(100.0)).collect::<Vec<f64>>(),
        "variants": filters["multivariate"],
        "holdout": filters["holdout"],
    })
}

/// Lets a write through, or keeps it as a change request and refuses it.
pub(super) fn gate(world: &mut World, by: UserId, flag: Option<u64>, wanted: &State) -> Result<()> {
    let before = flag.and_then(|id| world.flags.iter().find(|it| it.id == id)).map(|it| &it.state);
    let mut gated = actions(before, wanted);
    gated.retain(|it| world.policies.iter().any(|policy| policy == it));
    let action = match gated[..] {
        [] => return Ok(()),
        [only] => only,
        _ => {
            let text = "Several approval policies match this change. Split it into several changes.";
            return Err(Problem::invalid(None, text));
        }
    };
    let is_same = |it: &&ChangeRequest| {
        it.state == "pending" && it.action == action && it.flag == flag.unwrap_or_default()
    };
    if let Some(earlier) = world.change_requests.iter().find(is_same) {
        return Err(Problem::approval(flag, &earlier.id, true));
    }
    let created_at = world.stamp();
    let id = uuid(&["change request", &world.change_requests.len().to_string()]);
    let refusal = Problem::approval(flag, &id, false);
    // A new flag has nothing yet that could be changed later: the change request is all there is of it.
    let (state, flag, wanted) = ("pending", flag.unwrap_or_default(), wanted.clone());
    world.change_requests.push(ChangeRequest { id, action, flag, wanted, state, created_at, created_by: by });
    Err(refusal)
}

/// Answers `approval_policies/`: they are made by a control, and read here.
pub(super) fn policies(world: &World, request: &Request, rest: &[&str]) -> Result {
    match (&request.method, rest) {
        (&Method::GET, []) => {}
        (method, []) => return Err(Problem::wrong_method(method)),
        _ => return Err(Problem::no_endpoint()),
    }
    page(request, world.policies.len(), |at| {
        json!({
            "id": uuid(&["policy", &world.policies[at]]),
            "action_key": world.policies[at],
            "conditions": {},
            "approver_config": {"quorum": 1, "users": [], "roles": []},
            "allow_self_approve": false,
            "bypass_org_membership_levels": [],
            "bypass_roles": [],
            "expires_after": "7 00:00:00",
            "enabled": true,
        })
    })
}

/// Answers a request below `change_requests/`.
pub(super) fn route(world: &mut World, request: &Request, caller: Caller, rest: &[&str]) -> Result {
    let (id, action) = match (&request.method, rest) {
        (&Method::GET, []) => return list(world, request, caller),
        (method, []) => return Err(Problem::wrong_method(method)),
        (_, [id]) => (id, None),
        (_, [id, action @ ("approve" | "reject" | "cancel")]) => (id, Some(*action)),
        _ => return Err(Problem::no_endpoint()),
    };
    let at = world.change_requests.iter().position(|it| it.id == *id).ok_or_else(Problem::not_found)?;
    match (&request.method, action) {
        (&Method::GET, None) => {}
        (&Method::POST, Some(action)) => decide(world, caller, at, action)?,
        (method, _) => return Err(Problem::wrong_method(method)),
    }
    Ok(Reply::ok(world.change_requests[at].json(world, caller)))
}

fn list(world: &World, request: &Request, caller: Caller) -> Result {
    let states: Vec<&str> =
        request.query.iter().filter(|it| it.0 == "state").map(|it| it.1.as_str()).collect();
    let same = |name: &str, is: &str| request.param(name).is_none_or(|it| it == is);
    let listed = |it: &&ChangeRequest| {
        (states.is_empty() || states.contains(&it.state))
            && same("action_key", it.action)
            && same("resource_id", &it.flag.to_string())
    };
    let found: Vec<_> = world.change_requests.iter().rev().filter(listed).collect();
    page(request, found.len(), |at| found[at].json(world, caller))
}

fn decide(world: &mut World, caller: Caller, at: usize, action: &str) -> Result<()> {
    let asked = &world.change_requests[at];
    if asked.state != "pending" {
        return Err(Problem::invalid(None, "This change request is not pending."));
    }
    let (flag, wanted) = (asked.flag, asked.wanted.clone());
    let state = match action {
        "approve" if flag == 0 => "failed",
        "approve" => {
            let policies = std::mem::take(&mut world.policies);
            let done = flag_write::write(world, caller.user, flag, wanted);
            world.policies = policies;
            if done.is_ok() { "applied" } else { "failed" }
        }
        // Whoever asked may take it back; it counts as refused.
        _ => "rejected",
    };
    world.change_requests[at].state = state;
    Ok(())
}
