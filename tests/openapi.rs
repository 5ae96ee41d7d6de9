//! The document says what the server does: no more and no less.

mod ceremonies;
mod docs;
mod document;
mod requests;
mod schemathesis;

use mobid::http::router;
use mobid::http::table::Row;
use mobid::openapi;
use serde_json::Value;

/// What a `$ref` leads to, or the thing itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    match value["$ref"].as_str() {
        None => value,
        Some(reference) => {
            document.pointer(&reference[1..]).unwrap_or_else(|| panic!("{reference} leads nowhere"))
        }
    }
}

/// The rows of the table with what the document says of each.
fn described(document: &Value) -> Vec<(Row, &Value)> {
    let rows = router::declared().into_iter();
    rows.map(|row| {
        let method = row.method.as_str().to_lowercase();
        let operation = &document["paths"][format!("/v1{}", row.path)][method];
        assert!(operation.is_object(), "the document lacks {} {}", row.method, row.path);
        (row, operation)
    })
    .collect()
}

fn document() -> Value {
    serde_json::from_str(openapi::text()).unwrap()
}
