//! What is asked of a figure, and what bounds it: written by hand, since a table of numbers explains nothing.

/// What a figure has to be.
#[derive(Clone, Copy)]
pub enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(least) => value >= least,
            Self::AtMost(most) => value <= most,
        }
    }
}

impl std::fmt::Display for Goal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "≥ {least}"),
            Self::AtMost(most) => write!(f, "≤ {most}"),
        }
    }
}

/// Section, how the figure's name begins, how what it stands next to begins, and what is asked of its median.
const GOALS: &[(&str, &str, &str, Goal)] = &[
    ("append", "create, 1 in flight", "stock", Goal::AtLeast(1.5)),
    ("append", "append, 1 in flight", "stock", Goal::AtLeast(1.0)),
    ("append", "create, 64 in flight", "stock", Goal::AtLeast(6.0)),
    ("append", "append, 64 in flight", "stock", Goal::AtLeast(6.0)),
    ("append", "create, 256 in flight", "stock", Goal::AtLeast(8.0)),
    ("append", "append, 256 in flight", "stock", Goal::AtLeast(8.0)),
    ("append", "create, 64 in flight", "pgbench", Goal::AtLeast(2.0)),
    ("append", "append, 64 in flight", "pgbench", Goal::AtLeast(2.0)),
    ("append", "create, 64 in flight, 5 % conflicts", "itself", Goal::AtLeast(0.8)),
    ("append", "append, 64 in flight, 5 % conflicts", "itself", Goal::AtLeast(0.8)),
    ("append", "create, 256 in flight, 5 % conflicts", "itself", Goal::AtLeast(0.8)),
    ("append", "append, 256 in flight, 5 % conflicts", "itself", Goal::AtLeast(0.8)),
    ("snapshot", "create, 64 in flight, a snapshot held, last rounds", "itself", Goal::AtLeast(0.9)),
    ("snapshot", "POST, 64 connections, a snapshot held, last rounds", "itself", Goal::AtLeast(0.9)),
    ("http", "POST, known recipient", "the same route", Goal::AtLeast(4.0)),
    ("http", "POST, new recipients", "the same route", Goal::AtLeast(4.0)),
    ("http", "POST, known recipient", "itself", Goal::AtLeast(0.75)),
    ("guard", "GET /v1/health", "the same", Goal::AtLeast(0.9)),
    ("login", "authenticate/complete", "webauthn-rs", Goal::AtLeast(0.7)),
    ("visible", "commit to visible, p99", "", Goal::AtMost(15.0)),
    ("catch-up", "1 M events", "COPY", Goal::AtLeast(0.2)),
    ("catch-up", "memory at most, 1 M events", "a tenth", Goal::AtMost(1.2)),
    ("verify", "1 M events", "COPY", Goal::AtLeast(0.3)),
    ("verify", "memory at most, 1 M events", "a tenth", Goal::AtMost(1.2)),
    ("scale", "GET one, never read before, p99, 10 M consents", "", Goal::AtMost(10.0)),
    ("scale", "GET one, read before, p99, 10 M consents", "", Goal::AtMost(10.0)),
    ("scale", "first page of the list, p99, 10 M consents", "", Goal::AtMost(10.0)),
    ("scale", "create, 64 in flight, 10 M consents", "an empty log", Goal::AtLeast(0.9)),
    ("scale", "start-up, longer than with an empty log, 10 M consents", "", Goal::AtMost(1.0)),
    ("soak", "memory of the server", "its first third", Goal::AtMost(1.1)),
    ("soak", "what grew that should not", "", Goal::AtMost(0.0)),
];

/// What is asked of this very figure.
pub fn goal(section: &str, name: &str, against: &str) -> Option<Goal> {
    let found = GOALS
        .iter()
        .find(|(of, figure, next_to, _)| *of == section && *figure == name && against.starts_with(next_to));
    found.map(|(_, _, _, goal)| *goal)
}

/// A section of the page.
pub struct About {
    pub section: &'static str,
    pub heading: &'static str,
    /// What bounds which figures.
    pub bounds: &'static [(&'static str, &'static str)],
}

