"""Is a start that cannot succeed stopped with one sentence and the way out?"""

import os
import socket
import stat
from pathlib import Path

import click
import pytest

from config import Settings
from dashboard.cli.up import be_the_only_one, check_port, check_ports, check_redis, make_folders
from tests.support.installation import Installation, free_port
from tests.support.settings import make_settings


@pytest.mark.parametrize("name", ["PORT", "SIMULATOR_PORT"])
def test_a_taken_port_is_named_with_its_holder_and_the_way_out(name: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = "SIMULATOR_PORT" if name == "PORT" else "PORT"
        settings = make_settings(tmp_path, **{name: str(port), other: str(free_port())})

        with pytest.raises(click.ClickException) as error:
            check_ports(settings)

    assert f"Port {port} is taken by process {os.getpid()}" in error.value.message
    assert f"{name}={port + 10 if port < 65000 else 8000} make run" in error.value.message


def test_free_ports_are_no_obstacle(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, PORT=str(free_port()), SIMULATOR_PORT=str(free_port()))

    check_ports(settings)


def test_a_foreign_address_is_named() -> None:
    with pytest.raises(click.ClickException, match=r"^HOST 203\.0\.113\.1 is no address of this machine"):
        check_port("PORT", "203.0.113.1", free_port())


def test_a_second_start_in_the_same_data_folder_is_refused(tmp_path: Path) -> None:
    lock = be_the_only_one(tmp_path)

    with pytest.raises(click.ClickException, match=rf"already runs in .* \(process {os.getpid()}\)"):
        be_the_only_one(tmp_path)

    os.close(lock)
    os.close(be_the_only_one(tmp_path))


def test_the_folder_for_sockets_is_private(settings: Settings) -> None:
    make_folders(settings)
    make_folders(settings)

    assert stat.S_IMODE(settings.run_dir.stat().st_mode) == 0o700


def test_a_folder_for_sockets_that_somebody_else_prepared_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    settings.run_dir.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(click.ClickException, match="belongs to somebody else"):
        make_folders(settings)


def test_a_redis_that_does_not_answer_is_named_without_its_password(tmp_path: Path) -> None:
    settings = make_settings(tmp_path, REDIS_URL=f"redis://:horse-battery@127.0.0.1:{free_port()}/0")

    with pytest.raises(click.ClickException) as error:
        check_redis(settings)

    assert error.value.message.startswith("REDIS_URL: no Redis answers there")
    assert "horse-battery" not in error.value.message


def test_wrong_settings_end_the_start_with_their_names_only(tmp_path: Path) -> None:
    installation = Installation(tmp_path, SENDERS="many", LANGUAGE="de")

    with pytest.raises(AssertionError, match="it ended with 1"):
        installation.start()

    assert [line.split(":")[0] for line in installation.printed.splitlines()[1:]] == ["SENDERS", "LANGUAGE"]


def test_everything_starts_says_how_to_begin_and_stops_without_orphans(tmp_path: Path) -> None:
    with Installation(tmp_path) as installation:
        senders = installation.processes("worker", "sending")
        programs = installation.processes()
        printed = installation.printed

    assert len(senders) == 2
    assert len(programs) == 8  # redis, simulator, web, scheduler, background, webhooks, two senders
    assert not [program for program in programs if program.is_running()]
    assert installation.url in printed
    assert installation.setup_link.startswith(f"{installation.url}/setup/")
    assert "ended" not in installation.printed
    assert "Traceback" not in installation.printed
