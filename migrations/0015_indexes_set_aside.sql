-- Indexes of read models that are being loaded: dropped for that long, and made again from here once their table is
-- full. The migrations that made them stay the one place that says what they are.

create table indexes_set_aside (
    name text not null primary key,
    table_name text not null,
    definition text not null
);
