"""HTTP: the operator's API, series, materials, crisis lines, health and the page.

`app.py` has the routes, `middleware.py` wraps all of them. `request_log.py` writes a line for each
request. `forms.py` and `bodies.py` read request bodies.
"""
