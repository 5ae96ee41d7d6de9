-- What tells since when an endpoint has been failing.

create index webhook_deliveries_not_arrived on webhook_deliveries (target, created_at)
    where status in ('pending', 'failed');
create index webhook_deliveries_arrived on webhook_deliveries (target, finished_at)
    where status = 'succeeded';
