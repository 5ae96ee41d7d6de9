//! Bodies: what the document says of them, sent.

use serde_json::{Map, Value, json};

use super::{ceremonies, described, document, resolved};
use crate::support::authenticator::device_of;
use crate::support::enrollee::{create, registered};
use crate::support::{Reply, TestApp};

/// An operation that takes a body.
struct Sent<'a> {
    app: &'a TestApp,
    method: reqwest::Method,
    path: &'static str,
}

impl Sent<'_> {
    /// Sends a body to a thing that nobody has changed yet.
    async fn send(&self, body: &Value) -> Reply {
        let mut body = body.clone();
        if self.path.starts_with("/auth/fido/") {
            ceremonies::make_good(&self.app.api, self.path, &mut body).await;
        }
        let id = if self.path.starts_with("/devices/") {
            device_of(&self.app.api, "ann").await.0
        } else if self.path.starts_with("/enrollments/") {
            let (id, mut ann) = registered(self.app).await;
            ceremonies::make_verification_good(&self.app.api, &id, &mut ann, &mut body).await;
            id
        } else if self.path.starts_with("/clients/") {
            let body = json!({ "name": "x", "permissions": [], "plan": "enterprise" });
            self.app.api.post("/v1/clients", &body).await.id()
        } else if self.path.contains('{') {
            self.app.create_consent().await
        } else {
            String::new()
        };
        let path = format!("/v1{}", self.path.replace("{id}", &id));
        let mut body = body.clone();
        // What the examples refer to is nowhere; what another type refers to is another thing, or nothing.
        if body["referenceId"].as_str().is_some_and(|id| id.starts_with("cs_")) {
            match body["type"].as_str() {
                Some("enrollment") => body["referenceId"] = json!(create(&self.app.api).await),
                Some("login") => drop(body.as_object_mut().unwrap().remove("referenceId")),
                _ => body["referenceId"] = json!(self.app.create_consent().await),
            }
        }
        Reply::of(self.app.api.request(self.method.clone(), &path).json(&body)).await
    }

    async fn accepts(&self, body: &Value) {
        let reply = self.send(body).await;
        assert_eq!(reply.status, 200, "{} {} {body}: {}", self.method, self.path, reply.text);
    }

    async fn refuses(&self, body: &Value, status: u16, field: &str) {
        let reply = self.send(body).await;
        assert_eq!(reply.status, status, "{} {} {body}: {}", self.method, self.path, reply.text);
        let told = reply.errors();
        assert!(told.iter().any(|error| error.starts_with(&format!("{field}:"))), "{body}: {told:?}");
    }
}

/// A server whose owner may name `returnUrl`s.
async fn start() -> TestApp {
    let app = TestApp::start().await;
    let owner = app.api.get("/v1/clients").await.data()["items"][0]["id"].as_str().unwrap().to_owned();
    let origins = json!({ "origins": ["https://yourapp.com", app.url("")] });
    assert_eq!(app.api.patch(&format!("/v1/clients/{owner}"), &origins).await.status, 200);
    app
}

