"""Faces of Prewatt: the operators' console; later the tenants' portal and the API."""
