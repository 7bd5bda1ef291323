"""Parts that pages share: formats, tables that open things, the service graph, the trace waterfall."""
