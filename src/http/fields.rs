//! Reads the fields of a JSON object, collecting everything that is wrong with it.

use mobid_domain::handle::{Handle, InvalidHandle};
use mobid_domain::plain::is_plain;
use serde_json::{Map, Value};

use super::error::{ApiError, FieldError};

/// Unknown fields that one answer names, and characters of each name: what was asked is not sent back in full.
const NAMED: usize = 20;
const NAME_LENGTH: usize = 64;

/// Why a value will not do: a code for programs, a message for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    pub code: String,
    pub message: String,
}

impl Invalid {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }
}

/// Takes fields one by one; what is left over at the end is unknown.
pub struct Fields {
    values: Map<String, Value>,
    malformed: Vec<FieldError>,
    invalid: Vec<FieldError>,
}

impl Fields {
    pub fn of(values: Map<String, Value>) -> Self {
        Self { values, malformed: vec![], invalid: vec![] }
    }

    /// A field that must be there. `null` is as good as missing.
    pub fn required<T>(&mut self, name: &str, parse: impl FnOnce(&Value) -> Result<T, Invalid>) -> Option<T> {
        match self.values.remove(name) {
            None | Some(Value::Null) => {
                self.malformed.push(FieldError::new(name, "required", format!("{name} is required.")));
                None
            }
            Some(value) => self.parsed(name, &value, parse),
        }
    }

    /// A field that may be missing or `null`.
    pub fn optional<T>(&mut self, name: &str, parse: impl FnOnce(&Value) -> Result<T, Invalid>) -> Option<T> {
        match self.values.remove(name) {
            None | Some(Value::Null) => None,
            Some(value) => self.parsed(name, &value, parse),
        }
    }

    /// A field of a patch: absent leaves as it is, `null` clears, a value replaces.
    pub fn patch<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&Value) -> Result<T, Invalid>,
    ) -> Option<Option<T>> {
        match self.values.remove(name) {
            None => None,
            Some(Value::Null) => Some(None),
            Some(value) => self.parsed(name, &value, parse).map(Some),
        }
    }

    /// A field of a patch that cannot be cleared.
    pub fn replace<T>(&mut self, name: &str, parse: impl FnOnce(&Value) -> Result<T, Invalid>) -> Option<T> {
        let value = self.values.remove(name)?;
        self.parsed(name, &value, parse)
    }

    fn parsed<T>(
        &mut self,
        name: &str,
        value: &Value,
        parse: impl FnOnce(&Value) -> Result<T, Invalid>,
    ) -> Option<T> {
        parse(value)
            .map_err(|invalid| self.invalid.push(FieldError::new(name, &invalid.code, invalid.message)))
            .ok()
    }

    /// All errors at once, if there is any.
    pub fn finish(mut self) -> Result<(), ApiError> {
        let names = self.values.keys().map(String::as_str);
        self.malformed.extend(unknown(names, "unknown_field", "This field is not known here."));
        if self.malformed.is_empty() && self.invalid.is_empty() {
            return Ok(());
        }
        Err(ApiError::fields(self.malformed, self.invalid))
    }
}

/// Names that nobody here made up: a few of them, and `*` for how many more there are.
pub(super) fn unknown<'a>(
    names: impl ExactSizeIterator<Item = &'a str>,
    code: &str,
    message: &str,
) -> Vec<FieldError> {
    let more = names.len().saturating_sub(NAMED);
    let mut errors: Vec<_> =
        names.take(NAMED).map(|name| FieldError::new(&shortened(name), code, message)).collect();
    if more > 0 {
        errors.push(FieldError::new("*", code, format!("And {more} more that are not known here.")));
    }
    errors
}

fn shortened(name: &str) -> String {
    if name.chars().count() <= NAME_LENGTH {
        return name.to_owned();
    }
    name.chars().take(NAME_LENGTH - 1).chain(['…']).collect()
}

/// Who is asked.
pub fn recipient(value: &Value) -> Result<Handle, Invalid> {
    let invalid = |message: String| Invalid::new("invalid_recipient", message);
    let text = value.as_str().ok_or_else(|| invalid("It must be text.".to_owned()))?;
    text.parse().map_err(|error: InvalidHandle| invalid(format!("It {error}.")))
}

/// Plain text, between one character and `max`: it is shown to people, on pages and in messages.
pub fn text<'v>(value: &'v Value, code: &str, max: usize) -> Result<&'v str, Invalid> {
    let text = value.as_str().ok_or_else(|| Invalid::new(code, "It must be text."))?;
    if text.is_empty() || text.chars().count() > max || !text.chars().all(is_plain) {
        return Err(Invalid::new(
            code,
            format!("It must be 1 to {max} characters, none of them one that controls how text is shown."),
        ));
    }
    Ok(text)
}

/// A whole number within bounds.
pub fn integer(value: &Value, code: &str, min: i64, max: i64) -> Result<i64, Invalid> {
    whole(value)
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| Invalid::new(code, format!("It must be a whole number from {min} to {max}.")))
}

/// A whole number however it is written: `60.0` and `6e1` are integers, too (JSON Schema 2020-12, section 4.2.3).
pub fn whole(value: &Value) -> Option<i64> {
    // Beyond 2^53 such a number may have been another one before it was read.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    value.as_i64().or_else(|| {
        let number = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < EXACT)?;
        number.to_string().parse().ok()
    })
}

/// `true` or `false`.
pub fn boolean(value: &Value, code: &str) -> Result<bool, Invalid> {
    value.as_bool().ok_or_else(|| Invalid::new(code, "It must be true or false."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_bad_fields_are_listed_at_once() {
        let Value::Object(object) = json!({ "number": 0, "extra": 1 }) else { panic!() };
        let mut fields = Fields::of(object);
        fields.required("name", |value| text(value, "invalid_name", 5).map(str::to_owned));
        fields.optional("number", |value| integer(value, "invalid_number", 1, 9));
        let error = fields.finish().unwrap_err();
        assert_eq!(error.status, 400);
        let codes: Vec<_> =
            error.data["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
        assert_eq!(codes, ["required", "unknown_field", "invalid_number"]);
    }

    #[test]
    fn of_many_unknown_fields_a_few_are_named_and_the_rest_counted() {
        let values = (0..5_000).map(|n| (format!("{n:04}{}", "ü".repeat(100)), json!(1))).collect();
        let error = Fields::of(values).finish().unwrap_err();
        let errors = error.data["errors"].as_array().unwrap();
        assert_eq!(errors.len(), NAMED + 1);
        assert!(errors[0]["field"].as_str().unwrap().ends_with("ü…"));
        assert_eq!(errors[NAMED]["field"], "*");
        assert!(errors[NAMED]["message"].as_str().unwrap().contains("4980"));
        assert!(error.data.to_string().len() < 8 << 10);
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let read = |text: &str| whole(&serde_json::from_str(text).unwrap());
        for (text, number) in [("60", 60), ("60.0", 60), ("6e1", 60), ("-0.0", 0), ("-1.0", -1), ("-1", -1)] {
            assert_eq!(read(text), Some(number), "{text}");
        }
        for text in ["60.5", "1e-1", "9007199254740992.0", "1e300", "18446744073709551615", "\"60\"", "null"]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn only_invalid_fields_make_a_422() {
        let Value::Object(object) = json!({ "number": "x" }) else { panic!() };
        let mut fields = Fields::of(object);
        fields.optional("number", |value| integer(value, "invalid_number", 1, 9));
        assert_eq!(fields.finish().unwrap_err().status, 422);
    }
}
