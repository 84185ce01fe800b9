{%- from "quoting.jinja" import docstring -%}
"""{{ docstring(cookiecutter.description) }}{{ "" if cookiecutter.description.endswith((".", "!", "?")) else "." }}"""
