//! Who may import whom, read off manifests and sources.
//!
//! The rules are plain text searches over paths: an import is written `crate::x`, `super::x` or by its crate's name,
//! here as everywhere in this repository.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A source file: its path from the root of the repository, and its text without comments.
struct Source {
    path: String,
    code: String,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The sources under a directory, or the one file of that name.
fn sources(under: &str) -> Vec<Source> {
    let start = root().join(under);
    let mut found = vec![];
    if start.is_dir() {
        rust_files(&start, &mut found);
    }
    let file = start.with_extension("rs");
    if file.is_file() && !under.is_empty() {
        found.push(file);
    }
    assert!(!found.is_empty(), "there is nothing under {under}");
    found
        .into_iter()
        .map(|path| {
            let code = fs::read_to_string(&path).unwrap();
            let code: Vec<_> = code.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            let path = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            Source { path, code: code.join("\n") }
        })
        .collect()
}

impl Source {
    /// Where the code says any of these, ignoring white space and case.
    fn says(&self, any_of: &[&str]) -> Vec<String> {
        let squeezed = |text: &str| {
            let words: Vec<_> = text.split_whitespace().collect();
            words.join(" ").to_lowercase()
        };
        let code = squeezed(&expanded(&self.code));
        any_of
            .iter()
            .filter(|words| code.contains(&squeezed(words)))
            .map(|words| format!("{}: {words}", self.path))
            .collect()
    }
}

/// `use crate::{a, b::c};` as `use crate::a use crate::b::c`, beside the text itself.
fn expanded(code: &str) -> String {
    let mut text = code.to_owned();
    for prefix in ["crate::{", "super::{", "super::super::{"] {
        for (at, _) in code.match_indices(prefix) {
            let group = &code[at + prefix.len()..];
            let end = group.find(';').unwrap_or(group.len());
            let mut depth = 0;
            let items = group[..end].split(|c| {
                depth += i32::from(c == '{') - i32::from(c == '}');
                c == ',' && depth == 0
            });
            for item in items {
                text.extend([" ", &prefix[..prefix.len() - 1], item.trim()]);
            }
        }
    }
    text
}

#[track_caller]
fn assert_none_says(sources: &[Source], any_of: &[&str]) {
    let broken: Vec<_> = sources.iter().flat_map(|source| source.says(any_of)).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

/// The names under `[dependencies]` of a crate.
fn dependencies(of: &str) -> BTreeSet<String> {
    let manifest = fs::read_to_string(root().join(of).join("Cargo.toml")).unwrap();
    let section = manifest.split("[dependencies]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let names = section.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let names: BTreeSet<_> =
        names.map(|line| line.split(['.', ' ', '=']).next().unwrap().to_owned()).collect();
    assert!(names.contains("serde"), "{of}: {names:?}");
    names
}

fn ours(of: &str) -> Vec<String> {
    dependencies(of).into_iter().filter(|name| name.starts_with("mobid") || name == "replay-tool").collect()
}

fn capabilities(under: &str) -> BTreeSet<String> {
    let directories = fs::read_dir(root().join(under)).unwrap().map(|entry| entry.unwrap().path());
    directories
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
        .collect()
}

const MACROS: [&str; 8] = [
    "query!",
    "query_as!",
    "query_scalar!",
    "query_unchecked!",
    "sqlx::query(",
    "sqlx::query_as",
    "sqlx::query_scalar",
    "QueryBuilder",
];

#[test]
fn the_domain_does_no_io_and_depends_on_nothing_of_ours() {
    assert_eq!(ours("domain"), Vec::<String>::new());
    let known = dependencies("domain");
    for name in ["sqlx", "axum", "tokio", "reqwest", "rand", "tracing", "async-trait", "futures"] {
        assert!(!known.contains(name), "{name}");
    }
    let io = [
        "std::fs",
        "std::net",
        "std::process",
        "std::env",
        "std::thread",
        "SystemTime",
        "Utc::now",
        "Instant",
    ];
    let mut rules = sources("domain/src");
    // The one file of tests that reads fixtures.
    rules.retain(|source| source.path != "domain/src/frozen.rs");
    assert_none_says(&rules, &io);
}

#[test]
fn projections_and_the_replay_tool_do_not_know_the_server() {
    assert_eq!(ours("projections"), ["mobid-domain"]);
    assert_eq!(ours("replay-tool"), ["mobid-domain", "mobid-projections"]);
    assert_eq!(ours(""), ["mobid-domain", "mobid-projections"]);
    for name in ["axum", "reqwest", "tower", "hyper"] {
        assert!(!dependencies("projections").contains(name), "{name}");
        assert!(!dependencies("replay-tool").contains(name), "{name}");
    }
}

#[test]
fn only_the_event_store_appends() {
    let mut others = sources("src");
    others.retain(|source| !source.path.starts_with("src/event_store"));
    others.extend(sources("projections/src"));
    others.extend(sources("replay-tool/src"));
    assert_none_says(
        &others,
        &["append_batch", "append_event", "insert into events", "insert into claims", "copy events"],
    );
    let store: Vec<_> = sources("src/event_store").iter().flat_map(|s| s.says(&["append_batch"])).collect();
    assert!(!store.is_empty(), "the search finds what it looks for");
}

#[test]
fn only_migrations_say_how_the_log_could_be_changed() {
    let mut all = sources("src");
    all.extend(sources("projections/src"));
    all.extend(sources("replay-tool/src"));
    let changes =
        ["update events", "delete from events", "truncate events", "update log ", "session_replication_role"];
    assert_none_says(&all, &changes);
}

#[test]
fn one_capability_of_the_api_does_not_use_another() {
    let capabilities = capabilities("src/api");
    assert!(capabilities.contains("consent"));
    for this in &capabilities {
        for other in capabilities.iter().filter(|other| *other != this) {
            let ways =
                [format!("api::{other}"), format!("super::super::{other}"), format!("super::{other}::")];
            let ways: Vec<_> = ways.iter().map(String::as_str).collect();
            assert_none_says(&sources(&format!("src/api/{this}")), &ways);
        }
    }
}

#[test]
fn workers_know_nothing_of_requests() {
    assert_none_says(&sources("src/workers"), &["crate::http", "crate::api", "crate::pages", "axum::"]);
}

#[test]
fn the_store_the_vault_and_ephemeral_rows_know_nothing_of_requests() {
    for layer in ["src/event_store", "src/vault", "src/ephemeral"] {
        assert_none_says(
            &sources(layer),
            &["crate::http", "crate::api", "crate::pages", "crate::workers", "axum::"],
        );
    }
    assert_none_says(&sources("src/http"), &["crate::workers"]);
}

#[test]
fn persons_know_nothing_of_requests() {
    assert_none_says(&sources("src/person"), &["crate::http", "crate::api", "crate::pages", "axum::"]);
}

#[test]
fn handlers_and_pages_hold_no_sql() {
    for layer in ["src/api", "src/pages", "src/person", "src/http", "src/workers"] {
        assert_none_says(&sources(layer), &MACROS);
    }
}

/// Each table has one writer: the log its store, keys the vault, what is no history `ephemeral`, rows that follow
/// from the log the projections.
#[test]
fn each_table_has_one_writer() {
    let mut all = sources("src");
    all.extend(sources("projections/src"));
    all.extend(sources("replay-tool/src"));
    let of = |owner: &str, tables: &[&str]| {
        let writes: Vec<_> = tables
            .iter()
            .flat_map(|table| {
                ["insert into", "update", "delete from", "truncate"].map(|verb| format!("{verb} {table} "))
            })
            .collect();
        let writes: Vec<_> = writes.iter().map(String::as_str).collect();
        for source in all.iter().filter(|source| !source.path.starts_with(owner)) {
            assert_eq!(source.says(&writes), Vec::<String>::new());
        }
    };
    of("src/vault", &["vault_former_subjects", "vault_keys", "vault_subjects"]);
    of(
        "src/ephemeral",
        &[
            "ceremonies",
            "idempotency_records",
            "one_time_codes",
            "page_caps",
            "page_proofs",
            "person_sessions",
            "client_keys_used",
            "client_requests",
        ],
    );
    of("projections/src/stream", &["followers", "checkpoint_moves", "projection_failures"]);
    of("projections/src/consent", &["consents"]);
    of("projections/src/enrollment", &["enrollments"]);
    of("projections/src/device", &["devices"]);
    of("projections/src/webhook", &["webhook_endpoints", "webhook_subscriptions", "webhook_deliveries"]);
    of("projections/src/expiry", &["deadlines"]);
    of("projections/src/notice", &["link_notices"]);
    of("projections/src/dropped_passkey", &["dropped_passkeys"]);
}

#[test]
fn capabilities_of_the_domain_do_not_see_each_others_insides() {
    let capabilities = capabilities("domain/src");
    assert!(capabilities.contains("consent") && capabilities.contains("webhook"));
    for this in capabilities.iter().filter(|name| *name != "leaf") {
        for other in capabilities.iter().filter(|other| *other != this) {
            let insides =
                ["aggregate", "command", "event", "error", "spec"].map(|m| format!("{other}::{m}::"));
            let direct = format!("crate::{other}::");
            let ways: Vec<_> = insides.iter().map(String::as_str).chain([direct.as_str()]).collect();
            assert_none_says(&sources(&format!("domain/src/{this}")), &ways);
        }
    }
}

#[test]
fn no_module_is_a_mod_rs_and_none_is_called_utils() {
    for under in ["src", "domain/src", "projections/src", "replay-tool/src", "tests"] {
        for source in sources(under) {
            let name = source.path.rsplit('/').next().unwrap();
            for banned in ["mod.rs", "utils.rs", "util.rs", "common.rs", "helpers.rs", "manager.rs"] {
                assert_ne!(name, banned, "{}", source.path);
            }
        }
    }
}

#[test]
fn the_search_sees_through_groups_of_imports() {
    let source = |code: &str| Source { path: "x".to_owned(), code: code.to_owned() };
    let found = |code: &str| source(code).says(&["crate::http"]).len();
    assert_eq!(found("use crate::http::error;"), 1);
    assert_eq!(found("use crate::{app::App, http::{error, fields}};"), 1);
    assert_eq!(found("use crate::{\n    app::{App, Parts},\n    http,\n};"), 1);
    assert_eq!(found("use crate::app::App;"), 0);
    assert_eq!(source("insert\n   into events (x)").says(&["INSERT INTO events"]).len(), 1);
}
