"""What would somebody type who wants a page to run it?

Each would call `alert` or ask for /struck, were it ever taken for more than text.
"""

SCRIPTS = (
    "<script>alert(1)</script>",
    "<ScRiPt src=/struck></sCrIpT>",
    "<script\x0c>alert(1)</script\x0c>",
    "<svg/onload=alert(1)>",
    "<svg><script xlink:href=/struck></script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<img src=/struck onerror=alert(1)>",
    '<img src="/struck" onload="alert(1)" x="',
    "<body onpageshow=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<iframe srcdoc='<script>parent.alert(1)</script>'></iframe>",
    "<object data=/struck></object><embed src=/struck>",
    "<link rel=stylesheet href=/struck><style>@import '/struck';</style>",
    '<base href="//evil.example/"><meta http-equiv=refresh content="0;url=/struck">',
    '" onmouseover=alert(1) autofocus onfocus=alert(1) x="',
    "' onmouseover=alert(1) autofocus onfocus=alert(1) x='",
    '"><img src=/struck onerror=alert(1)>',
    "'><img src=/struck onerror=alert(1)>",
    "--><img src=/struck onerror=alert(1)><!--",
    "</textarea><img src=/struck onerror=alert(1)>",
    "</title></option></select></style></script><img src=/struck onerror=alert(1)>",
    "]]><script>alert(1)</script>",
    'javascript:alert(1)//"><a href="javascript:alert(1)" id=struck>',
    "{{7777*7777}}{{constructor.constructor('alert(1)')()}}<b data-x=\"${alert(1)}\">",
    '{"x":"</script><script>alert(1)</script>"}',
    '\\"};alert(1);//</script><b hx-on:load="alert(1)" hx-get="/struck" hx-trigger="load">',
    '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=/struck onerror=alert(1)&gt;">',
    '<noscript><p title="</noscript><img src=/struck onerror=alert(1)>"></noscript>',
    "\u202e\ufeff\u2028<\u200bimg src=/struck><img\u2028src=/struck onerror\u2029=alert(1)>\uff1cscript\uff1e",
)
# What the braces above come to where something reckons them.
RECKONED = str(7777 * 7777)


def elsewhere() -> list[str]:
    """Two hundred addresses that lead away, or look as if they stayed, for hosts that are not `localhost`."""
    hosts = ("evil.example", "localhost.evil.example", "localhost@evil.example", "evil.example:80#@localhost")
    return [shape.format(host) for host in hosts for shape in _WAYS_OUT] + list(_OTHER_WAYS_OUT)


_WAYS_OUT = (
    *("//{}", "///{}", "////{}", "/////{}/", "//{}/..", "//{}/%2f..", "///{}/%2e%2e", "//{}/localhost"),
    *("/\\{}", "\\\\{}", "\\/{}", "/\\/{}", "\\{}", "//\\{}", "/\\\\{}", "\\/\\/{}", "/\\\t/{}"),
    *(
        "http://{}",
        "https://{}/",
        "HTTPS://{}",
        "http:{}",
        "https:/{}",
        "https:\\\\{}",
        "http:\\{}",
        "https:///{}",
    ),
    *(
        "ftp://{}",
        "ws://{}",
        "//{}?localhost",
        "//{}#localhost",
        "http://localhost:80@{}",
        "http://localhost\\@{}",
    ),
    *("/\t/{}", "/\n/{}", "/\r/{}", "\t//{}", "\n//{}", " //{}", "\x00//{}", "/\x0b/{}", "\x1f//{}", "/\x00/{}"),
    *("https:\t//{}", "ht\ntps://{}", "/ok\r\nLocation: //{}", "/ok\n\n<script>//{}", "\u00a0//{}", "\ufeff//{}"),
    *("http://localhost//{}", "http://localhost/\\{}"),
)
_OTHER_WAYS_OUT = (
    *("javascript:alert(1)", "JaVaScRiPt:alert(1)", "java\nscript:alert(1)", "javascript://localhost/%0aalert(1)"),
    *("data:text/html,<script>alert(1)</script>", "vbscript:x", "file:///etc/passwd", "blob:http://localhost/x"),
    *("http://[::1", "http://", "://evil.example", ":evil.example", "evil.example", "/" + "a" * 3000, "?next=//x"),
)
