"""Every decision of the product. Nothing here knows a request, a form, a queue or a page."""
