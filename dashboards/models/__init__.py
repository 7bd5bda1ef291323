"""What pages compute from rows, free of Streamlit: graph layout, span tree, evidence, manifests."""
