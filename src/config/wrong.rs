//! What is wrong with a configuration, said without repeating what may be secret.

use figment::error::Kind;
use url::Url;

use super::SHORTEST_RETENTION_DAYS;
use crate::notifier::WayError;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("configuration: {0}")]
    Invalid(String),
    #[error("MOBID_PUBLIC_URL must be an http or https URL without user, password, path, query or fragment")]
    PublicUrl,
    #[error(
        "MOBID_NOTIFIER=outbox writes codes to files for development, so MOBID_PUBLIC_URL must be loopback, not {0}"
    )]
    OutboxInPublic(Url),
    #[error(
        "REDIS_URL must be like redis://user:password@host:6379/0, rediss://host or unix:///path/to/socket"
    )]
    RedisUrl,
    #[error("MOBID_REDIS_TIMEOUT_MILLISECONDS must be from 1 to 10000")]
    RedisTimeout,
    #[error(transparent)]
    Notifier(#[from] WayError),
    #[error("MOBID_WEBHOOK_SCHEDULE_SECONDS must name at least one attempt")]
    EmptySchedule,
    #[error(
        "MOBID_CORS_ORIGINS: each must be an origin such as https://app.example.com, without a path, not {0:?}"
    )]
    CorsOrigin(String),
    #[error(
        "MOBID_MAX_CONNECTIONS, MOBID_IDLE_SECONDS, MOBID_BODY_SECONDS and MOBID_REQUEST_SECONDS must be at least 1"
    )]
    NoTime,
    #[error("MOBID_WEBHOOK_RETENTION_DAYS must be at least {SHORTEST_RETENTION_DAYS}")]
    ShortRetention,
}

/// What is wrong and where, without what was found there: it may be a secret, and so may the line around it, which a
/// syntax error would quote.
pub(super) fn without_values(error: figment::Error) -> String {
    let described: Vec<_> = error.into_iter().map(|error| describe(&error)).collect();
    described.join("; ")
}

fn describe(error: &figment::Error) -> String {
    let what = match &error.kind {
        // Its further lines quote the file, and what stands in quotes is what was found.
        Kind::Message(text) => {
            let said = text.split(['\n', '"', '`']).next().unwrap_or_default();
            said.trim_end_matches([':', ' ']).to_owned()
        }
        Kind::InvalidType(_, expected)
        | Kind::InvalidValue(_, expected)
        | Kind::InvalidLength(_, expected) => format!("expected {expected}"),
        Kind::UnknownVariant(_, known) => format!("expected one of {}", known.join(", ")),
        Kind::UnknownField(name, _) => format!("there is no setting {name}"),
        Kind::MissingField(name) => format!("{name} is missing"),
        Kind::DuplicateField(name) => format!("{name} is there twice"),
        Kind::ISizeOutOfRange(_)
        | Kind::USizeOutOfRange(_)
        | Kind::Unsupported(_)
        | Kind::UnsupportedKey(..) => "a value of this kind cannot be here".to_owned(),
    };
    let key = if error.path.is_empty() { String::new() } else { format!("{}: ", error.path.join(".")) };
    let source = error.metadata.as_ref().map(|found| format!(" in {}", found.name)).unwrap_or_default();
    format!("{key}{what}{source}")
}

#[cfg(test)]
mod tests {
    use figment::Figment;
    use figment::providers::{Format, Serialized, Toml};

    use super::super::Config;
    use super::*;

    #[test]
    fn what_is_wrong_with_the_file_is_said_without_what_stands_in_it() {
        for (file, expected) in [
            ("master_key = \"s3cret", "line 1"),
            ("listen = \"127.0.0.1:1\"\nmaster_key = s3cret\n", "line 2"),
            ("master_key = [\"s3cret\"]", "master_key: expected"),
            ("drain_seconds = \"s3cret\"", "drain_seconds: expected u64"),
            ("log_format = \"s3cret\"", "log_format: expected one of text, json"),
            ("listen = \"s3cret\"", "listen: "),
            ("public_url = \"s3cret\"", "public_url: "),
            ("trusted_proxies = [\"s3cret\"]", "trusted_proxies"),
            ("lisen = \"s3cret\"", "there is no setting lisen"),
        ] {
            let figment = Figment::from(Serialized::defaults(Config::default())).merge(Toml::string(file));
            let said = without_values(figment.extract::<Config>().unwrap_err());
            assert!(said.contains(expected) && !said.contains("s3cret"), "{file}: {said}");
        }
        let config = Config { notifier: "pigeon://user:s3cret@host".to_owned(), ..Config::default() };
        assert!(!config.check().unwrap_err().to_string().contains("s3cret"));
        let config = Config { notifier: "smtp://user:s3cret@host".to_owned(), ..Config::default() };
        config.check().unwrap();
        assert!(!serde_json::to_string(&config).unwrap().contains("s3cret"), "nor is it printed");
    }
}
