-- What falls due when.

create table deadlines (
    aggregate_type text not null,
    aggregate_id text not null,
    due_at timestamptz not null,
    position bigint not null,
    primary key (aggregate_type, aggregate_id)
);
create index deadlines_due on deadlines (due_at);
