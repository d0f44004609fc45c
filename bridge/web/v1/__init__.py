"""The API below /v1: every call is declared once, among `endpoints`.

The declaration routes a call, checks what it is asked with, and describes it: /v1/openapi.json
and docs/api.md are made of it.
"""
