"""The environment variables of this package, for the command line of `opentelemetry-instrument`.

That command loads this module before it starts the program, and nothing else imports it. Where other distributions are installed too,
the stock loader takes whichever it meets first; so importing this module makes the choice, unless the user has made it.
"""

import os
from dataclasses import fields

# As a module: the command makes an option of every OTEL_ name that it finds in here, and each of them once.
from opentelemetry.instrumentation import environment_variables as stock

from otel_graphql_auto import project, settings

globals().update({name: name for key in fields(settings.Settings) for name in [settings.ENVIRONMENT_PREFIX + key.name]})

if stock.OTEL_PYTHON_DISTRO not in os.environ and stock.OTEL_PYTHON_CONFIGURATOR not in os.environ:
    os.environ[stock.OTEL_PYTHON_DISTRO] = os.environ[stock.OTEL_PYTHON_CONFIGURATOR] = "graphql_auto"
    os.environ[project.CHOSEN] = "1"
