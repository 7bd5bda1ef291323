-- purpose: The newest version of every object that sets the format of an access log: MeshConfig in a ConfigMap or an
--          IstioOperator, EnvoyFilter.
-- kind: query
-- reads: mesh_objects
-- grain: one object
-- params: none
select object_json
from mesh_objects
where
    kind in ('ConfigMap', 'IstioOperator', 'EnvoyFilter')
    and (
        contains(object_json, 'accessLogFormat')
        or contains(object_json, 'logFormat')
        or contains(object_json, 'log_format')
    )
qualify row_number() over (partition by kind, namespace, name order by observed_at desc, event asc) = 1
    and event <> 'DELETED'
