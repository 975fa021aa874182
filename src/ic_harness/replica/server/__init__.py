"""The replica over HTTP: ASGI application, connections, admin routes, and which part answers a request."""
