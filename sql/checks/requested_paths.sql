-- purpose: What HTTP callers asked of each host: distinct methods and paths (without the query), the most frequent first
--          and at most 500 for each host.
-- kind: check
-- reads: calls, asked_for
-- grain: one host, port, method and path
-- params: since TIMESTAMPTZ, until TIMESTAMPTZ, namespaces VARCHAR[]
with asked as (
    select
        callee,
        port,
        method,
        split_part(path, '?', 1) as path,
        count(*) as calls,
        mode(coalesce(caller, 'unknown')) as caller,
        mode(caller_namespace) as caller_namespace,
        min(start_time) as first_seen,
        max(start_time) as last_seen
    from calls
    where
        protocol <> 'tcp'
        and path is not null
        and callee is not null
        and reporter in ('source', 'both')
        and asked_for(start_time, caller_namespace, callee_namespace, $since, $until, $namespaces)
    group by callee, port, method, split_part(path, '?', 1)
)

select * from asked
qualify row_number() over (partition by callee order by calls desc, path asc, method asc) <= 500
order by callee asc, calls desc, path asc, method asc
