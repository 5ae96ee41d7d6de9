//! What an operator can set: `MOBID_…` variables over `mobid.toml` over defaults.

mod wrong;

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use url::Url;

pub use self::wrong::ConfigError;
use self::wrong::without_values;
use crate::notifier::{Way, shown};

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address to serve on; port 0 picks one and prints it.
    pub listen: SocketAddr,
    /// Metrics and detailed health; `off` turns it off.
    pub admin_listen: AdminListen,
    /// Base of links and QR codes.
    pub public_url: Url,
    /// Postgres 15 or later, session mode; without it an embedded one runs in the data directory.
    #[serde(skip_serializing)]
    pub database_url: Option<String>,
    /// Where the limits are that all instances share; without it each instance counts for itself.
    #[serde(skip_serializing)]
    pub redis_url: Option<String>,
    /// How long an answer of Redis may take before an instance counts for itself.
    pub redis_timeout_milliseconds: u64,
    /// Embedded database, generated keys.
    pub data_dir: PathBuf,
    /// Where the embedded Postgres' programs are, if not where they usually are.
    pub postgres_bin: Option<PathBuf>,
    /// 32 bytes in base64.
    #[serde(skip_serializing)]
    pub master_key: Option<String>,
    /// How links and codes reach a recipient: `outbox`, or a URL, which may hold a password.
    #[serde(serialize_with = "without_secret")]
    pub notifier: String,
    /// Lets deliveries go to loopback and private addresses.
    pub webhook_allow_private: bool,
    /// Seconds before each attempt of a delivery.
    pub webhook_schedule_seconds: Vec<u64>,
    /// How long settled deliveries can be looked back on.
    pub webhook_retention_days: u32,
    /// How long to go on serving once told to stop, for a load balancer to see that it is no longer ready.
    pub drain_seconds: u64,
    /// Proxies whose `X-Forwarded-For` is believed, as networks.
    pub trusted_proxies: Vec<IpNet>,
    /// Origins whose pages may call the API from a browser; none by default.
    pub cors_origins: Vec<String>,
    /// Connections at a time; whoever comes then waits to be taken in.
    pub max_connections: usize,
    /// How long a connection may be idle, take to send a head, or not take its answer.
    pub idle_seconds: u64,
    /// How long a body may take to arrive.
    pub body_seconds: u64,
    /// How long a request may take from its head to its answer.
    pub request_seconds: u64,
    /// `text` or `json`.
    pub log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// An address, or `off`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdminListen {
    Off,
    At(SocketAddr),
}

impl Serialize for AdminListen {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Off => serializer.serialize_str("off"),
            Self::At(address) => serializer.collect_str(address),
        }
    }
}

impl<'de> Deserialize<'de> for AdminListen {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse()
            .map(Self::At)
            .map_err(|_| serde::de::Error::custom("must be an address such as 127.0.0.1:8081, or off"))
    }
}

/// What tells that an endpoint has been failing for days must outlive the days.
const SHORTEST_RETENTION_DAYS: u32 = 7;

/// Keys and passwords are among it: whoever wants to see a configuration asks for what `mobid config` shows.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Config(…)")
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            admin_listen: AdminListen::At(SocketAddr::from(([127, 0, 0, 1], 8081))),
            public_url: default_public_url(),
            database_url: None,
            redis_url: None,
            redis_timeout_milliseconds: 50,
            data_dir: PathBuf::from(".mobid"),
            postgres_bin: None,
            master_key: None,
            notifier: "outbox".to_owned(),
            webhook_allow_private: false,
            webhook_schedule_seconds: vec![0, 5, 300, 1_800, 7_200, 18_000, 36_000, 36_000],
            webhook_retention_days: 30,
            drain_seconds: 0,
            trusted_proxies: vec![],
            cors_origins: vec![],
            max_connections: 10_000,
            // Longer than the minute for which proxies keep theirs.
            idle_seconds: 75,
            body_seconds: 30,
            // Longer than a body may take and `?wait=` may ask for.
            request_seconds: 65,
            log_format: LogFormat::Text,
        }
    }
}

fn default_public_url() -> Url {
    match Url::parse("http://localhost:8080") {
        Ok(url) => url,
        Err(impossible) => unreachable!("{impossible}"),
    }
}

impl Config {
    /// From `mobid.toml` in the working directory, `MOBID_…`, `DATABASE_URL` and `REDIS_URL`.
    pub fn load() -> Result<Self, ConfigError> {
        let config: Self = Figment::from(Serialized::defaults(Self::default()))
            .merge(Toml::file("mobid.toml"))
            .merge(Env::raw().only(&["DATABASE_URL", "REDIS_URL"]))
            .merge(
                Env::prefixed("MOBID_")
                    .filter(|name| !name.as_str().to_ascii_lowercase().starts_with("test_")),
            )
            .extract()
            .map_err(|error| ConfigError::Invalid(without_values(error)))?;
        config.check()?;
        Ok(config)
    }

