"""Which commands does `flask` have beside its own?"""

from flask import Flask

from .demo import demo_command
from .erase import erase_command
from .gateway import gateway
from .openapi import openapi_command
from .up import up
from .users import group as users
from .worker import scheduler_command, worker_command

COMMANDS = (up, worker_command, scheduler_command, gateway, users, demo_command, erase_command, openapi_command)


def init_app(app: Flask) -> None:
    for command in COMMANDS:
        app.cli.add_command(command)
