"""What does an authenticator's camera read? A QR code, within the page: no script, no style, no other server."""

import segno


def picture(text: str) -> str:
    """A data: address of an SVG for an img, dark on light in either theme, as cameras expect."""
    return segno.make_qr(text, error="m").svg_data_uri(omitsize=True, border=4, dark="#000", light="#fff")
