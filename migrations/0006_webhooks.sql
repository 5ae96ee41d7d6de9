-- Endpoints as their clients read them, endpoints as the reactor sees them at its own position, and the deliveries.

create table webhook_endpoints (
    id text not null primary key,
    tenant text not null,
    status text not null,
    created_at timestamptz not null,
    sequence bigint not null,
    position bigint not null,
    state json not null
);
create index webhook_endpoints_newest on webhook_endpoints (tenant, created_at desc, id desc);

create table webhook_subscriptions (
    endpoint_id text not null primary key,
    tenant text not null,
    event_types text[] not null
);
create index webhook_subscriptions_of_tenant on webhook_subscriptions (tenant);
comment on table webhook_subscriptions is 'Active endpoints as of the reactor''s checkpoint: who is subscribed at an event''s position.';

create table webhook_deliveries (
    id text not null primary key,
    tenant text not null,
    -- an endpoint's id, or 'callback' for the consent's own callbackUrl
    target text not null,
    event_position bigint not null,
    event_id uuid not null,
    event_type text not null,
    aggregate_type text not null,
    aggregate_id text not null,
    sequence bigint not null,
    status text not null default 'pending' check (status in ('pending', 'succeeded', 'failed', 'cancelled')),
    attempts integer not null default 0,
    -- minus infinity: at once
    next_attempt_at timestamptz not null default '-infinity',
    leased_until timestamptz,
    last_status_code integer,
    last_error text,
    created_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    constraint once_per_event_and_target unique (event_position, target)
);
create index webhook_deliveries_due on webhook_deliveries (next_attempt_at, event_position) where status = 'pending';
