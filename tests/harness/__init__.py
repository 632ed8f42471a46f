"""What the wire and the end-to-end suites share: the real processes and a strict reading of HTTP/1."""
