//! Early access features in the sandbox, of today and of December 2023: what they are, and what they do to their flags.

#![cfg(test)]

#[path = "support/posthog.rs"]
#[expect(dead_code, reason = "each test binary uses its part")]
mod posthog;

use flagline::sandbox::Shape;
use posthog::Posthog;
use serde_json::{Value, json};

#[tokio::test]
async fn a_flag_asks_who_opted_in_while_its_feature_is_open() {
    for shape in Shape::ALL {
        let posthog = Posthog::shaped(shape).await;
        let asks = |flag: &Value| match shape {
            Shape::Today => flag["filters"]["feature_enrollment"] == true,
            Shape::December2023 => {
                flag["filters"]["super_groups"][0]["properties"][0]["key"]
                    == "$feature_enrollment/project-videos"
            }
        };
        let before = posthog.flag("project-videos").await;
        let feature = posthog.feature("project-videos", "concept").await;
        let after = posthog.flag("project-videos").await;
        assert_eq!((&before["filters"], asks(&after)), (&after["filters"], false), "{shape}");
        let short = &after["features"][0];
        assert_eq!((&short["id"], &short["flagKey"]), (&feature["id"], &json!("project-videos")));
        let one = format!("early_access_feature/{}/", feature["id"].as_str().unwrap());
        for (stage, today, in_2023) in [
            ("alpha", true, false),
            ("beta", true, true),
            ("general-availability", true, false),
            ("archived", false, false),
            ("beta", true, true),
        ] {
            let (status, answer) = posthog.ask("PATCH", &one, json!({ "stage": stage })).await;
            assert_eq!((status, &answer["stage"]), (200, &json!(stage)), "{shape}: {answer}");
            let is_open = if shape == Shape::Today { today } else { in_2023 };
            let flag = posthog.flag("project-videos").await;
            assert_eq!(asks(&flag), is_open, "{shape} {stage}: {}", flag["filters"]);
            assert_eq!(flag["filters"]["groups"], before["filters"]["groups"], "{shape} {stage}");
        }
        let id = before["id"].to_string();
        let delete = ("PATCH", format!("feature_flags/{id}/"), json!({ "deleted": true }));
        let (status, answer) = posthog.ask(delete.0, &delete.1, delete.2.clone()).await;
        let words = answer["detail"].as_str().unwrap_or_default();
        assert!(status == 400 && words.contains("in use with early access features"), "{shape}: {answer}");
        // The flag stays when the feature goes, and asks nobody.
        assert_eq!(posthog.ask("DELETE", &one, Value::Null).await.0, 204);
        let flag = posthog.flag("project-videos").await;
        assert!(!asks(&flag) && flag["features"] == json!([]), "{shape}: {flag}");
        assert_eq!(posthog.ask("GET", &one, Value::Null).await.0, 404);
        assert_eq!(posthog.ask(delete.0, &delete.1, delete.2).await.0, 200);
    }
}

#[tokio::test]
async fn a_feature_is_made_with_its_flag_or_on_one_that_takes_it() {
    for (shape, what) in [(Shape::Today, "Early Access Feature"), (Shape::December2023, "Feature")] {
        let posthog = Posthog::shaped(shape).await;
        let (status, made) = posthog
            .ask("POST", "early_access_feature/", json!({ "name": "Travel diary", "stage": "beta" }))
            .await;
        let flag = posthog.flag("travel-diary").await;
        assert_eq!((status, &made["feature_flag"]["key"]), (201, &json!("travel-diary")), "{made}");
        assert_eq!(flag["name"], format!("Feature Flag for {what} Travel diary"));
        assert_eq!(
            (&flag["active"], &flag["filters"]["groups"][0]["rollout_percentage"]),
            (&json!(true), &json!(0))
        );
        let list = posthog.get("early_access_feature/").await;
        assert_eq!((&list["count"], &list["results"][0]), (&json!(1), &made), "{shape}");
        let on = async |key: &str| posthog.flag(key).await["id"].clone();
        for (body, words) in [
            (json!({ "name": "x", "stage": "beta", "feature_flag_id": flag["id"] }), "already has a feature"),
            (
                json!({ "name": "x", "stage": "beta", "feature_flag_id": on("pricing-page").await }),
                "Multivariate",
            ),
            (
                json!({ "name": "x", "stage": "beta", "feature_flag_id": on("company-reports").await }),
                "Group-based",
            ),
            (json!({ "name": "x", "stage": "beta", "feature_flag_id": 999_999 }), "does not exist"),
            (json!({ "name": "x", "stage": "gamma" }), "not a valid choice"),
            (json!({ "name": "x" }), "required"),
            (json!({ "stage": "beta" }), "required"),
        ] {
            let (status, answer) = posthog.ask("POST", "early_access_feature/", body.clone()).await;
            assert_eq!(status, 400, "{shape} {body}: {answer}");
            assert!(answer["detail"].as_str().unwrap().contains(words), "{shape} {body}: {answer}");
        }
    }
}

#[tokio::test]
async fn what_a_person_said_decides_before_the_conditions() {
    let posthog = Posthog::start().await;
    let (_, made) = posthog
        .ask("POST", "early_access_feature/", json!({ "name": "Travel diary", "stage": "beta" }))
        .await;
    let test = format!("feature_flags/{}/test_evaluation/", made["feature_flag"]["id"]);
    let serves = async |who: &str| {
        let (status, answer) = posthog.ask("POST", &test, json!({ "distinct_id": who })).await;
        assert_eq!(status, 200, "{answer}");
        answer["result"].clone()
    };
    for (who, said) in [("yes", Some("true")), ("no", Some("false")), ("silent", None)] {
        let set = json!({ "$feature_enrollment/travel-diary": said });
        let set = if said.is_some() { set } else { json!({}) };
        let event = json!({ "api_key": "phc_sandbox", "event": "hello", "distinct_id": who, "properties": { "$set": set } });
        assert_eq!(posthog.ask("POST", "/i/v0/e/", event).await.0, 200);
    }
    assert_eq!([serves("yes").await, serves("no").await, serves("silent").await], [true, false, false]);
    let one = format!("early_access_feature/{}/", made["id"].as_str().unwrap());
    let to_all = json!({ "stage": "general-availability", "rollout_to_all": true });
    assert_eq!(posthog.ask("PATCH", &one, to_all).await.0, 200);
    assert_eq!([serves("yes").await, serves("no").await, serves("silent").await], [true, true, true]);
}

#[tokio::test]
async fn early_access_has_scopes_of_its_own_and_its_flag_the_usual_ones() {
    let posthog = Posthog::start().await;
    let feature = posthog.feature("project-videos", "draft").await;
    let one = format!("early_access_feature/{}/", feature["id"].as_str().unwrap());
    for (scopes, method, body, status) in [
        (vec!["feature_flag:write"], "GET", Value::Null, 403),
        (vec!["early_access_feature:read"], "GET", Value::Null, 200),
        (vec!["early_access_feature:read"], "PATCH", json!({ "name": "Films" }), 403),
        (vec!["early_access_feature:write"], "PATCH", json!({ "name": "Films" }), 200),
        (vec!["early_access_feature:write"], "PATCH", json!({ "stage": "beta" }), 403),
        (vec!["early_access_feature:write", "feature_flag:write"], "PATCH", json!({ "stage": "beta" }), 200),
        (vec!["early_access_feature:write"], "DELETE", Value::Null, 403),
    ] {
        posthog.scopes(&scopes).await;
        let (is, answer) = posthog.ask(method, &one, body.clone()).await;
        assert_eq!(is, status, "{scopes:?} {method} {body}: {answer}");
    }
}
