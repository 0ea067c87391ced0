"""Which commands does `flask` have beside its own?"""

from flask import Flask

from .alive import alive_command
from .backup import backup_command, restore_command, restored_command
from .demo import demo_command
from .doctor import doctor_command
from .erase import erase_command
from .gateway import gateway
from .openapi import openapi_command
from .story import story_command
from .up import up
from .users import group as users
from .web import web_command
from .worker import scheduler_command, worker_command

COMMANDS = (
    *(up, web_command, worker_command, scheduler_command, alive_command),
    *(gateway, users, demo_command, erase_command, openapi_command),
    *(doctor_command, story_command),
    *(backup_command, restore_command, restored_command),
)


def init_app(app: Flask) -> None:
    for command in COMMANDS:
        app.cli.add_command(command)
