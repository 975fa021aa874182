"""The HTTPS interface of the specification: call, query, read_state and status as functions of requests."""
