"""What log shippers and container runtimes put around each line, taken off: bytes in, inner lines and identity out."""
