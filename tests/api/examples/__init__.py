"""What do five other APIs show in their descriptions, and what has Vestnik to answer?"""

from tests.api.examples.mailer import MAILER
from tests.api.examples.mailingapi import MAILINGAPI
from tests.api.examples.mailserv import MAILSERV
from tests.api.examples.messaging import MESSAGING
from tests.api.examples.notifications import NOTIFICATIONS

EXAMPLES = (*MAILSERV, *NOTIFICATIONS, *MAILER, *MESSAGING, *MAILINGAPI)
