"""The compiled core of the parsers: scanning bytes outside Python's lock."""
