"""What do programs send, and what do they get? A module for each kind of thing."""
