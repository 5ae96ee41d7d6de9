//! The body of a form (`application/x-www-form-urlencoded`): bounded, and strict about what text is.
//!
//! Parsers of this format replace what is not UTF-8; a consent should not be given to replaced text.

use std::time::Duration;

use axum::body::Body;
use futures::StreamExt;
use http_body_util::BodyStream;

use crate::words::Words;

/// The largest body, in bytes.
const MAX_BYTES: usize = 64 << 10;
/// The most fields in one form.
const MAX_FIELDS: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    #[error("the form is larger than 64 KiB")]
    TooLarge,
    #[error("the form ended before it was complete")]
    Incomplete,
    #[error("the form is not in the format that this page sends")]
    Malformed,
    #[error("a field of the form is there twice")]
    Repeated,
}

impl FormError {
    pub fn why(self, words: &Words) -> &'static str {
        match self {
            Self::TooLarge => words.form_too_large,
            Self::Incomplete => words.form_incomplete,
            Self::Malformed => words.form_malformed,
            Self::Repeated => words.form_repeated,
        }
    }
}

/// Names and values, in order.
#[derive(Default, Clone, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Form(…)")
    }
}

impl Form {
    pub async fn read(body: Body, arrival: Duration) -> Result<Self, FormError> {
        tokio::time::timeout(arrival, Self::read_whole(body)).await.unwrap_or(Err(FormError::Incomplete))
    }

    async fn read_whole(body: Body) -> Result<Self, FormError> {
        let mut stream = BodyStream::new(body);
        let mut bytes = Vec::new();
        while let Some(frame) = stream.next().await {
            let Ok(data) = frame.map_err(|_| FormError::Incomplete)?.into_data() else { continue };
            if bytes.len() + data.len() > MAX_BYTES {
                return Err(FormError::TooLarge);
            }
            bytes.extend_from_slice(&data);
        }
        Self::parse(&bytes)
    }

    fn parse(bytes: &[u8]) -> Result<Self, FormError> {
        let pairs: Vec<_> = bytes
            .split(|byte| *byte == b'&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let equals = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
                let (name, value) = pair.split_at(equals);
                Some((decode(name)?, decode(value.get(1..).unwrap_or_default())?))
            })
            .collect::<Option<_>>()
            .ok_or(FormError::Malformed)?;
        if pairs.len() > MAX_FIELDS { Err(FormError::Malformed) } else { Ok(Self(pairs)) }
    }

    /// A field that is there at most once; empty if it is not there.
    pub fn one<'a>(&'a self, name: &'a str) -> Result<&'a str, FormError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(FormError::Repeated),
            (value, None) => Ok(value.unwrap_or_default()),
        }
    }

    /// A field that may be there several times, such as a group of tick boxes.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// `+` is a space, `%xx` a byte; what comes out must be UTF-8 without NUL.
fn decode(bytes: &[u8]) -> Option<String> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => *byte,
        });
    }
    String::from_utf8(decoded).ok().filter(|text| !text.contains('\0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_reads_as_the_browser_sent_it() {
        let form = Form::parse(b"scope=name&scope=email&claim.name=Ann+%C3%96%2B&empty=&bare").unwrap();
        assert_eq!(form.all("scope").collect::<Vec<_>>(), ["name", "email"]);
        assert_eq!(form.one("claim.name"), Ok("Ann Ö+"));
        assert_eq!(form.one("empty"), Ok(""));
        assert_eq!(form.one("absent"), Ok(""));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for wrong in [&b"a=%ff"[..], b"a=\xff", b"a=%00", b"a=%", b"a=%4", b"a=%zz", b"%ff=a"] {
            assert_eq!(Form::parse(wrong), Err(FormError::Malformed), "{wrong:?}");
        }
    }

    #[test]
    fn a_field_that_stands_for_one_thing_cannot_be_there_twice() {
        assert_eq!(Form::parse(b"a=1&a=2").unwrap().one("a"), Err(FormError::Repeated));
        assert_eq!(Form::parse("a=1&".repeat(201).as_bytes()), Err(FormError::Malformed));
    }
}
