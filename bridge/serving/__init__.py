"""`serve`, as processes: who starts whom, who ends whom, and with which exit code.

`processes` says what each of them does: the supervisor, and its children, the engine and the web
side. `supervisor` keeps children running, `lifeline` ends one whose parent is gone. What the
engine's process does stands in `bridge.app.running`, gunicorn's settings in `bridge.web.server`.
"""