/// Each operation with a body: the schema of the body, and its examples, the fullest last.
async fn each(test: impl AsyncFn(&Sent<'_>, &Map<String, Value>, &Value, Vec<Value>)) {
    let (app, document) = (start().await, document());
    let mut tested = 0;
    for (row, operation) in described(&document) {
        let content = &operation["requestBody"]["content"]["application/json"];
        if content.is_null() {
            continue;
        }
        let schema = resolved(&document, &content["schema"]);
        let examples = content["examples"].as_object().unwrap().values();
        let mut examples: Vec<_> = examples.map(|example| example["value"].clone()).collect();
        examples.sort_by_key(|example| example.as_object().unwrap().len());
        let sent = Sent { app: &app, method: row.method, path: row.path };
        test(&sent, schema["properties"].as_object().unwrap(), schema, examples).await;
        tested += 1;
    }
    assert!(tested >= 9, "{tested}");
}

/// A value that a field's schema says is taken.
fn example(schema: &Value) -> Value {
    let candidates = [&schema["examples"][0], &schema["enum"][0], &schema["minimum"]];
    candidates
        .into_iter()
        .find(|value| !value.is_null())
        .cloned()
        .or_else(|| schema["properties"].is_object().then(|| json!({})))
        .unwrap_or_else(|| panic!("no example: {schema}"))
}

fn takes_null(schema: &Value) -> bool {
    schema["type"].as_array().is_some_and(|types| types.contains(&json!("null")))
}

fn with(body: &Value, name: &str, value: &Value) -> Value {
    let mut body = body.clone();
    body[name] = value.clone();
    // Limits of its own are an enterprise's.
    if name == "plan" && value != "enterprise" {
        body.as_object_mut().unwrap().remove("limits");
    }
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn every_example_is_accepted() {
    each(async |sent, _, _, examples| {
        assert!(!examples.is_empty());
        for example in &examples {
            sent.accepts(example).await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_described_field_is_accepted_and_null_where_it_is_said_to_be() {
    each(async |sent, fields, _, examples| {
        let fullest = examples.last().unwrap();
        for (name, schema) in fields {
            sent.accepts(&with(fullest, name, &example(schema))).await;
            let null = with(fullest, name, &Value::Null);
            if takes_null(schema) {
                sent.accepts(&null).await;
            } else {
                let reply = sent.send(&null).await;
                assert!([400, 422].contains(&reply.status), "{} {null}: {}", sent.path, reply.text);
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_not_described_is_refused_and_a_required_one_missed() {
    each(async |sent, fields, schema, examples| {
        let fullest = examples.last().unwrap();
        assert_eq!(schema["additionalProperties"], false);
        sent.refuses(&with(fullest, "undocumented", &json!(1)), 400, "undocumented").await;
        let required: Vec<_> = schema["required"].as_array().unwrap().iter().collect();
        for name in fields.keys().filter(|name| required.contains(&&json!(name))) {
            let mut without = fullest.clone();
            without.as_object_mut().unwrap().remove(name);
            sent.refuses(&without, 400, name).await;
        }
    })
    .await;
}

/// Values at and just past the bounds that a schema names, the last of them.
fn bounds(schema: &Value) -> (Vec<Value>, Vec<Value>) {
    let (mut within, mut past) = (vec![], vec![]);
    let text = |length: u64| json!("a".repeat(usize::try_from(length).unwrap()));
    if let (Some(min), Some(max)) = (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        within.extend([json!(min), json!(max)]);
        past.extend([json!(min - 1), json!(max + 1), json!(0.5), json!("1")]);
    }
    if let Some(max) = schema["maxLength"].as_u64().filter(|_| schema["format"].is_null()) {
        // A language tag is made of short parts: there the pattern speaks.
        if schema["minLength"].is_u64() {
            within.push(text(max));
            past.extend([text(max + 1), text(0), json!("\u{7}")]);
        }
        past.push(json!(1));
    }
    if let Some(values) = schema["enum"].as_array() {
        within.extend(values.iter().filter(|value| value.is_string()).cloned());
        past.push(json!("nonsense"));
    }
    if let Some(max) = schema["maxItems"].as_u64().filter(|_| schema["uniqueItems"] == true) {
        let items = |count: u64| json!((0..count).map(|n| format!("f{n}")).collect::<Vec<_>>());
        within.push(items(max));
        past.extend([items(max + 1), json!(["twice", "twice"])]);
    }
    if let Some(max) = schema["maxProperties"].as_u64() {
        let entries =
            |count: u64| json!((0..count).map(|n| (format!("k{n}"), json!("v"))).collect::<Map<_, _>>());
        let longest = schema["additionalProperties"]["maxLength"].as_u64().unwrap();
        let key = schema["propertyNames"]["maxLength"].as_u64().unwrap();
        let of = |key: u64, value: u64| json!({ text(key).as_str().unwrap(): text(value) });
        within.extend([entries(max), of(key, longest), of(1, 0)]);
        past.extend([entries(max + 1), of(key + 1, 0), of(0, 0), of(1, longest + 1)]);
    }
    (within, past)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_field_may_be_is_what_is_checked() {
    each(async |sent, fields, _, examples| {
        let fullest = examples.last().unwrap();
        for (name, schema) in fields {
            let (within, past) = bounds(schema);
            for value in within {
                sent.accepts(&with(fullest, name, &value)).await;
            }
            for value in past {
                sent.refuses(&with(fullest, name, &value), 422, name).await;
            }
        }
    })
    .await;
}
