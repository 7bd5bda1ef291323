"""Analyzers that explain failures and find configuration faults."""
