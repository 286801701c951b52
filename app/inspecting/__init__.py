"""Looking at results: what to open, what to run, why a pixel got its colour, and what comes out on paper."""
