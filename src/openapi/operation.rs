//! What a route says of itself: beside its handler, in the words of this module.

use axum::http::Method;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

use super::body::Body;
use super::named::reference;

/// One route, without who may use it: that is in the table of routes.
#[derive(Clone)]
pub struct Operation {
    pub method: Method,
    /// As the table has it.
    pub path: &'static str,
    pub id: &'static str,
    pub tag: &'static str,
    pub summary: &'static str,
    pub about: String,
    pub parameters: Vec<Value>,
    pub body: Option<Body>,
    pub answer: Answer,
    pub links: Map<String, Value>,
    pub callbacks: Option<Value>,
}

/// A schema of what is shown, with those that it names.
#[derive(Clone)]
pub struct Shown {
    pub schema: Value,
    pub named: Vec<(String, RefOr<Schema>)>,
}

impl Shown {
    /// A type that is shown.
    pub fn one<T: ToSchema>() -> Self {
        let mut named = vec![(T::name().into_owned(), T::schema())];
        T::schemas(&mut named);
        Self { schema: reference(&T::name()), named }
    }

    /// A page of a list of them.
    pub fn page_of<T: ToSchema>() -> Self {
        let one = Self::one::<T>();
        Self { schema: page(&one.schema), named: one.named }
    }

    /// Something that has no type.
    pub fn of(schema: Value) -> Self {
        Self { schema, named: vec![] }
    }
}

/// The data of a list.
pub fn page(item: &Value) -> Value {
    json!({ "type": "object", "required": ["items", "nextCursor"], "properties": {
        "items": { "type": "array", "items": item },
        "nextCursor": { "type": ["string", "null"], "description": "Where the next page begins; `null` on the last." },
    } })
}

/// What a success says.
#[derive(Clone)]
pub struct Answer {
    pub message: &'static str,
    pub data: Shown,
    /// It is a resource, whose version the `ETag` is.
    pub versioned: bool,
    /// It was read as of a position of the log, which it names.
    pub positioned: bool,
    /// What it is instead of the envelope, by media type.
    pub instead: Option<Value>,
    /// It may be a 204 as well, and what that says.
    pub or_nothing: Option<&'static str>,
}

impl Operation {
    pub fn new(
        (method, path): (Method, &'static str),
        (tag, id): (&'static str, &'static str),
        summary: &'static str,
        (message, data): (&'static str, Shown),
    ) -> Self {
        let answer =
            Answer { message, data, versioned: false, positioned: false, instead: None, or_nothing: None };
        let (parameters, about, links) = (vec![], String::new(), Map::new());
        Self { method, path, id, tag, summary, about, parameters, body: None, answer, links, callbacks: None }
    }

    #[must_use]
    pub fn about(mut self, text: &str) -> Self {
        text.clone_into(&mut self.about);
        self
    }

    /// `{id}` in the path, by the name of its schema.
    #[must_use]
    pub fn names(mut self, schema: &str) -> Self {
        self.parameters
            .push(json!({ "name": "id", "in": "path", "required": true, "schema": reference(schema) }));
        self
    }

    #[must_use]
    pub fn query(mut self, name: &str, about: &str, schema: &Value) -> Self {
        self.parameters.push(
            json!({ "name": name, "in": "query", "required": false, "description": about, "schema": schema }),
        );
        self
    }

    /// `?asOf=`
    #[must_use]
    pub fn as_of(mut self) -> Self {
        self.parameters.push(json!({ "$ref": "#/components/parameters/AsOf" }));
        self
    }

    /// `?limit=` and `?cursor=`
    #[must_use]
    pub fn paged(mut self) -> Self {
        for name in ["Limit", "Cursor"] {
            self.parameters.push(json!({ "$ref": format!("#/components/parameters/{name}") }));
        }
        self
    }

    #[must_use]
    pub fn takes(mut self, body: Body) -> Self {
        self.body = Some(body);
        self
    }

    #[must_use]
    pub fn versioned(mut self) -> Self {
        self.answer.versioned = true;
        self
    }

    #[must_use]
    pub fn positioned(mut self) -> Self {
        self.answer.positioned = true;
        self
    }

    /// Something else than the envelope.
    #[must_use]
    pub fn instead(mut self, content: Value) -> Self {
        self.answer.instead = Some(content);
        self
    }

    /// Or nothing at all (204).
    #[must_use]
    pub fn or_nothing(mut self, about: &'static str) -> Self {
        self.answer.or_nothing = Some(about);
        self
    }

    /// Where to go on with the resource that the answer shows.
    #[must_use]
    pub fn leads_to(mut self, operations: &[&str]) -> Self {
        for operation in operations {
            let link =
                json!({ "operationId": operation, "parameters": { "path.id": "$response.body#/data/id" } });
            self.links.insert((*operation).to_owned(), link);
        }
        self
    }

    #[must_use]
    pub fn calls_back(mut self, callbacks: Value) -> Self {
        self.callbacks = Some(callbacks);
        self
    }

    /// The same under another method or path.
    #[must_use]
    pub fn also(&self, (method, path): (Method, &'static str), id: &'static str) -> Self {
        Self { method, path, id, ..self.clone() }
    }
}
