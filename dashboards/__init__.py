"""Streamlit pages over the lake and the analyzers."""
