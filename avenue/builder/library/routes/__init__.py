"""The media library as JSON, under `/api/builder`."""

from avenue.builder.library.folders import routes as folders
from avenue.builder.library.routes import bulk, media, reports

BLUEPRINTS = (media.blueprint, bulk.blueprint, folders.blueprint, reports.blueprint)
