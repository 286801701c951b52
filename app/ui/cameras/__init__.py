"""What can be set on the two cameras: the panel beside the pictures, and the page with all of it."""