pub const SECTIONS: &[About] = &[
    About {
        section: "append",
        heading: "The event store, next to stock postgres-es and pgbench",
        bounds: &[
            (
                "create and append, 1 in flight",
                "Nobody shares anything: it is one commit's write to disk, the round trips (ours needs one, postgres-es a \
                 load, a begin, an insert for each event and a commit), and how soon a core that rests wakes up, for the \
                 backend and then for the caller: who comes alone waits for no other thread. Besides what an insert does, \
                 our one statement looks for the newest position and for the predecessor.",
            ),
            (
                "create and append, 64 and 256 in flight",
                "One statement at a time is under way, so it is what Postgres takes for a batch that bounds it: of its time \
                 a sixth goes to reading the rows (two thirds of that to whether they are JSON), half to the insert \
                 (indexes, the look for each predecessor, new pages), a tenth to the commit and its flush of the WAL; and \
                 with 64 in flight a batch is done so soon that how long it takes two processes to wake each other shows. \
                 An append to a consent that the store has forgotten loads it first: it remembers as many as fit into a \
                 thirty-second of the machine's memory, up to 512 MiB.",
            ),
            (
                "append, nothing remembered",
                "Each aggregate is loaded before it is decided, one query each, as postgres-es does; the pool's \
                 connections and Postgres' time for such a query bound it.",
            ),
            (
                "next to pgbench",
                "pgbench has nothing to check and no order to keep, and its backends share flushes of the WAL; ours wins by \
                 fewer statements and fewer flushes for the same rows.",
            ),
            (
                "conflicts",
                "Of those in flight on one consent one wins a batch, so the losers wait for the next one or more and are \
                 decided again: it is the wait of the few hot consents, which fill the places in flight, that slows the \
                 others.",
            ),
        ],
    },
    About {
        section: "snapshot",
        heading: "While another session holds a snapshot",
        bounds: &[(
            "create, POST",
            "Neither an append nor the move of a checkpoint updates a row, so a held snapshot keeps no dead versions in \
             their way.",
        )],
    },
    About {
        section: "http",
        heading: "POST over HTTP, 64 connections",
        bounds: &[
            (
                "POST",
                "Server, load and Postgres share the cores, and all are busy: processor time a request bounds it rather than \
                 the disk. A bit more than half is the server (HTTP, JSON, sealing, the followers' side of what follows), \
                 the rest Postgres: the append, and the read model with its four indexes. postgres-es alone has none, and \
                 with the one that it brings a primary key is all that its rows have for an index.",
            ),
            (
                "new recipients",
                "Each first sight of a person costs a transaction of its own, since a data key is durable before anything \
                 is sealed under it.",
            ),
        ],
    },
    About {
        section: "guard",
        heading: "A key and its limits, 64 connections",
        bounds: &[(
            "GET /v1/health",
            "Both wait for the same question to the database, which all who ask at the same time share. With a key there are \
             its hash, the counters, one more boxed future, and the five headers of the limits, which whoever asked reads as \
             well. In Redis each request is counted by one script in one round trip, which it waits for; the scripts of \
             all share one connection, and Redis the cores.",
        )],
    },
    About {
        section: "login",
        heading: "Logins by passkey, 256 under way",
        bounds: &[(
            "authenticate/complete",
            "webauthn-rs's verification alone does nothing but arithmetic, on every core. A login verifies with ring, which \
             takes a quarter of that; the rest of its processor time is HTTP, taking the ceremony, and two appends, one after \
             the other: the device's use, and the login. With few under way those two waits bound it.",
        )],
    },
    About {
        section: "visible",
        heading: "From acknowledged to visible, at half of the maximum rate",
        bounds: &[(
            "commit to visible",
            "Under load the follower waits for more for as long as its last batch took, 4 ms at the most, so that a batch \
             is worth its transaction; then the batch (a fold, and one statement that moves the checkpoint and writes the \
             rows) has to get its share of cores that the load keeps busy, with the other followers, which go every \
             25 ms. What was appended here is in memory and need not be read.",
        )],
    },
    About {
        section: "catch-up",
        heading: "The consents read model made again, next to COPY",
        bounds: &[(
            "events",
            "COPY only reads, on one core. This also reads in the order of the aggregates, parses and folds each \
             payload, writes each consent's row once (half of the bytes that the log has, and as many again of \
             WAL) and builds its indexes, all on the same cores, which are busy five sixths of the time. Of the \
             processor time a fifth is our process, a sixth Postgres reading, more than a quarter Postgres taking \
             rows (a fifth of that checks that a state is JSON), and a third making indexes: two fifths of that \
             sorting, a fifth compressing pages for the WAL. Rounds in which something else ran beside COPY show \
             0.2 to 0.3, the one in which COPY had the machine to itself 0.17.",
        )],
    },
    About {
        section: "verify",
        heading: "replay-tool verify, next to COPY",
        bounds: &[(
            "events",
            "It reads the log and the read models once each, which takes Postgres a third of the processor time; \
             COPY of the log alone is half of that. Of the rest, more than a quarter decodes and folds events (a \
             third of that asks for memory: states are held until nothing more is likely to come), a quarter \
             writes each state as its row has it, a sixth hashes leaves and rows, and what is left takes rows off \
             the connection and finds their aggregates. It needs both cores, COPY one: rounds in which something \
             else ran beside COPY show more than 0.3, those in which COPY had the machine to itself 0.24 to 0.27.",
        )],
    },
    About {
        section: "scale",
        heading: "Long logs",
        bounds: &[
            (
                "GET",
                "Two index descents and a heap fetch. What is in no cache costs up to three reads from disk, of which a few \
                 rounds' go side by side: then it is the disk that bounds it (\"never read before\"), and else the cores.",
            ),
            (
                "list",
                "Who asks for the same page at the same time shares its reading, opening and writing. What is left is the \
                 key, its limits, and to send twenty consents.",
            ),
            (
                "create",
                "Indexes that are one level deeper, and pages of random consents that have left the cache.",
            ),
            ("start-up", "Connecting and looking at checkpoints; nothing is read that grows with the log."),
        ],
    },
    About {
        section: "soak",
        heading: "Ten minutes under full load",
        bounds: &[(
            "lag, deliveries that wait",
            "Everything shares the same cores: what the followers and the sender of webhooks do not get, their queues \
             hold.",
        )],
    },
];
