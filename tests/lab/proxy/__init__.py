"""Envoy configuration as Istio would write it, one static bootstrap per pod."""
