"""Programs that maintainers of the template run, through nox."""
