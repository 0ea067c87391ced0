"""What comes in and goes out as JSON? A schema for each thing, with an example of each field."""