    /// Whether the parts fit together.
    pub fn check(&self) -> Result<(), ConfigError> {
        let url = &self.public_url;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.path() == "/"
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !plain || url.host().is_none() {
            return Err(ConfigError::PublicUrl);
        }
        if Way::parse(&self.notifier)? == Way::Outbox && !is_loopback(url) {
            return Err(ConfigError::OutboxInPublic(url.clone()));
        }
        self.redis()?;
        if !(1..=10_000).contains(&self.redis_timeout_milliseconds) {
            return Err(ConfigError::RedisTimeout);
        }
        if self.webhook_schedule_seconds.is_empty() {
            return Err(ConfigError::EmptySchedule);
        }
        if self.webhook_retention_days < SHORTEST_RETENTION_DAYS {
            return Err(ConfigError::ShortRetention);
        }
        if let Some(bad) = self.cors_origins.iter().find(|origin| !is_origin(origin)) {
            return Err(ConfigError::CorsOrigin(bad.clone()));
        }
        if self.max_connections == 0
            || [self.idle_seconds, self.body_seconds, self.request_seconds].contains(&0)
        {
            return Err(ConfigError::NoTime);
        }
        Ok(())
    }

    pub fn body_arrival(&self) -> Duration {
        Duration::from_secs(self.body_seconds)
    }

    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Where Redis is. What the parser says of a URL is not repeated: it may hold a password.
    pub fn redis(&self) -> Result<Option<redis::Client>, ConfigError> {
        let opened = self.redis_url.as_deref().map(redis::Client::open).transpose();
        opened.map_err(|_| ConfigError::RedisUrl)
    }

    /// The host of the hosted pages, to which a person's passkeys are bound.
    pub fn public_host(&self) -> &str {
        self.public_url.host_str().unwrap_or_default()
    }

    /// `https://host:port`, without a slash at its end.
    pub fn public_origin(&self) -> String {
        self.public_url.origin().ascii_serialization()
    }
}

fn without_secret<S: serde::Serializer>(notifier: &str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&shown(notifier))
}

/// An origin as browsers write it.
fn is_origin(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.origin().ascii_serialization() == text
    })
}

/// Whether a URL's host is this machine.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_shows_the_defaults() {
        let shipped = include_str!("../mobid.toml.example");
        let settings: Vec<_> = shipped.lines().filter_map(|line| line.strip_prefix('#')).collect();
        let settings: Vec<_> = settings.into_iter().filter(|line| !line.starts_with(' ')).collect();
        let figment = Figment::from(Toml::string(&settings.join("\n")));
        let read: Config =
            Figment::from(Serialized::defaults(Config::default())).merge(figment.clone()).extract().unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::to_value(Config::default()).unwrap());
        // Secrets and paths that depend on the machine aside, nothing is left out.
        let named: serde_json::Map<String, serde_json::Value> = figment.extract().unwrap();
        assert_eq!(named.len(), 17);
    }

    #[test]
    fn no_secret_is_in_its_debug_form() {
        let secret = || Some("leak-me".to_owned());
        let config = Config { master_key: secret(), database_url: secret(), ..Config::default() };
        assert!(!format!("{config:?}").contains("leak-me"));
    }

    #[test]
    fn the_outbox_is_for_loopback_only() {
        let config = Config { public_url: "https://id.example.com".parse().unwrap(), ..Config::default() };
        assert!(matches!(config.check(), Err(ConfigError::OutboxInPublic(_))));
        Config { notifier: "https://sms.example.com/send".to_owned(), ..config }.check().unwrap();
    }

    #[test]
    fn the_public_url_is_an_origin() {
        for bad in ["ftp://localhost", "http://a@localhost", "http://:b@localhost", "http://localhost/x"] {
            let config = Config { public_url: bad.parse().unwrap(), ..Config::default() };
            assert!(matches!(config.check(), Err(ConfigError::PublicUrl)), "{bad}");
        }
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        let checked = |origin: &str| {
            Config { cors_origins: vec![origin.to_owned()], ..Config::default() }.check().is_ok()
        };
        for good in ["https://app.example.com", "http://localhost:3000", "https://[::1]:8443"] {
            assert!(checked(good), "{good}");
        }
        for bad in ["*", "null", "", "https://app.example.com/", "https://App.example.com", "app.example.com"]
        {
            assert!(!checked(bad), "{bad}");
        }
    }

    #[test]
    fn a_redis_that_cannot_be_meant_is_refused_without_its_password() {
        for url in ["", "localhost:6379", "http://:hunter2@localhost", "redis://:hunter2@localhost/x"] {
            let config = Config { redis_url: Some(url.to_owned()), ..Config::default() };
            let error = config.check().unwrap_err();
            assert!(matches!(error, ConfigError::RedisUrl), "{url}");
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
        for url in ["redis://localhost", "rediss://:hunter2@localhost:1/2", "unix:///run/redis.sock"] {
            let config = Config { redis_url: Some(url.to_owned()), ..Config::default() };
            config.check().unwrap();
            assert!(!serde_json::to_string(&config).unwrap().contains("redis_url"), "it is shown to nobody");
        }
    }

    #[test]
    fn an_unknown_setting_is_an_error() {
        let figment =
            Figment::from(Serialized::defaults(Config::default())).merge(Toml::string("lisen = \"x\""));
        assert!(figment.extract::<Config>().is_err());
    }
}
