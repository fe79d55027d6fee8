"""Specs that have passed schema and rules -> frozen data; every default is applied here, once."""

from generator.resolve.models import base_model, image_builds, model
from generator.resolve.platforms import platform
from generator.resolve.tenants import place, tenant

__all__ = ["base_model", "image_builds", "model", "place", "platform", "tenant"]
