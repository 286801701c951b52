"""The version of the app, as datasets note it."""

APP_VERSION = "0.1.0"
