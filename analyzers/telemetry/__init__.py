"""What calls and configuration say together: habits of an edge that no single failing request shows."""
