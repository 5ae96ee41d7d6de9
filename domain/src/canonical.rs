//! JSON text with the members of each object in the order of their keys: one text for one value, so that its bytes can
//! be stored, hashed and kept for ever.
//!
//! The text is written first and put in order then. `serde_json::Value` would do the same by way of a tree, which took
//! a third of the time that the server spends on an append; it still stands behind what is rare.

use serde::Serialize;

/// JSON text, compact, its keys sorted by their characters. Not for `f32`, which a tree would widen, nor for a `RawValue`
/// that is not compact.
pub fn text<T: Serialize>(value: &T) -> Result<String, serde_json::Error> {
    let text = serde_json::to_string(value)?;
    match in_order(&text) {
        Some(ordered) => Ok(ordered),
        // serde_json::Value keeps its keys in a BTreeMap as long as nobody turns on `preserve_order`; a test says so.
        None => serde_json::to_string(&serde_json::from_str::<serde_json::Value>(&text)?),
    }
}

/// The same text in order; `None` where a key has an escape in it, whose order is not that of its text, or is there
/// twice.
fn in_order(text: &str) -> Option<String> {
    let mut sorter = Sorter { text, at: 0, out: String::with_capacity(text.len()) };
    sorter.value()?;
    Some(sorter.out)
}

/// Goes once over text that `serde_json` wrote: it is well formed, and has no space between tokens.
struct Sorter<'a> {
    text: &'a str,
    at: usize,
    out: String,
}

/// A member: its key, and where it is in what was written.
struct Member<'a> {
    key: &'a str,
    from: usize,
    to: usize,
}

impl<'a> Sorter<'a> {
    fn next(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or_default()
    }

    /// Copies what lies before this place, and answers it.
    fn copy_to(&mut self, end: usize) -> Option<&'a str> {
        let copied = self.text.get(self.at..end)?;
        self.out.push_str(copied);
        self.at = end;
        Some(copied)
    }

    fn value(&mut self) -> Option<()> {
        match self.next() {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.string().map(|_| ()),
            _ => {
                let rest = self.text.as_bytes().get(self.at..)?;
                let length = rest.iter().position(|byte| matches!(byte, b',' | b']' | b'}'));
                let length = Some(length.unwrap_or(rest.len())).filter(|length| *length > 0)?;
                self.copy_to(self.at + length).map(|_| ())
            }
        }
    }

    /// With its quotes.
    fn string(&mut self) -> Option<&'a str> {
        let mut end = self.at + 1;
        loop {
            let rest = self.text.as_bytes().get(end..)?;
            end += rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            if self.text.as_bytes().get(end) == Some(&b'"') {
                return self.copy_to(end + 1);
            }
            end += 2;
        }
    }

    fn array(&mut self) -> Option<()> {
        self.copy_to(self.at + 1)?;
        while self.next() != b']' {
            self.value()?;
            if self.next() == b',' {
                self.copy_to(self.at + 1)?;
            }
        }
        self.copy_to(self.at + 1).map(|_| ())
    }

    fn object(&mut self) -> Option<()> {
        self.copy_to(self.at + 1)?;
        let begin = self.out.len();
        let mut members: Vec<Member<'a>> = Vec::new();
        let mut ordered = true;
        while self.next() != b'}' {
            let from = self.out.len();
            let key = self.string().filter(|key| !key.contains('\\'))?.trim_matches('"');
            self.copy_to(self.at + 1)?;
            self.value()?;
            ordered &= members.last().is_none_or(|last| last.key < key);
            members.push(Member { key, from, to: self.out.len() });
            if self.next() == b',' {
                self.copy_to(self.at + 1)?;
            }
        }
        if !ordered {
            members.sort_unstable_by_key(|member| member.key);
            if members.windows(2).any(|two| matches!(two, [a, b] if a.key == b.key)) {
                return None;
            }
            let written = self.out.split_off(begin);
            for (place, member) in members.iter().enumerate() {
                if place > 0 {
                    self.out.push(',');
                }
                self.out.push_str(written.get(member.from - begin..member.to - begin)?);
            }
        }
        self.copy_to(self.at + 1).map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// By way of a tree.
    fn expected(value: &impl Serialize) -> String {
        serde_json::to_string(&serde_json::to_value(value).unwrap()).unwrap()
    }

    #[derive(Serialize)]
    struct Backwards<'a> {
        z: u8,
        text: &'a str,
        m: std::collections::HashMap<&'a str, u8>,
        nothing: Option<u8>,
        list: Vec<Inner>,
        empty: [Inner; 0],
        a: Inner,
    }

    #[derive(Serialize)]
    struct Inner {
        y: f64,
        b: (),
        ab: bool,
    }

    fn inner() -> Inner {
        Inner { y: -1.5e-9, b: (), ab: true }
    }

    #[test]
    fn stored_json_has_sorted_keys() {
        for awkward in ["", "plain", "\"", "\\", "\\\"", "},{\"a\":[", "é\u{1f600}\n\u{1}"] {
            let m = [(awkward, 2), ("b", 3), ("\u{ff5e}", 4), ("\u{1f600}", 5)].into();
            let list = vec![inner(), inner()];
            let value = Backwards { z: 1, text: awkward, m, nothing: None, list, empty: [], a: inner() };
            assert_eq!(text(&value).unwrap(), expected(&value));
        }
        let value = Backwards {
            z: 1,
            text: "t",
            m: [("y", 2), ("b", 3)].into(),
            nothing: None,
            list: vec![],
            empty: [],
            a: inner(),
        };
        assert_eq!(
            text(&value).unwrap(),
            r#"{"a":{"ab":true,"b":null,"y":-1.5e-9},"empty":[],"list":[],"m":{"b":3,"y":2},"nothing":null,"text":"t","z":1}"#
        );
    }

    #[test]
    fn what_is_no_object_stays_as_it_is() {
        for value in [json!("a\"b"), json!(7), json!([]), json!({}), json!([[], {}, null]), Value::Null] {
            assert_eq!(text(&value).unwrap(), expected(&value));
        }
    }

    #[test]
    fn of_a_key_that_is_there_twice_the_last_counts() {
        struct Twice;
        impl Serialize for Twice {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_map([("b", 1), ("a", 2), ("b", 3)])
            }
        }
        assert_eq!(text(&Twice).unwrap(), r#"{"a":2,"b":3}"#);
    }
}
