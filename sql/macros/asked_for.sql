-- purpose: Whether a call is one that was asked about: it started in the period, and its caller or callee is in one of
--          the namespaces. Null bounds are open; no namespaces are all.
-- kind: macro
-- reads: none
-- grain: one value
-- params: none
create or replace temp macro asked_for(start_time, caller_namespace, callee_namespace, since, until, namespaces) as
    (since is null or start_time >= since)
    and (until is null or start_time < until)
    and (
        len(namespaces) = 0
        or coalesce(list_contains(namespaces, caller_namespace), false)
        or coalesce(list_contains(namespaces, callee_namespace), false)
    )
