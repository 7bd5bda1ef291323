-- purpose: Whether Istio's TCP byte counters were collected, so that a connection that stays open would show.
-- kind: check
-- reads: metric_samples
-- grain: one row
-- params: none
select count(*) > 0 as is_measured
from metric_samples
where metric in ('istio_tcp_sent_bytes_total', 'istio_tcp_received_bytes_total')
