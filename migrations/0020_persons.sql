-- What the hosted pages keep of persons beside the log.

-- A code can also prove a handle, or let somebody begin anew.
alter table one_time_codes drop constraint one_time_codes_action_check;
alter table one_time_codes add constraint one_time_codes_action_check
    check (action in ('approve', 'reject', 'withdraw', 'view', 'enroll'));

create table vault_former_subjects (
    person_id text not null,
    tenant text not null,
    user_id text not null,
    primary key (tenant, user_id)
);
create index vault_former_subjects_of_person on vault_former_subjects (person_id);
comment on table vault_former_subjects is
    'Who a person was to clients under a handle that leads to somebody else now: what is addressed so is still theirs.';
