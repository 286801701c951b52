"""The Rig page: cameras found, which of them is which, and the rig file made of that."""
