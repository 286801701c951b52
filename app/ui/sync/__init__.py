"""The Sync page: how the cameras expose together, what they were set to, and how well it works."""
