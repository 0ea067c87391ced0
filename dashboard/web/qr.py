"""What does an authenticator's camera read? A QR code, drawn within the page: no script, no other server."""

import segno
from markupsafe import Markup


def picture(text: str) -> Markup:
    """SVG, dark on light in either theme, as cameras expect; as wide as its box."""
    drawing = segno.make_qr(text, error="m")
    # Attributes only: the Content-Security-Policy allows no inline style.
    svg = drawing.svg_inline(omitsize=True, border=4, dark="#000", light="#fff", svgclass="qr", lineclass=None)
    return Markup(svg)  # drawn by us, the text is in its squares only  # nosec B704
