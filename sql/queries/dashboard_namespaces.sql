-- purpose: Namespaces to choose from: those with pods, services or stated reporters.
-- kind: query
-- reads: pods, services, log_sources
-- grain: one namespace
-- params: row_limit BIGINT
select namespace from pods
union
select namespace from services
where namespace is not null
union
select namespace from log_sources
where namespace is not null
order by namespace asc
limit $row_limit
