"""What may be typed into a page? Rules are the domain's; forms only read, and keep what was typed."""
