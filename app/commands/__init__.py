"""One module per subcommand of main.py; each adds its arguments and runs without Qt."""
