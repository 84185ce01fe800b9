"""Run the command line as ``python -m {{ cookiecutter.package_name }}``."""

from {{ cookiecutter.package_name }}.console import main

if __name__ == "__main__":
    main(prog_name="python -m {{ cookiecutter.package_name }}")
