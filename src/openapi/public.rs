//! What takes no key.

use serde_json::{Map, Value, json};

/// The paths outside of `/v1`.
pub fn paths() -> Map<String, Value> {
    let paths = [
        ("/health/live", "healthLive", "The process answers", vec![("200", "It does.", status("ok"))]),
        (
            "/health/ready",
            "healthReady",
            "The service can serve",
            vec![("200", "It can.", status("ok")), ("503", "It cannot now.", status("unavailable"))],
        ),
        (
            "/openapi.json",
            "openapi",
            "This document",
            vec![("200", "The document.", json!({ "type": "object" }))],
        ),
    ];
    paths
        .into_iter()
        .map(|(path, id, summary, answers)| (path.to_owned(), get(id, summary, answers)))
        .collect()
}

fn status(status: &str) -> Value {
    json!({ "type": "object", "required": ["status"], "properties": { "status": { "type": "string", "const": status } } })
}

fn get(id: &str, summary: &str, answers: Vec<(&str, &str, Value)>) -> Value {
    let headers = json!({ "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } });
    let answer = |(code, description, schema): (&str, &str, Value)| {
        let content = json!({ "application/json": { "schema": schema } });
        (code.to_owned(), json!({ "description": description, "headers": headers, "content": content }))
    };
    let mut responses: Map<_, _> = answers.into_iter().map(answer).collect();
    if id == "openapi" {
        let etag = json!({ "description": "The version of the document.", "required": true, "schema": { "type": "string" } });
        responses["200"]["headers"]["ETag"] = etag.clone();
        responses.insert(
            "304".to_owned(),
            json!({ "description": "Not changed since the `ETag` in `If-None-Match`.",
            "headers": { "ETag": etag } }),
        );
    }
    json!({ "get": { "operationId": id, "summary": summary, "tags": ["Service"], "security": [],
        "parameters": [{ "$ref": "#/components/parameters/RequestId" }], "responses": responses } })
}
