-- Deliveries are claimed lane by lane (a tenant and one of its targets), so that the backlog of one receiver is not read
-- to get past it. A claim has an id: it can be made to last while its attempt does, and ends soon if its sender is gone.

create index webhook_deliveries_of_lane on webhook_deliveries (tenant, target, next_attempt_at, event_position)
    where status = 'pending';
drop index webhook_deliveries_due;
alter table webhook_deliveries add column claim_id uuid;

alter table link_notices add column leased_until timestamptz;

-- What is settled goes, after a while.
create index webhook_deliveries_settled on webhook_deliveries (finished_at) where finished_at is not null;
