"""The HTTP side: the operator's API, series, materials, crisis lines, health and the page.

`app.py` has the routes; `forms.py` and `bodies.py` read the bodies of requests.
"""
