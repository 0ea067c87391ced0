"""What runs outside a request. The row is the request; a job is only a knock on the door."""
