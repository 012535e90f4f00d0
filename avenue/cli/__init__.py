"""The command line: `python -m avenue …`. Every command has `--json`."""

import sys

import click

from avenue import __version__
from avenue.cli import (
    adopting,
    alerts,
    auditing,
    backups,
    capacity,
    checking,
    clusters,
    diagnosis,
    exporting,
    files,
    importing,
    jobs,
    links,
    people,
    picture_imports,
    probing,
    product_imports,
    serving,
    sites,
    webhooks,
)
from avenue.config import ConfigError
from avenue.errors import AvenueError


def main() -> None:
    """Run a command; an error is printed to stderr and ends with its exit code."""
    try:
        commands(prog_name="python -m avenue", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except ConfigError as error:
        click.echo(error, err=True)
        sys.exit(1)
    except AvenueError as error:
        click.echo(f"{error.message}\n{error.hint}", err=True)
        sys.exit(1)


COMMANDS = (
    serving.serve,
    serving.worker,
    serving.migrate_database,
    serving.sweep,
    serving.inspect,
    serving.renditions,
    people.users,
    people.tokens,
    sites.site,
    clusters.clusters,
    files.put,
    files.get,
    files.url,
    files.exists,
    files.rm,
    importing.import_files,
    adopting.adopt,
    exporting.export_site,
    product_imports.import_products,
    picture_imports.import_pictures,
    links.links,
    jobs.jobs,
    auditing.audit,
    webhooks.webhooks,
    alerts.alerts,
    capacity.capacity,
    diagnosis.doctor,
    diagnosis.trace,
    probing.probe,
    checking.fsck,
    backups.backup,
)


@click.group(commands=COMMANDS)
@click.version_option(__version__, prog_name="avenue")
def commands() -> None:
    """Avenue stores the pictures and files of online stores in MongoDB."""
