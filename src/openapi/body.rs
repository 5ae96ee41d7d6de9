//! A request's body, field by field, in the verbs with which `http::fields` reads it.

use serde_json::{Map, Value, json};

use super::named::reference;
use super::schema::{about, nullable};

#[derive(Clone)]
pub struct Body {
    pub name: &'static str,
    pub schema: Value,
    pub examples: Map<String, Value>,
    /// Whether there has to be one at all.
    pub required: bool,
}

impl Body {
    pub fn new(name: &'static str) -> Self {
        let schema =
            json!({ "type": "object", "properties": {}, "required": [], "additionalProperties": false });
        Self { name, schema, examples: Map::new(), required: true }
    }

    /// One that may be left out.
    pub fn optional_as_a_whole(name: &'static str) -> Self {
        Self { required: false, ..Self::new(name) }
    }

    /// A field that must be there.
    #[must_use]
    pub fn required(mut self, name: &str, description: &str, schema: Value) -> Self {
        if let Some(required) = self.schema["required"].as_array_mut() {
            required.push(json!(name));
        }
        self.field(name, description, schema)
    }

    /// A field that may be missing or `null`.
    #[must_use]
    pub fn optional(self, name: &str, description: &str, schema: Value) -> Self {
        self.field(name, description, nullable(schema))
    }

    /// A field of a change that `null` clears.
    #[must_use]
    pub fn patch(self, name: &str, description: &str, schema: Value) -> Self {
        self.field(name, &format!("{description} `null` clears it."), nullable(schema))
    }

    /// A field of a change that cannot be cleared.
    #[must_use]
    pub fn replace(self, name: &str, description: &str, schema: Value) -> Self {
        self.field(name, description, schema)
    }

    fn field(mut self, name: &str, description: &str, schema: Value) -> Self {
        self.schema["properties"][name] = about(schema, description);
        self
    }

    /// What fields mean only together.
    #[must_use]
    pub fn where_any_of(mut self, conditions: Value) -> Self {
        self.schema["anyOf"] = conditions;
        self
    }

    #[must_use]
    pub fn example(mut self, name: &str, value: &Value) -> Self {
        self.examples.insert(name.to_owned(), json!({ "value": value }));
        self
    }

    /// As an operation has it.
    pub fn described(&self) -> Value {
        let content = json!({ "schema": reference(self.name), "examples": self.examples });
        json!({ "required": self.required, "content": { "application/json": content } })
    }
}
