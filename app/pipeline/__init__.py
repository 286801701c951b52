"""Threads, slots and queues that wire capture to models. No Qt in here."""
