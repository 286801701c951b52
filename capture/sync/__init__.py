"""Recipes that make two cameras expose together, over the nodes that their descriptions name (SFNC)."""
