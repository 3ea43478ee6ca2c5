use flagline::sandbox::{self, Options, Sandbox, Shape};
use serde_json::{Value, json};

/// The sandbox, its controls and its API as a test sees them.
pub struct Posthog {
    sandbox: Sandbox,
    http: reqwest::Client,
}

impl Posthog {
    pub async fn start() -> Posthog {
        Posthog::shaped(Shape::Today).await
    }

    /// One of an age.
    pub async fn shaped(shape: Shape) -> Posthog {
        Posthog::with(Options { shape, ..Options::default() }).await
    }

    pub async fn with(options: Options) -> Posthog {
        let sandbox = Sandbox::start(options).await.unwrap();
        // As the program does; fails only when it was done before.
        drop(rustls::crypto::ring::default_provider().install_default());
        Posthog { sandbox, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    pub fn url(&self) -> &str {
        self.sandbox.url()
    }

    /// From now on nobody answers at this address.
    pub async fn stop(self) -> String {
        let url = self.url().to_owned();
        self.sandbox.shutdown().await;
        url
    }

    /// Replaces all faults.
    pub async fn faults(&self, faults: Value) {
        self.control("faults", json!({ "faults": faults })).await;
    }

    /// What the key may do from now on.
    pub async fn scopes(&self, scopes: &[&str]) {
        self.control("keys", json!({ "scopes": scopes })).await;
    }

    /// Sets something below `/_sandbox/`.
    pub async fn control(&self, what: &str, body: Value) {
        let url = format!("{}/_sandbox/{what}/", self.url());
        let answer = self.http.post(url).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// What is done from now on happens that much later, or earlier.
    pub async fn advance_clock(&self, seconds: i64) {
        self.control("clock", json!({ "advance_seconds": seconds })).await;
    }

    /// How often a method and path pattern was asked for, such as `POST /api/projects/:id/query/`.
    pub async fn requests(&self, pattern: &str) -> u64 {
        self.state().await["requests"][pattern].as_u64().unwrap_or(0)
    }

    pub async fn all_requests(&self) -> u64 {
        let counts = self.state().await["requests"].clone();
        counts.as_object().unwrap().values().filter_map(Value::as_u64).sum()
    }

    pub async fn count(&self, what: &str) -> u64 {
        self.state().await["counts"][what].as_u64().unwrap()
    }

    async fn state(&self) -> Value {
        let answer = self.http.get(format!("{}/_sandbox/state/", self.url())).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// An object of the API; `path` below the project.
    pub async fn get(&self, path: &str) -> Value {
        let url = format!("{}/api/projects/{}/{path}", self.url(), sandbox::PROJECT_ID);
        let answer = self.http.get(url).bearer_auth(sandbox::API_KEY).send().await.unwrap();
        answer.json().await.unwrap()
    }

    pub async fn flag(&self, key: &str) -> Value {
        let list = self.get(&format!("feature_flags/?search={key}&limit=1000")).await;
        let found = list["results"].as_array().unwrap().iter().find(|it| it["key"] == key).cloned();
        found.unwrap_or_else(|| panic!("no flag {key} in {list}"))
    }

    /// Changes a flag as the owner of `api_key`.
    pub async fn change(&self, api_key: &str, key: &str, body: Value) {
        let id = self.flag(key).await["id"].clone();
        let url = format!("{}/api/projects/{}/feature_flags/{id}/", self.url(), sandbox::PROJECT_ID);
        let answer = self.http.patch(url).bearer_auth(api_key).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Makes a flag that three in ten people get.
    pub async fn create(&self, key: &str) {
        let groups = json!([{ "properties": [], "rollout_percentage": 30 }]);
        self.post("feature_flags/", json!({ "key": key, "active": true, "filters": { "groups": groups } }))
            .await;
    }

    /// Lets PostHog change a flag tomorrow.
    pub async fn schedule(&self, key: &str, payload: Value) {
        let id = self.flag(key).await["id"].to_string();
        let tomorrow = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24);
        let change = json!({
            "record_id": id,
            "model_name": "FeatureFlag",
            "payload": payload,
            "scheduled_at": tomorrow.to_string(),
        });
        self.post("scheduled_changes/", change).await;
    }

    /// Makes an early access feature on a flag, and returns it.
    pub async fn feature(&self, key: &str, stage: &str) -> Value {
        let flag = self.flag(key).await["id"].clone();
        let body = json!({ "name": "Videos", "stage": stage, "feature_flag_id": flag });
        let (status, made) = self.ask("POST", "early_access_feature/", body).await;
        assert_eq!(status, 201, "{made}");
        made
    }

    /// Makes something; `path` below the project.
    async fn post(&self, path: &str, body: Value) {
        let url = format!("{}/api/projects/{}/{path}", self.url(), sandbox::PROJECT_ID);
        let answer = self.http.post(url).bearer_auth(sandbox::API_KEY).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }

    /// Status and answer of a request; `path` below the project, or a whole one.
    pub async fn ask(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        self.ask_as(sandbox::API_KEY, method, path, body).await
    }

    /// The same as the owner of `api_key`.
    pub async fn ask_as(&self, api_key: &str, method: &str, path: &str, body: Value) -> (u16, Value) {
        let url = match path.starts_with('/') {
            true => format!("{}{path}", self.url()),
            false => format!("{}/api/projects/{}/{path}", self.url(), sandbox::PROJECT_ID),
        };
        let mut request = self.http.request(method.parse().unwrap(), url).bearer_auth(api_key);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        (status, serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default())
    }
}
