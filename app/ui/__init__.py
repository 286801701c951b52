"""Windows, panes and panels: the only package that imports Qt."""
