"""The one place where everything meets."""

import logging
import threading
from datetime import timedelta

from flask import Flask, g, request

from avenue.accounts import pages as account_pages
from avenue.accounts import routes as account_routes
from avenue.accounts.service import AccountService
from avenue.accounts.store import AccountStore
from avenue.config import Settings
from avenue.jobs.runner import JobRunner
from avenue.jobs.service import JobService, RunningJob
from avenue.jobs.store import JobStore
from avenue.media import routes as media_routes
from avenue.media.cache import AssetCache, ByteCache
from avenue.media.decoding import DecodePool, processes_for
from avenue.media.library import MediaLibrary
from avenue.media.policy import image_limits, product_pictures
from avenue.media.reading import MediaReader
from avenue.media.store import AssetStore, SweptStore
from avenue.media.sweeper import Sweeper
from avenue.shop import routes as shop_routes
from avenue.shop.service import ShopService
from avenue.shop.store import ProductStore
from avenue.storage.connection import Database
from avenue.storage.rate_limits import RateLimits
from avenue.storage.room import StorageRoom
from avenue.storage.schema import Gate, shortcomings
from avenue.storage.scope import BUCKETS
from avenue.storage.sites import Sites
from avenue.web import auth, cors, headers, health, hosts, limits, problems, requestlog
from avenue.web.services import provide, using

MB = 1024 * 1024
SWEEP = "sweep"
log = logging.getLogger(__name__)
