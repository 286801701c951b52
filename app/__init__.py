"""The desktop app and the headless commands: the only place where capture and models meet."""
