-- purpose: Pods with a proxy of which no access-log line was read, and log sources of which nobody knows the pod.
-- kind: query
-- reads: pods, log_sources
-- grain: one pod or source
-- params: none
select
    'pod' as what,
    pods.namespace || '/' || pods.pod as name
from pods
left join log_sources on pods.namespace = log_sources.namespace and pods.pod = log_sources.pod
where pods.has_proxy and log_sources.source is null and pods.valid_to is null
union all
select
    'source' as what,
    source as name
from log_sources
where pod is null
order by what asc, name asc
